"""Laws of going on from a point: what it does not depend on is reused, what comes behind it runs again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine.errors import Conflict
from engine.execution.fork import FAILED, reusable
from engine.history.model import Status
from tests.crash import answer_all, end_state
from tests.harness import Run, edges, start
from tests.property.strategies import RICH, workflows


def drive(definition: dict[str, Any], n: int, outcomes: list[Any] = ()) -> Run:  # type: ignore[assignment]
    run = start(definition, {"n": n})
    for outcome in outcomes:
        run.store.events[run.execution_id][outcome.key] = outcome
    run.people = answer_all
    run.recomputed = True
    run.clock.offset = 100_000 if outcomes else 0
    run.drive()
    return run


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(workflows(6, RICH), st.integers(0, 9), st.data())
def test_fork_from_a_node_reruns_what_follows(definition: dict[str, Any], n: int, data: st.DataObject):
    old = drive(definition, n)
    node = data.draw(st.sampled_from([node.id for node in old.definition.nodes]))
    kept = reusable(old.history, old.block, old.block, node)
    behind = old.block.graph.descendants([node])
    new = drive(definition, n, kept)
    tops = {path.partition("[")[0].partition(".")[0] for _, path, _ in new.effects.events}

    assert {outcome.path for outcome in kept if "." not in outcome.path} == {
        path for path in old.outcomes if "." not in path and path not in behind
    }
    assert not tops & {outcome.path for outcome in kept}
    if old.execution.status is Status.SUCCEEDED:
        assert end_state(new) == end_state(old)


@settings(max_examples=150, deadline=None)
@given(workflows(6, RICH), st.integers(0, 9))
def test_fork_from_the_failure_reruns_what_failed(definition: dict[str, Any], n: int):
    old = drive(definition, n)
    assume(old.execution.status is Status.FAILED)
    kept = reusable(old.history, old.block, old.block, FAILED)
    new = drive(definition, n, kept)
    done = {outcome.path for outcome in kept}

    assert all(outcome.port is not None for outcome in kept)
    assert not {path for _, path, _ in new.effects.events} & done, "what is kept does not run again"
    assert {path for path, outcome in old.outcomes.items() if outcome.port is None and "." not in path}.isdisjoint(done)


@settings(max_examples=50, deadline=None)
@given(workflows(5), st.integers(0, 9), st.data())
def test_versions_that_do_not_fit_are_refused(definition: dict[str, Any], n: int, data: st.DataObject):
    """A node whose outcome would be reused has gone, or is of another type."""
    old = drive(definition, n)
    kept = [outcome.path for outcome in reusable(old.history, old.block, old.block, old.definition.nodes[-1].id)]
    assume(kept)
    victim = data.draw(st.sampled_from(kept))
    changed = {
        "nodes": [node for node in definition["nodes"] if node["id"] != victim] or [{"id": "x", "type": "merge"}],
        "edges": [edge for edge in definition["edges"] if victim not in (edge["from"], edge["to"])],
    }
    other = start(changed, {"n": n})
    with pytest.raises(Conflict, match=f"`{victim}`") as refused:
        reusable(old.history, old.block, other.block, old.definition.nodes[-1].id)
    assert refused.value.code == "version_mismatch"


PAYMENT = {
    "nodes": [
        {"id": "look", "type": "effect", "config": {"output": 1}},
        {"id": "ask", "type": "approval", "config": {"message": "Pay {{ trigger.body.n }}?"}},
        {"id": "rate", "type": "transform", "config": {"value": "{{ trigger.body.n * 2 }}"}},
        {"id": "pay", "type": "effect", "config": {"output": "{{ trigger.body.n }}"}},
        {"id": "apart", "type": "effect", "config": {"output": 2}},
    ],
    "edges": edges("look>ask", "ask:approved>pay", "rate>pay"),
}


def kept_of(old: Run, after: dict[str, Any] | None = None, **options: Any) -> set[str]:
    """What is reused to go on from the payment."""
    block = old.block if after is None else start(after, {"n": 1}).block
    return {outcome.path for outcome in reusable(old.history, old.block, block, "pay", **options)}


def test_approval_is_reused_only_for_the_same_input():
    old = drive(PAYMENT, 10)
    assert kept_of(old) == {"look", "ask", "rate", "apart"}
    assert kept_of(old, same_input=False) == {"look", "apart"}


def test_fork_in_a_loop_reruns_its_iteration():
    each = {
        "id": "ask",
        "type": "for_each",
        "config": {"items": [1, 2]},
        "body": {"nodes": [{"id": "one", "type": "approval", "config": {"message": "May I?"}}]},
    }
    definition = {"nodes": [each, {"id": "pay", "type": "effect"}], "edges": edges("ask>pay")}
    old = drive(definition, 10)
    assert "ask" in kept_of(old)
    assert kept_of(old, same_input=False) == set()


def test_approval_is_reused_only_for_the_same_message():
    old = drive(PAYMENT, 10)
    ask = {"id": "ask", "type": "approval", "config": {"message": "Pay {{ trigger.body.n }} more?"}}
    other = {**PAYMENT, "nodes": [ask if node["id"] == "ask" else node for node in PAYMENT["nodes"]]}
    assert kept_of(old, other) == {"look", "rate", "apart"}
    assert kept_of(old, {**PAYMENT, "vars": {"x": 1}}) == {"look", "ask", "rate", "apart"}


def test_approval_of_a_constant_message_is_reused():
    ask = {"id": "ask", "type": "approval", "config": {"message": "Pay {{ vars.most }}?"}}
    first = {"vars": {"most": 10}, "nodes": [ask, {"id": "pay", "type": "effect"}], "edges": edges("ask:approved>pay")}
    old = drive(first, 10)
    assert kept_of(old, {**first}) == {"ask"}
    assert kept_of(old, {**first, "vars": {"most": 99}}) == set()
