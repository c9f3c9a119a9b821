"""Workflows and their immutable versions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

from engine import limits
from engine.errors import NotFound, PreconditionFailed, Unavailable
from engine.json_value import dumps
from engine.storage.dynamodb.expressions import Item, update_arguments
from engine.storage.dynamodb.table import ConditionFailed, Page, Put, Table
from engine.storage.listeners import ListenerRepository
from engine.triggers.definition import TriggerDefinition
from engine.workflow.references import nodes_in


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow as it is now; `version` is the number of its newest version, `definition` that version's.

    `concurrency`, `triggers`, `responds` (the ids of `respond` nodes) and `integrations` (what its nodes call them) are
    copies of what that one says, so that starting it need not read it all. `hook_secret` makes the addresses of its
    webhooks, and `rotations` counts how often each was changed. `secrets` are what callers of its webhooks are checked
    against, encrypted.
    """

    id: str
    workspace_id: str
    name: str
    description: str | None
    version: int
    is_active: bool
    created_at: str
    updated_at: str
    definition: dict[str, Any] | None = None
    concurrency: dict[str, Any] | None = None
    triggers: tuple[TriggerDefinition, ...] = ()
    responds: tuple[str, ...] = ()
    integrations: tuple[str, ...] = ()
    hook_secret: str = ""
    rotations: Mapping[str, int] = field(default_factory=dict)
    secrets: Mapping[str, bytes] = field(default_factory=dict)

    def trigger(self, trigger_id: str) -> TriggerDefinition | None:
        """The trigger of that id, if the newest version has it."""
        return next((trigger for trigger in self.triggers if trigger.id == trigger_id), None)


@dataclass(frozen=True, slots=True)
class WorkflowVersion:
    """One version, which never changes.

    Its definition has the ids of other workflows; `named` has, by field, the names that its author wrote instead.
    """

    workflow_id: str
    version: int
    name: str
    description: str | None
    definition: dict[str, Any]
    created_at: str
    created_by: str
    named: dict[str, str] | None = None


