"""Subscriptions to a workspace's events, for their owners."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from engine import limits
from engine.clock import Clock, format_time
from engine.errors import Conflict, InvalidInput, NotFound
from engine.ids import new_id
from engine.schemas.subscriptions import SubscriptionBody, SubscriptionChange
from engine.security.secrets import SecretBox, subscription_context
from engine.services.events.publish import TYPES, DomainEvent, Publisher
from engine.services.principal import Principal
from engine.storage.dynamodb.table import Page, id_cursor
from engine.storage.subscriptions import DeliveryStatus, OutgoingDelivery, Subscription, SubscriptionRepository

_SECRET_BYTES = 32


class SubscriptionService:
    """Manages subscriptions, for one caller at a time."""

    def __init__(
        self,
        subscriptions: SubscriptionRepository,
        box: SecretBox,
        publisher: Publisher,
        send: Callable[[Sequence[tuple[str, str]]], None],
        clock: Clock,
    ) -> None:
        self._subscriptions = subscriptions
        self._box = box
        self._publisher = publisher
        self._send = send
        self._clock = clock

    def create(self, principal: Principal, body: SubscriptionBody) -> tuple[Subscription, str]:
        """Create a subscription; return it and its secret, which is shown only this once.

        Raises:
            InvalidInput: the URL is not one, or an event type does not exist.
            Conflict: the workspace has the maximum number.
        """
        _check(body.url, body.events)
        if len(self._subscriptions.of_workspace(principal.workspace_id)) >= limits.MAX_SUBSCRIPTIONS:
            message = f"a workspace has at most {limits.MAX_SUBSCRIPTIONS} subscriptions; delete one first"
            raise Conflict(message, code="limit_reached")
        now, subscription_id, secret = format_time(self._clock.now()), new_id(), _new_secret()
        context = subscription_context(principal.workspace_id, subscription_id)
        subscription = Subscription(
            subscription_id,
            principal.workspace_id,
            body.url,
            tuple(body.events),
            body.description,
            self._box.seal(secret, context),
            now,
            now,
        )
        self._subscriptions.create(subscription)
        return subscription, secret

    def page(self, principal: Principal) -> list[Subscription]:
        """List all subscriptions of the workspace."""
        return self._subscriptions.of_workspace(principal.workspace_id)

    def get(self, principal: Principal, subscription_id: str) -> Subscription:
        """Return a subscription. Raises NotFound."""
        return self._subscriptions.get(principal.workspace_id, subscription_id)

    def change(self, principal: Principal, subscription_id: str, body: SubscriptionChange) -> Subscription:
        """Change the given fields. Enabling a subscription resets its failures.

        Raises:
            NotFound: there is no such subscription.
            InvalidInput: as `create`.
        """
        subscription = self._subscriptions.get(principal.workspace_id, subscription_id)
        given = {name: getattr(body, name) for name in body.model_fields_set}
        events = body.events if body.events is not None else subscription.events
        _check(body.url or subscription.url, events)
        changes: dict[str, Any] = {
            name: value for name, value in given.items() if value is not None or name == "description"
        }
        if changes.get("is_enabled"):
            changes |= dict.fromkeys(("disabled_reason", "failing_since", "failures", "paused_until"))
        return self._subscriptions.change(subscription, {**changes, "updated_at": format_time(self._clock.now())})

    def delete(self, principal: Principal, subscription_id: str) -> None:
        """Delete a subscription. Raises NotFound."""
        self._subscriptions.delete(self._subscriptions.get(principal.workspace_id, subscription_id))

    def rotate(self, principal: Principal, subscription_id: str) -> tuple[Subscription, str]:
        """Create a new secret; for a day, deliveries are signed with the old one too. Raises NotFound."""
        subscription = self._subscriptions.get(principal.workspace_id, subscription_id)
        now, secret = self._clock.now(), _new_secret()
        changes = {
            "secret": self._box.seal(secret, subscription_context(subscription.workspace_id, subscription.id)),
            "old_secret": subscription.secret,
            "old_secret_until": format_time(now + timedelta(seconds=limits.SECRET_OVERLAP)),
            "updated_at": format_time(now),
        }
        return self._subscriptions.change(subscription, changes), secret

    def ping(self, principal: Principal, subscription_id: str) -> OutgoingDelivery:
        """Send an empty event to test the subscription.

        Raises:
            NotFound: there is no such subscription.
            Conflict: it is disabled.
        """
        subscription = self._enabled(principal, subscription_id)
        now = self._clock.now()
        data = {"subscription_id": subscription.id, "message": "Hello from Mainspring"}
        domain_event = DomainEvent(new_id(), "ping", principal.workspace_id, now, data)
        self._publisher.queue(subscription.id, domain_event)
        self._send([(subscription.id, domain_event.id)])
        return self._delivery(subscription, domain_event.id)

    def deliveries(self, principal: Principal, subscription_id: str, cursor: str | None, limit: int) -> Page:
        """Return a page of the delivery log, the newest first. Raises NotFound."""
        subscription = self._subscriptions.get(principal.workspace_id, subscription_id)
        return self._subscriptions.deliveries(subscription.id, id_cursor(cursor), limit, self._clock.now())

    def delivery(self, principal: Principal, subscription_id: str, delivery_id: str) -> OutgoingDelivery:
        """Return one delivery with its content. Raises NotFound."""
        return self._delivery(self._subscriptions.get(principal.workspace_id, subscription_id), delivery_id)

    def replay(self, principal: Principal, subscription_id: str, delivery_id: str) -> OutgoingDelivery:
        """Send a delivery again, with the same id.

        Raises:
            NotFound: there is no such delivery.
            Conflict: the subscription is disabled, or the delivery is still being attempted.
        """
        subscription = self._enabled(principal, subscription_id)
        delivery = self._delivery(subscription, delivery_id)
        if delivery.status is DeliveryStatus.PENDING:
            raise Conflict("the delivery is still being attempted", code="not_finished")
        replayed = self._subscriptions.replay(delivery, self._clock.now())
        self._send([(subscription.id, delivery.id)])
        return replayed

    def _enabled(self, principal: Principal, subscription_id: str) -> Subscription:
        subscription = self._subscriptions.get(principal.workspace_id, subscription_id)
        if not subscription.is_enabled:
            raise Conflict("the subscription is disabled; enable it first", code="disabled")
        return subscription

    def _delivery(self, subscription: Subscription, delivery_id: str) -> OutgoingDelivery:
        found = self._subscriptions.delivery(subscription.id, delivery_id, self._clock.now())
        if found is None:
            raise NotFound("there is no such delivery")
        return found


def _new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def _check(url: str, events: Sequence[str]) -> None:
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_url = False
    if not is_url or not url.isascii() or any(character.isspace() for character in url):
        raise InvalidInput.at("url", "it is not a URL such as https://hooks.example/mainspring")
    if parts.username is not None or parts.password is not None:
        raise InvalidInput.at("url", "it must not contain a user name or password; deliveries are signed instead")
    for index, event in enumerate(events):
        if not any(one.startswith(event[:-1]) if event.endswith("*") else one == event for one in TYPES):
            known = ", ".join(one for one in TYPES if one != "ping")
            raise InvalidInput.at(f"events[{index}]", f"`{event}` is not an event type; use one of {known}, or `*`")
