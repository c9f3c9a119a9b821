"""EventBridge Scheduler: the schedules of active workflows, in a group of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from engine.json_value import dumps

if TYPE_CHECKING:
    from types_boto3_scheduler import EventBridgeSchedulerClient

SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
"""EventBridge Scheduler replaces this by the scheduled time: https://docs.aws.amazon.com/scheduler/latest/UserGuide/
managing-schedule-context-attributes.html. An emulator may leave it unchanged.
"""
_MOST_AGE, _MOST_RETRIES = 86_400, 185


def retried_target(arn: str, dead_letters: str) -> dict[str, Any]:
    """Return the target of a schedule or rule: it is retried for a day, then its input goes to the dead letters."""
    return {
        "Arn": arn,
        "DeadLetterConfig": {"Arn": dead_letters},
        "RetryPolicy": {"MaximumEventAgeInSeconds": _MOST_AGE, "MaximumRetryAttempts": _MOST_RETRIES},
    }


@dataclass(frozen=True)
class Schedule:
    """The content of a schedule. `start` is when the first interval begins; it is not compared, because it passes."""

    expression: str
    timezone: str
    flexible_minutes: int | None
    end: datetime | None
    payload: dict[str, Any]


class Schedules:
    """Reads and writes the schedules of one group.

    Args:
        client: the client of EventBridge Scheduler.
        group: the group.
        target: the ARN of the function that is called.
        role: the ARN of the role that calls it.
        dead_letters: the ARN of the queue for input that could not be delivered in a day.
    """

    def __init__(
        self, client: EventBridgeSchedulerClient, group: str, target: str, role: str, dead_letters: str
    ) -> None:
        self._client = client
        self._group = group
        self._target = {**retried_target(target, dead_letters), "RoleArn": role}

    def names(self, prefix: str = "") -> Iterator[str]:
        """Return the names of the existing schedules."""
        arguments: dict[str, Any] = {"GroupName": self._group, **({"NamePrefix": prefix} if prefix else {})}
        for page in self._client.get_paginator("list_schedules").paginate(**arguments):
            yield from (entry["Name"] for entry in page["Schedules"])

    def get(self, name: str) -> Schedule | None:
        """Return a schedule; None if there is none, or it was not written by this platform."""
        try:
            found: Any = self._client.get_schedule(GroupName=self._group, Name=name)
        except self._client.exceptions.ResourceNotFoundException:
            return None
        target = found["Target"]
        ours = {name: target.get(name) for name in self._target}
        if found.get("State", "ENABLED") != "ENABLED" or ours != self._target:
            return None
        try:
            payload = json.loads(target.get("Input", ""))
        except ValueError:
            return None
        return Schedule(
            found["ScheduleExpression"],
            found.get("ScheduleExpressionTimezone", "UTC"),
            found["FlexibleTimeWindow"].get("MaximumWindowInMinutes"),
            found["EndDate"].astimezone(UTC) if found.get("EndDate") else None,
            payload,
        )

    def put(self, name: str, schedule: Schedule, start: datetime | None) -> None:
        """Create or update a schedule."""
        window: dict[str, Any] = {"Mode": "OFF"}
        if schedule.flexible_minutes:
            window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": schedule.flexible_minutes}
        arguments: dict[str, Any] = {
            "GroupName": self._group,
            "Name": name,
            "ScheduleExpression": schedule.expression,
            "ScheduleExpressionTimezone": schedule.timezone,
            "FlexibleTimeWindow": window,
            "Target": {**self._target, "Input": dumps(schedule.payload)},
            **({"StartDate": start} if start else {}),
            **({"EndDate": schedule.end} if schedule.end else {}),
        }
        try:
            self._client.create_schedule(**arguments)
        except self._client.exceptions.ConflictException:
            self._client.update_schedule(**arguments)

    def delete(self, name: str) -> None:
        """Remove a schedule, if it exists."""
        try:
            self._client.delete_schedule(GroupName=self._group, Name=name)
        except self._client.exceptions.ResourceNotFoundException:
            return