class WorkflowRepository:
    """Reads and writes workflows. A workflow of another workspace is as good as none."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._listeners = ListenerRepository(table)

    def create(self, workflow: Workflow, version: WorkflowVersion) -> None:
        """Store a new workflow with its first version, both or none."""
        triggers = _triggers(version.definition) if workflow.is_active else ()
        listening = self._listeners.changes(workflow.workspace_id, workflow.id, (), triggers)
        self._table.transact([Put(_meta_item(workflow, version.definition)), Put(_version_item(version)), *listening])

    def get(self, workspace_id: str, workflow_id: str) -> Workflow:
        """The workflow, without its definition.

        Raises:
            NotFound: it is not there, was deleted, or belongs to another workspace.
        """
        item = self._table.get(f"WORKFLOW#{workflow_id}", "META")
        if item is None or item["workspace_id"] != workspace_id or item.get("deleted_at"):
            raise NotFound("there is no such workflow")
        return _workflow(item)

    def names(self, workspace_id: str) -> dict[str, str]:
        """The names of a workspace's workflows, by id, as far as the index knows by now."""
        found = self._table.query(f"{workspace_id}#WORKFLOWS", index="by-workspace", pk_name="workspace_key")
        keys = [(f"WORKFLOW#{key['id']}", "META") for key in found]
        items = self._table.get_many(keys, ("id", "name", "deleted_at")) if keys else {}
        return {item["id"]: item["name"] for item in items.values() if not item.get("deleted_at")}

    def existing(self, workspace_id: str, workflow_ids: Sequence[str]) -> set[str]:
        """Those of these workflows that a workspace has."""
        found = self._table.get_many([(f"WORKFLOW#{workflow_id}", "META") for workflow_id in workflow_ids])
        items = [item for item in found.values() if item["workspace_id"] == workspace_id and not item.get("deleted_at")]
        return {item["id"] for item in items}

    def get_version(self, workflow_id: str, version: int) -> WorkflowVersion:
        """One version. Callers make sure first that the workflow is theirs.

        Raises:
            NotFound: there is none of that number.
        """
        item = self._table.get(f"WORKFLOW#{workflow_id}", _version_key(version))
        if item is None:
            raise NotFound(f"the workflow has no version {version}")
        return _version(item)

    def page(self, workspace_id: str, cursor: str | None, limit: int) -> Page:
        """A workspace's workflows without their definitions, the newest first."""
        items, next_cursor = self._table.page_by_id(
            f"{workspace_id}#WORKFLOWS",
            index="by-workspace",
            pk_name="workspace_key",
            item_key=lambda workflow_id: (f"WORKFLOW#{workflow_id}", "META"),
            cursor=cursor,
            limit=limit,
            descending=True,
        )
        return Page([_workflow(item) for item in items if not item.get("deleted_at")], next_cursor)

    def count(self, workspace_id: str) -> int:
        """How many workflows a workspace holds, as far as the index knows by now."""
        keys = self._table.query(f"{workspace_id}#WORKFLOWS", index="by-workspace", pk_name="workspace_key")
        return sum(1 for _ in keys)

    def versions(self, workflow_id: str, before: int | None, limit: int) -> Page:
        """A workflow's versions without their definitions, the newest first, from below number `before`."""
        newest = before - 1 if before else 999_999
        if newest < 1:
            return Page([], None)
        items = list(
            self._table.query(
                f"WORKFLOW#{workflow_id}",
                after=_version_key(1),
                before=_version_key(newest),
                limit=limit + 1,
                descending=True,
                attributes=[name for name in WorkflowVersion.__dataclass_fields__ if name != "definition"],
            )
        )
        versions = [_version({**item, "definition": "{}"}) for item in items[:limit]]
        return Page(versions, str(versions[-1].version) if len(items) > limit else None)

    def add_version(self, workflow: Workflow, version: WorkflowVersion, *, based_on: int) -> Workflow:
        """Make `version` the newest, if `based_on` is the newest now.

        Raises:
            PreconditionFailed: somebody else's version came first.
        """
        changes: dict[str, Any] = {
            "name": version.name,
            "description": version.description or "",
            "version": version.version,
            "updated_at": version.created_at,
        }
        copies = copied(workflow.id, version.definition)
        changes |= {name: value for name, value in copies.items() if value is not None}
        remove = [name for name, value in copies.items() if value is None]
        if workflow.version != based_on:
            workflow = self.get(workflow.workspace_id, workflow.id)
        found: Workflow | None = workflow
        for _ in range(_TRIES):
            if found is None or found.version != based_on:
                raise PreconditionFailed(
                    f"the workflow has been changed since version {based_on}; fetch it and make your change again",
                    details={"based_on": based_on, "current": found.version if found else None},
                )
            after = _triggers(version.definition) if found.is_active else ()
            found, is_done = self._change(found, changes, remove, after, [Put(_version_item(version))])
            if is_done:
                return self.get(workflow.workspace_id, workflow.id)
        raise Unavailable("the workflow is being changed by others; try again")

    def set_active(self, workflow: Workflow, *, active: bool, at: str) -> Workflow:
        """Activate or deactivate.

        Raises:
            NotFound: it was deleted meanwhile.
        """
        return self._switch(workflow, {"is_active": active, "updated_at": at}, ())

    def delete(self, workflow: Workflow, at: str) -> None:
        """Take the workflow out of sight. Its versions stay: executions that are under way are pinned to them."""
        changes = {"is_active": False, "deleted_at": at}
        self._switch(workflow, changes, ("workspace_key", "check_shard", "next_check_at"))

    def _switch(self, workflow: Workflow, changes: Mapping[str, Any], remove: Sequence[str]) -> Workflow:
        for _ in range(_TRIES):
            after = workflow.triggers if changes["is_active"] else ()
            found, is_done = self._change(workflow, changes, remove, after, ())
            if found is None:
                raise NotFound("there is no such workflow")
            if is_done:
                return found
            workflow = found
        raise Unavailable("the workflow is being changed by others; try again")

    def _change(
        self,
        workflow: Workflow,
        changes: Mapping[str, Any],
        remove: Sequence[str],
        after: Sequence[TriggerDefinition],
        more: Sequence[Put],
    ) -> tuple[Workflow | None, bool]:
        """Change a workflow if it is as it was read, with whose triggers listen from then on, all or nothing.

        Returns:
            What it is now, None where it is gone, and whether it has been changed.
        """
        condition = "#version = :version_now AND #is_active = :active_now AND attribute_not_exists(#deleted_at)"
        values = {"version_now": workflow.version, "active_now": workflow.is_active}
        before = workflow.triggers if workflow.is_active else ()
        listening = self._listeners.changes(workflow.workspace_id, workflow.id, before, after)
        key = f"WORKFLOW#{workflow.id}", "META"
        try:
            if not (more or listening):
                item = self._table.update(*key, changes, remove=remove, condition=condition, values=values)
                return _workflow(item), True
            arguments = update_arguments(changes, remove, condition, values)
            self._table.transact([self._table.update_entry(*key, arguments), *more, *listening])
        except ConditionFailed as failed:
            gone = failed.item is None or failed.item.get("deleted_at")
            return None if gone else _workflow(failed.item or {}), False
        return replace(workflow, **{name: value for name, value in changes.items() if name in _SWITCHED}), True

    # -- triggers ------------------------------------------------------------------------------------------

    def find(self, workflow_id: str) -> Workflow | None:
        """The workflow, of whatever workspace it is, without its definition; None where there is none any more."""
        item = self._table.get(f"WORKFLOW#{workflow_id}", "META")
        return None if item is None or item.get("deleted_at") else _workflow(item)

    def with_triggers(self) -> Iterator[str]:
        """The ids of all workflows that have triggers, of all workspaces."""
        for shard in range(limits.CHECK_SHARDS):
            for item in self._table.query(
                f"TRIGGERS#{shard}", index="by-check", pk_name="check_shard", sk_name="next_check_at"
            ):
                yield item["next_check_at"]

    def reconciled(self) -> str:
        """The id of the workflow up to which the last reconciliation of everything got; empty if it got to the end."""
        return str((self._table.get(*_CURSOR) or {}).get("last", ""))

    def set_reconciled(self, last: str) -> None:
        """Note how far a reconciliation of everything has got."""
        self._table.update(*_CURSOR, {"last": last}, condition="")

    def set_secret(self, workflow: Workflow, trigger_id: str, sealed: bytes, at: str) -> None:
        """Keep the encrypted secret of a webhook. Raises NotFound."""
        self._update(workflow, {f"{_SECRET}{trigger_id}": sealed, "updated_at": at}, ())

    def rotate(self, workflow: Workflow, trigger_id: str, at: str) -> Workflow:
        """Give a webhook another address; the one that it had is good no more. Raises NotFound."""
        return self._update(workflow, {"updated_at": at}, (), {f"{_ROTATION}{trigger_id}": 1})

    def _update(
        self,
        workflow: Workflow,
        changes: Mapping[str, Any],
        remove: Sequence[str],
        add: Mapping[str, int] | None = None,
    ) -> Workflow:
        condition = "attribute_exists(#PK) AND attribute_not_exists(#deleted_at)"
        key = f"WORKFLOW#{workflow.id}", "META"
        try:
            item = self._table.update(*key, changes, remove=remove, add=add, condition=condition)
        except ConditionFailed:
            raise NotFound("there is no such workflow") from None
        return _workflow(item)


