"""Stops an engine at a chosen point, before or after a write or an effect, and drives on as the recovery does.

Every write of the store and every effect is two points. Once the process has died nothing of it goes on: what is left
is what was written, and what the effects did outside.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx2

from engine.errors import Unavailable
from engine.history.events import Outcome, Started, Timer, WaitKind
from engine.history.model import Status
from engine.nodes.context import NodeServices
from engine.workflow.definition import WorkflowDefinition
from tests.harness import Effects, Run, start

WRITES = ("record", "record_recomputable", "mark", "finish", "log", "spread")
APPROVED = {"decision": "approved", "comment": None, "by": "user-1", "at": "2026-01-01T00:00:00.000Z"}


class Died(BaseException):
    """The process is gone: no handler of ours may catch this."""


@dataclass
class Fate:
    """When the process dies, and what was in its window then: attempts that had begun and were in no history."""

    at: int | None = None
    refused_at: int | None = None
    """The point whose write is refused for once: one before a write is not done, one after it is not acknowledged."""
    points: int = 0
    dead: bool = False
    spared: bool = False
    """Whether nobody dies at the moment: what happens is not of the process that may."""
    open: set[tuple[str, int]] = field(default_factory=set)
    interrupted: set[tuple[str, int]] = field(default_factory=set)

    def point(self) -> None:
        """One more point; the process dies here if it is the chosen one, and is dead from then on."""
        if self.spared:
            return
        if not self.dead:
            self.points += 1
            if self.points == self.at:
                self.dead = True
                self.interrupted = set(self.open)
        if self.dead:
            raise Died

    def writing(self) -> None:
        """The point before or after a write, which may be refused."""
        self.point()
        if self.points == self.refused_at:
            self.interrupted = set(self.open)
            raise Unavailable("slow down")

    def revive(self) -> None:
        """Another process takes over."""
        self.dead, self.at, self.refused_at = False, None, None
        self.open.clear()


class CrashingStore:
    """A store whose process may die at each write."""

    def __init__(self, store: Any, fate: Fate) -> None:
        self._store = store
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        return self._writing(name) if name in WRITES else getattr(self._store, name)

    def _writing(self, name: str) -> Any:
        work = getattr(self._store, name)

        async def write(*arguments: Any, **named: Any) -> Any:
            self._fate.writing()
            result = await work(*arguments, **named)
            if name == "record":
                self._close(result)
            self._fate.writing()
            return result

        return write

    def _close(self, entry: Any) -> None:
        """An attempt whose end is in the history is out of its window."""
        if isinstance(entry, Outcome):
            self._fate.open = {one for one in self._fate.open if one[0] != entry.path}
        elif isinstance(entry, Timer) and entry.next_attempt:
            self._fate.open.discard((entry.path, entry.next_attempt - 1))
        elif isinstance(entry, Started):
            self._fate.open.add((entry.path, entry.attempt))


class CrashingEffects(Effects):
    """Effects whose process may die before and after each."""

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self._fate = fate

    def begin(self, path: str, attempt: int) -> None:
        self._fate.point()
        self._fate.open.add((path, attempt))
        super().begin(path, attempt)

    def end(self, path: str, attempt: int) -> None:
        super().end(path, attempt)
        self._fate.point()

    def end_late(self, path: str, attempt: int) -> None:
        super().end_late(path, attempt)
        self._fate.point()


def answer_all(run: Run) -> None:
    """Whoever is asked says yes; every other callback comes, in the second attempt."""
    for path, wait in run.waiting().items():
        if wait.kind is WaitKind.APPROVAL:
            run.answer(path, APPROVED)
        elif wait.attempt == 2 or len(path) % 2:
            run.answer(path, {"body": path}, attempt=wait.attempt)


def answers_of_the_api(request: httpx2.Request) -> httpx2.Response:
    """What the platform's own API, which the examples call, says."""
    if request.url.path == "/api/health":
        return httpx2.Response(200, json={"status": "ok"})
    if request.url.path == "/api/openapi.json":
        return httpx2.Response(200, json={"info": {"title": "Mainspring"}, "paths": {"/a": {"get": {}}}})
    return httpx2.Response(401, json={"error": {}})


def http_of(effects: Effects) -> NodeServices:
    """Calls that are answered here; each is an effect."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        path = request.headers["idempotency-key"].partition("/")[2]
        effects.begin(path, 1)
        response = answers_of_the_api(request)
        effects.end(path, 1)
        return response

    async def client() -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(answer))

    return NodeServices(client, "http://api.example")


def run_to_death(
    definition: dict[str, Any] | WorkflowDefinition, trigger: Any, at: int | None, *, refused: bool = False
) -> tuple[Run, Fate]:
    """Run a workflow whose process dies at point `at`, or whose write there is refused, and drive it on to its end."""
    fate = Fate(refused_at=at) if refused else Fate(at)
    effects = CrashingEffects(fate)
    run = start(definition, trigger, effects=effects, services=http_of(effects))
    run.engine.store = CrashingStore(run.store, fate)  # type: ignore[assignment]
    run.people = answer_all
    try:
        run.drive()
    except (Died, Unavailable):
        fate.revive()
        run.recomputed = True
        run.drive()
    return run, fate


def end_state(run: Run) -> tuple[Any, ...]:
    """What a run ended as: its status, and unless it failed each node's status and output.

    What was cut short by a failure depends on what was quicker, and so do the texts of errors in a list.
    """
    if run.execution.status is not Status.SUCCEEDED:
        return (run.execution.status,)
    clocks = {name for name, state in run.states.items() if state.type == "delay"}
    shown = {}
    for name, state in run.states.items():
        if "." in name:
            continue
        node = next(node for node in run.definition.nodes if node.id == name)
        nondeterministic = name in clocks or "$millis" in str(node.model_dump())
        shown[name] = (state.status, None if nondeterministic else _plain(state.output))
    return run.execution.status, shown


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return "error" if "error" in value else {key: _plain(item) for key, item in value.items() if key != "until"}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _starts(run: Run) -> Counter[tuple[str, int]]:
    return Counter((path, attempt) for what, path, attempt in run.effects.events if what == "start")


def crash_everywhere(definition: dict[str, Any], trigger: Any, most: int | None = None) -> int:
    """Crash a workflow at each point (or at `most` spread over them), or refuse the write there; check each run.

    Gives how many were tried.
    """
    undisturbed, fate = run_to_death(definition, trigger, None)
    once = {
        node.id for block in undisturbed.block.walk() for node in block.body.nodes if node.delivery == "at_most_once"
    }
    expected, expected_starts = end_state(undisturbed), _starts(undisturbed)
    step = max(1, fate.points // most) if most else 1
    tried = 0
    for at in range(1, fate.points + 1, step):
        for refused in (False, True):
            run, crashed = run_to_death(undisturbed.definition, trigger, at, refused=refused)
            tried += 1
            where = f"point {at}{', refused' if refused else ''}"
            twice = {one for one, count in _starts(run).items() if count > max(1, expected_starts[one])}
            assert twice <= crashed.interrupted, f"{where}: repeated without need: {twice - crashed.interrupted}"
            assert not {a for a in twice if a[0].rpartition(".")[2] in once}, f"{where}: made twice at most once"
            if {path for path, _ in crashed.interrupted if path.rpartition(".")[2] in once}:
                continue
            assert end_state(run) == expected, where
            if expected[0] is Status.SUCCEEDED:
                done = {path for what, path, _ in run.effects.events if what != "late"}
                undone = {path for what, path, _ in undisturbed.effects.events if what != "late"} - done
                assert not undone, f"{where}: never done: {undone}"
    return tried
