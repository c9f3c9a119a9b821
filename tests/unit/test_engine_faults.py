"""What the engine does when a write fails, a node blocks, or an error is too large to keep."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest

from engine.clock import SystemClock
from engine.errors import Unavailable
from engine.history.model import Status
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import NodeContext
from tests.harness import edges, nodes, run, start


def test_a_node_whose_service_is_away_is_attempted_again():
    """Files, tables and secrets are behind services of AWS, which may be overloaded for a moment."""

    class Away(BaseNode):
        """Not there at first."""

        Config = NodeConfig
        title: ClassVar[str] = "Away"

        async def execute(self, context: NodeContext) -> NodeResult:
            if context.attempt == 1:
                raise Unavailable("the files cannot be reached: SlowDown; try again")
            return Completed(context.attempt)

    started = start({"nodes": [{"id": "a", "type": "effect", "retry": {"interval_seconds": 1}}]})
    started.engine.factory._catalogue._classes["effect"] = Away
    assert started.drive().result == {"a": 2}


class StoreIsDown(Exception):
    """A write that did not work."""


def test_a_write_that_fails_does_not_repeat_what_runs_beside_it():
    """The invocation ends with the error, but only after the sibling is recorded: its effect happens once."""
    started = start(
        {
            "nodes": [
                {"id": "poison", "type": "effect", "config": {"seconds": 1}},
                {"id": "pay", "type": "effect", "config": {"seconds": 10}},
            ]
        }
    )
    real = started.store.record

    async def record(execution_id, entry, *more):
        if entry.path == "poison" and started.clock.offset == 0:
            raise StoreIsDown
        return await real(execution_id, entry, *more)

    started.store.record = record
    with pytest.raises(StoreIsDown):
        started.advance()
    started.store.record = real

    assert started.drive().status is Status.SUCCEEDED
    assert started.effects.count("pay") == 1
    assert started.effects.count("poison") == 2


def test_repeated_computation_after_a_delay_sees_the_same_time():
    definition = {
        "nodes": [
            {"id": "pause", "type": "delay", "config": {"seconds": 1}},
            {"id": "tell", "type": "effect", "config": {"output": "{{ nodes.pause.until }}"}},
        ],
        "edges": edges("pause>tell"),
    }
    started = start(definition)
    seen, real = [], started.store.record

    async def record(execution_id, entry, *more):
        if entry.path == "tell" and len(seen) < 2:
            seen.append(entry.output)
            raise StoreIsDown
        return await real(execution_id, entry, *more)

    started.store.record = record
    for _ in range(2):
        with pytest.raises(StoreIsDown):
            started.advance()
        started.clock.offset += 7
    final = started.drive()

    assert {*seen, final.result["tell"]} == {seen[0]}


def test_nodes_that_compute_do_not_make_the_others_time_out():
    """In real time: the calls would block the loop for longer than the effect's time-out."""
    ids = [f"t{i}" for i in range(12)]
    slow = "{{ $count($filter([1..30000], function($x) { $x % 2 = 1 })) ?? 0 }}"
    definition = {
        "nodes": [
            {"id": "pay", "type": "effect", "config": {"seconds": 0.05}, "timeout_seconds": 1},
            *({"id": i, "type": "transform", "config": {"value": slow}, "on_error": "continue"} for i in ids),
        ]
    }
    started = start(definition)
    started.engine.clock = SystemClock()
    asyncio.run(started.engine.advance(started.ref))

    assert started.outcomes["pay"].status == "succeeded"


def test_an_error_is_stored_without_what_is_too_large():
    definition = {
        "nodes": [{"id": "a", "type": "http", "config": {"url": "https://x", "headers": "{{ trigger.body }}"}}]
    }
    error = run(definition, {f"h{i}": [i] for i in range(5_000)}).execution.error

    assert len(error["details"]["problems"]) == 20


def test_an_output_template_that_breaks_jsonata_fails_the_execution():
    execution = run({"nodes": nodes("a"), "output": "{{ $toMillis('x', '[Y') }}"}).execution

    assert execution.status is Status.FAILED
    assert execution.error["code"] == "expression"
