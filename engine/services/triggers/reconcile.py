"""One truth: schedules and rules follow what the workflows' records say, never the other way.

Whoever is told that a workflow has changed reads what it says now and makes EventBridge equal to that. So it may be
told twice, late, out of order, or not at all, and any number may be at it; once a day it is done for everything.

A rule is there for whoever listens by its pattern (see `engine/storage/listeners.py`). Whoever has made or removed one
looks again who listens, so of any number that do this at once the last one leaves it as it should be.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

from botocore.exceptions import ClientError

from engine.aws.event_rules import Rule, Rules, Taken
from engine.aws.schedules import SCHEDULED_TIME, Schedule, Schedules
from engine.clock import Clock
from engine.errors import Unavailable
from engine.storage.listeners import account_patterns, pattern_digest
from engine.storage.repositories import Repositories
from engine.storage.workflow_records import Workflow
from engine.triggers.definition import TriggerDefinition
from engine.triggers.schedule import ScheduleConfig
from engine.triggers.types import config_of

logger = logging.getLogger(__name__)
_ROUNDS = 5
_RESERVE = 10.0
"""Seconds that one workflow may take."""
_NOTED_EACH = 50
_KEPT_AFTER = timedelta(hours=1)
"""What comes once is kept for so long behind its time: its delivery may still be tried."""
_WILL_NOT_WORK = frozenset(
    {"ValidationException", "InvalidEventPatternException", "LimitExceededException", "ServiceQuotaExceededException"}
)
_FULL = frozenset({"LimitExceededException", "ServiceQuotaExceededException"})
_WHEN_FULL = (
    "AWS allows 300 rules on the account's bus and a million schedules unless its quota is raised in Service Quotas; "
    "it is tried again once a day, and when the workflow changes"
)
EACH_MINUTE = "cron(* * * * ? *)"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A schedule that there should be.

    `start` is told to EventBridge when it is made; `may_be_made` is off for what is past.
    """

    trigger: TriggerDefinition
    schedule: Schedule
    start: datetime | None
    may_be_made: bool = True


