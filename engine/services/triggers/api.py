"""Triggers for their owners: status, next times, test runs, and secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from engine import limits
from engine.clock import Clock, format_time
from engine.errors import Conflict, InvalidInput, NotFound
from engine.history.model import Execution
from engine.security.permissions import Permission
from engine.security.secrets import MAX_SECRET_BYTES, SecretBox, hook_context
from engine.services.executions.start import Request, Starter
from engine.services.executions.trigger_trials import last_trigger, trial_trigger
from engine.services.principal import Principal
from engine.services.triggers.dispatch import scheduled
from engine.services.triggers.webhook_addresses import hook_url
from engine.storage.dynamodb.table import Page
from engine.storage.repositories import Repositories
from engine.storage.triggers import TriggerState
from engine.storage.workflow_records import Workflow
from engine.triggers.config import FIRST
from engine.triggers.definition import TriggerDefinition
from engine.triggers.samples import sample
from engine.triggers.schedule import ScheduleConfig
from engine.triggers.types import Config, config_of, problems_of
from engine.triggers.webhook import WebhookConfig
from engine.triggers.words import Language, in_words


@dataclass(frozen=True, slots=True)
class TriggerView:
    """A trigger as it is now. `url` is the URL of a webhook, for callers who may start its workflow."""

    workflow: Workflow
    trigger: TriggerDefinition
    state: TriggerState
    next_at: datetime | None
    url: str | None

    @property
    def status(self) -> str:
        """The health of the trigger.

        `silent` if it should have fired and did not, `no_secret` if it refuses every delivery as its secret is not set,
        `failing` if what it started last failed, else `healthy`.
        """
        if self.workflow.is_active and self.state.silent_since is not None:
            return "silent"
        if self.has_secret is False:
            return "no_secret"
        if self.state.consecutive_failures or self.state.last_failure:
            return "failing"
        return "healthy"

    @property
    def has_secret(self) -> bool | None:
        """Whether the secret of a webhook that needs one is set; None if it needs none."""
        config = config_of(self.trigger)
        if not isinstance(config, WebhookConfig) or not config.auth.needs_secret:
            return None
        return self.trigger.id in self.workflow.secrets


class TriggerService:
    """Manages triggers, for one caller at a time."""

    def __init__(
        self, repositories: Repositories, starter: Starter, box: SecretBox, api_url: str, clock: Clock
    ) -> None:
        self._repositories = repositories
        self._workflows = repositories.workflows
        self._triggers = repositories.triggers
        self._starter = starter
        self._box = box
        self._api_url = api_url
        self._clock = clock

    def page(self, principal: Principal, cursor: str | None, limit: int) -> Page:
        """Return the triggers of a page of the workspace's workflows, of which some may have none."""
        page = self._workflows.page(principal.workspace_id, cursor, limit)
        pairs = [(workflow, trigger) for workflow in page.items for trigger in workflow.triggers]
        states = self._triggers.get_many([(workflow.id, trigger.id) for workflow, trigger in pairs])
        views = [self._view(principal, *pair, states[pair[0].id, pair[1].id]) for pair in pairs]
        return Page(views, page.next_cursor)

    def get(self, principal: Principal, workflow_id: str, trigger_id: str) -> TriggerView:
        """Return one trigger. Raises NotFound."""
        workflow, trigger = self._find(principal, workflow_id, trigger_id)
        return self._view(principal, workflow, trigger, self._triggers.get(workflow.id, trigger.id))

    def address(self, principal: Principal, workflow_id: str, trigger_id: str) -> str:
        """Return the URL that a webhook of this id has, or will have once it is published.

        Whoever has the URL can call it, so it is for those who may start the workflow. Raises NotFound.
        """
        workflow = self._workflows.get(principal.workspace_id, workflow_id)
        trigger = workflow.trigger(trigger_id)
        if trigger is not None and trigger.type != "webhook":
            raise NotFound(f"`{trigger_id}` is a trigger of type {trigger.type}; only a webhook has an address")
        return hook_url(self._api_url, workflow, trigger_id)

    def schedule(
        self, principal: Principal, workflow_id: str
    ) -> tuple[Workflow, list[tuple[TriggerDefinition, ScheduleConfig, list[datetime]]]]:
        """Return a workflow and the next times of each of its schedules, whether it is active or not.

        Raises NotFound.
        """
        workflow = self._workflows.get(principal.workspace_id, workflow_id)
        now = self._clock.now()
        return workflow, [
            (trigger, config, list(islice(config.after(now), limits.SCHEDULE_TIMES)))
            for trigger, config in _schedules(workflow)
        ]

    def preview(
        self, raw: Mapping[str, Any], language: Language, count: int
    ) -> tuple[str, ScheduleConfig, list[datetime]]:
        """A schedule in words, its config, and its next times.

        Raises:
            InvalidInput: it is none; `details` has all that is wrong.
        """
        problems = list(
            problems_of(
                [TriggerDefinition(id="a", type="schedule", config=dict(raw))], has_limit=False, has_respond=False
            )
        )
        if problems:
            details = [
                {"path": path.removeprefix("triggers[0]."), "code": code, "message": message}
                for path, code, message in problems
            ]
            raise InvalidInput(f"{details[0]['path']}: {details[0]['message']}", details=details)
        config = ScheduleConfig.model_validate(raw)
        return in_words(config, language), config, list(islice(config.after(self._clock.now()), count))

    def backfill(
        self, principal: Principal, workflow_id: str, begin: datetime, end: datetime, trigger_id: str | None
    ) -> list[tuple[datetime, str, bool]]:
        """Start what schedules have missed from `begin` to `end`, in order of time.

        A time that has an execution keeps it.

        Returns:
            Each time with its execution's id, and whether that is new.

        Raises:
            NotFound: there is no such workflow or schedule.
            InvalidInput: the end is in the future or before the begin, or there are more times than one call can start.
            Unavailable: some have been started; call again to continue.
        """
        workflow = self._workflows.get(principal.workspace_id, workflow_id)
        if end > self._clock.now():
            raise InvalidInput.at("to", "it is in the future; a backfill only starts what was missed")
        if begin < FIRST:
            raise InvalidInput.at("from", f"it is before {FIRST.year}")
        if begin > end:
            raise InvalidInput.at("from", "it is after `to`")
        chosen = [pair for pair in _schedules(workflow) if trigger_id in (None, pair[0].id)]
        if not chosen:
            raise NotFound("the workflow has no such schedule")
        times = [
            (due, trigger, config)
            for trigger, config in chosen
            for due in _between(config, begin, end, limits.MAX_BACKFILL + 1)
        ]
        if len(times) > limits.MAX_BACKFILL:
            message = f"there are more than {limits.MAX_BACKFILL} times in this span; use a shorter one"
            raise InvalidInput.at("from", message)
        items: list[tuple[datetime, str, bool]] = []
        for due, trigger, config in sorted(times, key=lambda one: one[0]):
            started = self._starter.start(scheduled(workflow, trigger, config, due, backfill=True))
            items.append((due, started.execution.id, started.is_new))
        return items

    def sample(self, principal: Principal, workflow_id: str, trigger_id: str) -> tuple[Any, Any]:
        """Return what a trigger passes to its executions.

        A generated sample, and the newest real one if there is one.
        """
        workflow, trigger = self._find(principal, workflow_id, trigger_id)
        made_up = sample(trigger, config_of(trigger), self._clock.now())
        return made_up, last_trigger(self._repositories, workflow.id, trigger.id)

    def test(
        self, principal: Principal, workflow_id: str, trigger_id: str, payload: Mapping[str, Any] | None, *, last: bool
    ) -> Execution:
        """Start an execution as the trigger would, whether the workflow is active or not.

        Args:
            principal: the caller.
            workflow_id: the workflow of the trigger.
            trigger_id: which trigger.
            payload: parts of `trigger` to use instead of the sample's, such as `body`.
            last: use what it received last instead of the sample.

        Raises:
            NotFound: there is no such trigger.
            Conflict: code `nothing_captured`: it has received nothing yet.
            InvalidInput: the payload has parts that this type lacks, or is too large.
        """
        workflow, trigger = self._find(principal, workflow_id, trigger_id)
        value = trial_trigger(self._repositories, workflow.id, trigger, payload, self._clock.now(), last=last)
        request = Request(
            workspace_id=workflow.workspace_id,
            workflow_id=workflow.id,
            workflow=workflow,
            trigger=value,
            is_test=True,
            triggered_by=principal.user_id,
        )
        return self._starter.start(request, may_be_asked_again=False).execution

    def rotate(self, principal: Principal, workflow_id: str, trigger_id: str) -> TriggerView:
        """Give a webhook a new URL. Raises NotFound, or Conflict if the trigger is not a webhook."""
        workflow, trigger = self._find_hook(principal, workflow_id, trigger_id)
        workflow = self._workflows.rotate(workflow, trigger.id, format_time(self._clock.now()))
        return self._view(principal, workflow, trigger, self._triggers.get(workflow.id, trigger.id))

    def set_secret(self, principal: Principal, workflow_id: str, trigger_id: str, secret: str) -> None:
        """Store the secret that callers of a webhook are checked against; nobody can read it again.

        Raises:
            NotFound: there is no such trigger.
            Conflict: the trigger does not need a secret.
            InvalidInput: the secret is too long.
        """
        workflow, trigger = self._find_hook(principal, workflow_id, trigger_id)
        config = config_of(trigger)
        if not isinstance(config, WebhookConfig) or not config.auth.needs_secret:
            raise Conflict(f"`{trigger.id}` accepts calls from everybody; choose an `auth` first")
        if len(secret.encode()) > MAX_SECRET_BYTES:
            raise InvalidInput.at("secret", f"it has at most {MAX_SECRET_BYTES} bytes")
        try:
            config.auth.check_secret(secret)
        except ValueError as error:
            raise InvalidInput.at("secret", str(error)) from None
        sealed = self._box.seal(secret, hook_context(workflow.workspace_id, workflow.id, trigger.id))
        self._workflows.set_secret(workflow, trigger.id, sealed, format_time(self._clock.now()))

    # -- helpers ------------------------------------------------------------------------------------------

    def _find(self, principal: Principal, workflow_id: str, trigger_id: str) -> tuple[Workflow, TriggerDefinition]:
        workflow = self._workflows.get(principal.workspace_id, workflow_id)
        trigger = workflow.trigger(trigger_id)
        if trigger is None:
            raise NotFound("the workflow has no such trigger")
        return workflow, trigger

    def _find_hook(self, principal: Principal, workflow_id: str, trigger_id: str) -> tuple[Workflow, TriggerDefinition]:
        workflow, trigger = self._find(principal, workflow_id, trigger_id)
        if trigger.type != "webhook":
            raise Conflict(f"`{trigger.id}` is a trigger of type {trigger.type}; only a webhook has this")
        return workflow, trigger

    def _view(
        self, principal: Principal, workflow: Workflow, trigger: TriggerDefinition, state: TriggerState
    ) -> TriggerView:
        url = next_at = None
        if trigger.type == "webhook" and principal.may(Permission.EXECUTE):  # whoever has the URL can call it
            url = hook_url(self._api_url, workflow, trigger.id)
        config = config_of(trigger)
        if workflow.is_active:
            next_at = next(config.after(self._clock.now()), None) if isinstance(config, ScheduleConfig) else None
            next_at = next_at or (state.expected_at if trigger.type != "schedule" else None)
        return TriggerView(workflow, trigger, state, next_at, url)


def _schedules(workflow: Workflow) -> list[tuple[TriggerDefinition, ScheduleConfig]]:
    pairs: list[tuple[TriggerDefinition, Config]] = [(trigger, config_of(trigger)) for trigger in workflow.triggers]
    return [(trigger, config) for trigger, config in pairs if isinstance(config, ScheduleConfig)]


def _between(config: ScheduleConfig, begin: datetime, end: datetime, most: int) -> list[datetime]:
    times: list[datetime] = []
    for due in config.after(begin - timedelta(microseconds=1)):
        if due > end or len(times) >= most:
            break
        times.append(due)
    return times
