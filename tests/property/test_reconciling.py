"""Whatever schedules and rules have become, and however the stream tells of changes, they end equal to the records."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import boto3
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.aws.event_rules import Rule, Rules
from engine.aws.schedules import Schedule, Schedules
from engine.ids import new_id
from engine.services.triggers.reconcile import Reconciler, _name
from engine.storage.listeners import pattern_digest
from tests.crash import Died, Fate
from tests.figures import FIGURES
from tests.stored import delete, publish_version, set_active, stored_workflow
from tests.unit.conftest import NOW, Aws, aws_in_memory

GROUP, PREFIX = "schedules", "ms-"
TARGET, DEAD = "arn:aws:lambda:us-east-1:123456789012:function:dispatch", "arn:aws:sqs:us-east-1:123456789012:dead"
AT = "2026-05-01T09:00:00.000Z"
NODES = [{"id": "a", "type": "transform", "config": {"value": 1}}]
TRIGGERS = [
    {"id": "daily", "type": "schedule", "config": {"cron": "0 9 * * *", "timezone": "Europe/Berlin"}},
    {"id": "daily", "type": "schedule", "config": {"cron": "0 9 1 * 1"}},
    {"id": "often", "type": "schedule", "config": {"every": "7 minutes"}},
    {"id": "often", "type": "schedule", "config": {"every": "7 minutes", "flexible_minutes": 5}},
    {"id": "once", "type": "schedule", "config": {"at": "2026-12-24T18:00:00", "timezone": "Asia/Tokyo"}},
    {"id": "past", "type": "schedule", "config": {"at": "2020-12-24T18:00:00"}},
    {"id": "until", "type": "schedule", "config": {"cron": "@daily", "end": "2027-01-01T00:00:00Z"}},
    {"id": "shop", "type": "event", "config": {"pattern": {"source": ["shop"]}}},
    {"id": "shop", "type": "event", "config": {"pattern": {"source": ["shop"], "detail": {"n": [1]}}}},
    {"id": "s3", "type": "event", "config": {"bus": "account", "pattern": {"source": ["aws.s3"]}}},
    {"id": "ec2", "type": "event", "config": {"bus": "account", "pattern": {"source": ["aws.ec2"]}}},
    {"id": "too", "type": "event", "config": {"bus": "account", "pattern": {"source": ["aws.s3"]}}},
    {"id": "hook", "type": "webhook", "config": {}},
]
SOME = st.lists(st.sampled_from(TRIGGERS), max_size=5, unique_by=lambda trigger: trigger["id"])


class World:
    """EventBridge in memory, workflows, and a reconciler that may die at any of its calls."""

    def __init__(self, aws: Aws) -> None:
        self.aws, self.fate = aws, Fate()
        self.scheduler, self.events = boto3.client("scheduler"), boto3.client("events")
        self.scheduler.create_schedule_group(Name=GROUP)
        role = "arn:aws:iam::123456789012:role/scheduler"
        self.schedules = Schedules(self.scheduler, GROUP, TARGET, role, DEAD)
        self.rules = Rules(self.events, "default", PREFIX, TARGET, DEAD)
        self.reconciler = Reconciler(aws.repositories, self.schedules, self.rules, aws.clock)
        self.ids: list[str] = []
        for client in (self.scheduler, self.events, aws.dynamodb):
            service = client.meta.service_model.service_name
            client.meta.events.register(f"before-call.{service}", self._point)
            client.meta.events.register(f"after-call.{service}", self._point)
        self.fate.spared = True

    def _point(self, **_: Any) -> None:
        self.fate.point()

    @contextmanager
    def mortal(self, dies_at: int | None) -> Any:
        """What happens in here is done by a process that may die."""
        self.fate.at, self.fate.points, self.fate.spared = dies_at, 0, False
        try:
            yield
        except Died:
            pass
        finally:
            self.fate.revive()
            self.fate.spared = True

    # -- what users do -------------------------------------------------------------------------------------

    def create(self, triggers: list[Any]) -> None:
        workflow = stored_workflow(self.aws.workflows, {"nodes": NODES, "triggers": triggers}, "ws")
        self.ids.append(workflow.id)

    def change(self, number: int, what: str, triggers: list[Any]) -> str | None:
        """Change one of the workflows; its id, or None where there is none."""
        if not self.ids:
            return None
        workflow_id = self.ids[number % len(self.ids)]
        workflow = self.aws.workflows.find(workflow_id)
        if workflow is None:
            return workflow_id
        if what in ("activate", "deactivate"):
            set_active(self.aws.workflows, workflow, active=what == "activate")
        elif what == "delete":
            delete(self.aws.workflows, workflow)
        else:
            publish_version(self.aws.workflows, workflow, {"nodes": NODES, "triggers": triggers})
        return workflow_id

    def unheard(self) -> list[str]:
        """The patterns that the stream tells of when a listener is removed; here all that any trigger may have."""
        return [pattern_digest(one["config"]["pattern"]) for one in TRIGGERS if one["config"].get("bus") == "account"]

    # -- what is there, and what should be -----------------------------------------------------------------

    def there(self) -> dict[str, Any]:
        found: dict[str, Any] = {f"schedule {name}": self.schedules.get(name) for name in self.schedules.names()}
        return found | {f"rule {name}": self.rules.get(name) for name in self.rules.names()}

    def wanted(self) -> dict[str, Any]:
        """Written down from the records, without the reconciler."""
        found: dict[str, Any] = {}
        for workflow_id in self.ids:
            workflow = self.aws.workflows.find(workflow_id)
            for trigger in workflow.triggers if workflow and workflow.is_active else ():
                if trigger.config.get("bus") == "account":
                    digest = pattern_digest(trigger.config["pattern"])
                    found[f"rule {digest}"] = Rule(trigger.config["pattern"], {"rule": digest})
                for number, spec in enumerate(EXPECTED.get(str(trigger.config), ())):
                    found[f"schedule {_name(workflow_id, trigger.id, number)}"] = spec(workflow_id, trigger.id)
        return found


def scheduled(expression: str, zone: str = "UTC", flexible: int | None = None, end: Any = None) -> Any:
    def spec(workflow_id: str, trigger_id: str) -> Schedule:
        told = {"workflow_id": workflow_id, "trigger_id": trigger_id, "scheduled_at": "<aws.scheduler.scheduled-time>"}
        return Schedule(expression, zone, flexible, end, {"schedule": told})

    return spec


EXPECTED = {
    str(TRIGGERS[0]["config"]): [scheduled("cron(0 9 * * ? *)", "Europe/Berlin")],
    str(TRIGGERS[1]["config"]): [scheduled("cron(0 9 1 * ? *)"), scheduled("cron(0 9 ? * 2 *)")],
    str(TRIGGERS[2]["config"]): [scheduled("rate(7 minutes)")],
    str(TRIGGERS[3]["config"]): [scheduled("rate(7 minutes)", flexible=5)],
    str(TRIGGERS[4]["config"]): [scheduled("at(2026-12-24T09:00:00)")],
    str(TRIGGERS[6]["config"]): [scheduled("cron(0 0 * * ? *)", end=NOW.replace(year=2027, month=1, day=1, hour=0))],
}


def drift(world: World, how: str, number: int) -> None:
    """Somebody else's hand in EventBridge."""
    there = sorted(world.there())
    if how == "extra":
        name = _name(new_id(), "x", 0)
        world.schedules.put(name, Schedule("rate(1 hour)", "UTC", None, None, {}), None)
        world.rules.put("x" * 32, Rule({"source": ["x"]}, {"a": "b"}))
        return
    if not there:
        return
    kind, _, name = there[number % len(there)].partition(" ")
    if how == "missing":
        (world.schedules if kind == "schedule" else world.rules).delete(name)
    elif kind == "schedule":
        found = world.scheduler.get_schedule(GroupName=GROUP, Name=name)
        kept = {key: found[key] for key in ("GroupName", "Name", "FlexibleTimeWindow", "Target")}
        world.scheduler.update_schedule(**kept, ScheduleExpression="rate(9 hours)", State="DISABLED")
    else:
        world.events.put_rule(Name=PREFIX + name, EventPattern='{"source": ["other"]}')
        world.events.put_targets(Rule=PREFIX + name, Targets=[{"Id": "b", "Arn": DEAD}])


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(SOME, st.booleans()), min_size=1, max_size=3),
    st.lists(st.tuples(st.sampled_from(["missing", "extra", "changed"]), st.integers(0, 20)), max_size=5),
)
def test_reconciliation_removes_any_drift(workflows: list[tuple[list[Any], bool]], drifts: list[tuple[str, int]]):
    with aws_in_memory() as aws:
        world = World(aws)
        for number, (triggers, active) in enumerate(workflows):
            world.create(triggers)
            if active:
                world.change(number, "activate", [])
        world.reconciler.everything(lambda: 100.0)
        assert world.there() == world.wanted()
        for how, number in drifts:
            drift(world, how, number)

        world.reconciler.everything(lambda: 100.0)

        assert world.there() == world.wanted()
        assert world.reconciler.everything(lambda: 100.0) == {}  # nothing is left to do
        FIGURES["drifts of schedules and rules repaired"] += len(drifts)


