"""Schedules and events: each time and each event starts one execution, however often and late it is delivered."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import limits
from engine.aws.event_bus import Marks
from engine.errors import Unavailable
from engine.storage.listeners import pattern_digest
from engine.storage.triggers import TriggerRepository
from tests.figures import FIGURES
from tests.stored import delete, publish_version, set_active
from tests.unit.conftest import Aws, aws_in_memory
from tests.unit.dispatched import CRON, QUICK, active, dispatcher, hour
from tests.world import AT, WORKSPACE, World

LONG = {"nodes": [{"id": "a", "type": "delay", "config": {"seconds": 3000}}]}


def test_scheduled_time_starts_one_execution_however_often_and_late_it_is_delivered(aws: Aws):
    world = World(aws)
    workflow_id, due = active(world, QUICK, CRON), hour(world, 0)
    words = [dispatcher(world).on_time(workflow_id, "t", due) for _ in range(3)]
    world.pass_time(3600)
    words.append(dispatcher(world).on_time(workflow_id, "t", due))
    world.settle()

    assert words == ["started", "known", "known", "known"]
    (execution,) = world.all()
    assert (execution.trigger_type, execution.trigger_id, execution.result) == ("schedule", "t", {"a": {"n": 1}})
    assert execution.trigger["scheduled_at"] == due
    assert world.repositories.triggers.get(workflow_id, "t").fired == 1


def test_two_deliveries_at_once_are_one_execution(aws: Aws):
    world = World(aws)
    workflow_id, due = active(world, QUICK, CRON), hour(world, 0)
    words: list[str] = []
    threads = [
        threading.Thread(target=lambda: words.append(dispatcher(world).on_time(workflow_id, "t", due)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(words) == ["known"] * 7 + ["started"]
    assert len(world.all()) == 1


@pytest.mark.parametrize("overlap", ["allow", "skip", "queue"])
def test_crash_while_firing_is_completed_by_the_next_delivery(overlap: str):
    points = 0
    for at in range(1, 40):
        with aws_in_memory() as aws:
            world = World(aws)
            trigger = {**CRON, "config": {**CRON["config"], "overlap": overlap}}
            workflow_id, due = active(world, QUICK, trigger), hour(world, 0)
            world.fate.at, world.fate.points = at, 0
            died = not world.perish(partial(dispatcher(world).on_time, workflow_id, "t", due))
            world.fate.at = None
            if not died:
                break
            points += 1
            dispatcher(world).on_time(workflow_id, "t", due)  # it is delivered again
            world.settle()
            world.check()
            assert world.results() == [("succeeded", {"a": {"n": 1}})]
            assert world.repositories.triggers.get(workflow_id, "t").expected_at is not None
    assert points > 5
    FIGURES["deaths while a schedule fires"] += points


def test_inactive_trigger_and_wrong_time_start_nothing(aws: Aws):
    world = World(aws)
    workflow_id, due = active(world, QUICK, CRON), hour(world, 0)
    assert dispatcher(world).on_time(workflow_id, "t", hour(world, 0).replace(":00:00", ":30:00")) == "not_due"
    assert dispatcher(world).on_time(workflow_id, "u", due) == "not_live"
    assert dispatcher(world).on_time("01920000-0000-7000-8000-000000000009", "t", due) == "not_live"

    workflow = world.repositories.workflows.get(WORKSPACE, workflow_id)
    half = {**QUICK, "triggers": [{**CRON, "config": {"cron": "30 * * * *"}}]}
    publish_version(world.repositories.workflows, workflow, half)
    assert dispatcher(world).on_time(workflow_id, "t", due) == "not_due"  # a schedule of the old version

    set_active(world.repositories.workflows, workflow, active=False)
    assert dispatcher(world).on_time(workflow_id, "t", due.replace(":00:00", ":30:00")) == "not_live"
    state = world.repositories.triggers.get(workflow_id, "t")
    assert (state.refused, state.last_refusal) == (1, "the workflow is not active")
    delete(world.repositories.workflows, workflow)
    assert dispatcher(world).on_time(workflow_id, "t", due) == "not_live"
    assert world.all() == []


def test_overlap_setting_decides_while_the_previous_execution_runs(aws: Aws):
    world = World(aws)
    ends = {}
    for overlap in ("allow", "skip", "queue"):
        config = {"cron": "0 * * * *", "overlap": overlap}
        workflow_id = active(world, LONG, {**CRON, "config": config})
        for number in (0, 1):
            dispatcher(world).on_time(workflow_id, "t", hour(world, number))
        ends[overlap] = workflow_id
    world.settle()
    world.check()

    def of(overlap: str) -> list[Any]:
        return [one for one in world.all() if one.workflow_id == ends[overlap]]

    assert [str(one.status) for one in of("allow")] == ["succeeded", "succeeded"]
    assert [str(one.status) for one in of("skip")] == ["succeeded", "cancelled"]
    first, second = of("queue")
    assert second.started_at >= first.completed_at


def heard_by(*triggers: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": name, "type": "event", "config": config} for name, config in triggers]


def shop(workspace: str = WORKSPACE, depth: int = 0, name: str = "e-1") -> dict[str, Any]:
    marks = Marks(workspace, name, depth, is_heard=True).written()
    return {"id": "x", "source": "shop", "detail-type": "t", "time": AT, "resources": marks, "detail": {"n": 1}}


SHOP = {"pattern": {"source": ["shop"]}}


ON_ACCOUNT = {"bus": "account", **SHOP}


def test_an_event_starts_what_listens_in_its_workspace_once(aws: Aws):
    world = World(aws)
    others = {"pattern": {"source": ["shop"], "detail": {"n": [2]}}}
    workflow_id = active(world, QUICK, *heard_by(("t", SHOP), ("u", others), ("v", ON_ACCOUNT)))

    assert dispatcher(world).on_event(shop("another")) == {}
    assert dispatcher(world).on_event({**shop(), "resources": []}) == {}
    assert dispatcher(world).on_event(shop(depth=limits.MAX_CALL_DEPTH)) == {"failed": 1}
    assert world.repositories.triggers.get(workflow_id, "t").last_failure["code"] == "too_deep"
    assert [dispatcher(world).on_event(shop()) for _ in range(2)] == [{"started": 1}, {"known": 1}]
    world.settle()
    assert [(one.depth, one.result) for one in world.all()] == [(1, {"a": {"n": 1}})]


def test_an_event_starts_all_that_listen_though_one_of_them_cannot_now(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    world = World(aws)
    first, *others = [active(world, QUICK, *heard_by(("t", SHOP))) for _ in range(20)]
    start = world.starter.start

    def broken(request: Any, *arguments: Any, **named: Any) -> Any:
        if request.workflow_id == first:
            raise Unavailable("try again")
        return start(request, *arguments, **named)

    monkeypatch.setattr(world.starter, "start", broken)
    with pytest.raises(Unavailable):
        dispatcher(world).on_event(shop())
    assert {one.workflow_id for one in world.all()} == set(others)
    monkeypatch.setattr(world.starter, "start", start)
    assert dispatcher(world).on_event(shop()) == {"started": 1, "known": 19}


def test_crash_while_handling_an_event_is_completed_by_the_next_delivery():
    points = 0
    for at in range(1, 60):
        with aws_in_memory() as aws:
            world = World(aws)
            for _ in range(2):
                active(world, QUICK, *heard_by(("t", SHOP)))
            world.fate.at, world.fate.points = at, 0
            died = not world.perish(partial(dispatcher(world).on_event, shop()))
            world.fate.at = None
            if not died:
                break
            points += 1
            dispatcher(world).on_event(shop())
            world.settle()
            world.check()
            assert world.results() == [("succeeded", {"a": {"n": 1}})] * 2
    assert points > 5
    FIGURES["deaths while an event is taken"] += points


def test_rule_starts_all_triggers_with_its_pattern(aws: Aws):
    world = World(aws)
    ids = [active(world, QUICK, *heard_by(("t", ON_ACCOUNT), ("u", ON_ACCOUNT))) for _ in range(2)]
    active(world, QUICK, *heard_by(("t", SHOP)))
    digest = pattern_digest(SHOP["pattern"])
    event = {**shop(), "resources": ["arn:aws:s3:::b"]}

    assert [dispatcher(world).on_rule(digest, event) for _ in range(2)] == [{"started": 4}, {"known": 4}]
    world.settle()
    assert sorted((one.workflow_id, one.trigger_id) for one in world.all()) == sorted(
        (workflow_id, trigger_id) for workflow_id in ids for trigger_id in "tu"
    )
    found = world.repositories.workflows.get(WORKSPACE, ids[0])
    set_active(world.repositories.workflows, found, active=False)
    assert dispatcher(world).on_rule(digest, {**event, "id": "y"}) == {"started": 2}
    assert dispatcher(world).on_rule("0" * 32, event) == {}


def test_deactivated_event_trigger_starts_nothing(aws: Aws, monkeypatch: pytest.MonkeyPatch):
    """The list of listeners was read before the workflow was changed: the record decides."""
    world = World(aws)
    workflow_id = active(world, QUICK, *heard_by(("t", SHOP)))
    fire = dispatcher(world)
    listeners_of = fire._listener_index.listeners_of(WORKSPACE, shop())
    assert len(listeners_of) == 1
    monkeypatch.setattr(fire._listener_index, "listeners_of", lambda *_: listeners_of)
    workflow = world.repositories.workflows.get(WORKSPACE, workflow_id)

    half = {**QUICK, "triggers": heard_by(("t", {"pattern": {"source": ["shop"], "detail": {"n": [2]}}}))}
    publish_version(world.repositories.workflows, workflow, half)
    assert fire.on_event(shop()) == {"refused": 1}
    workflow = world.repositories.workflows.get(WORKSPACE, workflow_id)
    set_active(world.repositories.workflows, workflow, active=False)
    assert fire.on_event(shop()) == {"not_live": 1}
    assert world.all() == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["succeeded", "failed", "timed_out", "cancelled"]), min_size=1, max_size=30), st.data())
def test_trigger_outcome_does_not_depend_on_the_order_of_reports(statuses: list[str], data: st.DataObject):
    with aws_in_memory() as aws:
        repository = TriggerRepository(aws.automation)
        ended = [(f"{number:08d}", status) for number, status in enumerate(statuses)]
        told = data.draw(st.permutations(ended)) + data.draw(st.lists(st.sampled_from(ended)))
        while told:
            batch, told = told[:4], told[4:]
            repository.ended("w", "t", dict(batch))

        state = repository.get("w", "t")
        assert dict(state.recent) == dict(ended[-limits.RECENT_OUTCOMES :])
        assert state.last_outcome == ended[-1]
        behind = statuses[-limits.RECENT_OUTCOMES :][::-1]
        until = behind.index("succeeded") if "succeeded" in behind else len(behind)
        assert state.consecutive_failures == sum(status in ("failed", "timed_out") for status in behind[:until])


def test_a_flexible_schedule_is_expected_at_the_end_of_its_window():
    from engine.triggers.schedule import ScheduleConfig

    config = ScheduleConfig(cron="0 * * * *", flexible_minutes=15)
    expected = config.expected_after(datetime(2026, 5, 1, 9, 30, tzinfo=UTC))
    assert expected == datetime(2026, 5, 1, 10, 15, tzinfo=UTC)
    assert config.is_expected(expected)
    assert not config.is_expected(expected - timedelta(minutes=15))


@pytest.mark.parametrize(
    ("config", "where"),
    [
        ({"at": "0001-01-01T00:00:00+14:00"}, "at"),
        ({"at": "9999-12-31T23:59:59", "timezone": "America/New_York"}, "at"),
        ({"at": "2300-01-01T00:00:00"}, "1970"),
        ({"cron": "@daily", "start": "9999-12-31T23:59:00Z"}, "1970"),
        ({"every": "1 day", "end": "0001-01-01T00:00:00Z"}, "1970"),
        ({"at": "2027-03-28T02:30:00", "timezone": "Europe/Berlin"}, "leave out"),
        ({"cron": "@daily", "every": "1 day"}, "one of"),
        ({"every": "0 days"}, "expected"),
        ({"cron": "@daily", "start": "2027-01-02T00:00:00Z", "end": "2027-01-01T00:00:00Z"}, "not after"),
    ],
)
def test_times_that_no_clock_shows_are_refused(config: dict[str, Any], where: str):
    from engine.triggers.schedule import ScheduleConfig

    with pytest.raises(ValueError, match=where):
        ScheduleConfig.model_validate(config)


def test_a_schedule_that_cannot_start_anything_says_so_and_is_not_silent(aws: Aws):
    world = World(aws)
    limit = {"limit": 1, "key": "{{ trigger.body.customer }}"}
    workflow_id = active(world, {**QUICK, "concurrency": limit}, CRON)
    assert dispatcher(world).on_time(workflow_id, "t", hour(world, 0)) == "failed"
    state = world.repositories.triggers.get(workflow_id, "t")
    assert state.last_failure is not None
    assert "customer" in state.last_failure["message"]
