"""The contract of a node type: a config model, its ports, whether it has outside effects, and `execute`.

    class Shout(BaseNode):
        '''Says something loudly.'''

        class Config(NodeConfig):
            text: str

        async def execute(self, context: NodeContext) -> NodeResult:
            config = context.config(self.Config, self.raw_config)
            return Completed(config.text.upper())

factory.register_node_type("shout", Shout)

A node type without outside effects must be deterministic: the engine may run it again instead of recording its outcome.
Time comes from `context.now`, randomness from expressions; both cause the outcome to be recorded.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from engine import limits
from engine.nodes.context import NodeContext, without_literals
from engine.type_catalogue import Effect
from engine.validation_messages import sentence
from engine.workflow.expressions.templates import templates

if TYPE_CHECKING:
    from engine.history.events import Signal, WaitKind


class NodeConfig(BaseModel):
    """Base of every node type's config: unknown keys are refused, times and numbers may come as text."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    literal: ClassVar[frozenset[str]] = frozenset({"integration"})
    """Fields whose text is taken as it is written: program text, into which data must never be put, and names."""
    urls: ClassVar[frozenset[str]] = frozenset()
    """Fields that are URLs: what templates put into them stays in its place there, see `expressions/url_templates`."""
    lists_only: ClassVar[frozenset[str]] = frozenset()
    """Fields for which a text or number is not a list of one, unless a search has found it."""


@dataclass(frozen=True, slots=True)
class Completed:
    """The node is done: `output` is any JSON, and the edges that leave by `port` fire."""

    output: Any = None
    port: str = "main"


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """The node is done once `due_at` has come, with this output, by this port."""

    due_at: datetime
    output: Any = None
    port: str = "main"


@dataclass(frozen=True, slots=True)
class WaitForSignal:
    """The node is done when somebody has answered, or at the deadline; `answered` then says how.

    `kind` is what the API and the supervisor know the wait by; `output` is what they need for it.
    """

    kind: WaitKind
    deadline: datetime | None = None
    output: Any = None


@dataclass(frozen=True, slots=True)
class ForEach:
    """The node's body runs once for each item, up to `concurrency` at the same time."""

    items: Sequence[Any]
    concurrency: int
    collect: bool
    """Whether an item that fails becomes `{"error": …}` in the result instead of failing the loop."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """Whether the node's body runs once more, and after how many iterations that is an error."""

    goes_on: bool
    max_iterations: int


NodeResult = Completed | WaitUntil | WaitForSignal | ForEach | Repeat


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """What a node type refuses in a config: a path below `config`, such as `headers.Accept`, and a sentence."""

    path: str
    message: str


class BaseNode(ABC):
    """One node type. An instance is one node of one workflow."""

    Config: ClassVar[type[BaseModel]]
    title: ClassVar[str]
    group: ClassVar[str] = "Extensions"
    """Under which heading an editor offers it."""
    icon: ClassVar[str] = "puzzle"
    """A name of the Lucide icon set."""
    examples: ClassVar[tuple[dict[str, Any], ...]] = ()
    """Configs that are right, for forms and documentation."""
    ports: ClassVar[tuple[str, ...]] = ("main",)
    effect: ClassVar[Effect] = "write"
    integrations: ClassVar[tuple[str, ...]] = ()
    """The types of integrations that its config may name as `integration`; `*` stands for any."""
    can_fail: ClassVar[bool] = True
    """Whether an edge may leave by `error`, and `on_error: continue` makes sense."""
    default_timeout: ClassVar[float] = limits.DEFAULT_NODE_TIMEOUT
    """Seconds for one attempt where the definition names none."""
    has_body: ClassVar[bool] = False
    """Whether it is a loop, with nodes of its own in `body`."""
    loops_over_items: ClassVar[bool] = False
    """Whether a loop is told all its items when it begins; else it is asked before each iteration."""
    has_callback: ClassVar[bool] = False
    """Whether it has a URL, `{{ execution.callbacks.<id> }}`."""
    reads_sources: ClassVar[bool] = False
    """Whether it reads the outputs of the nodes that it came from without a template that says so."""

    outermost_only: ClassVar[bool] = False
    """Whether it cannot be in a loop's body."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.raw_config = config

    @classmethod
    def has_effect(cls) -> bool:
        """Whether running it changes or asks something outside; if so each outcome is recorded."""
        return cls.effect != "none"

    @classmethod
    def templated(cls, config: dict[str, Any]) -> dict[str, Any]:
        """The part of a config whose texts may hold templates."""
        return without_literals(cls.Config, config)

    @abstractmethod
    async def execute(self, context: NodeContext) -> NodeResult:
        """Do one attempt.

        Raises:
            NodeError: it failed; `retryable` says whether another attempt may end differently.
        """

    def answered(self, signal: Signal) -> Completed:
        """How a node that waited for a signal ends, now that there is one. It must depend on nothing else.

        Raises:
            NodeError: it failed.
        """
        raise NotImplementedError(f"{type(self).__name__} waits for no signal")

    @classmethod
    def goes_on_at_first(cls, config: dict[str, Any]) -> bool:
        """Whether a node with this config runs at the first edge that fires, instead of when all are decided."""
        del config
        return False

    @classmethod
    def ports_of(cls, config: dict[str, Any]) -> tuple[str, ...]:
        """The ports that a node with this config has, besides `error`."""
        del config
        return cls.ports

    @classmethod
    def validate_config(cls, config: dict[str, Any]) -> list[ConfigProblem]:
        """What is wrong with a config whose templates are not evaluated yet; empty when it is right.

        What stands where a template stands cannot be judged before it is evaluated, so it passes.
        """
        try:
            cls.Config.model_validate(config)
        except ValidationError as error:
            fields = {where for where, _ in templates(cls.templated(config))}
            return [
                ConfigProblem(path, sentence(one))
                for one in error.errors()
                if not _stands_for_template(path := _dotted(one["loc"]), fields)
            ]
        return []


def _dotted(location: Iterable[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location).lstrip(".")


def _stands_for_template(path: str, fields: set[str]) -> bool:
    """Whether the problem is at a template, or inside what a template will give.

    Pydantic adds the name of a union's branch to the path, so a template's field may also be a prefix.
    """
    return any(path == field or path.startswith((f"{field}.", f"{field}[")) for field in fields)
