"""Keeps schedules and rules equal to what the workflows' records say, never the other way around.

When a workflow has changed, its current record is read and EventBridge is made equal to it. So a change may be reported
twice, late, out of order, or not at all, and any number of processes may reconcile at once; once a day everything is
reconciled.

A rule exists while something listens by its pattern (see `engine/storage/listeners.py`). After making or removing one,
the listeners are read again, so of any number of concurrent reconcilers the last one leaves the right state.
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

from engine.aws.event_rules import ChangedMeanwhile, Rule, Rules
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
"""One-time schedules are kept for this long after their time: their delivery may still be retried."""
_WILL_NOT_WORK = frozenset(
    {"ValidationException", "InvalidEventPatternException", "LimitExceededException", "ServiceQuotaExceededException"}
)
_FULL = frozenset({"LimitExceededException", "ServiceQuotaExceededException"})
_WHEN_FULL = (
    "AWS allows 300 rules on the account's bus and a million schedules unless its quota is raised in Service Quotas; "
    "it is retried once a day, and when the workflow changes"
)
EACH_MINUTE = "cron(* * * * ? *)"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A schedule that should exist.

    `start` is passed to EventBridge when it is made; `may_be_made` is false for times in the past.
    """

    trigger: TriggerDefinition
    schedule: Schedule
    start: datetime | None
    may_be_made: bool = True


class Reconciler:
    """Makes EventBridge's schedules and rules equal to the workflows' records.

    Args:
        repositories: the records, which are authoritative.
        schedules: the schedules of EventBridge Scheduler.
        rules: the rules of the account's bus.
        clock: tells the time.
        has_zones: whether the scheduler knows time zones. An emulator that does not is set up to
            call every minute, and the function that it calls finds out what is due.
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
        """Reconcile all workflows with triggers, and all schedules and rules; return how many of each were changed.

        A problem with one workflow does not hold up the others. If time runs out, the position is recorded, and the
        next call continues behind it, so that every workflow gets its turn.
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
                # recorded first: if the next workflow kills this process, the next call does not begin with it
                self._workflows.set_reconciled(last)
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
        """Make schedules and rules equal to what a workflow says, or remove them if it says nothing any more.

        If it changes meanwhile, another attempt is made, so that of two concurrent calls the later one is right.
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
                # so that another start makes another schedule, even after the old one has passed
                payload["start"] = config.start
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
        """Ensure that the rules exist by which a workflow listens; `rule` decides which ones to remove."""
        listening = account_patterns(workflow.triggers) if workflow and workflow.is_active else {}
        for trigger_id, pattern in listening.items():
            with _told(self._triggers.failed, workflow_id, trigger_id, self._clock.now()):
                done.update(self.rule(pattern_digest(pattern)))

    def rule(self, digest: str) -> Counter[str]:
        """Make the rule of a pattern if something listens by it and it is missing; remove it if nothing does."""
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
            except ChangedMeanwhile:
                continue
            if bool(self._listeners.of_rule(digest)) == bool(listeners):
                return done
        raise Unavailable("the rule of a pattern is being changed by others; try again")

    # -- expectations ----------------------------------------------------------------------------------

    def _expect(self, workflow_id: str, workflow: Workflow | None) -> None:
        """Record when each trigger should fire next, where that is unknown or outdated."""
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
    """Return what matters here of a workflow's record."""
    return (workflow.published_version, workflow.is_active, workflow.triggers) if workflow else None


class _told:  # noqa: N801 - reads as what it does
    """Records at the trigger what EventBridge permanently refuses; it is not retried until something changes."""

    def __init__(self, note: Callable[..., None], workflow_id: str, trigger_id: str, at: datetime) -> None:
        self._note = note
        self._about = workflow_id, trigger_id, at

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if not isinstance(error, ClientError) or error.response["Error"]["Code"] not in _WILL_NOT_WORK:
            return False
        logger.error("EventBridge refused the trigger %s of %s: %s", self._about[1], self._about[0], error)
        message = f"EventBridge refused it: {error.response['Error'].get('Message', '')}"
        if error.response["Error"]["Code"] in _FULL:
            message += f"; {_WHEN_FULL}"
        self._note(*self._about, {"code": "not_scheduled", "message": message})
        return True


def _prefix(workflow_id: str) -> str:
    return f"{UUID(workflow_id).hex}-"


def _name(workflow_id: str, trigger_id: str, number: int) -> str:
    return f"{_prefix(workflow_id)}{sha256(trigger_id.encode()).hexdigest()[:12]}-{number}"


def _workflows_in(names: Iterable[str]) -> Iterator[str]:
    """Return the workflows that these schedules were made for."""
    for name in names:
        try:
            yield str(UUID(name.partition("-")[0]))
        except ValueError:
            logger.warning("%s was not made by this deployment; it is left alone", name)
