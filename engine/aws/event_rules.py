"""EventBridge rules on the account's default bus: one for each pattern of event triggers, shared by equal patterns.

On the platform's own bus there is a single rule, which is in the stack.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from engine.aws.schedules import retried_target
from engine.json_value import dumps

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient

_TARGET_ID = "dispatch"


class ChangedMeanwhile(Exception):
    """Another process is creating or removing the same rule."""


@dataclass(frozen=True)
class Rule:
    """The content of a rule: the pattern, and what its target receives beside the event."""

    pattern: dict[str, Any]
    payload: dict[str, str]


class Rules:
    """Reads and writes the rules of one bus whose names begin with the platform's prefix.

    Args:
        client: the client of EventBridge.
        bus: the name of the bus.
        prefix: the prefix of the platform's rules; the default bus has other rules, too.
        target: the ARN of the function that is called.
        dead_letters: the ARN of the queue for events that could not be delivered in a day.
    """

    def __init__(self, client: EventBridgeClient, bus: str, prefix: str, target: str, dead_letters: str) -> None:
        self._client = client
        self._bus = bus
        self._prefix = prefix
        self._target = {**retried_target(target, dead_letters), "Id": _TARGET_ID}

    def names(self) -> Iterator[str]:
        """Return the names of the existing rules, without the platform's prefix."""
        arguments: dict[str, Any] = {"EventBusName": self._bus, "NamePrefix": self._prefix}
        for page in self._client.get_paginator("list_rules").paginate(**arguments):
            yield from (entry["Name"].removeprefix(self._prefix) for entry in page["Rules"])

    def get(self, name: str) -> Rule | None:
        """Return a rule; None if there is none, or it was not written by this platform."""
        try:
            found: Any = self._client.describe_rule(EventBusName=self._bus, Name=self._prefix + name)
            targets = self._targets(self._prefix + name)
        except self._client.exceptions.ResourceNotFoundException:
            return None
        if found["State"] != "ENABLED" or len(targets) != 1 or not found.get("EventPattern"):
            return None
        template = targets[0].get("InputTransformer", {}).get("InputTemplate", "")
        ours = {key: targets[0].get(key) for key in self._target}
        try:
            payload = json.loads(template.replace("<aws.events.event.json>", "null"))
            del payload["event"]
        except (ValueError, KeyError, TypeError):
            return None
        return Rule(json.loads(found["EventPattern"]), payload) if ours == self._target else None

    def put(self, name: str, rule: Rule) -> None:
        """Create a rule, or update it and remove targets that are not the platform's.

        Raises:
            ChangedMeanwhile: the rule was removed meanwhile.
        """
        full = self._prefix + name
        self._client.put_rule(Name=full, EventBusName=self._bus, EventPattern=dumps(rule.pattern), State="ENABLED")
        template = dumps({**rule.payload, "event": None}).removesuffix("null}") + "<aws.events.event.json>}"
        target: Any = {**self._target, "InputTransformer": {"InputTemplate": template}}
        try:
            answer = self._client.put_targets(Rule=full, EventBusName=self._bus, Targets=[target])
            if answer["FailedEntryCount"]:
                raise RuntimeError(f"the target of rule {full} was refused: {answer['FailedEntries']}")
            others = [one["Id"] for one in self._targets(full) if one["Id"] != _TARGET_ID]
            if others:
                self._client.remove_targets(Rule=full, EventBusName=self._bus, Ids=others)
        except self._client.exceptions.ResourceNotFoundException:
            raise ChangedMeanwhile from None

    def delete(self, name: str) -> bool:
        """Remove a rule; return False if there is none.

        Raises:
            ChangedMeanwhile: the rule was given a target meanwhile.
        """
        full = self._prefix + name
        try:
            ids = [one["Id"] for one in self._targets(full)]
            if ids:
                self._client.remove_targets(Rule=full, EventBusName=self._bus, Ids=ids)
            self._client.delete_rule(Name=full, EventBusName=self._bus)
        except self._client.exceptions.ResourceNotFoundException:
            return False
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":  # which a rule with targets causes
                raise
            raise ChangedMeanwhile from None
        return True

    def _targets(self, full: str) -> list[Any]:
        return list(self._client.list_targets_by_rule(EventBusName=self._bus, Rule=full)["Targets"])
