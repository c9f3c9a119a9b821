"""API keys and service accounts: what calls the API without anybody who signs in.

Only people make, rotate and revoke keys: a key that leaked cannot make itself last.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from engine import limits
from engine.clock import Clock, format_time
from engine.errors import Conflict, InvalidInput, NotFound
from engine.ids import is_id, new_id
from engine.schemas.api_keys import KeyBody, RotateBody, ServiceAccountBody
from engine.security.api_keys import KeyId, new_api_key
from engine.security.permissions import Permission, permissions_of
from engine.services.membership import check_grants, check_role
from engine.services.principal import Principal
from engine.storage.api_keys import ApiKeyRepository, Key, ServiceAccount
from engine.storage.dynamodb.table import ConditionFailed
from engine.storage.users import UserRepository
from engine.storage.workspaces import Workspace, WorkspaceRepository

_MOST_SECRETS = 20
"""Of one key that are good at the same time."""


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key, the name of its owner, and whether that is still the member for whom it was made."""

    key: Key
    owner_name: str
    has_owner: bool


class ApiKeyService:
    """What people may do with keys.

    Args:
        keys: the keys and service accounts.
        users: the users.
        workspaces: the workspaces.
        existing: returns which of these workflows a workspace has.
        clock: tells the time.
    """

    def __init__(
        self,
        keys: ApiKeyRepository,
        users: UserRepository,
        workspaces: WorkspaceRepository,
        existing: Callable[[str, Sequence[str]], Collection[str]],
        clock: Clock,
    ) -> None:
        self._keys = keys
        self._users = users
        self._workspaces = workspaces
        self._existing = existing
        self._clock = clock

    # -- keys --------------------------------------------------------------------------------------------------

    def create(self, principal: Principal, body: KeyBody) -> tuple[KeyView, str]:
        """Make a key for the caller, or for a service account; return it and its text, which is stored nowhere.

        Raises:
            Forbidden: it would do more than its owner, or than the caller; or the caller manages no accounts.
            InvalidInput: there is no such service account, or no such workflow.
            Conflict: the workspace has as many as it may have, or the owner has just been removed.
        """
        workspace = self._workspace(principal)
        if len(self._keys.of_workspace(workspace.id, self._clock.now())) >= limits.MAX_KEYS:
            message = f"a workspace has at most {limits.MAX_KEYS} API keys; revoke one"
            raise Conflict(message, code="limit_reached")
        if body.service_account_id is None:
            owner_id, name, since, epoch = self._own(principal)
        else:
            account = self._account_for_keys(principal, workspace, body.service_account_id)
            owner_id, name, since, epoch = account.id, account.name, account.at, 0
            granted = permissions_of(account.role, workspace.roles)
            if not granted.issuperset(body.permissions):
                message = f"the role of this service account, {account.role}, does not grant all of them"
                raise InvalidInput.at("permissions", message)
        check_grants(principal, body.permissions)
        self._check_workflows(workspace.id, body.workflows)
        made = new_api_key(KeyId(workspace.id, owner_id, new_id(), body.service_account_id is not None))
        key = Key(
            made.id.key_id, workspace.id, owner_id, made.id.is_service, body.name,
            [str(one) for one in body.permissions], body.workflows, made.hash, self._now(), principal.user_id,
            since, epoch, self._end(body.expires_in_days),
        )  # fmt: skip
        try:
            self._keys.create(key)
        except ConditionFailed:
            message = "the owner of the key has just been removed from the workspace"
            raise Conflict(message, code="changed_meanwhile") from None
        return KeyView(key, name, has_owner=True), made.text

    def page(self, principal: Principal) -> list[KeyView]:
        """Return the caller's keys in this workspace; all keys, for those who manage it."""
        keys = self._keys.of_workspace(principal.workspace_id, self._clock.now())
        if not principal.may(Permission.MANAGE):
            keys = [key for key in keys if key.owner_id == principal.user_id]
        accounts = {one.id: one for one in self._keys.accounts(principal.workspace_id)} if keys else {}
        people = self._people(principal.workspace_id, {key.owner_id for key in keys if not key.is_service})
        views = []
        for key in keys:
            if key.is_service:
                account = accounts.get(key.owner_id)
                views.append(KeyView(key, account.name if account else "", account is not None))
            else:
                name, since, epoch = people.get(key.owner_id, ("", "", -1))
                views.append(KeyView(key, name, (since, epoch) == (key.since, key.epoch)))
        return views

    def rotate(self, principal: Principal, key_id: str, body: RotateBody) -> tuple[KeyView, str]:
        """Give a key another secret; the present one is good for a while.

        Only the owner does that, and for a service account whoever could make such a key for it: else those who manage
        a workspace could act as any of its members.

        Raises:
            NotFound: there is no such key, or it is another person's.
            Forbidden: it may do more than the caller.
            Conflict: somebody else has rotated or revoked it just now, or it was rotated too often.
        """
        key = self._keys.get(principal.workspace_id, key_id)
        if key is None or not (key.is_service or key.owner_id == principal.user_id):
            raise _no_key()
        if key.is_service:
            account = self._account_for_keys(principal, self._workspace(principal), key.owner_id)
            name = account.name
            check_grants(principal, [Permission(one) for one in key.permissions])
        else:
            _, name, since, epoch = self._own(principal)
            if (since, epoch) != (key.since, key.epoch):
                raise Conflict("this key is from before you were removed; revoke it, make another", code="key_over")
        now = self._clock.now()
        ends_at = key.ends_at if body.expires_in_days is None else self._end(body.expires_in_days)
        if ends_at is not None and ends_at <= now.timestamp():
            raise Conflict("this key has expired; say for how many days it is to be good again", code="key_over")
        if sum(until > now.timestamp() for until in key.earlier.values()) >= _MOST_SECRETS and body.grace_hours:
            message = f"{_MOST_SECRETS} older secrets of this key are still good; end them with `grace_hours` 0"
            raise Conflict(message, code="limit_reached")
        new = new_api_key(key.named)
        good_until = int((now + timedelta(hours=body.grace_hours)).timestamp())
        try:
            rotated = self._keys.rotate(key, new, good_until, ends_at, now)
        except ConditionFailed:
            raise Conflict("somebody else has just changed this key; look again", code="changed_meanwhile") from None
        return KeyView(rotated, name, has_owner=True), new.text

    def revoke(self, principal: Principal, key_id: str) -> None:
        """End a key at once: the caller's own, or any for those who manage the workspace. Raises NotFound."""
        key = self._keys.get(principal.workspace_id, key_id)
        is_allowed = key is not None and (key.owner_id == principal.user_id or principal.may(Permission.MANAGE))
        if not is_allowed or not self._keys.revoke(principal.workspace_id, key_id):
            raise _no_key()

    # -- service accounts --------------------------------------------------------------------------------------

    def accounts(self, principal: Principal) -> list[ServiceAccount]:
        """Return all service accounts of the workspace."""
        return self._keys.accounts(principal.workspace_id)

    def add_account(self, principal: Principal, body: ServiceAccountBody) -> ServiceAccount:
        """Make a service account.

        Raises:
            InvalidInput: the workspace has no such role.
            Forbidden: the role grants more than the caller has.
            Conflict: there is one of this name, or there are as many as there may be.
        """
        workspace = self._workspace(principal)
        check_role(principal, workspace, body.role)
        there = self._keys.accounts(workspace.id)
        if len(there) >= limits.MAX_SERVICE_ACCOUNTS:
            message = f"a workspace has at most {limits.MAX_SERVICE_ACCOUNTS} service accounts"
            raise Conflict(message, code="limit_reached")
        _check_free(there, body.name, "")
        account = ServiceAccount(new_id(), workspace.id, body.name, body.role, principal.user_id, self._now())
        try:
            self._keys.add_account(account)
        except ConditionFailed:
            raise NotFound("this workspace was deleted") from None
        return account

    def change_account(self, principal: Principal, account_id: str, body: ServiceAccountBody) -> ServiceAccount:
        """Give a service account another name or role; its keys have it at their next call.

        Raises:
            NotFound: there is none.
            InvalidInput: the workspace has no such role.
            Forbidden: the role grants, or the account has, more than the caller.
            Conflict: there is one of this name, or somebody else has changed it just now.
        """
        workspace = self._workspace(principal)
        account = self._account(workspace.id, account_id)
        check_role(principal, workspace, body.role)
        check_grants(principal, permissions_of(account.role, workspace.roles))
        _check_free(self._keys.accounts(workspace.id), body.name, account_id)
        try:
            return self._keys.change_account(account, body.name, body.role, principal.user_id)
        except ConditionFailed:
            raise Conflict("somebody else has just changed it; look again", code="changed_meanwhile") from None

    def remove_account(self, principal: Principal, account_id: str) -> None:
        """Remove a service account with its keys; at their next call they are out.

        Raises:
            NotFound: there is none.
            Forbidden: it may do more than the caller.
        """
        workspace = self._workspace(principal)
        account = self._found_account(workspace.id, account_id)
        if account is not None:
            check_grants(principal, permissions_of(account.role, workspace.roles))
        if not self._keys.remove_account(account_id, workspace.id, self._clock.now()):
            raise _no_account()

    # -- what they share ---------------------------------------------------------------------------------------

    def _workspace(self, principal: Principal) -> Workspace:
        found = self._workspaces.find(principal.workspace_id)
        if found is None:
            raise NotFound("this workspace was deleted")
        return found

    def _own(self, principal: Principal) -> tuple[str, str, str, int]:
        """Return the caller's id, name, and what a key of theirs stores of their membership."""
        found = self._people(principal.workspace_id, {principal.user_id}).get(principal.user_id)
        if found is None:
            raise Conflict("you have just been removed from this workspace", code="changed_meanwhile")
        return principal.user_id, *found

    def _people(self, workspace_id: str, user_ids: Collection[str]) -> Mapping[str, tuple[str, str, int]]:
        """Return name, since when, and how often kept out, of those of these users who are members and active."""
        users = self._users.many(sorted(user_ids))
        since = {one.user_id: one.at for one in self._workspaces.members(workspace_id)} if user_ids else {}
        return {
            user.id: (user.full_name or user.email, since[user.id], user.key_epoch)
            for user in users.values()
            if user.id in since and user.is_active
        }

    def _account(self, workspace_id: str, account_id: str) -> ServiceAccount:
        found = self._found_account(workspace_id, account_id)
        if found is None:
            raise _no_account()
        return found

    def _found_account(self, workspace_id: str, account_id: str) -> ServiceAccount | None:
        return self._keys.account(workspace_id, account_id) if is_id(account_id) else None

    def _account_for_keys(self, principal: Principal, workspace: Workspace, account_id: str) -> ServiceAccount:
        principal.require(Permission.MANAGE)
        found = self._found_account(workspace.id, account_id)
        if found is None:
            raise InvalidInput.at("service_account_id", "there is no such service account in this workspace")
        check_grants(principal, permissions_of(found.role, workspace.roles))
        return found

    def _check_workflows(self, workspace_id: str, workflows: Sequence[str] | None) -> None:
        wanted = [one for one in workflows or () if is_id(one)]
        there = self._existing(workspace_id, wanted) if wanted else ()
        for index, one in enumerate(workflows or ()):
            if one not in there:
                raise InvalidInput.at(f"workflows[{index}]", "there is no workflow with this id in this workspace")

    def _end(self, days: int | None) -> int | None:
        return None if days is None else int((self._clock.now() + timedelta(days=days)).timestamp())

    def _now(self) -> str:
        return format_time(self._clock.now())


def _check_free(there: Sequence[ServiceAccount], name: str, own_id: str) -> None:
    if any(one.name == name and one.id != own_id for one in there):
        raise Conflict(f"there is a service account `{name}` already", code="name_taken")


def _no_key() -> NotFound:
    return NotFound("there is no such API key in this workspace, or it is not yours")


def _no_account() -> NotFound:
    return NotFound("there is no such service account in this workspace")
