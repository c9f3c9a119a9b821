"""Sums of what has run, as the API tells them; an end that is told twice counts once."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from engine.errors import InvalidInput
from engine.schemas.executions import StartBody
from engine.services.executions.statistics import MOST_DAYS, Statistics
from engine.services.principal import Principal
from tests.unit.conftest import Aws
from tests.world import WORKSPACE, World, execution_service

USER = Principal("u", "s", WORKSPACE, "viewer", is_admin=False)
OWNER = Principal("u", "s", WORKSPACE, "owner", is_admin=False)
FINE = {"nodes": [{"id": "a", "type": "effect"}]}
FAILS = {"nodes": [{"id": "a", "type": "fail", "config": {"message": "no"}}]}


def test_ends_are_counted_by_day_and_workflow(aws: Aws):
    world = World(aws)
    fine, fails = world.workflow(FINE), world.workflow(FAILS)
    for workflow in (fine, fine, fails):
        world.start(workflow)
    execution_service(world).start(OWNER, StartBody(workflow_id=fails, test=True), None)
    world.settle()
    ids = [one.id for one in world.all()]
    for told in (ids, ids[:2], ids[::-1]):
        world.publisher.executions_ended(told)

    statistics, today = Statistics(world.repositories, world.clock), world.clock.now().date()
    by_workflow = statistics.of(USER, None, None, "workflow")
    assert [(one.workflow_id, one.runs, one.failed, one.tests) for one in by_workflow.items] == [
        (fine, 2, 0, 0),
        (fails, 1, 1, 1),
    ]
    assert (by_workflow.total.runs, by_workflow.total.tests) == (3, 1)
    days = statistics.of(USER, today - timedelta(days=2), today, "day").items
    assert [(one.day, one.runs) for one in days[:2]] == [(str(today - timedelta(days=n)), 0) for n in (2, 1)]
    assert days[2].runs == 3
    assert statistics.of(USER, None, None, "day", fails).total.runs == 1
    stranger = Principal("v", "s", "ws-2", "owner", is_admin=False)
    assert statistics.of(stranger, None, None, "day").total.runs == 0


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 5, 2), date(2026, 5, 1)),
        (date(2026, 5, 1), date(2026, 5, 1) + timedelta(days=MOST_DAYS)),
        (None, date(1, 1, 1)),
        (date(1, 1, 1), date(1, 1, 2)),
    ],
)
def test_invalid_time_span_is_refused(aws: Aws, first: date | None, last: date):
    with pytest.raises(InvalidInput):
        Statistics(World(aws).repositories, World(aws).clock).of(USER, first, last, "day")
