"""Loops: `for_each` and `while`, nested, failing, cut into invocations."""

from __future__ import annotations

import pytest

from engine.history.model import Status
from tests.harness import edges, nodes, run, start


def ask(node_id):
    return {"id": node_id, "type": "approval", "config": {"message": "?"}}


def loop(items="{{ trigger.body }}", body=None, **config):
    return {
        "id": "each",
        "type": "for_each",
        "config": {"items": items, **config},
        "body": body or {"nodes": [{"id": "twice", "type": "transform", "config": {"value": "{{ item * 2 }}"}}]},
    }


def test_for_each_gives_the_bodys_results_in_the_items_order():
    body = {
        "nodes": [{"id": "say", "type": "effect", "config": {"seconds": "{{ 10 - item }}", "output": "{{ item }}"}}],
        "output": "{{ nodes.say }}",
    }
    result = run({"nodes": [loop(body=body)]}, [1, 2, 3])

    assert result.execution.result == {"each": [1, 2, 3]}
    assert result.clock.offset == pytest.approx(9), "all at the same time"


def test_for_each_runs_as_many_at_a_time_as_it_may():
    body = {"nodes": [{"id": "say", "type": "effect", "config": {"seconds": 1}}]}
    result = run({"nodes": [loop(body=body, concurrency=2)]}, [1, 2, 3, 4, 5])

    assert result.clock.offset == pytest.approx(3)


@pytest.mark.parametrize("items", [[], [7]])
def test_for_each_runs_over_no_item_and_over_one(items):
    result = run({"nodes": [loop(), *nodes("after")], "edges": edges("each>after")}, items)

    assert result.outcomes["each"].output == [{"twice": item * 2} for item in items]
    assert result.effects.count("after") == 1


def test_a_body_sees_what_ran_before_its_loop():
    body = {"nodes": [{"id": "sum", "type": "transform", "config": {"value": "{{ nodes.base + item + index }}"}}]}
    definition = {
        "nodes": [{"id": "base", "type": "transform", "config": {"value": 100}}, loop(body=body)],
        "edges": edges("base>each"),
    }

    assert run(definition, [1, 2]).execution.result == {"each": [{"sum": 101}, {"sum": 103}]}


def test_an_item_that_fails_fails_the_loop_after_what_runs_beside_it():
    body = {
        "nodes": [
            {
                "id": "say",
                "type": "effect",
                "config": {"seconds": "{{ item }}", "fail_times": "{{ item = 1 ? 9 : 0 }}"},
            }
        ]
    }
    result = run({"nodes": [loop(body=body, concurrency=2)]}, [1, 3, 5])

    assert result.execution.status is Status.FAILED
    assert result.execution.error["message"] == "item 0 failed: it broke"
    assert result.execution.error["node"] == "each"
    assert result.outcomes["each[1].say"].status == "succeeded"
    assert "each[2].say" not in result.outcomes


def test_failures_of_items_can_be_collected():
    body = {"nodes": [{"id": "say", "type": "effect", "config": {"fail_times": "{{ item = 2 ? 9 : 0 }}"}}]}
    result = run({"nodes": [loop(body=body, on_item_error="collect")]}, [1, 2, 3])

    assert result.execution.status is Status.SUCCEEDED
    first, second, third = result.execution.result["each"]
    assert first == third == {"say": None}
    assert second["error"]["node"] == "each[1].say"


def test_loop_failure_leaves_by_its_error_port():
    definition = {"nodes": [loop("{{ 5 + trigger.body }}"), *nodes("after")], "edges": edges("each:error>after")}
    result = run(definition, "x")

    assert result.effects.count("after") == 1
    assert result.execution.status is Status.SUCCEEDED


def test_nested_loops_give_nested_results():
    inner = {
        "id": "inner",
        "type": "for_each",
        "config": {"items": "{{ item }}"},
        "body": {
            "nodes": [{"id": "x", "type": "effect", "config": {"output": "{{ item }}"}}],
            "output": "{{ nodes.x }}",
        },
    }
    result = run({"nodes": [loop(body={"nodes": [inner], "output": "{{ nodes.inner }}"})]}, [[1, 2], [], [3]])

    assert result.execution.result == {"each": [[1, 2], [], [3]]}
    assert "each[2].inner[0].x" in result.outcomes


