"""Listeners: the event triggers of active workflows, written in the transaction that activates them.

For the workspace's bus, an item for each workflow holds its patterns, under the workspace:

    LISTENERS#<workspace> / <workflow>   the patterns by trigger
    LISTENERS#<workspace> / SUM          the sum of the `_weight` of all of these items

A reader with cached items reads the sum alone: while their weights add up to it, the cache is current. The sum need not
be correct for that: a reader whose items add up to something else reads them all. (A Query may see a part of a
transaction, so a change counter could confirm outdated items.)

On the account's bus EventBridge matches, with one rule for each pattern, however many triggers have it:

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
"""Hexadecimal digits of a weight. DynamoDB keeps 38 decimal digits exactly, so twenty are left for the sum."""
RULE = "RULE#"


@dataclass(frozen=True, slots=True)
class Listener:
    """An event trigger of an active workflow."""

    workflow_id: str
    trigger_id: str
    pattern: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listeners:
    """All listeners on the bus of a workspace; `weight` identifies their state, `size` is in bytes."""

    items: tuple[Listener, ...] = ()
    weight: int = 0
    size: int = 0


class ListenerRepository:
    """Reads the listeners. They are written by `changes`, within the transaction that changes a workflow."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of_workspace(self, workspace_id: str, known: Listeners) -> Listeners:
        """Return the current listeners on the bus of a workspace, with one small read if `known` is current."""
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
        """Return the listeners on the account's bus with the pattern of this digest."""
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
        """Return the writes that replace the listeners of a workflow's old triggers by those of its new ones."""
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
    """Return the digest of a pattern, which names its rule.

    The order of the fields counts: in EventBridge the later of two fields that name the same path wins.
    """
    return sha256(dumps(pattern).encode()).hexdigest()[:32]


def account_patterns(triggers: Sequence[TriggerDefinition]) -> dict[str, Mapping[str, Any]]:
    """Return the patterns of triggers on the account's bus, by trigger."""
    return _patterns(triggers, "account")


def _patterns(triggers: Sequence[TriggerDefinition], bus: str) -> dict[str, Mapping[str, Any]]:
    """Read the patterns from plain JSON: the repository of workflows does not import the trigger types."""
    return {
        trigger.id: cast("Mapping[str, Any]", trigger.config["pattern"])
        for trigger in triggers
        if trigger.type == "event" and trigger.config.get("bus", "workspace") == bus
    }


def _items(workspace_id: str, workflow_id: str, triggers: Sequence[TriggerDefinition]) -> dict[tuple[str, str], Item]:
    """Return the items of a workflow's listeners, by key."""
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
