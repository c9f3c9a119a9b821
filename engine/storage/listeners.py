"""Who listens to events: the event triggers of active workflows, written in the transaction that makes them active.

On the workspace's bus an item for each workflow holds its patterns, under the workspace:

    LISTENERS#<workspace> / <workflow>   the patterns by trigger
    LISTENERS#<workspace> / SUM          the sum of what `_weight` gives for all of these items

A reader who remembers the items reads the sum alone: while theirs weigh as much, they are what there is. Nobody need
trust the sum for that, for a reader whose items weigh something else reads them all. (A Query may see a part of a
transaction, so a number that only counted changes could vouch for items of before.)

On the account's bus EventBridge compares, by one rule for each pattern, however many triggers have it:

    RULE#<digest of the pattern> / <workflow>   the pattern, and which triggers have it
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, cast

from engine.json_value import dumps
from engine.storage.dynamodb.expressions import Item, update_arguments
from engine.storage.dynamodb.table import Put, Table
from engine.triggers.definition import TriggerDefinition

_SUM = "SUM"
_WEIGHT_DIGITS = 15
"""Hexadecimal ones. DynamoDB keeps 38 decimal digits exactly, so twenty are left for how many are added."""
RULE = "RULE#"


@dataclass(frozen=True, slots=True)
class Listener:
    """A trigger of an active workflow that listens to events, and which."""

    workflow_id: str
    trigger_id: str
    pattern: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listeners:
    """All on the bus of a workspace; `weight` tells them from those of another moment, `size` is in bytes."""

    items: tuple[Listener, ...] = ()
    weight: int = 0
    size: int = 0


class ListenerRepository:
    """Reads who listens. It is written by `changes`, as a part of what changes a workflow."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of_workspace(self, workspace_id: str, known: Listeners) -> Listeners:
        """Those on the bus of a workspace now, by one read if they are those that are known."""
        pk = _workspace_key(workspace_id)
        found = self._table.get(pk, _SUM)
        if (found or {}).get("sum", 0) == known.weight:
            return known
        items = [item for item in self._table.query(pk) if item["SK"] != _SUM]
        return Listeners(
            tuple(
                Listener(item["SK"], trigger_id, pattern)
                for item in items
                for trigger_id, pattern in json.loads(item["patterns"]).items()
            ),
            sum(_weight(item["SK"], item["patterns"]) for item in items),
            sum(len(item["patterns"]) for item in items),
        )

    def of_rule(self, digest: str) -> list[Listener]:
        """Those on the account's bus that have the pattern of this digest."""
        return [
            Listener(item["SK"], trigger_id, json.loads(item["pattern"]))
            for item in self._table.query(f"{RULE}{digest}")
            for trigger_id in item["triggers"]
        ]

    def changes(
        self,
        workspace_id: str,
        workflow_id: str,
        before: Sequence[TriggerDefinition],
        after: Sequence[TriggerDefinition],
    ) -> list[Put | dict[str, Any]]:
        """What is to be written where these triggers listened, and those are to; nothing if that is the same."""
        old, new = _items(workspace_id, workflow_id, before), _items(workspace_id, workflow_id, after)
        writes: list[Put | dict[str, Any]] = [
            self._table.delete_entry(*key, must_exist=False) for key in old if key not in new
        ]
        writes += [Put(item, if_absent=False) for key, item in new.items() if old.get(key) != item]
        key = _workspace_key(workspace_id), workflow_id
        heavier = _weight_of(new.get(key)) - _weight_of(old.get(key))
        if heavier:
            adding = update_arguments({}, (), "", {}, {"sum": heavier})
            writes.append(self._table.update_entry(key[0], _SUM, adding))
        return writes


def pattern_digest(pattern: Mapping[str, Any]) -> str:
    """The name of the one rule of a pattern.

    The order of the fields is a part of it: in EventBridge the later one of two that name the same path counts.
    """
    return sha256(dumps(pattern).encode()).hexdigest()[:32]


def account_patterns(triggers: Sequence[TriggerDefinition]) -> dict[str, Mapping[str, Any]]:
    """The patterns of triggers that listen on the account's bus, by trigger."""
    return _patterns(triggers, "account")


def _patterns(triggers: Sequence[TriggerDefinition], bus: str) -> dict[str, Mapping[str, Any]]:
    """Read as they are, for whoever has to do with workflows need not know all types of triggers."""
    return {
        trigger.id: cast("Mapping[str, Any]", trigger.config["pattern"])
        for trigger in triggers
        if trigger.type == "event" and trigger.config.get("bus", "workspace") == bus
    }


def _items(workspace_id: str, workflow_id: str, triggers: Sequence[TriggerDefinition]) -> dict[tuple[str, str], Item]:
    """The items of a workflow whose triggers listen, by key."""
    items: list[Item] = []
    if mine := _patterns(triggers, "workspace"):
        items.append({"PK": _workspace_key(workspace_id), "SK": workflow_id, "patterns": dumps(mine)})
    by_pattern: dict[str, list[str]] = defaultdict(list)
    for trigger_id, pattern in account_patterns(triggers).items():
        by_pattern[dumps(pattern)].append(trigger_id)
    for text, ids in by_pattern.items():
        key = f"{RULE}{pattern_digest(json.loads(text))}"
        items.append({"PK": key, "SK": workflow_id, "pattern": text, "triggers": ids})
    return {(item["PK"], item["SK"]): item for item in items}


def _workspace_key(workspace_id: str) -> str:
    return f"LISTENERS#{workspace_id}"


def _weight_of(item: Item | None) -> int:
    return _weight(item["SK"], item["patterns"]) if item else 0


def _weight(workflow_id: str, patterns: str) -> int:
    return int(sha256(f"{workflow_id} {patterns}".encode()).hexdigest()[:_WEIGHT_DIGITS], 16)
