"""Sends outgoing webhooks: signed, through the egress guard, retried for about a day, and then given up."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from engine import limits
from engine.clock import Clock, format_time, parse_time
from engine.errors import MainspringError
from engine.ids import derived_id
from engine.security.connection_errors import reason_of
from engine.security.redaction import PROCESS, Redactor
from engine.security.secrets import SecretBox, subscription_context
from engine.services.events.publish import DomainEvent, Publisher
from engine.storage.repositories import Repositories
from engine.storage.subscriptions import Attempt, DeliveryStatus, OutgoingDelivery, Subscription
from engine.triggers.signatures import sign_standard

if TYPE_CHECKING:
    from httpx2 import AsyncClient

logger = logging.getLogger(__name__)
_GONE = 410
_READ_OF_ANSWER = 16 * 1024
"""Bytes of a refusal that are read: a redaction mark is much shorter than the secret that it replaces."""


class EventDelivery:
    """Attempts deliveries. Of concurrent callers with the same delivery, one makes each attempt."""

    def __init__(
        self,
        repositories: Repositories,
        box: SecretBox,
        publisher: Publisher,
        http: Callable[[], Awaitable[AsyncClient]],
        clock: Clock,
    ) -> None:
        self._subscriptions = repositories.subscriptions
        self._box = box
        self._publisher = publisher
        self._http = http
        self._clock = clock

    async def send(self, deliveries: Sequence[tuple[str, str]]) -> None:
        """Make an attempt for each of these deliveries, given by subscription and id."""
        concurrency_key = asyncio.Semaphore(limits.SEND_TOGETHER)

        async def one(subscription_id: str, delivery_id: str) -> None:
            async with concurrency_key:
                try:
                    await self._attempt(subscription_id, delivery_id)
                except Exception:
                    logger.exception("delivery %s of %s is left to recovery", delivery_id, subscription_id)

        await asyncio.gather(*(one(*delivery) for delivery in deliveries))

    async def _attempt(self, subscription_id: str, delivery_id: str) -> None:
        now = self._clock.now()
        delivery = await asyncio.to_thread(self._subscriptions.delivery, subscription_id, delivery_id, now)
        if (
            delivery is None
            or delivery.status is not DeliveryStatus.PENDING
            or (delivery.next_at or "") > format_time(now)
        ):
            return
        until = now + timedelta(seconds=limits.OUTGOING_LEASE)
        if not await asyncio.to_thread(self._subscriptions.lease, delivery, until):
            return
        subscription = await asyncio.to_thread(self._subscriptions.find, subscription_id)
        if subscription is None or not subscription.is_enabled:
            reason = "the subscription was deleted" if subscription is None else "the subscription is disabled"
            gone = Attempt(format_time(self._clock.now()), None, reason, 0)
            await asyncio.to_thread(self._subscriptions.record, delivery, gone, DeliveryStatus.FAILED, None)
            return
        # A manually requested replay is always sent, once.
        by_hand = delivery.made == delivery.round and (delivery.type == "ping" or delivery.round > 0)
        if not by_hand and not await asyncio.to_thread(self._subscriptions.probes, subscription, now):
            await asyncio.to_thread(self._passed_over, subscription, delivery)
            return
        redactor = Redactor()
        headers = await asyncio.to_thread(self._signed, subscription, delivery, redactor)
        attempt, wait = await self._post(subscription, delivery, headers, redactor)
        await asyncio.to_thread(self._ended, subscription, delivery, attempt, wait)

    def _signed(self, subscription: Subscription, delivery: OutgoingDelivery, redactor: Redactor) -> dict[str, str]:
        """Return the headers of a delivery.

        Values that a receiver must not echo into the log are added to the redactor.
        """
        now = self._clock.now()
        stamp = int(now.timestamp())
        sealed = [subscription.secret]
        if subscription.old_secret is not None and (subscription.old_secret_until or "") > format_time(now):
            sealed.append(subscription.old_secret)
        context = subscription_context(subscription.workspace_id, subscription.id)
        body = delivery.body.encode()
        secrets = [self._box.open(one, context) for one in sealed]
        signatures = [sign_standard(secret, delivery.id, stamp, body) for secret in secrets]
        for secret in secrets:
            PROCESS.add(secret.removeprefix("whsec_"))
        for found in (*secrets, *signatures):
            redactor.add(found)
            redactor.add(found.removeprefix("whsec_").removeprefix("v1,"))
        return {
            "content-type": "application/json",
            "user-agent": "Mainspring-Webhooks",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": " ".join(signatures),
        }

    async def _post(
        self, subscription: Subscription, delivery: OutgoingDelivery, headers: dict[str, str], redactor: Redactor
    ) -> tuple[Attempt, int | None]:
        """Make one attempt; return it and the seconds that the receiver asks to wait."""
        import httpx2

        begin, at = time.monotonic(), format_time(self._clock.now())
        status, error, wait = None, None, None
        try:
            client = await self._http()
            async with asyncio.timeout(limits.OUTGOING_TIMEOUT):
                async with client.stream(
                    "POST", subscription.url, content=delivery.body.encode(), headers=headers, follow_redirects=False
                ) as response:
                    status = response.status_code
                    after = response.headers.get("retry-after", "")
                    wait = int(after) if after.isascii() and after.isdecimal() and len(after) < 6 else None  # noqa: PLR2004
                    if not response.is_success:
                        error = f"answered {status}: {await _beginning(response, redactor)}"
        except TimeoutError:
            error = f"the receiver did not answer within {limits.OUTGOING_TIMEOUT:g} seconds"
        except MainspringError as refused:
            error = redactor.text(refused.message)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as failure:
            reason = f"no answer from the receiver: {reason_of(failure)}"
            error = redactor.shown(reason, limits.OUTGOING_ANSWER_CHARACTERS)
        return Attempt(at, status, error, round((time.monotonic() - begin) * 1000)), wait

    def _ended(
        self, subscription: Subscription, delivery: OutgoingDelivery, attempt: Attempt, wait: int | None
    ) -> None:
        if attempt.error is None:
            self._subscriptions.record(delivery, attempt, DeliveryStatus.DELIVERED, None)
            self._subscriptions.working(subscription)
            return
        self._subscriptions.failing(subscription, self._clock.now())
        self._again(delivery, attempt, wait or 0)
        self._disable_if_hopeless(subscription, delivery, attempt)

    def _passed_over(self, subscription: Subscription, delivery: OutgoingDelivery) -> None:
        """Skip an attempt while a receiver accepts nothing, so that not every delivery runs into the timeout."""
        now = self._clock.now()
        reason = (
            f"not sent: the receiver has accepted nothing since {subscription.failing_since}; it is tried again soon"
        )
        pause = parse_time(str(subscription.paused_until)) - now
        self._again(delivery, Attempt(format_time(now), None, reason, 0), max(int(pause.total_seconds()), 0))

    def _again(self, delivery: OutgoingDelivery, attempt: Attempt, wait: int) -> None:
        """Record a failed attempt and when the next one is due, in `wait` seconds or later; or that there is none."""
        made = delivery.made - delivery.round
        if made < len(limits.OUTGOING_BACKOFF) and attempt.status != _GONE:
            pause = max(limits.OUTGOING_BACKOFF[made], min(wait, limits.OUTGOING_BACKOFF[-1]))
            self._subscriptions.record(
                delivery, attempt, DeliveryStatus.PENDING, self._clock.now() + timedelta(seconds=pause)
            )
        else:
            self._subscriptions.record(delivery, attempt, DeliveryStatus.FAILED, None)

    def _disable_if_hopeless(self, subscription: Subscription, delivery: OutgoingDelivery, attempt: Attempt) -> None:
        """Disable a subscription whose receiver has accepted nothing for long, or says that it is gone.

        The event is published first and the change recorded then: if this process dies in between, the next attempt
        publishes the event again under the same id.
        """
        now = self._clock.now()
        since = subscription.failing_since or delivery.created_at
        if attempt.status == _GONE:
            reason = "the receiver answered 410 Gone"
        elif (now - parse_time(since)).total_seconds() > limits.OUTGOING_DISABLED_AFTER:
            reason = f"the receiver has accepted nothing since {since}"
        else:
            return
        data = {"subscription_id": subscription.id, "url": subscription.url, "reason": reason}
        domain_event_id = derived_id(parse_time(since), subscription.id, "disabled", since)
        self._publisher.publish(
            [DomainEvent(domain_event_id, "subscription.disabled", subscription.workspace_id, now, data)]
        )
        self._subscriptions.disable(subscription, reason, format_time(now))


async def _beginning(response: object, redactor: Redactor) -> str:
    """Return the first characters of an answer without secrets; more of it is read than is shown, to find them."""
    content, is_whole = b"", True
    async for chunk in response.aiter_bytes():  # type: ignore[attr-defined]
        content += chunk
        if len(content) > _READ_OF_ANSWER:
            content, is_whole = content[:_READ_OF_ANSWER], False
            break
    return redactor.beginning(content, limits.OUTGOING_ANSWER_CHARACTERS, is_whole=is_whole)
