"""Users, their unique e-mail addresses and their sessions, in the Identity table (see also `workspaces`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from secrets import compare_digest
from types import MappingProxyType
from typing import Any

from engine.errors import Conflict, NotFound
from engine.security.permissions import GRANTS, Permission, permissions_of
from engine.security.tokens import GRACE_SECONDS, RefreshToken
from engine.storage.dynamodb.expressions import Item, update_arguments
from engine.storage.dynamodb.table import ConditionFailed, Page, Put, Table, is_live
from engine.storage.workspaces import Workspace, creation

FIRST_USER = ("PLATFORM#", "FIRST_USER")


@dataclass(frozen=True, slots=True)
class User:
    """A person who may sign in."""

    id: str
    email: str
    full_name: str | None
    password_hash: str
    is_admin: bool
    is_active: bool
    workspace_id: str
    created_at: str
    epoch: int = 0
    """How often all sessions were ended: those from before are over, whatever else is stored of them."""
    key_epoch: int = 0
    """How often they were kept out: API keys from before stay without effect when they are let in again."""


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in. Times are epoch seconds.

    `refresh_hash` is the hash of the only refresh token that is valid now, `family_hash` the hash of the part that all
    tokens of the session share. A browser session stores which browser (`browser_hash`); that one may present the
    previous token, too, until `previous_until`. `epoch` is that of its user when it began; `agent` is for people.
    """

    id: str
    user_id: str
    workspace_id: str
    refresh_hash: str
    family_hash: str
    expires_at: int
    browser_hash: str = ""
    previous_hash: str = ""
    previous_until: int = 0
    epoch: int = 0
    started_at: str = ""
    used_at: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """What the authorizer needs to know, read in one call. Missing parts are None.

    `own_grants` is what the role grants if the workspace has added it; None for the roles that each workspace has.
    """

    user: User | None
    session: Session | None
    role: str | None
    own_grants: frozenset[Permission] | None = None


