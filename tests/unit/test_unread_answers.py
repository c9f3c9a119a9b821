"""Whether somebody parked has an answer that no driver took is found out without reading a long history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from engine.history.events import NodeStatus, Outcome, PendingSignal, Signal, SignalStatus, Timer, WaitKind
from engine.history.execution_ref import ExecutionRef
from engine.storage.history import HistoryRepository
from tests.figures import FIGURES
from tests.unit.conftest import NOW, Aws

RUN = ExecutionRef("run")


def outcome(path: str) -> Outcome:
    return Outcome(path, NodeStatus.SUCCEEDED, NOW, NOW, output="x" * 400)


def wait(path: str, attempt: int = 1) -> PendingSignal:
    return PendingSignal(path, attempt, WaitKind.APPROVAL, NOW)


def signal(path: str, attempt: int = 1, status: SignalStatus = SignalStatus.ANSWERED) -> Signal:
    return Signal(path, attempt, NOW, status)


@contextmanager
def read_units(aws: Aws) -> Iterator[dict[str, float]]:
    """The read units of what is read meanwhile."""
    units = {"read": 0.0}

    def size(value: Any) -> int:
        return sum(len(name) + len(str(next(iter(one.values())))) for name, one in value.items())

    def count(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        """By the rules of DynamoDB: a query's items together, else each by itself, in steps of 4 KB."""
        if model.name == "Query":
            units["read"] += -(-sum(map(size, parsed["Items"])) // 4096)
        elif model.name == "BatchGetItem":
            units["read"] += sum(-(-size(item) // 4096) for items in parsed["Responses"].values() for item in items)

    events = aws.dynamodb.meta.events
    events.register("after-call.dynamodb", count)
    yield units
    events.unregister("after-call.dynamodb", count)


@pytest.mark.parametrize(
    ("entries", "is_unread"),
    [
        ([wait("a")], False),
        ([wait("a"), signal("a")], True),
        ([wait("a"), signal("a", status=SignalStatus.ABANDONED)], False),
        ([wait("a"), signal("a"), outcome("a")], False),
        ([wait("a"), signal("a"), Timer("a", NOW + timedelta(1), NOW, 2)], False),
        ([wait("a"), signal("a"), Timer("a", NOW, NOW, 2), wait("a", 2)], False),
        ([wait("a"), signal("a"), Timer("a", NOW, NOW, 2), wait("a", 2), signal("a", 2)], True),
        ([wait("each[3].in[0].a"), signal("each[3].in[0].a")], True),
        ([wait("each[3].in[0].a"), signal("each[3].in[0].a"), outcome("each")], False),
        ([wait("each[3].in[0].a"), signal("each[3].in[0].a"), outcome("each[3].in")], False),
    ],
)
def test_signal_is_unread_until_its_node_has_continued(aws: Aws, entries: list[Any], is_unread: bool):
    histories: HistoryRepository = aws.histories
    for entry in entries:
        histories.record(RUN, entry)
    assert histories.has_unread_signal(RUN) is is_unread


def test_signal_in_an_ended_loop_is_not_unread(aws: Aws):
    histories = aws.histories
    for entry in (wait("each[0].a"), signal("each[0].a")):
        histories.record(RUN, entry)
    histories.record_recomputable(RUN, [outcome("each")])
    assert not histories.has_unread_signal(RUN)


@pytest.mark.parametrize("answers", [[], [signal("ask"), outcome("ask")]], ids=["open", "taken"])
def test_checking_a_suspended_execution_does_not_read_its_history(aws: Aws, answers: list[Any]):
    histories = aws.histories
    for number in range(1_000):
        histories.record(RUN, outcome(f"each[{number}].x"))
    for entry in (wait("ask"), *answers):
        histories.record(RUN, entry)

    with read_units(aws) as whole:
        aws.executions.partition(RUN)
    with read_units(aws) as looked:
        assert not histories.has_unread_signal(RUN)
    FIGURES["read units of a look at a parked run of 1,000 outcomes, if all is read"] = int(whole["read"])
    FIGURES[f"read units of the same, as it is ({len(answers)} answers)"] = int(looked["read"])
    assert looked["read"] * 20 < whole["read"]
