"""The stored data of workflows, their versions and publications, and the codec of their items."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from zlib import crc32

from engine import limits
from engine.json_value import dumps
from engine.storage.dynamodb.expressions import Item
from engine.triggers.definition import TriggerDefinition
from engine.workflow.layout import Layout
from engine.workflow.references import KEY, nodes_in, references


@dataclass(frozen=True, slots=True)
class Author:
    """The author of a change, with the name at that time."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Uses:
    """The integrations, by name or id, and the ids of the workflows that a definition names."""

    integrations: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Workflow:
    """The current state of a workflow.

    `version` is the number of its newest version, `published_version` that of the one which triggers and starts use; 0
    stands for none. `publication` is the number of the current publication, `published_draft` the tag of the draft that
    was published last. `revision` counts all changes of the record. `definition` is that of the newest version, if
    requested.

    `concurrency`, `triggers`, `responds` (the ids of `respond` nodes) and `uses` are copies from the published version,
    so that a start need not read all of it; `newest_uses` is of the newest version. `hook_secret` derives the addresses
    of its webhooks, and `rotations` counts how often each was changed. `secrets` authenticate callers of its webhooks,
    encrypted.
    """

    id: str
    workspace_id: str
    name: str
    description: str | None
    version: int
    is_active: bool
    created_at: str
    updated_at: str
    published_version: int = 0
    publication: int = 0
    published_at: str | None = None
    published_by: Author | None = None
    published_draft: str | None = None
    revision: int = 1
    labels: tuple[str, ...] = ()
    folder: str | None = None
    definition: dict[str, Any] | None = None
    concurrency: dict[str, Any] | None = None
    triggers: tuple[TriggerDefinition, ...] = ()
    responds: tuple[str, ...] = ()
    uses: Uses = Uses()
    newest_uses: Uses = Uses()
    hook_secret: str = ""
    rotations: Mapping[str, int] = field(default_factory=dict)
    secrets: Mapping[str, bytes] = field(default_factory=dict)

    def trigger(self, trigger_id: str) -> TriggerDefinition | None:
        """Return the trigger of that id, if the published version has it."""
        return next((trigger for trigger in self.triggers if trigger.id == trigger_id), None)

    @property
    def integrations(self) -> frozenset[str]:
        """The names or ids by which the published or the newest version refers to integrations."""
        return frozenset(self.uses.integrations + self.newest_uses.integrations)


@dataclass(frozen=True, slots=True)
class WorkflowVersion:
    """One version, which never changes.

    Its definition has the ids of other workflows; `named` has, by field, the names that its author wrote instead.
    `restored_from` is the version that it restores, 0 for none.
    """

    workflow_id: str
    version: int
    definition: dict[str, Any]
    created_at: str
    author: Author
    message: str | None = None
    named: dict[str, str] | None = None
    restored_from: int = 0


@dataclass(frozen=True, slots=True)
class Publication:
    """A publication: it made a version the one that runs.

    `previous` is the number of the publication that a rollback returns to, 0 for none. After a rollback that is the one
    before the publication that was restored, so that another rollback goes further back.
    """

    number: int
    version: int
    kind: Literal["publish", "rollback"]
    author: Author
    message: str | None
    published_at: str
    previous: int


_OWN = (
    "id", "workspace_id", "name", "description", "version", "is_active", "created_at", "updated_at",
    "published_version", "publication", "published_at", "published_draft", "revision", "folder", "hook_secret",
)  # fmt: skip
"""The attributes of a workflow's record besides its copies."""
SECRET, ROTATION = "secret_of_", "rotation_of_"


def meta_key(workflow_id: str) -> tuple[str, str]:
    """Return the key of a workflow's record."""
    return f"WORKFLOW#{workflow_id}", "META"


def version_key(workflow_id: str, number: int) -> tuple[str, str]:
    """Return the key of a version, or of a definition kept for test runs, whose numbers are above those of versions."""
    kind = "VERSION" if number <= limits.MAX_VERSIONS else "TRIED"
    return f"WORKFLOW#{workflow_id}", f"{kind}#{number:06d}"


def layout_key(workflow_id: str, number: int) -> tuple[str, str]:
    """Return the key of the `ui` of a version. Runs do not read it, so it is not in the version's item."""
    return f"WORKFLOW#{workflow_id}", f"LAYOUT#{number:06d}"


def publication_key(workflow_id: str, number: int) -> tuple[str, str]:
    """Return the key of a publication."""
    return f"WORKFLOW#{workflow_id}", f"PUBLICATION#{number:06d}"


def live_copies(workflow_id: str, definition: Mapping[str, Any]) -> Item:
    """Return the record's copies of its published definition; None stands for an absent one.

    A workflow with triggers is in the index of due items under its id, for the reconciliation of all of them.
    """
    triggers, uses = definition.get("triggers"), uses_of(definition)
    return {
        "concurrency": definition.get("concurrency"),
        "triggers": dumps(triggers) if triggers else None,
        "integrations": list(uses.integrations) or None,
        "workflows": list(uses.workflows) or None,
        "responds": [node["id"] for node in definition["nodes"] if node["type"] == "respond"] or None,
        "check_shard": f"TRIGGERS#{crc32(workflow_id.encode()) % limits.CHECK_SHARDS}" if triggers else None,
        "next_check_at": workflow_id if triggers else None,
    }