class UserRepository:
    """Reads and writes the Identity table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, user: User, *, first: bool, also: Sequence[Put | dict[str, Any]] = ()) -> None:
        """Store a user with a personal workspace, atomically, with `also`: the acceptance of an invitation.

        Raises:
            Conflict: code `email_taken`, or `not_first` if `first` is set and there is a user already, or
                `invitation_used` if `also` is not possible any more.
        """
        personal = Workspace(
            user.workspace_id, user.full_name or user.email, is_personal=True, created_at=user.created_at,
            created_by=user.id,
        )  # fmt: skip
        pk, sk = FIRST_USER
        writes = [
            Put({"PK": f"EMAIL#{user.email}", "SK": "USER", "user_id": user.id}),
            *([Put({"PK": pk, "SK": sk, "user_id": user.id})] if first else []),
            Put({"PK": f"USER#{user.id}", "SK": "PROFILE", "user_list": "USERS", **_user_item(user)}),
            *creation(personal),
            *also,
        ]
        try:
            self._table.transact(writes)
        except ConditionFailed as failed:
            if failed.index == 0:
                raise Conflict(f"there is a user with the e-mail address {user.email}", code="email_taken") from None
            if first and failed.index == 1:
                raise Conflict("there is a user already", code="not_first") from None
            raise Conflict("the invitation was used or withdrawn", code="invitation_used") from None

    def is_empty(self) -> bool:
        """Return whether nobody has registered yet."""
        return self._table.get(*FIRST_USER) is None

    def by_email(self, email: str) -> User | None:
        """Return the user with that address."""
        found = self._table.get(f"EMAIL#{email}", "USER")
        return self.by_id(found["user_id"]) if found else None

    def by_id(self, user_id: str) -> User | None:
        """Return the user with that id."""
        item = self._table.get(f"USER#{user_id}", "PROFILE")
        return user_of(item) if item else None

    def page(self, cursor: str | None, limit: int) -> Page:
        """Return users in the order in which they were added."""
        items, next_cursor = self._table.page_by_id(
            "USERS",
            index="by-list",
            pk_name="user_list",
            item_key=lambda user_id: (f"USER#{user_id}", "PROFILE"),
            cursor=cursor,
            limit=limit,
            descending=False,
        )
        return Page([user_of(item) for item in items], next_cursor)

    def set_active(self, user_id: str, *, active: bool) -> User:
        """Let a user sign in, or lock them out immediately.

        Raises:
            NotFound: the user does not exist.
        """
        return self._change(user_id, {"is_active": active}, add={} if active else {"epoch": 1, "key_epoch": 1})

    def set_full_name(self, user_id: str, full_name: str | None) -> User:
        """Replace a user's name.

        Raises:
            NotFound: the user does not exist.
        """
        if full_name is None:
            return self._change(user_id, {}, remove=("full_name",))
        return self._change(user_id, {"full_name": full_name})

    def _change(
        self, user_id: str, values: Item, remove: tuple[str, ...] = (), add: Mapping[str, int] = MappingProxyType({})
    ) -> User:
        try:
            return user_of(self._table.update(f"USER#{user_id}", "PROFILE", values, remove=remove, add=add))
        except ConditionFailed:
            raise NotFound("there is no such user") from None

    def set_password(
        self, user: User, password_hash: str, keep: str | None, also: Sequence[dict[str, Any]] = ()
    ) -> None:
        """Replace a user's password and end all sessions but one, atomically, after `also`: the use of a link.

        Raises:
            ConditionFailed: the password was changed, or the sessions ended, since the user was read; `keep` is over;
                or `also` is not possible any more.
        """
        changes = {"password_hash": password_hash, "epoch": user.epoch + 1}
        values = {"old": user.password_hash, "before": user.epoch}
        condition = "#password_hash = :old AND #epoch = :before"
        profile = update_arguments(changes, (), condition, values)
        writes = [*also, self._table.update_entry(f"USER#{user.id}", "PROFILE", profile)]
        if keep is not None:
            kept = update_arguments({"epoch": user.epoch + 1}, (), "attribute_exists(PK)", {})
            writes.append(self._table.update_entry(f"USER#{user.id}", f"SESSION#{keep}", kept))
        self._table.transact(writes)

    def end_sessions(self, user_id: str) -> None:
        """End all sessions of a user, at once. Raises NotFound."""
        self._change(user_id, {}, add={"epoch": 1})

    def sessions(self, user: User, now: datetime) -> list[Session]:
        """Return the sessions of a user, the newest first."""
        items = self._table.query(f"USER#{user.id}", after="SESSION#", before="SESSION$", descending=True)
        found = [_session(item) for item in items if is_live(item, now)]
        return [one for one in found if one.epoch == user.epoch]

    def add_reset(self, user_id: str, secret_hash: str, by: str, expires_at: int) -> None:
        """Store a link with which a user may set a password; one from before is over."""
        item = {"PK": f"USER#{user_id}", "SK": "RESET", "secret_hash": secret_hash, "by": by, "expires_at": expires_at}
        self._table.put(item)

    def has_reset(self, user_id: str, secret_hash: str, now: datetime) -> bool:
        """Return whether a user has that link."""
        item = self._table.get(f"USER#{user_id}", "RESET")
        return item is not None and is_live(item, now) and compare_digest(item["secret_hash"], secret_hash)

    def use_of_reset(self, user_id: str, secret_hash: str, now: int) -> dict[str, Any]:
        """Return the entry of a transaction that uses a link up; it fails if that is over."""
        values = {"hash": secret_hash, "now": now}
        condition = "#secret_hash = :hash AND #expires_at > :now"
        return self._table.delete_entry_where(f"USER#{user_id}", "RESET", condition, values)

    def set_password_hash(self, user: User, password_hash: str) -> None:
        """Replace the hash by one with stronger parameters, unless the password was changed meanwhile."""
        condition, values = "#password_hash = :old", {"old": user.password_hash}
        changes = {"password_hash": password_hash}
        with suppress(ConditionFailed):
            self._table.update(f"USER#{user.id}", "PROFILE", changes, condition=condition, values=values)

    def add_session(self, session: Session) -> None:
        """Store a new session."""
        self._table.put({"PK": f"USER#{session.user_id}", "SK": f"SESSION#{session.id}", **_session_item(session)})

    def rotate_session(
        self, old: RefreshToken, new: RefreshToken, browser_hash: str, now: int, used_at: str = ""
    ) -> Session:
        """Replace a session's refresh token.

        A repeated replacement by the same token changes nothing: two tabs of a browser do that, or a client that lost
        the response.

        Raises:
            ConditionFailed: the session does not exist or has expired (`item` is None), or its token is another
                one.
        """
        try:
            item = self._table.update(
                f"USER#{old.user_id}",
                f"SESSION#{old.session_id}",
                {
                    "refresh_hash": new.hash,
                    "browser_hash": browser_hash,
                    "previous_hash": old.hash,
                    "previous_until": now + GRACE_SECONDS,
                    "used_at": used_at,
                },
                condition="#refresh_hash = :old AND #expires_at > :now",
                values={"old": old.hash, "now": now},
            )
        except ConditionFailed as failed:
            if failed.item is None:
                raise
            session = _session(failed.item)
            was_just_done = (session.previous_hash, session.refresh_hash) == (old.hash, new.hash)
            is_same_browser = browser_hash != "" and session.browser_hash == browser_hash
            if was_just_done and is_same_browser and now < min(session.previous_until, session.expires_at):
                return session
            raise
        return _session(item)

    def end_session(self, user_id: str, session_id: str) -> None:
        """Remove a session; its access tokens are refused from then on."""
        self._table.delete(f"USER#{user_id}", f"SESSION#{session_id}")

    def end_family(self, user_id: str, session_id: str, family_hash: str) -> None:
        """Remove a session, if its tokens are of that family."""
        where = (f"USER#{user_id}", f"SESSION#{session_id}")
        self._table.delete_where(*where, "#family_hash = :family", {"family": family_hash})

    def identity(self, user_id: str, session_id: str, workspace_id: str, now: datetime) -> Identity:
        """Return user, session (unless expired) and membership in one consistent read."""
        profile = (f"USER#{user_id}", "PROFILE")
        session = (f"USER#{user_id}", f"SESSION#{session_id}")
        member = (f"WORKSPACE#{workspace_id}", f"MEMBER#{user_id}")
        workspace = (f"WORKSPACE#{workspace_id}", "META")
        found = self._table.get_many([profile, session, member, workspace])
        role = found[member]["role"] if member in found and workspace in found else None
        return Identity(
            user_of(found[profile]) if profile in found else None,
            _session(found[session]) if session in found and is_live(found[session], now) else None,
            role,
            None if role is None or role in GRANTS else permissions_of(role, found[workspace]["roles"]),
        )

    def enter(self, user_id: str, session_id: str, workspace_id: str) -> None:
        """Make a workspace the one that a session is in. Raises ConditionFailed if the session is over."""
        self._table.update(f"USER#{user_id}", f"SESSION#{session_id}", {"workspace_id": workspace_id})

    def many(self, user_ids: Sequence[str]) -> dict[str, User]:
        """Return those of these users that there are, by id."""
        found = self._table.get_many([(f"USER#{one}", "PROFILE") for one in dict.fromkeys(user_ids)])
        return {user.id: user for user in map(user_of, found.values())}

    def count_attempt(self, subject: str, now: int, seconds: int) -> tuple[int, int]:
        """Count an attempt to sign in before it is tried; return how many there are, and when (epoch seconds) they end.

        `seconds` after the first one all are forgotten. However many come at once, each is counted.
        """
        pk, sk = f"FAILURES#{subject}", "COUNT"
        while True:
            try:
                item = self._table.update(
                    pk, sk, {}, add={"failures": 1}, condition="#expires_at > :now", values={"now": now}
                )
            except ConditionFailed:
                began = {"failures": 1, "expires_at": now + seconds}
                condition = "attribute_not_exists(PK) OR #expires_at <= :now"
                try:
                    item = self._table.update(pk, sk, began, condition=condition, values={"now": now})
                except ConditionFailed:
                    continue  # another one was first; this one is counted with it
            return item["failures"], item["expires_at"]

    def forgive_attempt(self, subject: str, now: int) -> None:
        """Take an attempt off the count again: it was no failure."""
        with suppress(ConditionFailed):
            condition, values = "#expires_at > :now AND #failures > :none", {"now": now, "none": 0}
            self._table.update(
                f"FAILURES#{subject}", "COUNT", {}, add={"failures": -1}, condition=condition, values=values
            )


def _user_item(user: User) -> Item:
    return {name: getattr(user, name) for name in User.__dataclass_fields__}


def user_of(item: Item) -> User:
    """Return the user that an item holds."""
    values: dict[str, Any] = {name: item[name] for name in User.__dataclass_fields__ if name in item}
    return User(**{"full_name": None, **values})


def _session_item(session: Session) -> Item:
    return {name: getattr(session, name) for name in Session.__dataclass_fields__}


def _session(item: Item) -> Session:
    values: dict[str, Any] = {name: item[name] for name in Session.__dataclass_fields__ if name in item}
    return Session(**values)
