"""Runs workflows in memory under virtual time, and checks the history of each run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar

from engine.context import NodeContext, NodeServices
from engine.definition import WorkflowDefinition
from engine.engine import WorkflowEngine
from engine.errors import NodeError
from engine.execution import Decision, Execution, Status
from engine.executor import NodeExecutorFactory
from engine.journal import Journal, Outcome, Signal, Wait
from engine.memory_store import MemoryStore
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.regions import Region, prepare
from engine.states import NodeState, node_states
from engine.validator import validate
from tests.history import check_history, check_journal
from tests.virtual_time import VirtualClock


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
            await asyncio.sleep(config.seconds)
            effects.end(context.path, context.attempt)
            if context.attempt <= config.fail_times:
                raise NodeError(
                    "it broke", code=config.code, retryable=config.retryable, retry_after=config.retry_after
                )
            return Completed(config.output)

    return EffectNode


@dataclass
class Run:
    """One execution in memory, driven as the state machine drives it."""

    definition: WorkflowDefinition
    store: MemoryStore
    engine: WorkflowEngine
    clock: VirtualClock
    effects: Effects
    execution_id: str = "execution-1"
    decisions: list[str] = field(default_factory=list)
    people: Callable[[Run], None] | None = None
    """Answers what waits, whenever the execution is parked."""
    recomputed: bool = False
    """Whether a driver died in it, so that another has computed some of it again."""

    def advance(self, remaining: Any = None) -> Any:
        """One call of the Advance function."""
        arguments = (self.execution_id, remaining) if remaining else (self.execution_id,)
        decision = self.clock.run(self.engine.advance(*arguments))
        self.decisions.append(decision.next)
        return decision

    def drive(self, turns: int = 200, remaining: Any = None) -> Execution:
        """Advance until the end, sleeping as told, then check the history."""
        for _ in range(turns):
            decision = self.advance(remaining)
            if decision.next == "park":
                self.park(decision)
            elif decision.next == "sleep":
                self.clock.sleep_until(decision.until)
            elif decision.next != "again":
                break
        else:
            raise AssertionError(f"no end after {turns} turns: {self.decisions[-5:]}")
        events, recomputed = self.effects.events, self.recomputed
        check_history(self.region, self.execution, self.states, events, recomputed=recomputed)
        check_journal(list(self.store.entries[self.execution_id].values()))
        return self.execution

    def park(self, decision: Decision) -> None:
        """Wait as the state machine does: until there is a signal that the turn has not seen, or the time has come."""
        if self.people is not None and self.execution.signals == decision.signals:
            self.people(self)
        if self.execution.signals == decision.signals:
            assert decision.until is not None, "parked, and nobody answers"
            self.clock.sleep_until(decision.until)

    def waiting(self) -> dict[str, Wait]:
        """What waits for an answer, by path."""
        journal = Journal.of(self.store.entries[self.execution_id].values())
        waits = {path: journal.open_wait(path) for path in journal.waits}
        return {path: wait for path, wait in waits.items() if wait is not None}

    def answer(self, path: str, output: Any = None, *, attempt: int = 1, by: str = "somebody") -> Signal:
        """Answer a wait; gives the answer that stands."""
        signal = Signal(path, attempt, self.clock.now(), by, output)
        return self.store.signal(self.execution_id, signal)

    @property
    def execution(self) -> Execution:
        """The record as it is now."""
        return self.store.executions[self.execution_id]

    @property
    def journal(self) -> Journal:
        """What the journal says."""
        return Journal.of(self.store.entries[self.execution_id].values())

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """The journalled outcomes."""
        return self.journal.outcomes

    @property
    def states(self) -> dict[str, NodeState]:
        """Each node's state, by id."""
        journal = Journal.of(self.store.entries[self.execution_id].values())
        return {state.id: state for state in node_states(self.region, journal, self.execution)}

    @property
    def region(self) -> Region:
        """The definition, prepared."""
        return prepare(self.definition, self.engine.factory)


def start(
    raw: dict[str, Any],
    trigger: Any = None,
    *,
    seed: int = 0,
    effects: Effects | None = None,
    services: NodeServices | None = None,
) -> Run:
    """Validate a definition and put an execution of it into a memory store."""
    effects = effects or Effects()
    factory = NodeExecutorFactory()
    factory.register_node_type("effect", effect_node(effects))
    definition, problems = validate(raw, factory)
    assert definition is not None, problems
    clock = VirtualClock()
    store = MemoryStore()
    execution = Execution(
        "execution-1", "workspace-1", "workflow-1", 1, "manual", "user-1", {"body": trigger}, clock.now()
    )
    store.add(execution, definition)
    engine = WorkflowEngine(store, factory, services=services, clock=clock, random=Random(seed))
    return Run(definition, store, engine, clock, effects)


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
