"""`uv run python -m tests.histories` records the history of each shape that has none yet; those that are there stay."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from engine.history.events import WaitKind
from engine.storage.history_codec import event_fields
from tests.crash import APPROVED
from tests.harness import Run, edges, nodes, start

HERE = Path(__file__).parent


def loop(node_id: str, kind: str, body: dict[str, Any], **config: Any) -> dict[str, Any]:
    return {"id": node_id, "type": kind, "config": config, "body": body}


def effect(node_id: str, **config: Any) -> dict[str, Any]:
    return {"id": node_id, "type": "effect", "config": config}


ASK = {"id": "ask", "type": "approval", "config": {"message": "May I?", "timeout_seconds": 600}}
FLAKY = {**effect("flaky", fail_times=1, output="ok"), "retry": {"max_attempts": 2, "interval_seconds": 60}}
SHAPES: dict[str, dict[str, Any]] = {
    "chain": {"nodes": [effect("a", output=1), effect("b", output="{{ nodes.a + 1 }}")], "edges": edges("a>b")},
    "branch_and_join": {
        "nodes": [
            {"id": "if", "type": "conditional", "config": {"expression": "{{ trigger.body.n > 1 }}"}},
            *nodes("yes", "no", "end"),
        ],
        "edges": edges("if:true>yes", "if:false>no", "yes>end", "no>end"),
    },
    "retry_and_error_port": {
        "nodes": [FLAKY, effect("bad", fail_times=9), *nodes("saved")],
        "edges": edges("flaky>bad", "bad:error>saved"),
    },
    "delay": {
        "nodes": [{"id": "wait", "type": "delay", "config": {"seconds": 300}}, *nodes("after")],
        "edges": edges("wait>after"),
    },
    "clock": {"nodes": [{"id": "now", "type": "transform", "config": {"value": "{{ $millis() }}"}}]},
    "for_each": {
        "nodes": [loop("each", "for_each", {"nodes": [effect("x", output="{{ item * 2 }}")]}, items=[1, 2, 3])]
    },
    "for_each_collect": {
        "nodes": [
            loop(
                "each",
                "for_each",
                {"nodes": [effect("x", fail_times="{{ item }}")]},
                items=[0, 9, 0],
                on_item_error="collect",
            )
        ]
    },
    "while_over_time": {
        "nodes": [
            loop(
                "again",
                "while",
                {"nodes": [{"id": "pause", "type": "delay", "config": {"seconds": 60}}], "output": "{{ $millis() }}"},
                condition="{{ index < 2 and $millis() > 0 }}",
                max_iterations=3,
            )
        ]
    },
    "nested_loops": {
        "nodes": [
            loop(
                "outer",
                "for_each",
                {
                    "nodes": [
                        loop("inner", "for_each", {"nodes": [effect("x", output="{{ item }}")]}, items="{{ item }}")
                    ]
                },
                items=[[1, 2], [], [3]],
            )
        ]
    },
    "first_of_two": {
        "nodes": [
            effect("slow", seconds=9),
            effect("fast", seconds=1, output="f"),
            {"id": "first", "type": "merge", "config": {"mode": "any"}},
        ],
        "edges": edges("slow>first", "fast>first"),
    },
    "approval": {"nodes": [ASK, *nodes("yes")], "edges": edges("ask:approved>yes")},
    "callback_retried": {
        "nodes": [
            {
                "id": "back",
                "type": "wait_for_callback",
                "config": {"timeout_seconds": 60},
                "retry": {"max_attempts": 2, "interval_seconds": 30},
            }
        ]
    },
    "at_most_once": {"nodes": [{**effect("pay", output="paid"), "delivery": "at_most_once"}]},
}
TRIGGER = {"n": 5}


def people(run: Run) -> None:
    for path, wait in run.waiting().items():
        if wait.kind is WaitKind.APPROVAL:
            run.answer(path, APPROVED)
        elif wait.attempt == 2:
            run.answer(path, {"body": "late"}, attempt=2)


def begin(definition: dict[str, Any]) -> Run:
    run = start(definition, TRIGGER)
    run.people = people
    return run


def record(name: str) -> None:
    run = begin(SHAPES[name])
    run.drive()
    entries = run.store.events[run.execution_id].values()
    history = {
        "definition": SHAPES[name],
        "trigger": TRIGGER,
        "events": [{**event_fields(entry), "output": entry.output} for entry in entries],
        "status": str(run.execution.status),
        "result": run.execution.result,
        "nodes": {path: state.status for path, state in run.states.items()},
    }
    (HERE / f"{name}.json").write_text(json.dumps(history, indent=1) + "\n")


if __name__ == "__main__":
    for wanted in sys.argv[1:] or sorted(SHAPES):
        if not (HERE / f"{wanted}.json").exists():
            record(wanted)
