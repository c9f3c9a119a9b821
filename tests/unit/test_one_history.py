"""What another driver may find otherwise is in the history before anything follows from it; no run goes on for ever.

`luck` stands in an expression for whatever depends on the machine: a bound on time or memory that one driver hits and
another does not.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any, ClassVar

import pytest

from engine import limits
from engine.errors import Unavailable
from engine.execution.context import ExecutionContext
from engine.history.events import Signal, SignalStatus
from engine.history.model import Status
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import NodeContext, NodeServices
from engine.workflow.expressions.scope import Scope
from tests.crash import CrashingEffects, CrashingStore, Died, Fate
from tests.harness import Run, edges, nodes, start
from tests.history import check_history, check_history_keys


class Luck(Random):
    """What `$random()` gives: first what is in the list, then what comes behind it, for ever."""

    def __init__(self) -> None:
        super().__init__(0)
        self.first: list[float] = []
        self.then = 0.9

    def random(self) -> float:
        """The next number."""
        return self.first.pop(0) if self.first else self.then


@pytest.fixture
def luck(monkeypatch: pytest.MonkeyPatch) -> Luck:
    """Chance, as the test says."""
    luck = Luck()
    monkeypatch.setattr(ExecutionContext, "scope", lambda context, now: Scope(context.data, now, luck))
    return luck


UNLUCKY = "$random() < 0.5 ? $error('bad luck')"
"""The beginning of an expression that fails on one driver and not on another."""


def crashed(definition: dict[str, Any], luck: Luck, at: int) -> tuple[Run, bool]:
    """Run with bad luck at first, die at a point, and drive on with good luck; and whether the point was reached."""
    luck.first = [0.1]
    fate = Fate(at)
    run = start(definition, {}, effects=CrashingEffects(fate))
    run.engine.store = CrashingStore(run.store, fate)  # type: ignore[assignment]
    try:
        run.drive(60)
    except Died:
        fate.revive()
        luck.first = []
        run.recomputed = True
        run.drive(60)
        return run, True
    return run, False


def overlapping(definition: dict[str, Any], luck: Luck, seconds: float = 0.5) -> Run:
    """One driver with bad luck, and while it is at work another with good luck, then the other way round."""
    run = start(definition, {})

    async def both() -> list[Any]:
        luck.then = 0.1
        first = asyncio.create_task(run.engine.advance(run.ref))
        await asyncio.sleep(seconds)
        luck.then = 0.9
        return await asyncio.gather(first, run.engine.advance(run.ref))

    ends = run.clock.run(both())
    run.recomputed = True
    run.drive()
    assert all(end.next in (run.execution.status, "continue", "suspend_on_signal", "suspend_until") for end in ends)
    return run


PLANS = {
    "a node that computes": {"type": "transform", "config": {"value": f"{{{{ {UNLUCKY} : 1 }}}}"}},
    "a condition": {"type": "conditional", "config": {"expression": f"{{{{ {UNLUCKY} : true }}}}"}},
    "the items of a loop": {
        "type": "for_each",
        "config": {"items": f"{{{{ {UNLUCKY} : [1, 2] }}}}"},
        "body": {"nodes": [{"id": "x", "type": "effect", "config": {"seconds": 1}}]},
    },
    "the condition of a loop": {
        "type": "while",
        "config": {"condition": f"{{{{ {UNLUCKY} : index < 2 }}}}", "max_iterations": 5},
        "body": {"nodes": [{"id": "x", "type": "effect", "config": {"seconds": 1}}]},
    },
    "what an item gives": {
        "type": "for_each",
        "config": {"items": [1, 2]},
        "body": {
            "nodes": [{"id": "x", "type": "effect", "config": {"seconds": "{{ item }}"}}],
            "output": f"{{{{ {UNLUCKY} : item }}}}",
        },
    },
    "a delay": {"type": "delay", "config": {"seconds": f"{{{{ {UNLUCKY} : 2 }}}}"}},
    "a long delay": {"type": "delay", "config": {"seconds": f"{{{{ {UNLUCKY} : 200 }}}}"}},
}


def plan(node: dict[str, Any]) -> dict[str, Any]:
    """A node behind which one thing follows if it succeeds, and another if it fails."""
    follow = {name: {"type": "effect", "config": {"seconds": 3}} for name in ("plan_a", "plan_b")}
    return {"nodes": nodes(**{"heavy": node, **follow}), "edges": edges("heavy>plan_a", "heavy:error>plan_b")}


def wired(node: dict[str, Any]) -> dict[str, Any]:
    """As `plan`, by the ports that the node has."""
    definition = plan(node)
    if node["type"] == "conditional":
        definition["edges"] = edges("heavy:true>plan_a", "heavy:error>plan_b")
    return definition


@pytest.mark.parametrize("what", PLANS)
def test_crash_after_a_nondeterministic_result_leaves_one_history(what: str, luck: Luck):
    for at in range(1, 60):
        run, died = crashed(wired(PLANS[what]), luck, at)
        done = {path for _, path, _ in run.effects.events}
        assert not {"plan_a", "plan_b"} <= done, f"point {at}: both ways were gone: {done}"
        if not died:
            return
    raise AssertionError("no end of points")


@pytest.mark.parametrize("seconds", [0.5, 2.5])
@pytest.mark.parametrize("what", PLANS)
def test_two_drivers_with_different_nondeterministic_results_have_one_history(what: str, seconds: float, luck: Luck):
    run = overlapping(wired(PLANS[what]), luck, seconds)
    done = {path for _, path, _ in run.effects.events}
    assert not {"plan_a", "plan_b"} <= done, done
    check_history(run.block, run.execution, run.states, recomputed=True)
    check_history_keys(list(run.store.events[run.execution_id].values()))


TEMPLATE = {
    "nodes": [
        {
            "id": "each",
            "type": "for_each",
            "config": {"items": [0, 1], "concurrency": 2},
            "body": {
                "nodes": [
                    {"id": "c", "type": "conditional", "config": {"expression": "{{ item = 1 }}"}},
                    {"id": "ask", "type": "approval", "config": {"message": "?", "timeout_seconds": 3600}},
                    {"id": "p", "type": "effect", "config": {"seconds": 2}},
                ],
                "edges": edges("c:true>ask", "c:false>p"),
                "output": f"{{{{ item = 0 ? ({UNLUCKY} : 1) : 2 }}}}",
            },
        }
    ]
}


def test_signals_are_abandoned_only_after_the_failure_is_recorded(luck: Luck):
    """Otherwise the next driver, whose template does not fail, finds a wait that nobody settles: `again`, for ever."""
    for at in range(1, 60):
        run, died = crashed(TEMPLATE, luck, at)
        entries = run.store.events[run.execution_id]
        if any(isinstance(entry, Signal) and entry.status is SignalStatus.ABANDONED for entry in entries.values()):
            assert run.execution.status is Status.FAILED, f"point {at}"
            assert run.execution.error["code"] == "expression", f"point {at}: {run.execution.error}"
        if not died:
            return
    raise AssertionError("no end of points")


def test_execution_with_nothing_left_to_do_fails():
    """That cannot be; if it is all the same, it ends with a reason."""
    run = start({"nodes": [{"id": "ask", "type": "approval", "config": {"message": "?"}}]})
    run.advance()
    wait = run.history.waits["ask"]
    run.store.events[run.execution_id][wait.signal_key] = Signal("ask", 1, run.clock.now(), SignalStatus.ABANDONED)

    assert run.advance().next == "failed"
    assert run.execution.error["code"] == "engine_error"
    assert "nothing" in run.execution.error["message"]


def test_driver_that_finds_an_abandoned_signal_reads_the_history_again(luck: Luck):
    """Another driver knows already why; this one reads it and comes to the same end."""
    run = start(TEMPLATE, {})
    other = start(TEMPLATE, {})
    other.store = run.store
    other.engine.store = run.store

    async def both() -> list[Any]:
        luck.first = [0.1]
        late = run.engine.store.load

        async def load(execution_id: str) -> Any:
            snapshot = await late(execution_id)
            await asyncio.sleep(3)
            return snapshot

        other.engine.store = _Replaced(run.store, load=load)  # type: ignore[assignment]
        return await asyncio.gather(run.engine.advance(run.ref), other.engine.advance(run.ref))

    ends = run.clock.run(both())
    assert {end.next for end in ends} <= {"failed", "continue", "suspend_on_signal"}
    run.drive()
    assert run.execution.error["code"] != "engine_error"


class _Replaced:
    """A store of which some methods are others."""

    def __init__(self, store: Any, **methods: Any) -> None:
        self._store = store
        self.__dict__.update(methods)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


# -- invocations that get nothing done ---------------------------------------------------------------------


LONG = {"nodes": [{"id": "long", "type": "effect", "timeout_seconds": 240, "config": {"seconds": 3}}]}


def test_first_effect_of_an_invocation_may_use_the_remaining_time():
    """Of 300 seconds loading has taken 46; the node may take 240."""
    run = start(LONG)
    assert run.advance(lambda: 254.0).next == "succeeded"


def test_stalled_invocations_are_counted_and_end_the_execution():
    run = start(LONG)
    decisions = [run.advance(lambda: 200.0).next for _ in range(limits.MAX_STALLED_INVOCATIONS)]

    assert decisions == [*["continue"] * (limits.MAX_STALLED_INVOCATIONS - 1), "failed"]
    assert run.execution.error["code"] == "engine_error"
    assert "`long`" in run.execution.error["message"]
    assert not run.effects.events


def test_progress_resets_the_count_of_stalled_invocations():
    run = start({"nodes": nodes("a", "b", "c"), "edges": edges("a>b", "b>c")})
    for done in range(3):
        for _ in range(limits.MAX_STALLED_INVOCATIONS - 1):
            assert run.advance(lambda: 20.0).next == "continue"
        run.advance(lambda done=done: 200.0 if len(run.effects.events) <= 2 * done else 20.0)

    assert run.execution.status is Status.SUCCEEDED


# -- nodes in which something is cancelled -----------------------------------------------------------------


def test_a_node_in_which_something_was_cancelled_fails_alone():
    """A library's task that was cancelled is that node's failure; what runs beside it goes on."""

    class Stray(BaseNode):
        """Awaits a task that somebody has cancelled."""

        Config = NodeConfig
        title: ClassVar[str] = "Stray"

        async def execute(self, context: NodeContext) -> NodeResult:
            inner = asyncio.ensure_future(asyncio.sleep(100))
            asyncio.get_running_loop().call_later(1, inner.cancel)
            await inner
            return Completed()

    run = start({"nodes": nodes("pay", stray={"type": "effect", "on_error": "continue"})})
    real = run.engine.factory.create
    run.engine.factory.create = lambda node: Stray({}) if node.id == "stray" else real(node)  # type: ignore[method-assign]

    assert run.drive().status is Status.SUCCEEDED
    assert run.states["stray"].error["code"] == "cancelled"
    assert run.effects.count("pay") == 1


@pytest.mark.parametrize("effect", ["none", "write"])
def test_a_node_that_wants_to_end_the_process_fails_alone(effect: str):
    class Quits(BaseNode):
        """Ends the process."""

        Config = NodeConfig
        title: ClassVar[str] = "Quits"
        effect: ClassVar[Any] = "write"

        async def execute(self, context: NodeContext) -> NodeResult:
            raise SystemExit(3)

    Quits.effect = effect
    run = start({"nodes": [{"id": "quits", "type": "effect", "on_error": "continue"}]})
    run.engine.factory._catalogue._classes["effect"] = Quits
    assert run.drive().status is Status.SUCCEEDED
    assert run.states["quits"].error["code"] == "internal_error"


# -- attempts whose outcome nobody knows -------------------------------------------------------------------


def once(**config: Any) -> dict[str, Any]:
    """A node that must not be attempted twice, with a policy that would."""
    timeout = config.pop("timeout_seconds", 30)
    retry = {"max_attempts": 3, "interval_seconds": 1, "on": ["all"]}
    node = {"id": "pay", "type": "effect", "delivery": "at_most_once", "timeout_seconds": timeout}
    return {"nodes": [{**node, "config": config, "retry": retry}]}


def test_an_attempt_that_the_engine_cuts_off_is_not_made_again_where_it_may_be_made_once():
    run = start(once(seconds=10, timeout_seconds=2))
    run.drive()
    assert run.effects.count("pay") == 1
    assert run.execution.error["code"] == "interrupted"
    assert run.execution.error["details"]["error"]["code"] == "timeout"


def test_an_attempt_that_may_have_had_its_effect_is_not_made_again():
    run = start(once(fail_times=2, code="connection_failed"))
    run.drive()
    assert run.effects.count("pay") == 1
    assert run.execution.error["code"] == "interrupted"


def test_an_attempt_that_surely_did_nothing_is_made_again():
    run = start(once(fail_times=2, code="connection_refused", nothing_happened=True, output="paid"))
    assert run.drive().status is Status.SUCCEEDED
    assert run.effects.count("pay") == 3


@pytest.mark.parametrize("delivery", ["at_least_once", "at_most_once"])
def test_no_run_fails_because_secrets_cannot_be_decrypted_for_forty_minutes(delivery: str):
    """Without any `retry`: the node has not begun, so this is no failure of it."""

    class Secretive(BaseNode):
        """Needs a secret."""

        Config = NodeConfig
        title: ClassVar[str] = "Secretive"

        async def execute(self, context: NodeContext) -> NodeResult:
            await context.integration("mail")
            return Completed("sent")

    async def opened(*_: Any) -> Any:
        if asyncio.get_running_loop().time() < 2400:
            raise Unavailable("the key service cannot be reached: KMSInternalException; try again")
        return "smtp", object()

    services = NodeServices(integrations=opened)
    run = start({"nodes": [{"id": "mail", "type": "effect", "delivery": delivery}]}, services=services)
    run.engine.factory._catalogue._classes["effect"] = Secretive
    assert run.drive().result == {"mail": "sent"}
