"""Workflows, their immutable versions, and which of these is published.

    WORKFLOW#<id> / META                 the current state of the workflow, with copies from the published version
    WORKFLOW#<id> / VERSION#<number>     a version, which never changes
    WORKFLOW#<id> / LAYOUT#<number>      where the editor draws that version's nodes; it may change
    WORKFLOW#<id> / PUBLICATION#<number> which version was made the one that runs, when, by whom
    WORKFLOW#<id> / TRIED#<number>       a definition of test runs that is no version
    WORKFLOW#<id> / DRAFT#<user>         see `engine/storage/drafts.py`

The record changes only if its `revision` is the one that was read, in one transaction with everything that belongs to
the change: so the publication, the listeners and the record's copies are always of one version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

from engine import limits
from engine.clock import parse_time
from engine.errors import NotFound
from engine.json_value import dumps
from engine.storage.dynamodb.expressions import Item, update_arguments
from engine.storage.dynamodb.table import ConditionFailed, Page, Put, Table
from engine.storage.listeners import ListenerRepository
from engine.storage.workflow_records import (
    ROTATION,
    SECRET,
    Publication,
    Uses,
    Workflow,
    WorkflowVersion,
    author_item,
    layout_item,
    layout_key,
    layout_of,
    live_copies,
    meta_item,
    meta_key,
    newest_copies,
    publication_item,
    publication_key,
    publication_of,
    triggers_of,
    uses_of,
    version_item,
    version_key,
    version_of,
    workflow_of,
)
from engine.workflow.layout import Layout, joined
from engine.workflow.references import as_written

_CURSOR = "RECONCILER", "CURSOR"
_LONGEST_RUN_DAYS = 2 * 366
"""How long a test run may need its definition; it may wait for a year, more than once."""


@dataclass(frozen=True)
class Change:
    """An atomic change of a workflow.

    `attributes` are set in its record, those that are None removed. `version` is a new version, which becomes the
    newest. `publication` makes a version the one that runs, with the definition `published`. `layout` is the `ui` of a
    version. `also` are entries of the same transaction.
    """

    attributes: Mapping[str, Any] = field(default_factory=dict)
    version: WorkflowVersion | None = None
    publication: Publication | None = None
    published: Mapping[str, Any] | None = None
    layout: tuple[int, Layout] | None = None
    also: Sequence[dict[str, Any]] = ()


class WorkflowRepository:
    """Reads and writes workflows. A workflow of another workspace counts as absent."""

    def __init__(self, table: Table, retention_days: int) -> None:
        self._table = table
        self._tried_days = retention_days + _LONGEST_RUN_DAYS
        self._listeners = ListenerRepository(table)

    # -- workflows -----------------------------------------------------------------------------------------

    def create(
        self,
        workflow: Workflow,
        version: WorkflowVersion | None = None,
        publication: Publication | None = None,
        layout: Layout | None = None,
    ) -> None:
        """Store a new workflow, with its first version and publication if given, atomically."""
        is_live = version is not None and workflow.published_version == version.version
        published = version.definition if version is not None and is_live else None
        newest = uses_of(version.definition) if version is not None else Uses()
        writes: list[Any] = [Put(meta_item(workflow, published, newest))]
        if version is not None:
            writes.append(Put(version_item(version)))
        if publication is not None:
            writes.append(Put(publication_item(workflow.id, publication)))
        if layout:
            writes.append(Put(layout_item(workflow.id, workflow.version, layout)))
        live = triggers_of(published) if published is not None and workflow.is_active else ()
        self._table.transact([*writes, *self._listeners.changes(workflow.workspace_id, workflow.id, (), live)])

    def get(self, workspace_id: str, workflow_id: str) -> Workflow:
        """Return the workflow, without its definition.

        Raises:
            NotFound: the workflow does not exist, was deleted, or belongs to another workspace.
        """
        item = self._table.get(*meta_key(workflow_id))
        if item is None or item["workspace_id"] != workspace_id or item.get("deleted_at"):
            raise NotFound("there is no such workflow")
        return workflow_of(item)

    def find(self, workflow_id: str) -> Workflow | None:
        """Return the workflow of any workspace, without its definition; None if there is none."""
        item = self._table.get(*meta_key(workflow_id))
        return None if item is None or item.get("deleted_at") else workflow_of(item)

    def all(self, workspace_id: str) -> list[Workflow]:
        """Return all workflows of a workspace, of which there are few, eventually consistent, without definitions."""
        found = self._table.query(f"{workspace_id}#WORKFLOWS", index="by-workspace", pk_name="workspace_key")
        items = self._table.get_many([meta_key(key["id"]) for key in found])
        return [workflow_of(item) for item in items.values() if not item.get("deleted_at")]

    def existing(self, workspace_id: str, workflow_ids: Sequence[str]) -> dict[str, Workflow]:
        """Return those of these workflows that a workspace has, by id."""
        found = self._table.get_many([meta_key(workflow_id) for workflow_id in workflow_ids])
        items = [item for item in found.values() if item["workspace_id"] == workspace_id and not item.get("deleted_at")]
        return {item["id"]: workflow_of(item) for item in items}

    def page(self, workspace_id: str, cursor: str | None, limit: int) -> Page:
        """Return a page of a workspace's workflows without their definitions, newest first."""
        items, next_cursor = self._table.page_by_id(
            f"{workspace_id}#WORKFLOWS",
            index="by-workspace",
            pk_name="workspace_key",
            item_key=meta_key,
            cursor=cursor,
            limit=limit,
            descending=True,
        )
        return Page([workflow_of(item) for item in items if not item.get("deleted_at")], next_cursor)

    def count(self, workspace_id: str) -> int:
        """Return how many workflows a workspace has, eventually consistent."""
        keys = self._table.query(f"{workspace_id}#WORKFLOWS", index="by-workspace", pk_name="workspace_key")
        return sum(1 for _ in keys)

    def change(self, workflow: Workflow, change: Change) -> Workflow | None:
        """Change a workflow if it is as it was read; return None if it changed or was deleted: read it and retry.

        Raises:
            ConditionFailed: the condition of an `also` entry does not hold, though the workflow is as it was read.
        """
        attributes = {**change.attributes, **_of_versions(workflow, change)}
        changes = {name: value for name, value in attributes.items() if value is not None}
        remove = [name for name, value in attributes.items() if value is None]
        condition, values = "#revision = :seen AND attribute_not_exists(#deleted_at)", {"seen": workflow.revision}
        writes: list[Any] = []
        if change.version is not None:
            writes.append(Put(version_item(change.version)))
        if change.publication is not None:
            writes.append(Put(publication_item(workflow.id, change.publication)))
        if change.layout is not None:
            writes.append(Put(layout_item(workflow.id, *change.layout), if_absent=False))
        writes += [*change.also, *self._listening(workflow, change)]
        key = meta_key(workflow.id)
        try:
            if not writes:
                counted = {"revision": 1}
                return workflow_of(
                    self._table.update(*key, changes, remove=remove, add=counted, condition=condition, values=values)
                )
            arguments = update_arguments(changes, remove, condition, values, {"revision": 1})
            self._table.transact([self._table.update_entry(*key, arguments), *writes])
        except ConditionFailed as failed:
            if failed.index:
                raise
            return None
        item = self._table.get(*key)
        return None if item is None else workflow_of(item)

    def _listening(self, workflow: Workflow, change: Change) -> list[Any]:
        """Return the writes that make the triggers that are live after a change listen, and no others."""
        before = workflow.triggers if workflow.is_active else ()
        after = triggers_of(change.published) if change.published is not None else workflow.triggers
        live = after if change.attributes.get("is_active", workflow.is_active) else ()
        return self._listeners.changes(workflow.workspace_id, workflow.id, before, live)

    # -- versions ------------------------------------------------------------------------------------------

    def get_version(self, workflow_id: str, version: int) -> WorkflowVersion:
        """Return one version, as it runs. Callers first check that the workflow belongs to the caller's workspace.

        Raises:
            NotFound: there is no version of that number.
        """
        item = self._table.get(*version_key(workflow_id, version))
        if item is None:
            raise NotFound(f"the workflow has no version {version}")
        return version_of(item)

    def written(self, workflow_id: str, version: int) -> WorkflowVersion:
        """Return a version as its author wrote it: with the names of workflows, and with `ui`. Raises NotFound."""
        keys = version_key(workflow_id, version), layout_key(workflow_id, version)
        found = self._table.get_many(keys)
        if keys[0] not in found:
            raise NotFound(f"the workflow has no version {version}")
        stored = version_of(found[keys[0]])
        definition = as_written(stored.definition, stored.named or {})
        return replace(stored, definition=joined(definition, layout_of(found.get(keys[1]))))

    def layout(self, workflow_id: str, version: int) -> Layout:
        """Return the `ui` of a version."""
        return layout_of(self._table.get(*layout_key(workflow_id, version)))

    def versions(self, workflow_id: str, before: int | None, limit: int) -> Page:
        """Return a workflow's versions without their definitions, newest first, from below number `before`."""
        fields = [name for name in WorkflowVersion.__dataclass_fields__ if name not in ("definition", "named")]
        items, following = self._numbered(workflow_id, version_key, before, limit, fields)
        return Page([version_of(item) for item in items], following)

    def keep_tried(self, version: WorkflowVersion, layout: Layout) -> int:
        """Store a definition for test runs; return the number under which `get_version` finds it.

        The number is derived from the definition, so an equal one has the same number. It is written again then, which
        extends its lifetime: it expires when no test run that began with it is kept any more.
        """
        content = dumps([version.definition, version.named]).encode()
        number = limits.MAX_VERSIONS + 1 + int(sha256(content).hexdigest()[:12], 16)
        tried_at = parse_time(version.created_at)
        until = {"expires_at": int((tried_at + timedelta(days=self._tried_days)).timestamp())}
        if layout:
            self._table.put({**layout_item(version.workflow_id, number, layout), **until})
        self._table.put({**version_item(replace(version, version=number)), **until})
        return number

    # -- publications --------------------------------------------------------------------------------------

    def publication(self, workflow_id: str, number: int) -> Publication:
        """Return a publication, which must exist."""
        item = self._table.get(*publication_key(workflow_id, number))
        if item is None:
            raise NotFound(f"the workflow has no publication {number}")
        return publication_of(item)

    def publications(self, workflow_id: str, before: int | None, limit: int) -> Page:
        """Return a workflow's publications, newest first, from below number `before`."""
        items, following = self._numbered(workflow_id, publication_key, before, limit, ())
        return Page([publication_of(item) for item in items], following)

    def _numbered(
        self, workflow_id: str, key: Any, before: int | None, limit: int, fields: Sequence[str]
    ) -> tuple[list[Item], str | None]:
        newest = before - 1 if before else limits.MAX_VERSIONS
        if newest < 1:
            return [], None
        pk, first = key(workflow_id, 1)
        found = self._table.query(
            pk, after=first, before=key(workflow_id, newest)[1], limit=limit + 1, descending=True,
            attributes=[*fields, "SK"] if fields else (),
        )  # fmt: skip
        items = list(found)
        last = str(int(items[limit - 1]["SK"].rpartition("#")[2])) if len(items) > limit else None
        return items[:limit], last

    # -- triggers ------------------------------------------------------------------------------------------

    def with_triggers(self) -> Iterator[str]:
        """Yield the ids of all workflows whose published version has triggers, in all workspaces."""
        for shard in range(limits.CHECK_SHARDS):
            for item in self._table.query(
                f"TRIGGERS#{shard}", index="by-check", pk_name="check_shard", sk_name="next_check_at"
            ):
                yield item["next_check_at"]

    def reconciled(self) -> str:
        """Return the id of the workflow that the last full reconciliation reached; empty if it was completed."""
        return str((self._table.get(*_CURSOR) or {}).get("last", ""))

    def set_reconciled(self, last: str) -> None:
        """Store how far a full reconciliation has come."""
        self._table.update(*_CURSOR, {"last": last}, condition="")

    def set_secret(self, workflow: Workflow, trigger_id: str, sealed: bytes, at: str) -> None:
        """Store the encrypted secret of a webhook. Raises NotFound."""
        self._update(workflow, {f"{SECRET}{trigger_id}": sealed, "updated_at": at}, {"revision": 1})

    def rotate(self, workflow: Workflow, trigger_id: str, at: str) -> Workflow:
        """Give a webhook another address; the former address becomes invalid. Raises NotFound."""
        return self._update(workflow, {"updated_at": at}, {"revision": 1, f"{ROTATION}{trigger_id}": 1})

    def _update(self, workflow: Workflow, changes: Mapping[str, Any], add: Mapping[str, int]) -> Workflow:
        condition = "attribute_exists(#PK) AND attribute_not_exists(#deleted_at)"
        try:
            item = self._table.update(*meta_key(workflow.id), changes, add=add, condition=condition)
        except ConditionFailed:
            raise NotFound("there is no such workflow") from None
        return workflow_of(item)


def _of_versions(workflow: Workflow, change: Change) -> Item:
    """Return the attributes that a change of versions and publication sets in the record, None to remove one."""
    found: Item = {}
    newest, newest_uses = workflow.version, workflow.newest_uses
    if change.version is not None:
        newest, newest_uses = change.version.version, uses_of(change.version.definition)
        found["version"] = newest
    published = workflow.published_version
    if change.publication is not None and change.published is not None:
        published = change.publication.version
        found |= {
            "published_version": published,
            "publication": change.publication.number,
            "published_at": change.publication.published_at,
            "published_by": author_item(change.publication.author),
            **live_copies(workflow.id, change.published),
        }
    if found:
        found |= newest_copies(newest_uses, is_published=newest == published)
    return found
