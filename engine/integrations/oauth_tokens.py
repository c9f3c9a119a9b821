"""The tokens of OAuth 2: kept encrypted, and renewed before their end by one renewer at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from engine import limits
from engine.clock import Clock
from engine.errors import NodeError
from engine.security.secrets import SecretBox, integration_context
from engine.threads import SECRETS, in_thread_of

if TYPE_CHECKING:
    from engine.storage.integrations import IntegrationRepository

_LOOK_AGAIN = 0.25


@dataclass(frozen=True, slots=True)
class Grant:
    """What a provider gave: a token for so many seconds, and how to get the next one."""

    access: str
    seconds: float
    refresh: str | None = None


class TokenStore:
    """The tokens of one integration."""

    def __init__(
        self, integrations: IntegrationRepository, box: SecretBox, clock: Clock, workspace_id: str, integration_id: str
    ) -> None:
        self._integrations = integrations
        self._box = box
        self._clock = clock
        self._id = integration_id
        self._context = integration_context(workspace_id, integration_id)

    async def access(self, obtain: Callable[[str | None], Awaitable[Grant]], *, needs_consent: bool) -> str:
        """A token that is good for a while yet.

        Args:
            obtain: gets another one, with the refresh token if there is one. It ends well before TOKEN_RENEWAL.
            needs_consent: whether the first one comes by somebody's consent, so that it cannot be had here.

        Raises:
            NodeError: `not_connected`; whatever `obtain` raises; or another renewer takes too long.
        """
        deadline = self._now() + limits.TOKEN_RENEWAL + 5
        while True:
            seen = await in_thread_of(SECRETS, self._integrations.connection, self._id)
            if (seen is None or seen.get("broken")) and needs_consent:
                reason = f": {seen['broken']}" if seen else ""
                raise NodeError(f"somebody has to connect the integration first{reason}", code="not_connected")
            if seen is not None and "access" in seen and not seen.get("refused"):
                left = float(seen["expires_at"]) - self._now()
                is_renewed = self._now() < float(seen.get("renewer_until", 0))
                if left > limits.TOKEN_SPARE or (is_renewed and left > 0):
                    return await self._open(seen["access"])
            if seen is None or self._now() >= float(seen.get("renewer_until", 0)):
                renewer = str(uuid4())
                until = self._now() + limits.TOKEN_RENEWAL
                if await in_thread_of(SECRETS, self._integrations.begin_renewal, self._id, seen, renewer, until):
                    return await self._renew(obtain, dict(seen or {}), renewer)
            elif self._now() > deadline:
                raise NodeError("the token is being renewed elsewhere, in vain so far", code="busy", retryable=True)
            await asyncio.sleep(_LOOK_AGAIN)

    async def refused(self, token: str) -> bool:
        """Note that a token was not accepted; says whether that is a reason to try again with another one."""
        seen = await in_thread_of(SECRETS, self._integrations.connection, self._id)
        if seen is None or "access" not in seen or seen.get("refused"):
            return False
        if await self._open(seen["access"]) != token:
            return True  # it has been renewed since
        marked = {**seen, "refused": True}
        return await in_thread_of(SECRETS, self._integrations.replace_connection, self._id, seen, marked)

    async def keep(self, grant: Grant) -> None:
        """Keep what somebody's consent has given."""
        await in_thread_of(SECRETS, self._integrations.connect, self._id, await self._sealed(grant, {}))

    async def _renew(self, obtain: Callable[[str | None], Awaitable[Grant]], seen: dict[str, Any], renewer: str) -> str:
        refresh = await self._open(seen["refresh"]) if "refresh" in seen else None
        try:
            grant = await obtain(refresh)
        except NodeError as error:
            left = {name: value for name, value in seen.items() if not name.startswith("renewer")}
            if error.code == "invalid_grant":
                left["broken"] = error.message
            await in_thread_of(SECRETS, self._integrations.connect, self._id, left, renewer=renewer)
            raise
        await in_thread_of(
            SECRETS, self._integrations.connect, self._id, await self._sealed(grant, seen), renewer=renewer
        )
        return grant.access

    async def _sealed(self, grant: Grant, before: Mapping[str, Any]) -> dict[str, Any]:
        kept: dict[str, Any] = {
            "access": await self._seal(grant.access),
            "expires_at": int(self._now() + grant.seconds),
        }
        if grant.refresh is not None:
            kept["refresh"] = await self._seal(grant.refresh)
        elif "refresh" in before:
            kept["refresh"] = before["refresh"]
        return kept

    async def _seal(self, text: str) -> bytes:
        return await in_thread_of(SECRETS, self._box.seal, text, self._context)

    async def _open(self, sealed: bytes) -> str:
        return await in_thread_of(SECRETS, self._box.open, bytes(sealed), self._context)

    def _now(self) -> float:
        return self._clock.now().timestamp()