_TRIES = 8
_SWITCHED = ("is_active", "updated_at")
_OWN = (
    "id", "workspace_id", "name", "description", "version", "is_active", "created_at", "updated_at", "hook_secret",
)  # fmt: skip
"""What a workflow's record has besides its copies."""
_CURSOR = "RECONCILER", "CURSOR"
_SECRET, _ROTATION = "secret_of_", "rotation_of_"


def _version_key(version: int) -> str:
    return f"VERSION#{version:06d}"


def copied(workflow_id: str, definition: Mapping[str, Any]) -> Item:
    """What a workflow's record copies of its newest definition; None stands for what is not there.

    One with triggers is in the index of what has to be looked at, by its id, for whoever looks through all of them.
    """
    triggers = definition.get("triggers")
    return {
        "concurrency": definition.get("concurrency"),
        "triggers": dumps(triggers) if triggers else None,
        "integrations": sorted({named for _, _, named in named_integrations(definition)}) or None,
        "responds": [node["id"] for node in definition["nodes"] if node["type"] == "respond"] or None,
        "check_shard": f"TRIGGERS#{crc32(workflow_id.encode()) % limits.CHECK_SHARDS}" if triggers else None,
        "next_check_at": workflow_id if triggers else None,
    }


def _triggers(definition: Mapping[str, Any]) -> tuple[TriggerDefinition, ...]:
    return tuple(TriggerDefinition.model_validate(one) for one in definition.get("triggers") or ())


def named_integrations(definition: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The integrations that the nodes of a definition name, also in the bodies of loops: field, node type, name."""
    for at, node in nodes_in(definition):
        named = node.get("config", {}).get("integration")
        if isinstance(named, str):
            yield f"{at}.config.integration", node["type"], named


def _meta_item(workflow: Workflow, definition: Mapping[str, Any]) -> Item:
    return {
        "PK": f"WORKFLOW#{workflow.id}",
        "SK": "META",
        "workspace_key": f"{workflow.workspace_id}#WORKFLOWS",
        **{name: getattr(workflow, name) for name in _OWN},
        **copied(workflow.id, definition),
    }


def _workflow(item: Item) -> Workflow:
    return Workflow(
        **{name: item[name] for name in _OWN if name != "description"},
        description=item.get("description") or None,
        concurrency=item.get("concurrency"),
        triggers=tuple(TriggerDefinition.model_validate(one) for one in json.loads(item.get("triggers", "[]"))),
        responds=tuple(item.get("responds", ())),
        integrations=tuple(item.get("integrations", ())),
        rotations=_by_trigger(item, _ROTATION),
        secrets=_by_trigger(item, _SECRET),
    )


def _by_trigger(item: Item, prefix: str) -> dict[str, Any]:
    """Attributes that there is one of for each trigger, so that any number of callers can change them at once."""
    return {name.removeprefix(prefix): value for name, value in item.items() if name.startswith(prefix)}


def _version_item(version: WorkflowVersion) -> Item:
    item = {name: getattr(version, name) for name in WorkflowVersion.__dataclass_fields__}
    return {
        "PK": f"WORKFLOW#{version.workflow_id}",
        "SK": _version_key(version.version),
        **item,
        "definition": dumps(version.definition),
    }


def _version(item: Item) -> WorkflowVersion:
    values = {name: item.get(name) for name in WorkflowVersion.__dataclass_fields__}
    return WorkflowVersion(**{**values, "definition": json.loads(item["definition"])})
