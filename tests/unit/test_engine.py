"""The engine's behavior, through `advance`, in memory and under virtual time."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from engine.errors import ExecutionLost
from engine.history.events import Timer
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Status
from tests.harness import Effects, edges, nodes, run, start


def test_a_chain_runs_in_order_and_gives_the_last_output():
    result = run({"nodes": nodes("a", c={"type": "transform", "config": {"value": {"n": 1}}}), "edges": edges("a>c")})

    assert result.execution.status is Status.SUCCEEDED
    assert result.execution.result == {"c": {"n": 1}}


def test_nodes_that_do_not_depend_on_each_other_run_at_the_same_time():
    result = run({"nodes": [{"id": i, "type": "effect", "config": {"seconds": 10}} for i in "abc"]})

    assert set(result.effects.started.values()) == {0.0}
    assert result.clock.offset == pytest.approx(10)


def test_a_join_runs_once_after_the_slowest():
    definition = {
        "nodes": [
            {"id": "slow", "type": "effect", "config": {"seconds": 9}},
            {"id": "fast", "type": "effect", "config": {"seconds": 1}},
            {"id": "join", "type": "effect"},
        ],
        "edges": edges("slow>join", "fast>join"),
    }
    result = run(definition)

    assert result.effects.count("join") == 1
    assert result.effects.started["join"] == 9


@pytest.mark.parametrize(("total", "ran", "skipped"), [(5, "small", "large"), (5000, "large", "small")])
def test_a_branch_runs_one_way_and_skips_the_other_to_its_end(total, ran, skipped):
    definition = {
        "nodes": nodes(
            "small",
            "large",
            "after_small",
            "after_large",
            "end",
            check={"type": "conditional", "config": {"expression": "{{ trigger.body.total > 1000 }}"}},
        ),
        "edges": edges(
            "check:true>large",
            "check:false>small",
            "large>after_large",
            "small>after_small",
            "after_large>end",
            "after_small>end",
        ),
    }
    result = run(definition, {"total": total})

    assert [result.states[f"after_{i}"].status for i in (ran, skipped)] == ["succeeded", "skipped"]
    assert result.states["end"].status == "succeeded"


def test_fifty_quick_nodes_take_one_invocation():
    chain = [f"n{i}" for i in range(50)]
    definition = {
        "nodes": [
            {"id": i, "type": "transform", "config": {"value": "{{ trigger.body }}"}}
            if number % 2
            else {"id": i, "type": "conditional", "config": {"expression": True}}
            for number, i in enumerate(chain)
        ],
        "edges": [
            {"from": a, "to": b, "port": "main" if number % 2 else "true"}
            for number, (a, b) in enumerate(pairwise(chain))
        ],
    }
    result = run(definition, 7)

    assert result.decisions == ["succeeded"]
    assert result.execution.result == {"n49": 7}


def test_a_failure_without_an_error_port_fails_the_execution_and_starts_nothing_more():
    result = run(
        {
            "nodes": [*nodes("after"), {"id": "bad", "type": "effect", "config": {"fail_times": 9}}],
            "edges": edges("bad>after"),
        }
    )

    assert result.execution.status is Status.FAILED
    assert result.execution.error == {"code": "broken", "message": "it broke", "details": None, "node": "bad"}
    assert result.states["after"].status == "skipped"
    assert result.effects.count("after") == 0


def test_running_node_is_recorded_when_another_one_fails():
    result = run(
        {
            "nodes": [
                {"id": "bad", "type": "effect", "config": {"fail_times": 9}},
                {"id": "slow", "type": "effect", "config": {"seconds": 20, "output": "done"}},
                *nodes("after"),
            ],
            "edges": edges("slow>after"),
        }
    )

    assert result.execution.status is Status.FAILED
    assert result.states["slow"].output == "done"
    assert result.effects.count("after") == 0


def test_the_error_port_leads_on_and_shows_the_error():
    definition = {
        "nodes": [
            {"id": "bad", "type": "effect", "config": {"fail_times": 9}},
            {"id": "fine", "type": "effect"},
            {"id": "mend", "type": "transform", "config": {"value": "{{ nodes.bad.error.message }}"}},
        ],
        "edges": edges("bad>fine", "bad:error>mend"),
    }
    result = run(definition)

    assert result.execution.status is Status.SUCCEEDED
    assert result.execution.result == {"mend": "it broke"}
    assert result.states["fine"].status == "skipped"


def test_on_error_continue_goes_on_by_main_with_the_error_as_output():
    definition = {
        "nodes": [
            {"id": "bad", "type": "effect", "config": {"fail_times": 9}, "on_error": "continue"},
            {"id": "next", "type": "transform", "config": {"value": "{{ nodes.bad.error.code }}"}},
        ],
        "edges": edges("bad>next"),
    }

    assert run(definition).execution.result == {"next": "broken"}


def test_a_node_that_takes_too_long_fails_with_timeout():
    node = {"id": "a", "type": "effect", "config": {"seconds": 100}, "timeout_seconds": 2}
    result = run({"nodes": [node]})

    assert result.execution.error["code"] == "timeout"
    assert result.clock.offset == pytest.approx(2)


def test_a_short_delay_is_slept_inline_and_a_long_one_is_not():
    short = run({"nodes": [{"id": "d", "type": "delay", "config": {"seconds": 3}}]})
    long = run({"nodes": [{"id": "d", "type": "delay", "config": {"seconds": 86_400}}]})

    assert short.decisions == ["succeeded"]
    assert long.decisions == ["suspend_until", "succeeded"]
    assert long.clock.offset == pytest.approx(86_400)


def test_a_delay_is_not_started_again_by_a_second_driver():
    started = start({"nodes": [{"id": "d", "type": "delay", "config": {"seconds": 1000}}]})
    first = started.advance()
    started.clock.sleep_until(started.clock.now().replace(minute=10))
    second = started.advance()

    assert first.until == second.until
    started.clock.sleep_until(first.until)
    assert started.drive().status is Status.SUCCEEDED


def test_a_delay_does_not_hold_up_its_siblings():
    definition = {
        "nodes": [
            {"id": "wait", "type": "delay", "config": {"seconds": 20}},
            {"id": "long", "type": "effect", "config": {"seconds": 29}},
            *nodes("after"),
        ],
        "edges": edges("wait>after"),
    }

    assert run(definition).effects.started["after"] == pytest.approx(20)


def test_a_cancelled_execution_starts_nothing_more():
    started = start(
        {
            "nodes": [{"id": "a", "type": "effect", "config": {"seconds": 10}}, *nodes("b")],
            "edges": edges("a>b"),
        }
    )

    async def cancel_while_it_runs():

        driver = asyncio.create_task(started.engine.advance(started.ref))
        await asyncio.sleep(4)
        await started.store.finish(
            started.ref,
            Status.CANCELLED,
            started.clock.now(),
            started_at=started.clock.now(),
            result=None,
            error=None,
        )
        return await driver

    decision = started.clock.run(cancel_while_it_runs())

    assert decision.next == Status.CANCELLED
    assert started.clock.offset < 7, "the running node should have been stopped"
    assert started.effects.count("b") == 0
    assert started.drive().status is Status.CANCELLED


def test_invocation_out_of_time_continues_in_the_next():
    chain = [f"n{i}" for i in range(6)]
    definition = {
        "nodes": [{"id": i, "type": "effect", "config": {"seconds": 20}, "timeout_seconds": 25} for i in chain],
        "edges": [{"from": a, "to": b} for a, b in pairwise(chain)],
    }
    started = start(definition)
    for _ in range(10):
        begin = started.clock.offset
        decision = started.advance(lambda begin=begin: 65 - (started.clock.now().timestamp() - START - begin))
        if decision.next != "continue":
            break

    assert started.decisions == ["continue", "continue", "succeeded"]
    assert all(started.effects.count(i) == 1 for i in chain)


START = 1767225600.0


def test_time_read_by_an_expression_is_recorded_at_once():
    definition = {
        "nodes": [
            {"id": "t", "type": "transform", "config": {"value": "{{ $millis() }}"}},
            {"id": "d", "type": "delay", "config": {"seconds": 60}},
            {"id": "again", "type": "transform", "config": {"value": "{{ nodes.t }}"}},
        ],
        "edges": edges("t>d", "d>again"),
    }
    started = start(definition)
    started.advance()
    first = started.outcomes["t"].output

    assert started.drive().result == {"again": first}


def test_an_output_template_gives_the_result():
    definition = {
        "nodes": [{"id": "a", "type": "transform", "config": {"value": {"x": 2}}}],
        "output": {"double": "{{ nodes.a.x * 2 }}", "text": "it is {{ nodes.a.x }}"},
    }

    assert run(definition).execution.result == {"double": 4, "text": "it is 2"}


def test_an_output_template_that_fails_fails_the_execution_with_its_reason():
    definition = {"nodes": nodes("a"), "output": "{{ nodes.a.nothing }}"}
    execution = run(definition).execution

    assert execution.status is Status.FAILED
    assert "nodes.a.nothing" in execution.error["message"]


def test_an_expression_error_names_node_field_and_what_was_meant():
    definition = {"nodes": [{"id": "a", "type": "transform", "config": {"value": "{{ trigger.body.totl }}"}}]}
    error = run(definition, {"total": 1}).execution.error

    assert error["node"] == "a"
    assert error["details"]["field"] == "config.value"
    assert error["details"]["expression"] == "trigger.body.totl"
    assert "did you mean `total`" in error["message"]


def test_an_unforeseen_exception_of_a_node_is_a_failure_that_leaks_nothing():
    class Broken(Exception):
        pass

    effects = Effects()
    started = start({"nodes": nodes("a")}, effects=effects)

    async def explode(_self, _context):
        raise Broken("password=hunter2")

    started.engine.factory.node_class("effect").execute = explode
    error = started.drive().error

    assert error["code"] == "internal_error"
    assert "hunter2" not in str(error)


def test_the_log_tells_what_happened_in_order():
    started = start({"nodes": nodes("a", "b"), "edges": edges("a>b")})
    started.drive()
    lines = [(line.node_id, line.message) for line in started.store.lines[started.execution_id]]

    assert lines == [(None, "execution started"), ("a", "succeeded"), ("b", "succeeded"), (None, "execution succeeded")]


def test_advancing_a_finished_execution_changes_nothing():
    finished = run({"nodes": nodes("a")})
    before = finished.execution
    again = finished.advance()

    assert again.next == Status.SUCCEEDED
    assert finished.execution == before
    assert finished.effects.count("a") == 1


def test_a_waiting_node_is_shown_as_waiting():
    started = start(
        {"nodes": [{"id": "d", "type": "delay", "config": {"seconds": 600}}, *nodes("b")], "edges": edges("d>b")}
    )
    started.advance()

    assert started.execution.status is Status.WAITING
    assert [state.status for state in started.states.values()] == ["waiting", "pending"]
    assert [e for e in started.store.events["execution-1"].values() if isinstance(e, Timer)]


def test_an_execution_whose_version_is_gone_is_closed():
    started = start({"nodes": nodes("a")})

    async def lost(_execution_id):
        raise ExecutionLost("version 1 is gone")

    started.store.load = lost
    decision = started.advance()

    assert decision.next == Status.FAILED
    assert started.execution.error == {
        "code": "execution_lost",
        "message": "version 1 is gone",
        "details": None,
        "node": None,
    }


def test_advancing_a_missing_execution_raises_execution_lost():
    with pytest.raises(ExecutionLost):
        start({"nodes": nodes("a")}).clock.run(start({"nodes": nodes("a")}).engine.advance(ExecutionRef("nobody")))


def test_the_log_tells_of_a_wait_once():
    started = start({"nodes": [{"id": "d", "type": "delay", "config": {"seconds": 600}}]})
    started.drive()
    messages = [line.message for line in started.store.lines[started.execution_id] if line.node_id == "d"]

    assert messages == ["waits until 2026-01-01T00:10:00.000Z", "succeeded"]
