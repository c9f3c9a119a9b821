"""Registration, sign-in, and the rotation of refresh tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from unicodedata import normalize

from engine.clock import Clock, format_time
from engine.errors import Conflict, Forbidden, NotFound, Unauthenticated
from engine.ids import FIRST_WORKSPACE, is_id, new_id
from engine.schemas.users import Credentials, NewUser, Person, ProfileChange, Registration, Tokens
from engine.security.passwords import hash_password, needs_rehash, verify_password
from engine.security.tokens import (
    ACCESS_SECONDS,
    REFRESH_SECONDS,
    AccessClaims,
    RefreshToken,
    new_refresh_token,
    next_refresh_token,
    parse_refresh_token,
    sign_access_token,
)
from engine.services.invitations import InvitationService
from engine.services.principal import Principal
from engine.services.sign_in_attempts import SignInAttempts
from engine.storage.dynamodb.table import ConditionFailed, Page
from engine.storage.users import Session, User, UserRepository
from engine.storage.workspaces import Workspace, WorkspaceRepository

_LONGEST_AGENT = 200


class AuthService:
    """Everything about who somebody is.

    Args:
        users: the Identity table.
        workspaces: the workspaces.
        invitations: knows who is invited.
        keys: gives the signing keys, with the id of the current one.
        clock: tells the time.
        open_registration: whether anybody may register, not only the first user and whoever is invited.
    """

    def __init__(
        self,
        users: UserRepository,
        workspaces: WorkspaceRepository,
        invitations: InvitationService,
        keys: Callable[[], Mapping[str, str]],
        clock: Clock,
        *,
        open_registration: bool,
    ) -> None:
        self._users = users
        self._workspaces = workspaces
        self._invitations = invitations
        self._keys = keys
        self._clock = clock
        self._attempts = SignInAttempts(users, clock)
        self._open = open_registration

    def register(self, registration: Registration) -> User:
        """Add the first user, who becomes the administrator; somebody invited; or anybody, where registration is open.

        Whoever is invited is a member of that workspace from the same moment on.

        Raises:
            Forbidden: registration is closed, or the invitation is for another address.
            NotFound: the invitation was used or withdrawn, or is over.
            Conflict: the address is taken.
        """
        if registration.invitation is not None:
            return self._register_invited(registration, registration.invitation)
        if self._users.is_empty():
            user = replace(self._new_user(registration, is_admin=True), workspace_id=FIRST_WORKSPACE)
            try:
                self._users.create(user, first=True)
            except Conflict as conflict:
                if conflict.code != "not_first":
                    raise
            else:
                return user
        if not self._open:
            raise Forbidden("registration is closed; an administrator can add you", code="registration_closed")
        user = self._new_user(registration, is_admin=False)
        self._users.create(user, first=False)
        return user

    def _register_invited(self, registration: Registration, token: str) -> User:
        invitation = self._invitations.for_address(token, registration.email.lower(), "register")
        user = self._new_user(registration, is_admin=False)
        also = self._workspaces.acceptance(invitation, user.id, self._clock.now())
        self._users.create(user, first=False, also=also)
        return user

    def add_user(self, new: NewUser) -> User:
        """Add a user, for an administrator.

        Raises:
            Conflict: the address is taken.
        """
        user = self._new_user(new, is_admin=new.is_admin)
        self._users.create(user, first=False)
        return user

    def list_users(self, cursor: str | None, limit: int) -> Page:
        """A page of all users, for administrators."""
        return self._users.page(cursor, limit)

    def set_active(self, principal: Principal, user_id: str, *, active: bool) -> User:
        """Let a user in or keep them out; their access tokens are refused at once.

        Raises:
            Conflict: administrators would lock themselves out.
        """
        if user_id == principal.user_id and not active:
            raise Conflict("you cannot deactivate yourself", code="own_account")
        return self._users.set_active(user_id, active=active)

    def login(self, credentials: Credentials, address: str, browser: str = "", agent: str = "") -> Tokens:
        """Start a session.

        Args:
            credentials: who they say that they are.
            address: the network address that they come from.
            browser: what the browser says of itself, where it keeps the session in a cookie.
            agent: what the browser or program says of itself, for the list of sessions.

        Raises:
            Unauthenticated: the address or the password is wrong, or the user is deactivated; it does not say which.
            TooManyRequests: too many failures for this account or from this network address.
        """
        email = normalize("NFC", credentials.email.strip()).lower()
        now = int(self._clock.now().timestamp())
        self._attempts.count(email, address)
        user = self._users.by_email(email)
        if not verify_password(credentials.password, user.password_hash if user else None) or user is None:
            raise Unauthenticated("the e-mail address or the password is wrong", code="wrong_credentials")
        if not user.is_active:
            raise Unauthenticated("the e-mail address or the password is wrong", code="wrong_credentials")
        self._attempts.forgive(email, address)
        if needs_rehash(user.password_hash):
            self._users.set_password_hash(user, hash_password(credentials.password))
        refresh = new_refresh_token(user.id, new_id())
        hashes = (refresh.hash, refresh.family_hash)
        until = now + REFRESH_SECONDS
        at = format_time(self._clock.now())
        session = Session(
            refresh.session_id, user.id, user.workspace_id, *hashes, until, _hash(browser), epoch=user.epoch,
            started_at=at, used_at=at, agent=agent[:_LONGEST_AGENT],
        )  # fmt: skip
        self._users.add_session(session)
        return self._answer(user.id, session.id, session.workspace_id, refresh)

    def enter(self, principal: Principal, workspace_id: str) -> Tokens:
        """Give the caller's session an access token for another of their workspaces, and later ones by default.

        Raises:
            NotFound: the caller is no member of such a workspace.
            Unauthenticated: the session has just ended.
        """
        if not self._is_member(workspace_id, principal.user_id):
            raise NotFound("you are no member of such a workspace")
        try:
            self._users.enter(principal.user_id, principal.session_id, workspace_id)
        except ConditionFailed:
            raise Unauthenticated("this session is over; sign in again", code="session_ended") from None
        return self._answer(principal.user_id, principal.session_id, workspace_id, None)

    def refresh(self, text: str, browser: str = "", workspace_id: str | None = None) -> Tokens:
        """Replace a refresh token. A token that was replaced before ends its session: somebody has stolen it.

        A browser may show it again for half a minute, and gets the same new one: its tabs share the session, and an
        answer may be lost. One that never was a token of the session, though it names it, is refused and ends nothing.

        The access token is for `workspace_id`, or where the session is; whoever is no member there any more comes back
        to their personal workspace, which the answer says.

        Raises:
            Unauthenticated: the token is not good any more.
        """
        old = parse_refresh_token(text)
        new = next_refresh_token(old, self._keys())
        now = int(self._clock.now().timestamp())
        try:
            session = self._users.rotate_session(old, new, _hash(browser), now, format_time(self._clock.now()))
        except ConditionFailed:
            self._users.end_family(old.user_id, old.session_id, old.family_hash)
            raise Unauthenticated("the refresh token is not valid; sign in again", code="invalid_token") from None
        user = self._users.by_id(old.user_id)
        if user is None or not user.is_active or session.epoch != user.epoch:
            self._users.end_session(old.user_id, old.session_id)
            raise Unauthenticated("the refresh token is not valid; sign in again", code="invalid_token")
        wanted = workspace_id or session.workspace_id
        if wanted != user.workspace_id and not self._is_member(wanted, user.id):
            wanted = user.workspace_id
        return self._answer(session.user_id, session.id, wanted, new)

    def logout(self, principal: Principal) -> None:
        """End the caller's session: its tokens are refused from now on."""
        self._users.end_session(principal.user_id, principal.session_id)

    def me(self, principal: Principal) -> tuple[User, Workspace]:
        """Return the caller, and the workspace that their access token is for.

        Raises:
            Unauthenticated: they are gone, or it is.
        """
        user = self._users.by_id(principal.user_id)
        if user is None:
            raise _gone()
        return user, self.workspace(principal)

    def change_profile(self, principal: Principal, change: ProfileChange) -> tuple[User, Workspace]:
        """Change what the caller says of themselves.

        Raises:
            Unauthenticated: they are gone.
        """
        try:
            user = self._users.set_full_name(principal.user_id, change.full_name)
        except NotFound:
            raise _gone() from None
        return user, self.workspace(principal)

    def _new_user(self, person: Person, *, is_admin: bool) -> User:
        return User(
            id=new_id(),
            email=person.email.lower(),
            full_name=person.full_name,
            password_hash=hash_password(person.password),
            is_admin=is_admin,
            is_active=True,
            workspace_id=new_id(),
            created_at=format_time(self._clock.now()),
        )

    def workspace(self, principal: Principal) -> Workspace:
        """Return the workspace that the call is for. Raises Unauthenticated: it is gone."""
        workspace = self._workspaces.find(principal.workspace_id)
        if workspace is None:
            raise _gone()
        return workspace

    def _is_member(self, workspace_id: str, user_id: str) -> bool:
        is_there = is_id(workspace_id) and self._workspaces.find(workspace_id) is not None
        return is_there and self._workspaces.member(workspace_id, user_id) is not None

    def _answer(self, user_id: str, session_id: str, workspace_id: str, refresh: RefreshToken | None) -> Tokens:
        claims = AccessClaims(user_id, session_id, workspace_id)
        return Tokens(
            access_token=sign_access_token(claims, self._keys(), int(self._clock.now().timestamp())),
            refresh_token=refresh.text if refresh else None,
            expires_in=ACCESS_SECONDS,
            workspace_id=workspace_id,
        )


def _gone() -> Unauthenticated:
    return Unauthenticated("this user or workspace does not exist any more", code="invalid_token")


def _hash(browser: str) -> str:
    """What is kept of a browser's name; nothing where there is none."""
    return sha256(browser.encode()).hexdigest() if browser else ""
