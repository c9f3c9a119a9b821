"""Whatever is edited, published, rolled back and started, and whoever dies: what runs was published when it started.

A small model keeps what the API has said; the records, the listeners and each execution are compared with it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import Conflict, MainspringError, NotFound, PreconditionFailed
from engine.ids import new_id
from engine.nodes.registry import NodeExecutorFactory
from engine.schemas.workflows import DraftBody, WorkflowBody, WorkflowCreation
from engine.services.executions.concurrency import ConcurrencyLimits
from engine.services.executions.start import Request, Starter
from engine.services.principal import Principal
from engine.services.workflows.api import WorkflowService
from engine.services.workflows.changing import Seen
from engine.services.workflows.drafts import DraftService
from engine.services.workflows.publishing import PublishingService
from engine.storage.listeners import Listeners
from engine.storage.workflow_records import Workflow, uses_of
from tests.crash import Died, Fate
from tests.figures import FIGURES
from tests.unit.conftest import Aws, aws_in_memory

WORKSPACE = "ws-1"
ADA, BOB = (Principal(name, "s", WORKSPACE, "owner", is_admin=True, name=name) for name in ("ada", "bob"))
_NOBODY = Listeners()
_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "PutObject", "DeleteObject")


def saying(number: int) -> dict[str, Any]:
    """A definition that is known by its number, and whose trigger hears events of that number only."""
    pattern = {"source": [f"s{number}"]}
    return {
        "nodes": [{"id": "a", "type": "transform", "config": {"value": number}}],
        "triggers": [{"id": "in", "type": "event", "config": {"pattern": pattern}}],
    }


def number_of(definition: dict[str, Any]) -> int:
    return int(definition["nodes"][0]["config"]["value"])


class Machine:
    """Takes starts and does nothing."""

    def start(self, *_: Any, **__: Any) -> None:
        """Nothing is driven here."""


class Company:
    """One workflow, people who change it, and processes that may die at any write."""

    def __init__(self, aws: Aws) -> None:
        self.aws, self.fate = aws, Fate()
        factory = NodeExecutorFactory()
        parts = aws.repositories, factory, aws.clock
        self.workflows, self.publishing = WorkflowService(*parts), PublishingService(*parts)
        self.drafts = DraftService(*parts)
        for client in (aws.dynamodb, aws.s3):
            service = client.meta.service_model.service_name
            for write in _WRITES:
                client.meta.events.register(f"before-call.{service}.{write}", self._point)
                client.meta.events.register(f"after-call.{service}.{write}", self._point)
        self.fate.spared = True
        body = WorkflowCreation(name="w", definition=saying(0))
        self.id = self.workflows.create(ADA, body).id
        self.versions, self.published, self.stack = [0], 1, [1]
        self.active = False
        self.next_number = 1

    def _point(self, **_: Any) -> None:
        self.fate.point()

    def now(self) -> Workflow:
        return self.aws.workflows.get(WORKSPACE, self.id)

    def attempt(self, dies_at: int | None, work: Callable[[], Any]) -> None:
        """Do something that may die, and learn from the records whether it was done: all of it, or nothing."""
        before = self.now()
        self.fate.at, self.fate.points, self.fate.spared = dies_at, 0, False
        try:
            work()
        except Died:
            FIGURES["deaths while a workflow is changed or published"] += 1
        except (Conflict, NotFound, PreconditionFailed):
            pass
        finally:
            self.fate.revive()
            self.fate.spared = True
        self.learn(before)
        self.check()

    def learn(self, before: Workflow) -> None:
        """What has become of it, taken from one record only; `check` compares all others with that."""
        after = self.now()
        assert after.revision - before.revision in (0, 1), "one change is one transaction"
        if after.version > before.version:
            self.versions.append(number_of(self.aws.workflows.get_version(self.id, after.version).definition))
        if after.publication > before.publication:
            told = self.aws.workflows.publication(self.id, after.publication)
            if told.kind == "rollback":
                self.stack.pop()
                assert told.version == self.stack[-1]
            else:
                self.stack.append(told.version)
        self.published, self.active = after.published_version, after.is_active

    def check(self) -> None:
        """Everything that is there is of one moment."""
        found, workflows = self.now(), self.aws.workflows
        assert found.version == len(self.versions)
        assert [number_of(workflows.get_version(self.id, n + 1).definition) for n in range(found.version)] == (
            self.versions
        ), "a version never changes"
        assert found.published_version == self.stack[-1] == workflows.publication(self.id, found.publication).version
        live = workflows.get_version(self.id, found.published_version).definition
        assert [one.config["pattern"] for one in found.triggers] == [live["triggers"][0]["config"]["pattern"]]
        assert (found.uses, found.newest_uses) == (
            uses_of(live), uses_of(workflows.get_version(self.id, found.version).definition),
        )  # fmt: skip
        heard = [one.pattern for one in self.aws.repositories.listeners.of_workspace(WORKSPACE, _NOBODY).items]
        assert heard == ([live["triggers"][0]["config"]["pattern"]] if found.is_active else [])

    def runs(self) -> None:
        """What is started now runs what is published now, and goes on with that whatever is published later."""
        execution = _starter(self.aws).start(Request(WORKSPACE, self.id, {"type": "manual"}, id=new_id())).execution
        assert execution.workflow_version == self.published
        ran = self.aws.workflows.get_version(self.id, execution.workflow_version)
        assert number_of(ran.definition) == self.versions[self.published - 1]
        FIGURES["starts between edits and publications"] += 1

    def fresh(self) -> int:
        self.next_number += 1
        return self.next_number


def _starter(aws: Aws) -> Starter:
    machine: Any = Machine()
    return Starter(aws.repositories, ConcurrencyLimits(aws.repositories, machine, aws.clock), machine, aws.clock)


def steps_of(company: Company, what: str, who: Principal, choice: int) -> Callable[[], Any]:
    """What somebody does, who has seen the workflow as it is now, or as it was."""
    found = company.now()
    seen = Seen(found.version, found.published_version, found.revision) if choice % 3 else Seen(version=1, published=1)
    definition = saying(company.versions[-1] if choice % 4 == 0 else company.fresh())
    version = choice % (found.version + 1) or None
    return {
        "save": lambda: company.workflows.save(who, company.id, WorkflowBody(definition=definition), seen),
        "save and publish": lambda: company.workflows.save(
            who, company.id, WorkflowBody(definition=definition, publish=True), seen
        ),
        "publish": lambda: company.publishing.publish(who, company.id, version, None, seen),
        "roll back": lambda: company.publishing.rollback(who, company.id, None, seen),
        "restore": lambda: company.publishing.restore(
            who, company.id, version or 1, None, seen, publish=choice % 2 == 0
        ),
        "draft": lambda: company.drafts.save(who, company.id, DraftBody(definition=definition), "*"),
        "rebase": lambda: company.drafts.save(
            who, company.id, DraftBody(definition=definition, base_version=found.version), "*"
        ),
        "publish draft": lambda: company.drafts.publish(who, company.id, None, None),
        "activate": lambda: company.workflows.set_active(who, company.id, active=True),
        "deactivate": lambda: company.workflows.set_active(who, company.id, active=False),
    }[what]


WHAT = [
    "save", "save and publish", "publish", "roll back", "restore", "draft", "rebase", "publish draft", "activate",
    "deactivate", "start",
]  # fmt: skip
STEPS = st.tuples(
    st.sampled_from(WHAT), st.sampled_from([ADA, BOB]), st.integers(0, 11), st.one_of(st.none(), st.integers(1, 6))
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, min_size=3, max_size=14))
def test_what_runs_is_what_was_published_when_it_started(steps: list[Any]):
    with aws_in_memory() as aws:
        company = Company(aws)
        for what, who, choice, dies_at in steps:
            if what == "start":
                company.runs()
            else:
                company.attempt(dies_at, steps_of(company, what, who, choice))
        company.runs()


@pytest.mark.parametrize("what", ["save and publish", "publish", "roll back", "publish draft", "restore"])
def test_publishing_is_atomic_under_crashes(what: str):
    with aws_in_memory() as aws:
        company = Company(aws)
        company.attempt(None, steps_of(company, "activate", ADA, 1))
        company.attempt(None, steps_of(company, "save and publish", ADA, 1))
        for dies_at in range(1, 12):
            company.attempt(None, steps_of(company, "save and publish", ADA, 1))
            company.attempt(None, steps_of(company, "save", ADA, 1))
            company.attempt(None, steps_of(company, "rebase", ADA, 1))
            company.attempt(dies_at, steps_of(company, what, ADA, 2))
            if company.fate.points < dies_at:
                break
            draft = aws.repositories.drafts.get(company.id, ADA.user_id)
            is_done = company.now().published_version == company.now().version
            assert what != "publish draft" or (draft is None) == is_done, "the draft goes with its publication"
        assert dies_at > 2
        company.runs()


def test_concurrent_publications_are_serialized_and_lose_nothing():
    with aws_in_memory() as aws:
        company = Company(aws)
        people = [Principal(f"u{n}", "s", WORKSPACE, "owner", is_admin=True) for n in range(8)]
        for number, one in enumerate(people):
            company.drafts.save(one, company.id, DraftBody(definition=saying(100 + number)), None)

        def publish(one: Principal) -> str:
            try:
                company.drafts.publish(one, company.id, None, None)
            except MainspringError as error:
                return error.code
            return "published"

        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(publish, people))

        assert sorted(told) == ["published"] + ["version_conflict"] * 7
        found = company.now()
        assert (found.version, found.published_version) == (2, 2)
        first = told.index("published")
        assert number_of(aws.workflows.get_version(company.id, 2).definition) == 100 + first
        kept = {one.author.id for one in aws.repositories.drafts.of_workflow(company.id)}
        assert kept == {one.user_id for one in people} - {people[first].user_id}


def test_an_event_that_comes_while_others_publish_starts_one_whole_version():
    """The trigger that hears it and the version that runs are read from one record."""
    with aws_in_memory() as aws:
        company = Company(aws)
        company.attempt(None, steps_of(company, "activate", ADA, 1))
        for _ in range(3):
            heard = company.now()  # what a delivery has read before the publication
            company.attempt(None, steps_of(company, "save and publish", BOB, 1))
            request = Request(WORKSPACE, company.id, {"type": "event", "trigger_id": "in"}, id=new_id(), workflow=heard)
            execution = _starter(aws).start(request).execution
            ran = aws.workflows.get_version(company.id, execution.workflow_version).definition
            assert ran["triggers"][0]["config"]["pattern"] == heard.triggers[0].config["pattern"]