class Reconciler:
    """See above.

    Args:
        stores: what is true.
        schedules: those of EventBridge Scheduler.
        rules: those of the account's bus.
        clock: tells the time.
        has_zones: whether the scheduler knows time zones. An emulator that does not is told to call each minute, and
            what is due is found out by the function that it calls.
    """

    def __init__(
        self,
        repositories: Repositories,
        schedules: Schedules,
        rules: Rules,
        clock: Clock,
        *,
        has_zones: bool = True,
    ) -> None:
        self._workflows = repositories.workflows
        self._triggers = repositories.triggers
        self._listeners = repositories.listeners
        self._schedules = schedules
        self._rules = rules
        self._clock = clock
        self._has_zones = has_zones

    def everything(self, remaining: Callable[[], float]) -> dict[str, int]:
        """Go through all workflows with triggers, and all schedules and rules; gives how much of what was changed.

        What goes wrong with one workflow keeps no other waiting. Where time runs out it is noted how far it got, and
        the next time goes on behind that, so that all have their turn.
        """
        done: Counter[str] = Counter()
        for digest in list(self._rules.names()):
            if not self._listeners.of_rule(digest):
                self._attempt(digest, partial(self.rule, digest), done)
        ids = sorted({*self._workflows.with_triggers(), *_workflows_in(self._schedules.names())})
        last = begin = self._workflows.reconciled()
        turn = [*(one for one in ids if one > begin), *(one for one in ids if one <= begin)]
        for number, workflow_id in enumerate(turn):
            if remaining() < _RESERVE:
                done["left"] = len(ids) - number
                break
            self._attempt(workflow_id, partial(self.workflow, workflow_id), done)
            last = workflow_id
            if number % _NOTED_EACH == _NOTED_EACH - 1:
                self._workflows.set_reconciled(last)  # should the next one kill this process, it is not the first again
        if done["left"] or begin or len(ids) >= _NOTED_EACH:
            self._workflows.set_reconciled(last if done["left"] else "")
        return dict(+done)

    def _attempt(self, what: str, reconcile: Callable[[], Counter[str]], done: Counter[str]) -> None:
        try:
            done.update(reconcile())
        except Exception:
            logger.exception("%s could not be reconciled", what)
            done["failed"] += 1

    def workflow(self, workflow_id: str) -> Counter[str]:
        """Make schedules and rules equal to what a workflow says, or remove them where it says nothing any more.

        Should it change meanwhile, another attempt is made, so that of two who do this the later one is right.
        """
        done: Counter[str] = Counter()
        for _ in range(_ROUNDS):
            before = self._workflows.find(workflow_id)
            self._sync_schedules(workflow_id, before, done)
            self._sync_rules(workflow_id, before, done)
            self._expect(workflow_id, before)
            after = self._workflows.find(workflow_id)
            if _said(before) == _said(after):
                break
        return done

    # -- schedules -----------------------------------------------------------------------------------------

    def _sync_schedules(self, workflow_id: str, workflow: Workflow | None, done: Counter[str]) -> None:
        now = self._clock.now()
        wanted = dict(self._wanted_schedules(workflow, now)) if workflow and workflow.is_active else {}
        for name, one in wanted.items():
            there = self._schedules.get(name)
            if there == one.schedule or (there is None and not one.may_be_made):
                continue
            with _told(self._triggers.failed, workflow_id, one.trigger.id, now):
                self._schedules.put(name, one.schedule, one.start)
                done["schedules_put"] += 1
        for name in list(self._schedules.names(_prefix(workflow_id))):
            if name not in wanted:
                self._schedules.delete(name)
                done["schedules_deleted"] += 1

    def _wanted_schedules(self, workflow: Workflow, now: datetime) -> Iterator[tuple[str, _Wanted]]:
        for trigger in workflow.triggers:
            config = config_of(trigger)
            if not isinstance(config, ScheduleConfig):
                continue
            following = next(config.after(now), None)
            if following is None and next(config.after(now - _KEPT_AFTER), None) is None:
                continue
            payload = {"workflow_id": workflow.id, "trigger_id": trigger.id, "scheduled_at": SCHEDULED_TIME}
            if config.start is not None:
                payload["start"] = config.start  # so that another start is another schedule, also when it has passed
            for number, expression in enumerate(self._expressions(config)):
                schedule = Schedule(
                    expression, config.expressed_in, config.flexible_minutes, config.end_at, {"schedule": payload}
                )
                start = config.first_tick(now) or (config.start_at if (config.start_at or now) > now else None)
                yield _name(workflow.id, trigger.id, number), _Wanted(trigger, schedule, start, following is not None)

    def _expressions(self, config: ScheduleConfig) -> tuple[str, ...]:
        if not self._has_zones and config.expressed_in != "UTC":
            return (EACH_MINUTE,)
        return config.expressions()

    # -- rules ---------------------------------------------------------------------------------------------

    def _sync_rules(self, workflow_id: str, workflow: Workflow | None, done: Counter[str]) -> None:
        """See that the rules are there by which a workflow listens. Who removes them is told by `rule`."""
        listening = account_patterns(workflow.triggers) if workflow and workflow.is_active else {}
        for trigger_id, pattern in listening.items():
            with _told(self._triggers.failed, workflow_id, trigger_id, self._clock.now()):
                done.update(self.rule(pattern_digest(pattern)))

    def rule(self, digest: str) -> Counter[str]:
        """Make the rule of a pattern, if somebody listens by it and it is not there; else remove it if it is."""
        done: Counter[str] = Counter()
        for _ in range(_ROUNDS):
            listeners = self._listeners.of_rule(digest)
            wanted = Rule(dict(listeners[0].pattern), {"rule": digest}) if listeners else None
            try:
                if wanted is None:
                    done["rules_deleted"] += self._rules.delete(digest)
                elif self._rules.get(digest) != wanted:
                    self._rules.put(digest, wanted)
                    done["rules_put"] += 1
            except Taken:
                continue
            if bool(self._listeners.of_rule(digest)) == bool(listeners):
                return done
        raise Unavailable("the rule of a pattern is being changed by others; try again")

    # -- what is expected ----------------------------------------------------------------------------------

    def _expect(self, workflow_id: str, workflow: Workflow | None) -> None:
        """Say when each trigger should fire next, where that is not known yet, or not right any more."""
        now = self._clock.now()
        known = self._triggers.of_workflow(workflow_id)
        triggers = workflow.triggers if workflow else ()
        for trigger_id in known.keys() - {trigger.id for trigger in triggers}:
            self._triggers.forget(workflow_id, trigger_id)
        for trigger in triggers:
            config, state = config_of(trigger), known.get(trigger.id)
            expected = state.expected_at if state else None
            if isinstance(config, ScheduleConfig):
                following = config.expected_after(now)
                is_right = config.is_expected(expected) if expected else following is None
            else:
                every = config.expected_every_seconds
                following = now + timedelta(seconds=every) if every else None
                is_right = (expected is None) == (every is None)
            if workflow is None or not workflow.is_active:
                following, is_right = None, expected is None
            if not is_right:
                self._triggers.expect(workflow_id, trigger.id, following)


def _said(workflow: Workflow | None) -> tuple[Any, ...] | None:
    """What of a workflow matters here."""
    return (workflow.published_version, workflow.is_active, workflow.triggers) if workflow else None


class _told:  # noqa: N801 - reads as what it does
    """What EventBridge will never take is noted at the trigger, and not tried again until something changes."""

    def __init__(self, note: Callable[..., None], workflow_id: str, trigger_id: str, at: datetime) -> None:
        self._note = note
        self._about = workflow_id, trigger_id, at

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if not isinstance(error, ClientError) or error.response["Error"]["Code"] not in _WILL_NOT_WORK:
            return False
        logger.error("EventBridge refused the trigger %s of %s: %s", self._about[1], self._about[0], error)
        message = f"EventBridge does not take it: {error.response['Error'].get('Message', '')}"
        if error.response["Error"]["Code"] in _FULL:
            message += f"; {_WHEN_FULL}"
        self._note(*self._about, {"code": "not_scheduled", "message": message})
        return True


def _prefix(workflow_id: str) -> str:
    return f"{UUID(workflow_id).hex}-"


def _name(workflow_id: str, trigger_id: str, number: int) -> str:
    return f"{_prefix(workflow_id)}{sha256(trigger_id.encode()).hexdigest()[:12]}-{number}"


def _workflows_in(names: Iterable[str]) -> Iterator[str]:
    """The workflows that these schedules were made for."""
    for name in names:
        try:
            yield str(UUID(name.partition("-")[0]))
        except ValueError:
            logger.warning("%s is not of our making; it is left alone", name)
