"""One attempt of one node, in memory."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from engine.errors import NodeError
from engine.history.model import LogLine
from engine.integrations.base import BaseIntegration
from engine.json_value import check_output
from engine.limits import MAX_JSON_DEPTH, MAX_OUTPUT_BYTES
from engine.nodes.base import BaseNode, Completed, NodeResult
from engine.nodes.context import NodeContext, NodeServices
from engine.nodes.registry import NodeExecutorFactory
from engine.security.redaction import Redactor
from engine.testing.clock import START, VirtualClock
from engine.testing.files import MemoryFiles
from engine.workflow.expressions.scope import Scope

EXECUTION_ID = "01920000-0000-7000-8000-000000000001"
WORKSPACE_ID = "workspace-1"


@dataclass(frozen=True)
class NodeRun:
    """What an attempt gave: its result, or its failure; its log; and the files as they are then."""

    result: NodeResult | None
    error: NodeError | None
    lines: Sequence[LogLine]
    files: MemoryFiles

    @property
    def output(self) -> Any:
        """The output of a node that is done.

        Raises:
            NodeError: it failed.
            TypeError: it waits for something.
        """
        return self._completed().output

    @property
    def port(self) -> str:
        """By which port a node that is done goes on. Raises as `output`."""
        return self._completed().port

    def _completed(self) -> Completed:
        if self.error is not None:
            raise self.error
        if not isinstance(self.result, Completed):
            raise TypeError(f"the node is not done, but gave {self.result!r}")
        return self.result


def run_node(  # noqa: PLR0913 - what a node may see
    node: str | type[BaseNode],
    config: Mapping[str, Any],
    *,
    trigger: Any = None,
    nodes: Mapping[str, Any] | None = None,
    variables: Mapping[str, Any] | None = None,
    files: MemoryFiles | Mapping[str, bytes | str] | None = None,
    integrations: Mapping[str, tuple[str, BaseIntegration]] | None = None,
    services: NodeServices | None = None,
    at: datetime = START,
    attempt: int = 1,
    run: Callable[[Coroutine[Any, Any, NodeResult]], NodeResult] | None = None,
) -> NodeRun:
    """Attempt a node once.

    Args:
        node: its type, by name or as a class.
        config: its config, with templates.
        trigger: what `trigger.body` is.
        nodes: outputs of others, by id.
        variables: what `vars` is.
        files: those of the workspace, by name.
        integrations: type and integration, by the name that the config says.
        services: whatever else the node reaches the outside with.
        at: the time; it stands still, unless the node sleeps.
        attempt: which attempt it is.
        run: runs the attempt; default: in a time that jumps, which is not for connections to others.
    """
    node_class = NodeExecutorFactory().node_class(node) if isinstance(node, str) else node
    kept = files if isinstance(files, MemoryFiles) else MemoryFiles(files)
    clock = VirtualClock(at)
    redactor = Redactor()

    async def opened(_workspace: str, named: str, known: Redactor, _key: str) -> tuple[str, BaseIntegration]:
        if named not in (integrations or {}):
            raise NodeError(f"the workspace has no integration {named!r}", code="no_integration")
        kind, integration = (integrations or {})[named]
        for secret in integration.secrets():
            known.add(secret)
        return kind, integration

    given = services or NodeServices()
    given = replace(given, files=lambda _: kept, integrations=given.integrations or opened)
    data = {"trigger": {"body": trigger}, "nodes": dict(nodes or {}), "vars": dict(variables or {}), "execution": {}}
    context = NodeContext(
        EXECUTION_ID, WORKSPACE_ID, "node", attempt, Scope(data, at), given, clock, redactor=redactor
    )  # fmt: skip
    result: NodeResult | None = None
    failure: NodeError | None = None
    try:
        result = (run or clock.run)(node_class(dict(config)).execute(context))
        if isinstance(result, Completed):
            check_output(result.output, MAX_OUTPUT_BYTES, MAX_JSON_DEPTH)
            result = replace(result, output=redactor.scrub(result.output))
    except NodeError as error:
        failure = error
        failure.message, failure.details = redactor.scrub(error.message), redactor.scrub(error.details)
    return NodeRun(result, failure, context.lines, kept)
