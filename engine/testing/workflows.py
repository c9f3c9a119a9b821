"""One execution in memory, driven as the state machine drives it, in a time that jumps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from random import Random
from typing import Any

from engine.clock import format_time
from engine.errors import InvalidInput
from engine.execution.engine import WorkflowEngine
from engine.execution.node_states import NodeState, node_states
from engine.history.events import History, NodeStatus, Outcome, PendingSignal, Signal, SignalStatus, WaitKind
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Decision, Execution, LogLine, Next
from engine.nodes.context import NodeServices
from engine.testing.clock import START, VirtualClock
from engine.testing.files import MemoryFiles
from engine.testing.memory_store import MemoryStore
from engine.testing.mocks import Mock, MockedFactory
from engine.workflow.compiled import CompiledBlock, prepare
from engine.workflow.definition import WorkflowDefinition
from engine.workflow.validator import validate

MOST_INVOCATIONS = 500
_API_URL = "https://api.example"


@dataclass
class WorkflowRun:
    """An execution, its store, its engine and its clock."""

    definition: WorkflowDefinition
    store: MemoryStore
    engine: WorkflowEngine
    clock: VirtualClock
    execution_id: str = "execution-1"
    decisions: list[str] = field(default_factory=list)
    people: Callable[[Any], None] | None = None
    """Answers what waits, whenever the execution is suspended; it is given this run."""

    @property
    def ref(self) -> ExecutionRef:
        """The reference to the execution."""
        return ExecutionRef(self.execution_id)

    def advance(self, remaining: Any = None) -> Any:
        """One call of the Advance function."""
        arguments = (self.ref, remaining) if remaining else (self.ref,)
        decision = self.clock.run(self.engine.advance(*arguments))
        self.decisions.append(decision.next)
        return decision

    def drive(self, invocations: int = MOST_INVOCATIONS, remaining: Any = None) -> Execution:
        """Advance until the end, sleeping and waiting as told.

        Raises:
            AssertionError: there is no end, or something waits for an answer that nobody gives.
        """
        for _ in range(invocations):
            decision = self.advance(remaining)
            if decision.next == Next.SUSPEND_ON_SIGNAL:
                self.suspend(decision)
            elif decision.next == Next.SUSPEND_UNTIL:
                self.clock.sleep_until(decision.until)
            elif decision.next != Next.CONTINUE:
                return self.execution
        raise AssertionError(f"no end after {invocations} invocations: {self.decisions[-5:]}")

    def suspend(self, decision: Decision) -> None:
        """Wait as the state machine does: for a signal that the invocation has not seen, or until the time has come."""
        if self.people is not None and self.execution.signals == decision.signals:
            self.people(self)
        if self.execution.signals == decision.signals:
            if decision.until is None:
                raise AssertionError(f"{', '.join(self.waiting())} waits for an answer, and nobody answers")
            self.clock.sleep_until(decision.until)

    def waiting(self) -> dict[str, PendingSignal]:
        """What waits for an answer, by path."""
        history = self.history
        waits = {path: history.open_signal(path) for path in history.waits}
        return {path: wait for path, wait in waits.items() if wait is not None}

    def answer(self, path: str, output: Any = None, *, attempt: int = 1) -> Signal:
        """Answer a wait; gives the answer that stands."""
        signal = Signal(path, attempt, self.clock.now(), SignalStatus.ANSWERED, output)
        return self.store.signal(self.execution_id, signal)

    @property
    def execution(self) -> Execution:
        """The record as it is now."""
        return self.store.executions[self.execution_id]

    @property
    def history(self) -> History:
        """What the history says."""
        return History.of(self.store.events[self.execution_id].values())

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """The recorded outcomes."""
        return self.history.outcomes

    @property
    def lines(self) -> list[LogLine]:
        """The log."""
        return self.store.lines[self.execution_id]

    @property
    def states(self) -> dict[str, NodeState]:
        """Each node's state, by path."""
        return {state.id: state for state in node_states(self.block, self.history, self.execution)}

    @property
    def ran(self) -> list[str]:
        """The paths of the nodes that have ended, those that were skipped left out, in the order of their ends."""
        ends = (NodeStatus.SUCCEEDED, NodeStatus.FAILED)
        ended = [one for one in self.states.values() if one.status in ends and one.completed_at]
        return [one.id for one in sorted(ended, key=lambda one: one.completed_at or START)]

    @property
    def block(self) -> CompiledBlock:
        """The definition, prepared."""
        return prepare(self.definition, self.engine.factory)


def run_workflow(  # noqa: PLR0913 - what a run may meet
    definition: Mapping[str, Any],
    trigger: Any = None,
    *,
    nodes: Mapping[str, Mock | Mapping[str, Any]] | None = None,
    answers: Mapping[str, Any] | None = None,
    files: MemoryFiles | Mapping[str, bytes | str] | None = None,
    services: NodeServices | None = None,
    allowed: tuple[str, ...] = (),
    at: datetime = START,
    trigger_fields: Mapping[str, Any] | None = None,
) -> WorkflowRun:
    """Run a workflow to its end.

    Args:
        definition: the workflow, as it is written.
        trigger: what `trigger.body` is.
        nodes: what nodes give, by id: see `Mock`. Those that reach outside must be told.
        answers: by path, what is said to an approval (`{"decision": "approved"}`) or sent to a callback. What is not
            answered waits for its deadline.
        files: those of the workspace, by name.
        services: whatever else nodes reach the outside with.
        allowed: node types that may reach outside, because `services` has what they need.
        at: the time at which it starts.
        trigger_fields: more of what `trigger` has, such as `headers`.

    Raises:
        InvalidInput: the definition is not right; `details` lists what.
    """
    mocks = {name: one if isinstance(one, Mock) else Mock.model_validate(one) for name, one in (nodes or {}).items()}
    kept = files if isinstance(files, MemoryFiles) else MemoryFiles(files)
    in_memory = ("file", "csv", "json", "xml", "html", "spreadsheet", "zip", "hash")
    factory = MockedFactory(mocks, (*in_memory, *allowed))
    checked, problems = validate(dict(definition), factory)
    if checked is None:
        details = [asdict(one) for one in problems]
        raise InvalidInput(f"{problems[0].path}: {problems[0].message}", details=details)
    clock, store = VirtualClock(at), MemoryStore()
    body = {"type": "manual", "body": trigger, **(trigger_fields or {})}
    store.add(Execution("execution-1", "workspace-1", "workflow-1", 1, "manual", "user-1", body, at), checked)
    given = replace(services or NodeServices(), files=lambda _: kept)
    given = replace(given, api_url=given.api_url or _API_URL)  # addresses that are made of it are checked as ever
    engine = WorkflowEngine(store, factory, services=given, clock=clock, random=Random(0))  # noqa: S311 - jitter
    run = WorkflowRun(checked, store, engine, clock)
    run.people = _People(dict(answers or {}))
    run.drive()
    return run


class _People:
    """Gives the answers that were prepared, each once."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = answers

    def __call__(self, run: WorkflowRun) -> None:
        for path, wait in run.waiting().items():
            if path not in self._answers:
                continue
            given = self._answers.pop(path)
            output = {"body": given, "at": format_time(run.clock.now())}
            if wait.kind is WaitKind.APPROVAL:
                said = {"decision": given} if isinstance(given, str) else dict(given)
                output = {"comment": None, "by": "somebody", "at": format_time(run.clock.now()), **said}
            run.answer(path, output, attempt=wait.attempt)
