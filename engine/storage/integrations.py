"""Integrations: connections of a workspace to other systems. Secrets are stored encrypted by KMS."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine import limits
from engine.errors import Conflict, NotFound
from engine.ids import is_id
from engine.json_value import dumps
from engine.storage.dynamodb.expressions import Item, update_arguments
from engine.storage.dynamodb.table import ConditionFailed, Put, Table


@dataclass(frozen=True, slots=True)
class Integration:
    """One integration. `config` is the part that may be shown, `secrets` the names of the secret fields that are set.

    `sealed` are the secrets, encrypted together. `version` counts the changes. `connection` is the state of OAuth 2: an
    encrypted pair of tokens, when the access token expires, and who is renewing it until when.
    """

    id: str
    workspace_id: str
    name: str
    type: str
    description: str | None
    config: Mapping[str, Any]
    secrets: tuple[str, ...]
    sealed: bytes | None
    version: int
    created_at: str
    updated_at: str
    connection: Mapping[str, Any] | None = None


class IntegrationRepository:
    """Reads and writes integrations. An integration of another workspace counts as absent."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, integration: Integration) -> None:
        """Store a new integration.

        Raises:
            Conflict: code `name_taken`: the workspace has an integration of that name.
        """
        try:
            self._table.transact([Put(_meta_item(integration)), Put(_name_item(integration))])
        except ConditionFailed:
            raise _taken(integration.name) from None

    def get(self, workspace_id: str, integration_id: str) -> Integration:
        """Return an integration. Raises NotFound."""
        item = self._table.get(*_key(integration_id))
        if item is None or item["workspace_id"] != workspace_id:
            raise NotFound("there is no such integration")
        return _integration(item)

    def find(self, workspace_id: str, named: str) -> Integration | None:
        """Return the integration of a workspace with this id or name; None if there is none."""
        integration_id = named
        if not is_id(named):
            entry = self._table.get(*_name_key(workspace_id, named))
            if entry is None:
                return None
            integration_id = entry["integration_id"]
        item = self._table.get(*_key(integration_id))
        return _integration(item) if item is not None and item["workspace_id"] == workspace_id else None

    def of_workspace(self, workspace_id: str) -> list[Integration]:
        """Return all integrations of a workspace by name; there are few."""
        keys = self._table.query(
            f"{workspace_id}#INTEGRATIONS", index="by-workspace", pk_name="workspace_key", sk_name="id",
            limit=2 * limits.MAX_INTEGRATIONS,
        )  # fmt: skip
        found = self._table.get_many([_key(key["id"]) for key in keys])
        return sorted((_integration(item) for item in found.values()), key=lambda one: one.name.casefold())

    def change(self, integration: Integration, changes: Mapping[str, Any], *, name: str | None = None) -> Integration:
        """Set attributes of the version that was read; None removes one. `name` renames the integration.

        Raises:
            Conflict: the integration was changed meanwhile, or the name is taken.
        """
        changes = {**changes, "version": integration.version + 1, **({"name": name} if name else {})}
        given = {key: value for key, value in changes.items() if value is not None}
        remove = [key for key, value in changes.items() if value is None]
        arguments = update_arguments(given, remove, "#version = :based_on", {"based_on": integration.version})
        writes: list[Any] = [self._table.update_entry(*_key(integration.id), arguments)]
        if name and name != integration.name:
            writes.append(Put(_name_item(integration, name)))
            writes.append(self._table.delete_entry(*_name_key(integration.workspace_id, integration.name)))
        try:
            self._table.transact(writes)
        except ConditionFailed as failed:
            if failed.index == 0:
                message = "the integration was changed by somebody else meanwhile; look at it and try again"
                raise Conflict(message, code="changed_meanwhile") from None
            raise _taken(str(name)) from None
        return self.get(integration.workspace_id, integration.id)

    def delete(self, integration: Integration) -> None:
        """Delete the integration."""
        names = _name_key(integration.workspace_id, integration.name)
        self._table.transact([self._table.delete_entry(*_key(integration.id)), self._table.delete_entry(*names)])

    # -- the state of OAuth 2 ---------------------------------------------------------------------------------

    def connection(self, integration_id: str) -> Mapping[str, Any] | None:
        """Return the stored connection; None if it was never connected, or was deleted."""
        item = self._table.get(*_key(integration_id), attributes=("connection",))
        return item.get("connection") if item else None

    def connect(self, integration_id: str, connection: Mapping[str, Any], *, renewer: str | None = None) -> bool:
        """Store new tokens; for a renewer only if no other renewer has taken over. Return whether they were stored."""
        condition, values = "attribute_exists(#PK)", {}
        if renewer is not None:
            condition, values = "#connection.#renewer = :renewer", {"renewer": renewer}
        return self._try(integration_id, {"connection": dict(connection)}, condition, values)

    def begin_renewal(self, integration_id: str, seen: Mapping[str, Any] | None, renewer: str, until: float) -> bool:
        """Become the renewer of the connection that was seen, if there is no other. Return whether that succeeded."""
        mine = {**(seen or {}), "renewer": renewer, "renewer_until": int(until)}
        return self.replace_connection(integration_id, seen, mine)

    def replace_connection(
        self, integration_id: str, seen: Mapping[str, Any] | None, connection: Mapping[str, Any]
    ) -> bool:
        """Replace the connection if it is still the one that was seen. Return whether it was."""
        changes = {"connection": dict(connection)}
        if seen is None:
            condition = "attribute_exists(#PK) AND attribute_not_exists(#connection)"
            return self._try(integration_id, changes, condition, {})
        return self._try(integration_id, changes, "#connection = :seen", {"seen": dict(seen)})

    def _try(self, integration_id: str, changes: Mapping[str, Any], condition: str, values: Mapping[str, Any]) -> bool:
        try:
            self._table.update(*_key(integration_id), changes, condition=condition, values=values)
        except ConditionFailed:
            return False
        return True


def _taken(name: str) -> Conflict:
    return Conflict(f"the workspace has an integration {name!r} already", code="name_taken")


def _key(integration_id: str) -> tuple[str, str]:
    return f"INTEGRATION#{integration_id}", "META"


def _name_key(workspace_id: str, name: str) -> tuple[str, str]:
    return f"INTEGRATION_NAMES#{workspace_id}", f"NAME#{name}"


def _name_item(integration: Integration, name: str | None = None) -> Item:
    pk, sk = _name_key(integration.workspace_id, name or integration.name)
    return {"PK": pk, "SK": sk, "integration_id": integration.id}


_FIELDS: Sequence[str] = (
    "id", "workspace_id", "name", "type", "description", "sealed", "version", "created_at", "updated_at", "connection",
)  # fmt: skip


def _meta_item(integration: Integration) -> Item:
    pk, sk = _key(integration.id)
    values = {name: getattr(integration, name) for name in _FIELDS if getattr(integration, name) is not None}
    return {
        "PK": pk,
        "SK": sk,
        "workspace_key": f"{integration.workspace_id}#INTEGRATIONS",
        **values,
        "config": dumps(integration.config),
        "secrets": list(integration.secrets),
    }


def _integration(item: Item) -> Integration:
    values = {name: item.get(name) for name in _FIELDS}
    return Integration(**{**values, "config": json.loads(item["config"]), "secrets": tuple(item["secrets"])})
