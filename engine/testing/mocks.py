"""What nodes give in a test, instead of doing what they do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from engine.errors import NodeError
from engine.nodes.base import BaseNode, Completed, NodeResult
from engine.nodes.context import NodeContext
from engine.nodes.registry import NodeExecutorFactory
from engine.workflow.definition import NodeDefinition

_WAITING = frozenset({"sub_workflow"})


class MockError(BaseModel):
    """A failure."""

    model_config = ConfigDict(extra="forbid")

    code: str = "node_failed"
    message: str = "it failed"
    details: JsonValue = None
    retryable: bool = False


class Mock(BaseModel):
    """What a node gives: an output and its port, or an error; or one after the other, of which the last one stays."""

    model_config = ConfigDict(extra="forbid")

    output: JsonValue = None
    port: str = "main"
    error: MockError | None = None
    then: list[Mock] = Field(default_factory=list, description="What it gives the next times.")

    @model_validator(mode="after")
    def _one(self) -> Mock:
        if self.error is not None and "output" in self.model_fields_set:
            raise ValueError("give `output` or `error`")
        return self

    def at(self, call: int) -> Mock:
        """What it gives at its n-th call, counted from 1."""
        given = [self, *self.then]
        return given[min(call, len(given)) - 1]


class MockedFactory(NodeExecutorFactory):
    """Makes nodes that give what they are told. Nodes that reach outside and are told nothing fail, and say so.

    `seen` has the configs with which each node was attempted, templates evaluated, where its type's model accepts them;
    `not_mocked` has the nodes that were told nothing, with what is to be said.
    """

    def __init__(self, mocks: Mapping[str, Mock], allowed: Sequence[str] = ()) -> None:
        super().__init__()
        self.mocks = mocks
        self.seen: dict[str, list[Any]] = {}
        self.not_mocked: dict[str, str] = {}
        self._calls: Counter[str] = Counter()
        self._allowed = allowed

    def create(self, node: NodeDefinition) -> BaseNode:
        """See NodeExecutorFactory."""
        real = super().create(node)
        reaches_outside = self.reaches_outside(node.type) and node.type not in self._allowed
        if node.id not in self.mocks and not reaches_outside:
            return real
        return _MockNode(self, node, real)

    def reaches_outside(self, name: str) -> bool:
        """Whether a type has an effect that cannot be had in memory."""
        node_class = self.node_class(name)
        is_loop_or_wait = node_class.has_body or node_class.has_callback or name in ("approval", "delay")
        return name in _WAITING or (node_class.has_effect() and not is_loop_or_wait)

    def given(self, node: NodeDefinition, config: Any) -> Completed:
        """What a node gives this time.

        Raises:
            NodeError: it is to fail; code `not_mocked`: nobody has said what it gives.
        """
        self.seen.setdefault(node.id, []).append(config)
        self._calls[node.id] += 1
        if node.id not in self.mocks:
            message = f"`{node.id}` ({node.type}) reaches outside: say what it gives, under `nodes.{node.id}`"
            self.not_mocked[node.id] = message
            raise NodeError(message, code="not_mocked")
        mock = self.mocks[node.id].at(self._calls[node.id])
        if mock.error is not None:
            raise NodeError(
                mock.error.message,
                code=mock.error.code,
                details=mock.error.details,
                retryable=mock.error.retryable,
            )
        return Completed(mock.output, mock.port)


class _MockNode(BaseNode):
    """Stands in for a node: its config is evaluated and checked as ever, and then it gives what it is told."""

    def __init__(self, factory: MockedFactory, node: NodeDefinition, real: BaseNode) -> None:
        super().__init__(node.config)
        self._factory, self._node, self._real = factory, node, real

    async def execute(self, context: NodeContext) -> NodeResult:
        """Give it."""
        config = context.config(type(self._real).Config, self.raw_config)
        shown = config.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return self._factory.given(self._node, shown)