def newest_copies(uses: Uses, *, is_published: bool) -> Item:
    """Return the record's copies of its newest definition: none if that is the published one."""
    kept = Uses() if is_published else uses
    return {"newest_integrations": list(kept.integrations) or None, "newest_workflows": list(kept.workflows) or None}


def uses_of(definition: Mapping[str, Any]) -> Uses:
    """Return what a definition names, with the ids of workflows."""
    integrations = sorted({named for _, _, named in named_integrations(definition)})
    workflows = sorted({holder[KEY] for _, holder in references(definition)})
    return Uses(tuple(integrations), tuple(workflows))


def named_integrations(definition: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the integrations that nodes name, also in the bodies of loops: field, node type, name."""
    for at, node in nodes_in(definition):
        config = node.get("config")
        named = config.get("integration") if isinstance(config, dict) else None
        if isinstance(named, str):
            yield f"{at}.config.integration", str(node.get("type")), named


def triggers_of(definition: Mapping[str, Any]) -> tuple[TriggerDefinition, ...]:
    """Return the triggers of a valid definition."""
    return tuple(TriggerDefinition.model_validate(one) for one in definition.get("triggers") or ())


def meta_item(workflow: Workflow, published: Mapping[str, Any] | None, newest: Uses) -> Item:
    """Return the record of a new workflow as an item."""
    pk, sk = meta_key(workflow.id)
    return {
        "PK": pk,
        "SK": sk,
        "workspace_key": f"{workflow.workspace_id}#WORKFLOWS",
        **{name: getattr(workflow, name) for name in _OWN},
        "labels": list(workflow.labels) or None,
        "published_by": author_item(workflow.published_by),
        **(live_copies(workflow.id, published) if published else {}),
        **newest_copies(newest, is_published=bool(published)),
    }


def workflow_of(item: Item) -> Workflow:
    """Return the workflow of a record."""
    uses = _uses(item, "")
    values: dict[str, Any] = {name: item.get(name) for name in _OWN if name != "description"}
    is_newest = item["version"] == item["published_version"]
    return Workflow(
        **values,
        description=item.get("description") or None,
        published_by=author_of(item.get("published_by")),
        labels=tuple(item.get("labels", ())),
        concurrency=item.get("concurrency"),
        triggers=tuple(TriggerDefinition.model_validate(one) for one in json.loads(item.get("triggers", "[]"))),
        responds=tuple(item.get("responds", ())),
        uses=uses,
        newest_uses=uses if is_newest else _uses(item, "newest_"),
        rotations=_by_trigger(item, ROTATION),
        secrets=_by_trigger(item, SECRET),
    )


def _uses(item: Item, prefix: str) -> Uses:
    return Uses(tuple(item.get(f"{prefix}integrations", ())), tuple(item.get(f"{prefix}workflows", ())))


def _by_trigger(item: Item, prefix: str) -> dict[str, Any]:
    """Return an attribute for each trigger, so that concurrent callers can change different ones."""
    return {name.removeprefix(prefix): value for name, value in item.items() if name.startswith(prefix)}


def author_item(author: Author | None) -> Item | None:
    """Return an author as an attribute."""
    return {"id": author.id, "name": author.name} if author else None


def author_of(item: Any) -> Author | None:
    """Return the author in an attribute."""
    return Author(item["id"], item["name"]) if item else None


def version_item(version: WorkflowVersion) -> Item:
    """Return the item of a version."""
    pk, sk = version_key(version.workflow_id, version.version)
    values = {name: getattr(version, name) for name in WorkflowVersion.__dataclass_fields__}
    return {
        "PK": pk,
        "SK": sk,
        **values,
        "author": author_item(version.author),
        "definition": dumps(version.definition),
        "restored_from": version.restored_from or None,
    }


def version_of(item: Item) -> WorkflowVersion:
    """Return the version in an item; without a definition if that was not read."""
    values = {name: item.get(name) for name in WorkflowVersion.__dataclass_fields__}
    values["author"] = author_of(item["author"])
    values["definition"] = json.loads(item["definition"]) if "definition" in item else {}
    values["restored_from"] = item.get("restored_from", 0)
    return WorkflowVersion(**values)  # type: ignore[arg-type]


def layout_item(workflow_id: str, number: int, layout: Layout) -> Item:
    """Return the item of the `ui` of a version."""
    pk, sk = layout_key(workflow_id, number)
    return {"PK": pk, "SK": sk, "layout": zlib.compress(dumps(layout).encode(), 6)}


def layout_of(item: Item | None) -> Layout:
    """Return the `ui` in an item, empty if there is none."""
    found: Layout = json.loads(zlib.decompress(item["layout"])) if item else {}
    return found


def publication_item(workflow_id: str, publication: Publication) -> Item:
    """Return the item of a publication."""
    pk, sk = publication_key(workflow_id, publication.number)
    values = {name: getattr(publication, name) for name in Publication.__dataclass_fields__}
    return {"PK": pk, "SK": sk, **values, "author": author_item(publication.author)}


def publication_of(item: Item) -> Publication:
    """Return the publication in an item."""
    values = {name: item.get(name) for name in Publication.__dataclass_fields__}
    return Publication(**{**values, "author": author_of(item["author"])})  # type: ignore[arg-type]