STEPS = st.tuples(st.sampled_from(["create", "activate", "deactivate", "update", "delete"]), st.integers(0, 5), SOME)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, min_size=2, max_size=8), st.data())
def test_reconciliation_converges_when_the_stream_repeats_reorders_or_its_reader_dies(
    steps: list[Any], data: st.DataObject
):
    with aws_in_memory() as aws:
        world = World(aws)
        told: list[str] = []
        for what, number, triggers in steps:
            if what == "create":
                world.create(triggers)
            else:
                changed = world.change(number, what, triggers)
                told += [changed] if changed else []
            if told and data.draw(st.booleans()):  # some of what there is to tell is told now, in some order
                with world.mortal(data.draw(st.integers(1, 60))):
                    world.reconciler.workflow(data.draw(st.sampled_from(told)))
        # A batch that fails is delivered again, so in the end each change has been told once at least:
        for workflow_id in data.draw(st.permutations(told)):
            with world.mortal(data.draw(st.one_of(st.none(), st.integers(1, 60)))):
                world.reconciler.workflow(workflow_id)
                continue
        for workflow_id in data.draw(st.permutations(list(dict.fromkeys(told)))):
            world.reconciler.workflow(workflow_id)
        for digest in data.draw(st.permutations(world.unheard())):
            world.reconciler.rule(digest)

        assert world.there() == world.wanted()
        FIGURES["streams of changes told with repetitions and deaths"] += 1


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(1, 9), st.lists(st.integers(1, 4), min_size=10, max_size=10))
def test_reconciliation_reaches_every_workflow_however_short_each_run_is(count: int, days: list[int]):
    with aws_in_memory() as aws:
        world = World(aws)
        for _ in range(count):
            world.create([TRIGGERS[2]])
            world.change(-1, "activate", [])
        seen: list[str] = []
        real = world.reconciler.workflow
        world.reconciler.workflow = lambda one: (seen.append(one), real(one))[1]  # type: ignore[method-assign]
        for most in days:
            begin = len(seen)
            world.reconciler.everything(lambda: 100.0 if len(seen) - begin < most else 1.0)  # noqa: B023
            assert len(seen) - begin == min(most, count)

        assert set(seen) == set(world.ids) or sum(days) < count
        assert world.there() == world.wanted() or sum(days) < count


def test_full_event_bus_is_shown_at_the_trigger_and_retried():
    with aws_in_memory() as aws:
        world = World(aws)
        world.create([TRIGGERS[0], TRIGGERS[9]])
        workflow_id = world.change(-1, "activate", [])
        assert workflow_id is not None
        rules = world.rules
        put = rules.put

        def full(*_: Any) -> None:
            error = {"Error": {"Code": "LimitExceededException", "Message": "The requested resource exceeds the limit"}}
            raise ClientError(error, "PutRule")  # type: ignore[arg-type]

        rules.put = full  # type: ignore[method-assign]
        assert world.reconciler.workflow(workflow_id) == {"schedules_put": 1}
        failure = aws.repositories.triggers.get(workflow_id, "s3").last_failure
        assert failure is not None
        assert failure["code"] == "not_scheduled"
        assert "300 rules" in failure["message"]

        rules.put = put  # type: ignore[method-assign]
        world.reconciler.everything(lambda: 100.0)
        assert world.there() == world.wanted()
