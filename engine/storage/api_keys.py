"""API keys and service accounts, in the Identity table, in the partition of their workspace.

    WORKSPACE#<id>  KEY#<id>         owner_id, is_service, name, permissions, workflows, secret_hash, earlier, …
    WORKSPACE#<id>  SERVICE#<id>     name, role, by, at: the membership of a service account

What a key may do is asked anew at each request: what it was given, as far as its owner still has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from secrets import compare_digest
from typing import Any

from engine.clock import format_time
from engine.security.api_keys import ApiKey, KeyId
from engine.security.permissions import Permission, permissions_of
from engine.storage.dynamodb.expressions import Item
from engine.storage.dynamodb.table import ConditionFailed, Put, Table, is_live
from engine.storage.users import User, user_of

_EXISTS = "attribute_exists(PK)"
_KEPT_SECONDS = 90 * 24 * 3600
"""How long a key stays listed after its end, so that people see why something does not work any more."""


@dataclass(frozen=True, slots=True)
class Key:
    """An API key. Times that end in `_until` or `ends_at` are epoch seconds; `workflows` is None for all of them.

    `since` is when its owner became a member, and `epoch` how often they had been kept out: whoever is removed and
    invited again, or let in again, does not get old keys back with it. `earlier` has the secrets that it was rotated
    from: hashes, and until when each is good.
    """

    id: str
    workspace_id: str
    owner_id: str
    is_service: bool
    name: str
    permissions: Sequence[str]
    workflows: Sequence[str] | None
    secret_hash: str
    created_at: str
    created_by: str
    since: str
    epoch: int = 0
    ends_at: int | None = None
    last_used_on: str | None = None
    earlier: Mapping[str, int] = field(default_factory=dict)

    @property
    def named(self) -> KeyId:
        """What the text of the key names."""
        return KeyId(self.workspace_id, self.owner_id, self.id, self.is_service)

    def has_ended(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.ends_at is not None and self.ends_at <= now.timestamp()

    def is_good(self, secret_hash: str, now: datetime) -> bool:
        """Whether that is its secret, or one that it was rotated from a short time ago."""
        is_good = compare_digest(self.secret_hash, secret_hash)
        for known, until in self.earlier.items():
            is_good |= compare_digest(known, secret_hash) and now.timestamp() < until
        return is_good


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A member that is no person: it stays when people go. `by` is who made it, or gave it its role."""

    id: str
    workspace_id: str
    name: str
    role: str
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Whom a key identifies: what the authorizer needs, read in one call. Missing parts are None."""

    key: Key | None
    owner: User | ServiceAccount | None
    role: str | None
    since: str
    grants: frozenset[Permission]
    """What the owner's role grants."""


