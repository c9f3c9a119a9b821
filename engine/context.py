"""What a running node can see and use: the execution's data, its rendered config, its log, its services."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from engine.clock import Clock
from engine.errors import NodeError
from engine.execution import LogLine
from engine.expressions import Scope, render
from engine.sentences import sentence

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from engine.execution import Execution
    from engine.journal import Outcome

Config = TypeVar("Config", bound=BaseModel)


class ExecutionContext:
    """The data of one execution, by the names that expressions know: trigger, nodes, vars, execution."""

    def __init__(self, execution: Execution, variables: dict[str, Any], api_url: str = "") -> None:
        self.nodes: dict[str, Any] = {}
        self.data = {
            "trigger": execution.trigger,
            "nodes": self.nodes,
            "vars": variables,
            "execution": {**execution.facts, "api_url": api_url},
        }

    def settle(self, outcome: Outcome) -> None:
        """Make an outcome visible as `nodes.<id>`; a failed node shows `nodes.<id>.error`."""
        self.nodes[outcome.path] = {"error": outcome.error} if outcome.status == "failed" else outcome.output

    def scope(self, now: datetime) -> Scope:
        """What one evaluation at `now` sees."""
        return Scope(self.data, now)


@dataclass(frozen=True)
class NodeServices:
    """What nodes reach the outside with, given to the engine by whoever runs it.

    `http` gives the client whose every connection passes the egress guard; `api_url` is where this platform's
    own API answers, `execution.api_url` to expressions.
    """

    http: Callable[[], Awaitable[AsyncClient]] | None = None
    api_url: str = ""


@dataclass
class NodeContext:
    """One attempt of one node."""

    execution_id: str
    path: str
    attempt: int
    scope: Scope
    services: NodeServices
    clock: Clock
    lines: list[LogLine] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        """The time at which this attempt started. What is made of it cannot be recomputed, so it is journalled."""
        self.scope.volatile = True
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
        rendered = self.evaluate(raw, "config")
        try:
            return model.model_validate(rendered)
        except ValidationError as error:
            found = error.errors(include_url=False)[:20]
            problems = [
                {"field": ".".join(["config", *map(str, one["loc"])]), "message": sentence(one)} for one in found
            ]
            first = problems[0]
            raise NodeError(
                f"{first['field']}: {first['message']}", code="config", details={"problems": problems}
            ) from None

    def log(self, message: str, *, level: str = "info", **metadata: Any) -> None:
        """Write a line to the execution's log. Never put a secret into it."""
        self.lines.append(LogLine(self.clock.now(), level, message, self.path, metadata or None))
