"""Histories that were recorded are read as they were meant: whole, and cut off anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.clock import parse_time
from engine.history.events import Signal
from engine.storage.history_codec import event_fields, event_from
from engine.testing.clock import START
from tests.figures import FIGURES
from tests.harness import Run
from tests.histories.__main__ import HERE, SHAPES, begin

RECORDED = sorted(HERE.glob("*.json"))


CUT = [path for path in RECORDED if path.stem not in ("first_of_two", "at_most_once")]
"""Those that end alike wherever they are cut: not a race, and not an attempt that must not be made again."""


def replay(history: dict[str, Any], count: int, later: float) -> Run:
    """An engine that finds the first `count` entries in the history, so many seconds after they were written."""
    run = begin(history["definition"])
    for fields in history["events"][:count]:
        entry = event_from(fields, fields["output"])
        run.store.events[run.execution_id][entry.key] = entry
        if isinstance(entry, Signal):
            run.store.signal(run.execution_id, entry)
    run.clock.offset = later
    run.recomputed = True
    run.drive()
    return run


def test_every_shape_has_a_recorded_history():
    assert {path.stem for path in RECORDED} == set(SHAPES)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_complete_history_replays_to_the_same_end_without_effects(path: Path):
    history = json.loads(path.read_text())
    run = replay(history, len(history["events"]), 100_000)

    assert run.effects.events == []
    assert (str(run.execution.status), run.execution.result) == (history["status"], history["result"])
    assert {name: state.status for name, state in run.states.items()} == history["nodes"]
    assert [json.loads(json.dumps({**event_fields(event_from(f, f["output"])), "output": f["output"]})) for f in history["events"]] == history["events"]  # fmt: skip  # noqa: E501


@pytest.mark.parametrize("path", CUT, ids=lambda path: path.stem)
def test_truncated_history_continues_to_the_same_end(path: Path):
    history = json.loads(path.read_text())
    for count in range(len(history["events"])):
        run = replay(history, count, _end_of(history["events"][:count]))
        FIGURES["recorded histories cut off and gone on with"] += 1
        assert str(run.execution.status) == history["status"]
        if "$millis" not in json.dumps(history["definition"]):
            assert _timeless(run.execution.result) == _timeless(history["result"])


def _end_of(history: list[dict[str, Any]]) -> float:
    """When the last of these entries was written, in seconds of virtual time."""
    times = [fields[name] for fields in history for name in ("started_at", "completed_at", "at") if name in fields]
    return max(((parse_time(time) - START).total_seconds() for time in times), default=0)


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key not in ("until", "at")}
    return [_timeless(item) for item in value] if isinstance(value, list) else value