def test_while_evaluates_its_condition_before_each_iteration():
    definition = {
        "nodes": [
            {
                "id": "count",
                "type": "while",
                "config": {"condition": "{{ index < 3 }}", "max_iterations": 5},
                "body": {
                    "nodes": [{"id": "n", "type": "effect", "config": {"output": "{{ index = 0 ? 1 : item * 10 }}"}}],
                    "output": "{{ nodes.n }}",
                },
            }
        ]
    }
    result = run(definition)

    assert result.execution.result == {"count": [1, 10, 100]}


def test_while_that_does_not_end_fails():
    body = {"nodes": [{"id": "n", "type": "transform", "config": {"value": 1}}]}
    config = {"condition": True, "max_iterations": 4}
    result = run({"nodes": [{"id": "w", "type": "while", "config": config, "body": body}]})

    assert result.execution.error["code"] == "max_iterations"
    assert "w[3].n" in result.outcomes


def test_while_that_reads_the_time_is_recorded_for_all_drivers():
    body = {
        "nodes": [
            {"id": "n", "type": "transform", "config": {"value": "{{ $millis() }}"}},
            {"id": "pause", "type": "delay", "config": {"seconds": 60}},
        ],
        "output": "{{ $random() }}",
    }
    config = {"condition": "{{ index < 3 and $millis() > 0 }}", "max_iterations": 4}
    result = run({"nodes": [{"id": "w", "type": "while", "config": config, "body": body}]})

    assert result.execution.status is Status.SUCCEEDED
    assert len(result.execution.result["w"]) == 3
    assert result.clock.offset >= 180


def test_items_suspend_together():
    body = {"nodes": [{"id": "pause", "type": "delay", "config": {"seconds": "{{ item }}"}}, *nodes("say")]}
    body["edges"] = edges("pause>say")
    result = run({"nodes": [loop(body=body)]}, [100, 200, 300])

    assert result.clock.offset == pytest.approx(300)
    assert [result.effects.count(f"each[{i}].say") for i in range(3)] == [1, 1, 1]


def test_merge_any_continues_at_the_first_and_fires_once():
    definition = {
        "nodes": [
            {"id": "slow", "type": "effect", "config": {"seconds": 9, "output": "s"}},
            {"id": "fast", "type": "effect", "config": {"seconds": 1, "output": "f"}},
            {"id": "first", "type": "merge", "config": {"mode": "any"}},
            {"id": "after", "type": "effect", "config": {"output": "{{ nodes.first }}"}},
        ],
        "edges": edges("slow>first", "fast>first", "first>after"),
    }
    result = run(definition)

    assert result.effects.started["after"] == 1
    assert result.effects.count("after") == 1
    assert result.outcomes["after"].output == {"fast": "f"}
    assert result.clock.offset == pytest.approx(9)


def test_merge_all_collects_the_output_of_each_branch():
    definition = {
        "nodes": [
            {"id": "a", "type": "effect", "config": {"output": 1}},
            {"id": "b", "type": "effect", "config": {"output": 2}},
            {"id": "both", "type": "merge"},
        ],
        "edges": edges("a>both", "b>both"),
    }

    assert run(definition).execution.result == {"both": {"a": 1, "b": 2}}


def test_effect_free_loops_cost_no_write_of_their_own():
    started = start({"nodes": [loop()]}, list(range(50)))
    started.advance()

    assert started.decisions == ["succeeded"]


def test_queued_attempts_of_a_failed_loop_are_dropped():
    """More items than may run at the same time: those that wait for a place are forgotten with the loop."""
    effect = {"seconds": 1, "fail_times": "{{ item = 1 ? 9 : 0 }}"}
    body = {"nodes": [{"id": "say", "type": "effect", "config": effect}]}
    definition = {
        "nodes": [
            loop(items="{{ [1..80] }}", body=body, concurrency=80),
            ask("wait"),
        ],
        "edges": edges("each:error>wait"),
    }
    started = start(definition)
    decision = started.advance()

    assert decision.next == "suspend_on_signal"
    assert started.clock.offset < 10
