"""Drafts: unpublished work, one for each person and workflow. A draft need not be a valid definition yet.

    WORKFLOW#<id> / DRAFT#<user>   the draft, with its content, or a reference to it in S3

The content is written before the item that refers to it, and replaced content is removed after that. Content that a
crash in between orphans is removed by `remove_orphans`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.errors import Unavailable
from engine.ids import new_id
from engine.storage.dynamodb.expressions import Item
from engine.storage.dynamodb.table import Table
from engine.storage.payloads import PayloadStore
from engine.storage.workflow_records import Author, author_item, author_of

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft. `tag` changes with each change; `base_version` is the version that it started from, 0 for none.

    In lists its definition is omitted.
    """

    workflow_id: str
    author: Author
    base_version: int
    created_at: str
    updated_at: str
    tag: str
    definition: dict[str, Any] | None = None
    packed: Any = None
    """The definition as it is stored."""


class DraftRepository:
    """Reads and writes drafts. Callers first check that the workflow belongs to the caller's workspace.

    Args:
        table: the Automation table.
        contents: the store of large drafts, under a prefix of their own.
    """

    def __init__(self, table: Table, contents: PayloadStore) -> None:
        self._table = table
        self._contents = contents

    def get(self, workflow_id: str, user_id: str) -> Draft | None:
        """Return a person's draft with its definition; None if there is none."""
        for _ in range(_TRIES):
            item = self._table.get(*_key(workflow_id, user_id))
            if item is None:
                return None
            content = self._contents.unpack_if_there(item["content"])
            if content is not None:
                return _draft(item, content)
            # The draft was saved again between the two reads, which removed the content that this one referred to.
        raise Unavailable("the draft is being changed; try again")

    def of_workflow(self, workflow_id: str) -> list[Draft]:
        """Return all drafts of a workflow, without their definitions."""
        pk, first = _key(workflow_id, "")
        fields = ("workflow_id", "author", "base_version", "created_at", "updated_at", "tag", "content")
        return [
            _draft(item, None) for item in self._table.query(pk, after=first, before=f"{first}~", attributes=fields)
        ]

    def save(self, draft: Draft, seen: Draft | None) -> Draft:
        """Store a draft in place of the one that was seen, or of none; return it with its new tag.

        Raises:
            ConditionFailed: another draft is stored.
        """
        key = _key(draft.workflow_id, draft.author.id)
        tag = new_id()
        # Each has a unique name in S3: otherwise removing replaced content could remove equal content saved since.
        content = self._contents.pack(draft.definition, _owner(draft.workflow_id, draft.author.id), name=tag)
        changes = {
            "workflow_id": draft.workflow_id,
            "author": author_item(draft.author),
            "base_version": draft.base_version,
            "created_at": draft.created_at,
            "updated_at": draft.updated_at,
            "tag": tag,
            "content": content,
        }
        condition, values = "attribute_not_exists(#PK)", dict[str, Any]()
        if seen is not None:
            condition, values = "#tag = :seen", {"seen": seen.tag}
        item = self._table.update(*key, changes, condition=condition, values=values)
        if seen is not None:
            self.discard(seen)
        return _draft(item, draft.definition)

    def delete(self, draft: Draft) -> bool:
        """Delete a draft if it is the one that was seen; return whether it was."""
        key = _key(draft.workflow_id, draft.author.id)
        if not self._table.delete_where(*key, "#tag = :seen", {"seen": draft.tag}):
            return False
        self.discard(draft)
        return True

    def deletion(self, draft: Draft, *, must_be: bool = True) -> dict[str, Any]:
        """Return the deletion as a transaction entry, of any draft if asked; `discard` follows it."""
        key = _key(draft.workflow_id, draft.author.id)
        if not must_be:
            return self._table.delete_entry(*key, must_exist=False)
        return self._table.delete_entry_where(*key, "#tag = :seen", {"seen": draft.tag})

    def discard(self, draft: Draft) -> None:
        """Remove a large content that no draft refers to any more."""
        self._contents.discard(draft.packed)

    def remove_orphans(self, before: datetime) -> int:
        """Remove large contents older than that without a draft; return how many."""
        removed = 0
        for owner in self._contents.owners(""):
            item = self._table.get(*_key(*owner.split("~", 1)), ("content",)) if "~" in owner else None
            kept = (item or {}).get("content")
            removed += self._contents.remove(owner, before, but=kept["s3"] if isinstance(kept, Mapping) else None)
        return removed


def _key(workflow_id: str, user_id: str) -> tuple[str, str]:
    return f"WORKFLOW#{workflow_id}", f"DRAFT#{user_id}"


def _owner(workflow_id: str, user_id: str) -> str:
    return f"{workflow_id}~{user_id}"


def _draft(item: Item, definition: dict[str, Any] | None) -> Draft:
    author = author_of(item["author"])
    assert author is not None
    return Draft(
        item["workflow_id"], author, item["base_version"], item["created_at"], item["updated_at"], item["tag"],
        definition, item.get("content"),
    )  # fmt: skip
