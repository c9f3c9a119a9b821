"""Passwords and sessions of people: change, reset by a link, see where one is signed in, and sign out there."""

from __future__ import annotations

import secrets
from datetime import timedelta
from hashlib import sha256

from engine.clock import Clock
from engine.errors import Conflict, Forbidden, NotFound, Unauthenticated
from engine.ids import is_id
from engine.schemas.users import PasswordChange, PasswordReset
from engine.security.passwords import hash_password, verify_password
from engine.services.principal import Principal
from engine.services.sign_in_attempts import SignInAttempts
from engine.storage.dynamodb.table import ConditionFailed
from engine.storage.users import Session, User, UserRepository

_RESET_TIME = timedelta(hours=24)


class PasswordService:
    """What people do with their own accounts, and administrators for those who forgot their password."""

    def __init__(self, users: UserRepository, clock: Clock) -> None:
        self._users = users
        self._attempts = SignInAttempts(users, clock)
        self._clock = clock

    def change(self, principal: Principal, change: PasswordChange, address: str) -> None:
        """Give the caller another password. Their other sessions end.

        Raises:
            Forbidden: the present password is another one.
            TooManyRequests: too many were tried.
            Conflict: it was changed, or the sessions ended, at the same moment.
        """
        user = self._user(principal)
        self._attempts.count(user.email, address)
        if not verify_password(change.old_password, user.password_hash):
            raise Forbidden("this is not your present password", code="wrong_password")
        self._attempts.forgive(user.email, address)
        try:
            self._users.set_password(user, hash_password(change.new_password), principal.session_id)
        except ConditionFailed:
            message = "your password or your sessions were changed at the same moment; look again"
            raise Conflict(message, code="changed_meanwhile") from None

    def link(self, principal: Principal, user_id: str) -> tuple[str, int]:
        """Return a link's token with which a user chooses another password, once, and when it ends.

        A link from before is over.

        Raises:
            NotFound: there is no such user.
        """
        if self._users.by_id(user_id) is None:
            raise NotFound("there is no such user")
        secret = secrets.token_urlsafe(32)
        ends_at = int((self._clock.now() + _RESET_TIME).timestamp())
        self._users.add_reset(user_id, _hash(secret), principal.user_id, ends_at)
        return f"{user_id}.{secret}", ends_at

    def reset(self, reset: PasswordReset) -> None:
        """Set a password with a link. All sessions end.

        Raises:
            NotFound: the link was used, or is over.
            Conflict: the account was changed at the same moment; the link is still good.
        """
        user_id, _, secret = reset.token.partition(".")
        user = self._users.by_id(user_id) if is_id(user_id) else None
        if user is None or not self._users.has_reset(user_id, _hash(secret), self._clock.now()):
            raise _no_link()  # before the costly hash
        used = self._users.use_of_reset(user_id, _hash(secret), int(self._clock.now().timestamp()))
        try:
            self._users.set_password(user, hash_password(reset.new_password), None, [used])
        except ConditionFailed as failed:
            if failed.index > 0:  # the link is the first of the transaction
                message = "this account was changed at the same moment; try it again"
                raise Conflict(message, code="changed_meanwhile") from None
            raise _no_link() from None

    def sessions(self, principal: Principal) -> list[Session]:
        """Return where the caller is signed in, the newest first."""
        return self._users.sessions(self._user(principal), self._clock.now())

    def end_session(self, principal: Principal, session_id: str) -> None:
        """Sign the caller out somewhere, at once. Raises NotFound."""
        if not any(one.id == session_id for one in self.sessions(principal)):
            raise NotFound("you have no such session; it may be over already")
        self._users.end_session(principal.user_id, session_id)

    def end_sessions(self, principal: Principal) -> None:
        """Sign the caller out everywhere, at once."""
        self._users.end_sessions(principal.user_id)

    def _user(self, principal: Principal) -> User:
        user = self._users.by_id(principal.user_id)
        if user is None:
            raise Unauthenticated("this user does not exist any more", code="invalid_token")
        return user


def _no_link() -> NotFound:
    return NotFound("this link was used or replaced, or is over; ask for another one")


def _hash(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