class ApiKeyRepository:
    """Reads and writes keys and service accounts."""

    def __init__(self, table: Table) -> None:
        self._table = table

    # -- keys --------------------------------------------------------------------------------------------------

    def holder(self, key_id: KeyId) -> KeyHolder:
        """Return the key, its owner and the owner's membership, in one consistent read."""
        pk = _pk(key_id.workspace_id)
        key, workspace, profile = (pk, f"KEY#{key_id.key_id}"), (pk, "META"), (f"USER#{key_id.owner_id}", "PROFILE")
        member = (pk, f"{'SERVICE' if key_id.is_service else 'MEMBER'}#{key_id.owner_id}")
        found = self._table.get_many([key, workspace, member, *(() if key_id.is_service else (profile,))])
        stored = _key(found[key]) if key in found else None
        if stored is not None and stored.named != key_id:
            stored = None  # somebody put another owner into the text of a key
        if member not in found or workspace not in found:
            return KeyHolder(stored, None, None, "", frozenset())
        owner = _account(found[member]) if key_id.is_service else user_of(found[profile]) if profile in found else None
        role = found[member]["role"]
        return KeyHolder(stored, owner, role, found[member]["at"], permissions_of(role, found[workspace]["roles"]))

    def create(self, key: Key) -> None:
        """Store a new key. Raises ConditionFailed if its owner is not in the workspace any more."""
        member = f"{'SERVICE' if key.is_service else 'MEMBER'}#{key.owner_id}"
        is_there = self._table.check_entry(_pk(key.workspace_id), member, "#at = :since", {"since": key.since})
        self._table.transact([Put(_key_item(key)), is_there])

    def get(self, workspace_id: str, key_id: str) -> Key | None:
        """Return a key."""
        item = self._table.get(_pk(workspace_id), f"KEY#{key_id}")
        return _key(item) if item else None

    def of_workspace(self, workspace_id: str, now: datetime) -> list[Key]:
        """Return all keys of a workspace, the oldest first, with those that have ended lately."""
        items = self._table.query(_pk(workspace_id), after="KEY#", before="KEY$")
        return [_key(item) for item in items if is_live(item, now)]

    def rotate(self, key: Key, new: ApiKey, good_until: int, ends_at: int | None, now: datetime) -> Key:
        """Give a key another secret; the present one is good until then, and earlier ones as long as they were to be.

        So a rotation whose answer was lost can be done again. A `good_until` that is over ends all of them.

        Raises:
            ConditionFailed: the key is gone, or somebody else has rotated it since it was read.
        """
        earlier = {**key.earlier, key.secret_hash: good_until} if good_until > now.timestamp() else {}
        kept = {known: until for known, until in earlier.items() if until > now.timestamp()}
        rotated = replace(key, secret_hash=new.hash, earlier=kept, ends_at=ends_at)
        item = _key_item(rotated)
        changes: Item = {
            name: item[name] for name in ("secret_hash", "earlier", "ends_at", "expires_at") if name in item
        }
        gone = tuple(name for name in ("ends_at", "expires_at") if name not in item)
        where = (_pk(key.workspace_id), f"KEY#{key.id}")
        self._table.update(
            *where, changes, remove=gone, condition="#secret_hash = :old", values={"old": key.secret_hash}
        )
        return rotated

    def revoke(self, workspace_id: str, key_id: str) -> bool:
        """Remove a key; return whether there was one."""
        return self._table.delete_where(_pk(workspace_id), f"KEY#{key_id}", _EXISTS, {})

    def note_use(self, key: Key, today: str) -> None:
        """Store that a key was used today, unless that is stored already, or the key is gone."""
        condition, values = (
            "attribute_exists(PK) AND (attribute_not_exists(last_used_on) OR #last_used_on < :today)",
            {"today": today},
        )
        where = (_pk(key.workspace_id), f"KEY#{key.id}")
        try:
            self._table.update(*where, {"last_used_on": today}, condition=condition, values=values)
        except ConditionFailed:
            return

    # -- service accounts --------------------------------------------------------------------------------------

    def add_account(self, account: ServiceAccount) -> None:
        """Store a new service account. Raises ConditionFailed if the workspace is gone."""
        item = {"PK": _pk(account.workspace_id), "SK": f"SERVICE#{account.id}", **_account_values(account)}
        self._table.transact([Put(item), self._table.check_entry(_pk(account.workspace_id), "META", _EXISTS, {})])

    def account(self, workspace_id: str, account_id: str) -> ServiceAccount | None:
        """Return a service account."""
        item = self._table.get(_pk(workspace_id), f"SERVICE#{account_id}")
        return _account(item) if item else None

    def accounts(self, workspace_id: str) -> list[ServiceAccount]:
        """Return all service accounts of a workspace, the oldest first."""
        return [_account(item) for item in self._table.query(_pk(workspace_id), after="SERVICE#", before="SERVICE$")]

    def change_account(self, account: ServiceAccount, name: str, role: str, by: str) -> ServiceAccount:
        """Give a service account another name or role. Raises ConditionFailed if it is not as it was read."""
        values = {"old": account.role}
        changes = {"name": name, "role": role, "by": by}
        where = (_pk(account.workspace_id), f"SERVICE#{account.id}")
        return _account(self._table.update(*where, changes, condition="#role = :old", values=values))

    def remove_account(self, account_id: str, workspace_id: str, now: datetime) -> bool:
        """Remove a service account and its keys; return whether there was one.

        It goes first, and with it all that its keys may do; what a death on the way leaves goes when it is repeated.
        """
        was_there = self._table.delete_where(_pk(workspace_id), f"SERVICE#{account_id}", _EXISTS, {})
        for key in self.of_workspace(workspace_id, now):
            if key.owner_id == account_id:
                self.revoke(workspace_id, key.id)
        return was_there


def today_at(now: datetime) -> str:
    """The day as `last_used_on` has it."""
    return format_time(now)[:10]


def _pk(workspace_id: str) -> str:
    return f"WORKSPACE#{workspace_id}"


def _key_item(key: Key) -> Item:
    values = {name: getattr(key, name) for name in Key.__dataclass_fields__ if name not in ("id", "workspace_id")}
    values = {name: value for name, value in values.items() if value is not None}
    values["permissions"] = list(key.permissions)
    values["earlier"] = dict(key.earlier)
    if key.workflows is not None:
        values["workflows"] = list(key.workflows)
    if key.ends_at is not None:
        values["expires_at"] = key.ends_at + _KEPT_SECONDS
    return {"PK": _pk(key.workspace_id), "SK": f"KEY#{key.id}", **values}


def _key(item: Item) -> Key:
    named = {"id": item["SK"].removeprefix("KEY#"), "workspace_id": item["PK"].removeprefix("WORKSPACE#")}
    values: dict[str, Any] = {name: item[name] for name in Key.__dataclass_fields__ if name in item}
    return Key(**{"workflows": None, **values, **named})


def _account_values(account: ServiceAccount) -> Item:
    return {name: getattr(account, name) for name in ("name", "role", "by", "at")}


def _account(item: Item) -> ServiceAccount:
    ids = item["SK"].removeprefix("SERVICE#"), item["PK"].removeprefix("WORKSPACE#")
    return ServiceAccount(*ids, item["name"], item["role"], item["by"], item["at"])
