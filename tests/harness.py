"""Runs workflows in memory under virtual time, and checks the history of each run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar

from engine.errors import NodeError
from engine.execution.engine import WorkflowEngine
from engine.history.model import Execution, Status
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import NodeContext, NodeServices
from engine.nodes.registry import NodeExecutorFactory
from engine.testing.clock import VirtualClock
from engine.testing.memory_store import MemoryStore
from engine.testing.workflows import WorkflowRun
from engine.workflow.definition import WorkflowDefinition
from engine.workflow.validator import validate
from tests.history import check_history, check_history_keys


class Effects:
    """What effect nodes did, in order: `(what, node, attempt)`, with the time of each start."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, int]] = []
        self.started: dict[str, float] = {}

    def begin(self, path: str, attempt: int) -> None:
        """An attempt begins."""
        self.events.append(("start", path, attempt))
        self.started.setdefault(path, asyncio.get_running_loop().time())

    def end(self, path: str, attempt: int) -> None:
        """An attempt has had its effect."""
        self.events.append(("end", path, attempt))

    def end_late(self, path: str, attempt: int) -> None:
        """An attempt that was given up has had its effect all the same: it was in a thread, which nobody can stop."""
        self.events.append(("late", path, attempt))

    def count(self, node: str) -> int:
        """How often a node was attempted."""
        return sum(1 for what, name, _ in self.events if what == "start" and name == node)


class EffectConfig(NodeConfig):
    """How the test's effect node behaves."""

    seconds: float = 0
    fail_times: int = 0
    code: str = "broken"
    retryable: bool = True
    retry_after: float | None = None
    nothing_happened: bool = False
    in_thread: bool = False
    output: Any = None


def effect_node(effects: Effects) -> type[BaseNode]:
    """A node type with an outside effect that takes time, fails as told, and is recorded."""

    class EffectNode(BaseNode):
        """Does something outside."""

        Config = EffectConfig
        title: ClassVar[str] = "Effect"

        async def execute(self, context: NodeContext) -> NodeResult:
            config = context.config(EffectConfig, self.raw_config)
            effects.begin(context.path, context.attempt)
            if config.in_thread:
                await _in_thread(effects, context, config.seconds)
            else:
                await asyncio.sleep(config.seconds)
                effects.end(context.path, context.attempt)
            if context.attempt <= config.fail_times:
                raise NodeError(
                    "it broke",
                    code=config.code,
                    retryable=config.retryable,
                    retry_after=config.retry_after,
                    nothing_happened=config.nothing_happened,
                )
            return Completed(config.output)

    return EffectNode


async def _in_thread(effects: Effects, context: NodeContext, seconds: float) -> None:
    """Work that goes on when its attempt was given up."""
    given_up = False

    async def work() -> None:
        await asyncio.sleep(seconds)
        (effects.end_late if given_up else effects.end)(context.path, context.attempt)

    try:
        await asyncio.shield(asyncio.ensure_future(work()))
    except asyncio.CancelledError:
        given_up = True
        raise


@dataclass
class Run(WorkflowRun):
    """A run whose history is checked when it has ended."""

    effects: Effects = field(default_factory=Effects)
    recomputed: bool = False
    """Whether a driver died in it, so that another has computed some of it again."""

    def drive(self, invocations: int = 200, remaining: Any = None) -> Execution:
        """Advance until the end, then check the history."""
        super().drive(invocations, remaining)
        events, recomputed = self.effects.events, self.recomputed
        check_history(self.block, self.execution, self.states, events, recomputed=recomputed)
        check_history_keys(list(self.store.events[self.execution_id].values()))
        return self.execution


def start(
    raw: dict[str, Any] | WorkflowDefinition,
    trigger: Any = None,
    *,
    seed: int = 0,
    effects: Effects | None = None,
    services: NodeServices | None = None,
) -> Run:
    """Put an execution of a definition into a memory store; one that nobody has validated yet is validated."""
    effects = effects or Effects()
    factory = NodeExecutorFactory()
    factory.register_node_type("effect", effect_node(effects))
    definition = raw
    if not isinstance(definition, WorkflowDefinition):
        checked, problems = validate(definition, factory)
        assert checked is not None, problems
        definition = checked
    clock = VirtualClock()
    store = MemoryStore()
    execution = Execution(
        "execution-1", "workspace-1", "workflow-1", 1, "manual", "user-1", {"body": trigger}, clock.now()
    )
    store.add(execution, definition)
    engine = WorkflowEngine(store, factory, services=services, clock=clock, random=Random(seed))
    return Run(definition, store, engine, clock, effects=effects)


def run(raw: dict[str, Any], trigger: Any = None, people: Callable[[Run], None] | None = None, **options: Any) -> Run:
    """Start and drive to the end."""
    started = start(raw, trigger, **options)
    started.people = people
    started.drive()
    return started


def nodes(*ids: str, **more: dict[str, Any]) -> list[dict[str, Any]]:
    """Effect nodes by id, and others as keyword arguments `id={"type": …}`."""
    return [{"id": i, "type": "effect"} for i in ids] + [{"id": i, **rest} for i, rest in more.items()]


def edges(*texts: str) -> list[dict[str, str]]:
    """Edges from `a>b` or `a:port>b`."""
    result = []
    for text in texts:
        left, _, target = text.partition(">")
        source, _, port = left.partition(":")
        result.append({"from": source, "to": target, **({"port": port} if port else {})})
    return result


__all__ = ["Effects", "Run", "Status", "edges", "nodes", "run", "start"]
