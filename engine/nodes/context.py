"""What a running node can see and use: the execution's data, its rendered config, its log, its services."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, Field

from engine.clock import Clock
from engine.errors import NodeError, PlatformUnavailable, Unavailable
from engine.history.model import LogLine
from engine.security.redaction import Redactor
from engine.workflow.expressions.config_values import Misfit, fitted
from engine.workflow.expressions.scope import Scope
from engine.workflow.expressions.templates import Notes, render
from engine.workflow.expressions.url_templates import render_url

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from engine.aws.assumed_role import Role
    from engine.aws.node_role import NodeAws
    from engine.history.usage import Bill
    from engine.integrations.base import BaseIntegration
    from engine.storage.data_tables import DataTables
    from engine.storage.files import WorkspaceFiles

Config = TypeVar("Config", bound=BaseModel)


def _no_template(name: str) -> str:
    if "{{" in name:
        raise ValueError("an integration is named as it is, not by a template: so it can be told who uses it")
    return name


IntegrationName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="An integration of the workspace, by name or id; not a template.",
        json_schema_extra={"x-mainspring": {"widget": "integration"}},
    ),
    AfterValidator(_no_template),
]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model has asked for. The same `key` of the same execution is the same run."""

    execution_id: str
    workflow_id: str
    input: Any
    key: str


@dataclass(frozen=True)
class NodeServices:
    """What nodes reach the outside with, given to the engine by whoever runs it.

    `integrations` opens one of a workspace: it is told the workspace, the name or id, who may know its secrets, and
    the attempt's idempotency key.
    `http` gives the client whose every connection passes the egress guard, or one that trusts a CA of somebody's own
    besides; `api_url` is where this platform's own API answers, `execution.api_url` to expressions. `notify` tells the
    supervisor that an execution has something to start (the waits with these keys) or has ended with something left to
    do; it may get lost, for the recovery finds what is left. `files` gives the files of a workspace, `tables` are the
    data tables, `aws` calls AWS, `sandbox` runs somebody's code, `tool` runs another workflow to its end. `spend`
    puts something on the execution's bill.
    """

    http: Callable[..., Awaitable[AsyncClient]] | None = None
    api_url: str = ""
    notify: Callable[[str, Sequence[str]], Awaitable[None]] | None = None
    integrations: Callable[[str, str, Redactor, str], Awaitable[tuple[str, BaseIntegration]]] | None = None
    files: Callable[[str], WorkspaceFiles] | None = None
    tables: DataTables | None = None
    aws: NodeAws | None = None
    sandbox: Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]] | None = None
    tool: Callable[[ToolCall], Awaitable[Any]] | None = None
    spend: Callable[[Bill], None] = lambda _: None


@dataclass
class NodeContext:
    """One attempt of one node. `came_from` has the nodes whose edges to it have fired, in that order."""

    execution_id: str
    workspace_id: str
    path: str
    attempt: int
    scope: Scope
    services: NodeServices
    clock: Clock
    came_from: Sequence[str] = ()
    redactor: Redactor = field(default_factory=Redactor)
    lines: list[LogLine] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        """The time at which this attempt started. What depends on it cannot be recomputed, so it is recorded."""
        self.scope.nondeterministic = True
        return self.scope.now

    @property
    def idempotency_key(self) -> str:
        """The same on every attempt, so that a receiver can make an effect exactly once."""
        return f"{self.execution_id}/{self.path}"

    def evaluate(self, template: Any, where: str) -> Any:
        """Any JSON with its templates evaluated; `where` names the field in errors.

        Raises:
            ExpressionError: a template cannot be evaluated.
        """
        return render(template, self.scope, where)

    def config(self, model: type[Config], raw: dict[str, Any]) -> Config:
        """The node's config, templates evaluated and then validated.

        Raises:
            ExpressionError: a template cannot be evaluated.
            NodeError: the values do not fit the model; code `config`.
        """
        notes = Notes()
        templated = without_literals(model, raw)
        urls = {name: one for name in getattr(model, "urls", ()) if isinstance(one := templated.get(name), str)}
        rest = {name: one for name, one in templated.items() if name not in urls}
        rendered = render(rest, self.scope, "config", notes)
        rendered |= {name: render_url(one, self.scope, f"config.{name}") for name, one in urls.items()}
        try:
            return fitted(model, {**raw, **rendered}, notes)
        except Misfit as misfit:
            raise NodeError(str(misfit), code="config", details={"problems": misfit.problems}) from None

    async def integration(self, named: str, types: Sequence[str] = ("*",)) -> BaseIntegration:
        """An integration of the workspace, open for this attempt; its secrets are kept out of all that comes of it.

        Raises:
            NodeError: there is none of that name or id, or it is of another type than the node works with.
        """
        if self.services.integrations is None:
            raise NodeError("this engine runs without integrations", code="config")
        try:
            kind, opened = await self.services.integrations(
                self.workspace_id, named, self.redactor, self.idempotency_key
            )
        except Unavailable as error:
            raise PlatformUnavailable(error.message) from error
        if "*" not in types and kind not in types:
            wanted = " or ".join(f"`{one}`" for one in types)
            raise NodeError(f"config.integration: {named!r} is of type `{kind}`, not {wanted}", code="config")
        return opened

    async def aws(
        self, service: str, operation: str, params: Mapping[str, Any], role: Role | None = None
    ) -> dict[str, Any]:
        """Call AWS as what the deployer has named, or as somebody's role.

        Raises:
            NodeError: `not_granted`, `connection_failed`, or AWS's own code as `aws_…`.
        """
        if self.services.aws is None:
            raise NodeError("this engine runs without access to AWS", code="config")
        return await self.services.aws.call(self.workspace_id, role, service, operation, params)

    @property
    def files(self) -> WorkspaceFiles:
        """The workspace's files.

        Raises:
            NodeError: this engine has none.
        """
        if self.services.files is None:
            raise NodeError("this engine runs without files", code="config")
        return self.services.files(self.workspace_id)

    def log(self, message: str, *, level: str = "info", **metadata: Any) -> None:
        """Write a line to the execution's log. Never put a secret into it."""
        self.lines.append(LogLine(self.clock.now(), level, message, self.path, metadata or None))


def without_literals(model: type[BaseModel], config: dict[str, Any]) -> dict[str, Any]:
    """A config without the fields that its model takes as they are written."""
    literal: frozenset[str] = getattr(model, "literal", frozenset())
    return {name: value for name, value in config.items() if name not in literal}
