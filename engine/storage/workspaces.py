"""Workspaces, members and invitations, in the Identity table (see also `api_keys`).

    WORKSPACE#<id>  META             name, is_personal, owners (how many), roles (its own), created_at, created_by
    WORKSPACE#<id>  MEMBER#<user>    role, by, at
    USER#<id>       IN#<workspace>   the same membership as the user sees it
    WORKSPACE#<id>  INVITE#<id>      email, role, by, at, secret_hash, expires_at

A membership and its mirror are written in one transaction, and so is the count of owners, whose condition is why a
workspace has an owner at any time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.clock import format_time
from engine.security.permissions import Role
from engine.storage.dynamodb.expressions import Item, update_arguments
from engine.storage.dynamodb.table import ConditionFailed, Put, Table, is_live

_EXISTS = "attribute_exists(PK)"


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a group of people shares.

    `roles` are its own ones: permissions by name. A personal workspace came with its user and stays.
    """

    id: str
    name: str
    is_personal: bool
    created_at: str
    created_by: str
    owners: int = 1
    roles: Mapping[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Member:
    """A user in a workspace; `by` is who gave them their role, `at` when."""

    workspace_id: str
    user_id: str
    role: str
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """An offer of membership to whoever has an e-mail address. `expires_at` is in epoch seconds."""

    id: str
    workspace_id: str
    email: str
    role: str
    by: str
    at: str
    secret_hash: str
    expires_at: int


class LastOwner(Exception):
    """A change would have left a workspace without an owner."""


class MembershipChanged(Exception):
    """A membership, or the workspace, is not what it was when the change of it was prepared."""


class WorkspaceRepository:
    """Reads and writes workspaces."""

    def __init__(self, table: Table) -> None:
        self._table = table

    # -- workspaces --------------------------------------------------------------------------------------------

    def create(self, workspace: Workspace) -> None:
        """Store a workspace; whoever creates it is its owner."""
        self._table.transact(creation(workspace))

    def find(self, workspace_id: str) -> Workspace | None:
        """Return the workspace with that id."""
        item = self._table.get(_pk(workspace_id), "META")
        return _workspace(item) if item else None

    def of_user(self, user_id: str) -> list[tuple[Workspace, Member]]:
        """Return all workspaces of a user, with their memberships, by the time of joining."""
        mirrors = self._table.query(f"USER#{user_id}", after="IN#", before="IN$", attributes=("SK",))
        ids = [item["SK"].removeprefix("IN#") for item in mirrors]
        keys = [key for one in ids for key in ((_pk(one), "META"), (_pk(one), f"MEMBER#{user_id}"))]
        found = self._table.get_many(keys)
        both = [
            (_workspace(found[_pk(one), "META"]), _member(found[_pk(one), f"MEMBER#{user_id}"]))
            for one in ids
            if (_pk(one), "META") in found and (_pk(one), f"MEMBER#{user_id}") in found
        ]
        return sorted(both, key=lambda pair: (not pair[0].is_personal, pair[1].at, pair[0].id))

    def rename(self, workspace_id: str, name: str) -> Workspace:
        """Give a workspace another name. Raises ConditionFailed if it is gone."""
        return _workspace(self._table.update(_pk(workspace_id), "META", {"name": name}))

    def set_roles(self, workspace: Workspace, roles: Mapping[str, Sequence[str]]) -> Workspace:
        """Replace a workspace's own roles. Raises ConditionFailed if they are not those of `workspace` any more."""
        changes = {"roles": {name: list(words) for name, words in roles.items()}}
        condition, values = "#roles = :old", {"old": dict(workspace.roles)}
        return _workspace(self._table.update(_pk(workspace.id), "META", changes, condition=condition, values=values))

    def delete(self, workspace_id: str) -> None:
        """Remove a workspace with its memberships and invitations.

        Its record goes first, and with it all access; what a death on the way leaves is reachable by nobody.
        """
        self._table.delete(_pk(workspace_id), "META")
        for item in self._table.query(_pk(workspace_id), attributes=("PK", "SK")):
            kind, _, user_id = item["SK"].partition("#")
            if kind == "MEMBER":
                self._table.delete(f"USER#{user_id}", f"IN#{workspace_id}")
            self._table.delete(item["PK"], item["SK"])

    # -- members -----------------------------------------------------------------------------------------------

    def members(self, workspace_id: str) -> list[Member]:
        """Return all members, by the time at which they were added."""
        items = self._table.query(_pk(workspace_id), after="MEMBER#", before="MEMBER$")
        return sorted(map(_member, items), key=lambda member: (member.at, member.user_id))

    def member(self, workspace_id: str, user_id: str) -> Member | None:
        """Return the membership of a user."""
        item = self._table.get(_pk(workspace_id), f"MEMBER#{user_id}")
        return _member(item) if item else None

    def account_roles(self, workspace_id: str) -> set[str]:
        """Return the roles that service accounts have (see `api_keys`)."""
        accounts = self._table.query(_pk(workspace_id), after="SERVICE#", before="SERVICE$", attributes=("role",))
        return {item["role"] for item in accounts}

    def set_role(self, member: Member, role: str, by: str) -> Member:
        """Give a member another role.

        Raises:
            LastOwner: the workspace would have no owner.
            MembershipChanged: somebody else has changed it since `member` was read.
        """
        change = update_arguments({"role": role, "by": by}, (), "#role = :old", {"old": member.role})
        self._change(member, [self._table.update_entry(*_key(member), change)], _owners(role) - _owners(member.role))
        return Member(member.workspace_id, member.user_id, role, by, member.at)

    def remove(self, member: Member) -> None:
        """End a membership; at the user's next request.

        Raises:
            LastOwner: the workspace would have no owner.
            MembershipChanged: somebody else has changed it since `member` was read.
        """
        mirror = self._table.delete_entry(f"USER#{member.user_id}", f"IN#{member.workspace_id}", must_exist=False)
        gone = self._table.delete_entry_where(*_key(member), "#role = :old", {"old": member.role})
        self._change(member, [gone, mirror], -_owners(member.role))

    def _change(self, member: Member, writes: list[dict[str, Any]], owners: int) -> None:
        if owners:
            condition, values = ("#owners > :least", {"least": 1}) if owners < 0 else (_EXISTS, {})
            count = update_arguments({}, (), condition, values, {"owners": owners})
            writes = [*writes, self._table.update_entry(_pk(member.workspace_id), "META", count)]
        try:
            self._table.transact(writes)
        except ConditionFailed as failed:
            if owners < 0 and failed.index == len(writes) - 1:
                raise LastOwner from None
            raise MembershipChanged from None

    # -- invitations -------------------------------------------------------------------------------------------

    def invite(self, invitation: Invitation) -> None:
        """Store an invitation."""
        self._table.put(_invitation_item(invitation))

    def invitations(self, workspace_id: str, now: datetime) -> list[Invitation]:
        """Return the open invitations of a workspace, the oldest first."""
        items = self._table.query(_pk(workspace_id), after="INVITE#", before="INVITE$")
        return [_invitation(item) for item in items if is_live(item, now)]

    def invitation(self, workspace_id: str, invitation_id: str, now: datetime) -> Invitation | None:
        """Return an open invitation."""
        item = self._table.get(_pk(workspace_id), f"INVITE#{invitation_id}")
        return _invitation(item) if item and is_live(item, now) else None

    def withdraw(self, workspace_id: str, invitation_id: str) -> bool:
        """Remove an invitation; return whether there was one."""
        return self._table.delete_where(_pk(workspace_id), f"INVITE#{invitation_id}", _EXISTS, {})

    def accept(self, invitation: Invitation, user_id: str, now: datetime) -> None:
        """Make a user the member that an invitation offers, once.

        Raises:
            MembershipChanged: the invitation was accepted or withdrawn, the workspace is gone, or they are a member.
        """
        try:
            self._table.transact(self.acceptance(invitation, user_id, now))
        except ConditionFailed:
            raise MembershipChanged from None

    def acceptance(self, invitation: Invitation, user_id: str, now: datetime) -> list[Put | dict[str, Any]]:
        """Return the entries of a transaction in which a user accepts an invitation."""
        where = (_pk(invitation.workspace_id), f"INVITE#{invitation.id}")
        values = {"hash": invitation.secret_hash, "now": int(now.timestamp())}
        added = {"owners": 1} if invitation.role == Role.OWNER else {}
        meta = (_pk(invitation.workspace_id), "META")
        return [
            self._table.delete_entry_where(*where, "#secret_hash = :hash AND #expires_at > :now", values),
            *joining(Member(invitation.workspace_id, user_id, invitation.role, invitation.by, format_time(now))),
            self._table.update_entry(*meta, update_arguments({}, (), _EXISTS, {}, added))
            if added
            else self._table.check_entry(*meta, _EXISTS, {}),
        ]


def creation(workspace: Workspace) -> list[Put | dict[str, Any]]:
    """Return the entries of a transaction that creates a workspace, with its creator as the owner."""
    names = ("name", "is_personal", "owners", "created_at", "created_by")
    meta = {name: getattr(workspace, name) for name in names}
    by = workspace.created_by
    return [
        Put({"PK": _pk(workspace.id), "SK": "META", **meta, "roles": dict(workspace.roles)}),
        *joining(Member(workspace.id, by, Role.OWNER, by, workspace.created_at)),
    ]


def joining(member: Member) -> list[Put | dict[str, Any]]:
    """Return the entries of a transaction that adds a member, who must not be one."""
    pk, sk = _key(member)
    return [
        Put({"PK": pk, "SK": sk, "role": member.role, "by": member.by, "at": member.at}),
        Put({"PK": f"USER#{member.user_id}", "SK": f"IN#{member.workspace_id}"}, if_absent=False),
    ]


def _pk(workspace_id: str) -> str:
    return f"WORKSPACE#{workspace_id}"


def _key(member: Member) -> tuple[str, str]:
    return _pk(member.workspace_id), f"MEMBER#{member.user_id}"


def _owners(role: str) -> int:
    """How many owners a member with this role counts as."""
    return int(role == Role.OWNER)


def _workspace(item: Item) -> Workspace:
    return Workspace(
        item["PK"].removeprefix("WORKSPACE#"), item["name"], item["is_personal"], item["created_at"],
        item["created_by"], item["owners"], item["roles"],
    )  # fmt: skip


def _member(item: Item) -> Member:
    workspace_id, user_id = item["PK"].removeprefix("WORKSPACE#"), item["SK"].removeprefix("MEMBER#")
    return Member(workspace_id, user_id, item["role"], item["by"], item["at"])


def _invitation_item(invitation: Invitation) -> Item:
    names = ("email", "role", "by", "at", "secret_hash", "expires_at")
    values = {name: getattr(invitation, name) for name in names}
    return {"PK": _pk(invitation.workspace_id), "SK": f"INVITE#{invitation.id}", **values}


def _invitation(item: Item) -> Invitation:
    workspace_id, invitation_id = item["PK"].removeprefix("WORKSPACE#"), item["SK"].removeprefix("INVITE#")
    names = ("email", "role", "by", "at", "secret_hash", "expires_at")
    return Invitation(invitation_id, workspace_id, *(item[name] for name in names))
