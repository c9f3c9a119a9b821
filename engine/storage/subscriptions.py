"""Subscriptions to a workspace's domain events, and the log of their deliveries."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from engine import limits
from engine.clock import format_time
from engine.errors import NotFound
from engine.json_value import dumps
from engine.storage.dynamodb.expressions import Item
from engine.storage.dynamodb.table import ConditionFailed, Page, Table, is_live
from engine.storage.execution_record import CHECK, CheckKind, check

_DELIVERY = "DELIVERY#"
_FAILURE = ("failing_since", "failures", "paused_until")


@dataclass(frozen=True, slots=True)
class Subscription:
    """The receiver of a workspace's domain events.

    `events` are types, or prefixes of types followed by `*`. `secret`, encrypted, signs deliveries; so does
    `old_secret` until `old_secret_until`. `failing_since` is when the first attempt failed after the last success,
    `failures` how many attempts have failed since. After some of them nothing is sent until `paused_until`; then one
    attempt tests whether the receiver is back.
    """

    id: str
    workspace_id: str
    url: str
    events: tuple[str, ...]
    description: str | None
    secret: bytes
    created_at: str
    updated_at: str
    is_enabled: bool = True
    disabled_reason: str | None = None
    failing_since: str | None = None
    old_secret: bytes | None = None
    old_secret_until: str | None = None
    failures: int = 0
    paused_until: str | None = None

    def wants(self, event_type: str) -> bool:
        """Return whether events of a type are sent to this receiver."""
        return self.is_enabled and any(
            event_type.startswith(one[:-1]) if one.endswith("*") else event_type == one for one in self.events
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send: its time, the response or error, and its duration in milliseconds."""

    at: str
    status: int | None
    error: str | None
    milliseconds: int


class DeliveryStatus(StrEnum):
    """The status of an outgoing delivery; it is pending as long as there is a next attempt."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class OutgoingDelivery:
    """One event for one subscription. `body` is sent and signed."""

    subscription_id: str
    id: str
    type: str
    body: str
    created_at: str
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: tuple[Attempt, ...] = ()
    """The latest attempts."""
    made: int = 0
    """The number of attempts."""
    next_at: str | None = None
    round: int = 0
    """The number of attempts when a replay was last requested."""


class SubscriptionRepository:
    """Reads and writes subscriptions. A subscription of another workspace counts as absent."""

    def __init__(self, table: Table, retention_days: int = limits.OUTGOING_KEPT_DAYS) -> None:
        self._table = table
        # A delivery contains the result of its execution, and must not outlive it.
        self._kept = timedelta(days=min(limits.OUTGOING_KEPT_DAYS, retention_days))

    # -- subscriptions -------------------------------------------------------------------------------------

    def create(self, subscription: Subscription) -> None:
        """Store a new subscription."""
        self._table.put(_meta_item(subscription), if_absent=True)

    def find(self, subscription_id: str) -> Subscription | None:
        """Return the subscription of any workspace; None if there is none."""
        item = self._table.get(f"SUBSCRIPTION#{subscription_id}", "META")
        return _subscription(item) if item else None

    def get(self, workspace_id: str, subscription_id: str) -> Subscription:
        """Return a subscription. Raises NotFound."""
        found = self.find(subscription_id)
        if found is None or found.workspace_id != workspace_id:
            raise NotFound("there is no such subscription")
        return found

    def of_workspace(self, workspace_id: str) -> list[Subscription]:
        """Return all subscriptions of a workspace; there are few."""
        keys = self._table.query(
            f"{workspace_id}#SUBSCRIPTIONS", index="by-workspace", pk_name="workspace_key", sk_name="id",
            limit=2 * limits.MAX_SUBSCRIPTIONS,
        )  # fmt: skip
        found = self._table.get_many([(f"SUBSCRIPTION#{key['id']}", "META") for key in keys])
        return sorted((_subscription(item) for item in found.values()), key=lambda one: one.id)

    def change(self, subscription: Subscription, changes: Mapping[str, Any]) -> Subscription:
        """Set attributes; None removes one.

        Raises:
            NotFound: the subscription was deleted meanwhile.
        """
        given = {name: list(value) if isinstance(value, tuple) else value for name, value in changes.items()}
        try:
            item = self._table.update(
                f"SUBSCRIPTION#{subscription.id}",
                "META",
                {name: value for name, value in given.items() if value is not None},
                remove=[name for name, value in given.items() if value is None],
            )
        except ConditionFailed:
            raise NotFound("there is no such subscription") from None
        return _subscription(item)

    def delete(self, subscription: Subscription) -> None:
        """Delete the subscription. Its pending deliveries end when they are next checked."""
        self._table.delete(f"SUBSCRIPTION#{subscription.id}", "META")

    def failing(self, subscription: Subscription, at: datetime) -> None:
        """Count a failed attempt, and pause after certain numbers of them."""
        key = f"SUBSCRIPTION#{subscription.id}", "META"
        try:
            item = self._table.update(*key, {}, add={"failures": 1})
        except ConditionFailed:
            return  # the subscription was deleted meanwhile
        changes: dict[str, Any] = {} if "failing_since" in item else {"failing_since": format_time(at)}
        if item["failures"] >= limits.OUTGOING_PAUSE_AFTER:
            changes["paused_until"] = format_time(at + _pause(item["failures"]))
        if changes:
            self._try(subscription.id, changes, (), "#failures = :failures", {"failures": item["failures"]})

    def probes(self, subscription: Subscription, at: datetime) -> bool:
        """Return whether an attempt may be made: nothing is paused, or it is the first one after a pause.

        Of concurrent callers one gets True; if it dies, the next pause begins without its attempt.
        """
        if subscription.paused_until is None:
            return True
        if subscription.paused_until > format_time(at):
            return False
        until = format_time(at + _pause(subscription.failures))
        condition, values = "#paused_until = :seen", {"seen": subscription.paused_until}
        return self._try(subscription.id, {"paused_until": until}, (), condition, values)

    def working(self, subscription: Subscription) -> None:
        """Record a successful delivery."""
        if subscription.failures:
            self._try(subscription.id, {}, _FAILURE, "attribute_exists(#PK)")

    def disable(self, subscription: Subscription, reason: str, at: str) -> None:
        """Disable the subscription, unless it is disabled already."""
        changes = {"is_enabled": False, "disabled_reason": reason, "updated_at": at}
        self._try(subscription.id, changes, (), "#is_enabled = :on", {"on": True})

    def _try(
        self,
        subscription_id: str,
        changes: Mapping[str, Any],
        remove: Sequence[str],
        condition: str,
        values: Mapping[str, Any] | None = None,
    ) -> bool:
        """Change the subscription if the condition holds; return whether it did."""
        try:
            self._table.update(
                f"SUBSCRIPTION#{subscription_id}", "META", changes, remove=remove, condition=condition, values=values
            )
        except ConditionFailed:
            return False
        return True

    # -- deliveries ----------------------------------------------------------------------------------------

    def queue(self, delivery: OutgoingDelivery, at: datetime) -> bool:
        """Store a delivery to be sent now; return False if it was stored before."""
        item = {
            **_delivery_item(delivery),
            "expires_at": int((at + self._kept).timestamp()),
            **_check(delivery, at + timedelta(seconds=limits.OUTGOING_LEASE)),
        }
        try:
            self._table.put(item, if_absent=True)
        except ConditionFailed:
            return False
        return True

    def delivery(self, subscription_id: str, delivery_id: str, now: datetime) -> OutgoingDelivery | None:
        """Return a delivery; None if none is stored or it has expired."""
        item = self._table.get(f"SUBSCRIPTION#{subscription_id}", f"{_DELIVERY}{delivery_id}")
        return _delivery(item) if item and is_live(item, now) else None

    def deliveries(self, subscription_id: str, before: str | None, limit: int, now: datetime) -> Page:
        """Return a page of the log, newest first; the cursor is the id of the last delivery."""
        last = f"{_DELIVERY}{before}" if before else f"{_DELIVERY}~"
        found: list[OutgoingDelivery] = []
        while True:
            items = list(
                self._table.query(
                    f"SUBSCRIPTION#{subscription_id}", after=_DELIVERY, before=last, limit=limit + 2, descending=True
                )
            )
            seen = last
            found += [_delivery(one) for one in items if is_live(one, now) and one["SK"] != seen]
            if len(found) > limit or len(items) < limit + 2:
                return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)
            last = items[-1]["SK"]  # expired deliveries were skipped, so there is more to read

    def claim(self, key: tuple[str, str], seen: str, now: datetime, again: datetime) -> bool:
        """Set the next check of a due delivery; return False if another process changed it since `seen`.

        An expired delivery leaves the index and is not sent: DynamoDB may take days to remove it.
        """
        try:
            self._table.update(
                *key,
                {"next_check_at": format_time(again)},
                condition="#next_check_at = :seen AND #expires_at > :now",
                values={"seen": seen, "now": int(now.timestamp())},
            )
        except ConditionFailed as failed:
            if failed.item is not None and not is_live(failed.item, now):
                self._table.delete_where(*key, "#expires_at <= :now", {"now": int(now.timestamp())})
            return False
        return True

    def lease(self, delivery: OutgoingDelivery, until: datetime) -> bool:
        """Lease a delivery to make an attempt; return False if another process has leased it or made the attempt.

        If the process dies after this, the delivery is found again when the lease expires.
        """
        now = until - timedelta(seconds=limits.OUTGOING_LEASE)
        try:
            self._table.update(
                *_delivery_key(delivery),
                {"leased_until": format_time(until), **_check(delivery, until)},
                condition="#status = :pending AND #made = :made AND "
                "(attribute_not_exists(#leased_until) OR #leased_until <= :now) AND #expires_at > :seconds",
                values={
                    "pending": DeliveryStatus.PENDING,
                    "made": delivery.made,
                    "now": format_time(now),
                    "seconds": int(now.timestamp()),
                },
            )
        except ConditionFailed:
            return False
        return True

    def record(
        self, delivery: OutgoingDelivery, attempt: Attempt, status: DeliveryStatus, next_at: datetime | None
    ) -> None:
        """Record the result of an attempt, and when the next one is."""
        made, attempts = delivery.made + 1, [*delivery.attempts, attempt][-limits.OUTGOING_ATTEMPTS :]
        changes: dict[str, Any] = {
            "status": status,
            "made": made,
            "attempts": dumps([_attempt_item(one) for one in attempts]),
        }
        remove = ["leased_until"]
        if next_at is None:
            remove += ["next_at", *CHECK]
        else:
            changes |= {"next_at": format_time(next_at), **_check(delivery, next_at)}
        condition, values = "#made = :made", {"made": delivery.made}
        try:
            self._table.update(*_delivery_key(delivery), changes, remove=remove, condition=condition, values=values)
        except ConditionFailed:
            return  # the lease expired, and another process has made this attempt

    def replay(self, delivery: OutgoingDelivery, at: datetime) -> OutgoingDelivery:
        """Request that a delivery is sent again from the beginning.

        Raises:
            NotFound: the delivery is no longer kept.
        """
        changes = {
            "status": DeliveryStatus.PENDING,
            "round": delivery.made,
            "next_at": format_time(at),
            **_check(delivery, at + timedelta(seconds=limits.OUTGOING_LEASE)),
        }
        try:
            item = self._table.update(
                *_delivery_key(delivery),
                changes,
                remove=("leased_until",),
                condition="#expires_at > :now",
                values={"now": int(at.timestamp())},
            )
        except ConditionFailed:
            raise NotFound("there is no such delivery") from None
        return _delivery(item)


def delivery_in(pk: str, sk: str) -> tuple[str, str]:
    """Return the subscription and the delivery whose item has this key."""
    return pk.removeprefix("SUBSCRIPTION#"), sk.removeprefix(_DELIVERY)


def _pause(failures: int) -> timedelta:
    """Return how long a receiver is left alone after so many failed attempts."""
    doublings = min(failures - limits.OUTGOING_PAUSE_AFTER, 30)
    return timedelta(seconds=min(limits.OUTGOING_PAUSE * 2**doublings, limits.OUTGOING_PAUSE_LONGEST))


def _delivery_key(delivery: OutgoingDelivery) -> tuple[str, str]:
    return f"SUBSCRIPTION#{delivery.subscription_id}", f"{_DELIVERY}{delivery.id}"


def _check(delivery: OutgoingDelivery, at: datetime) -> dict[str, str]:
    return check(f"{delivery.subscription_id}{delivery.id}", at, CheckKind.DELIVERY)


def _meta_item(subscription: Subscription) -> Item:
    values = {name: getattr(subscription, name) for name in Subscription.__dataclass_fields__}
    return {
        "PK": f"SUBSCRIPTION#{subscription.id}",
        "SK": "META",
        "workspace_key": f"{subscription.workspace_id}#SUBSCRIPTIONS",
        **values,
        "events": list(subscription.events),
    }


def _subscription(item: Item) -> Subscription:
    values: dict[str, Any] = {name: item[name] for name in Subscription.__dataclass_fields__ if name in item}
    return Subscription(**{"description": None, **values, "events": tuple(item["events"])})


def _delivery_item(delivery: OutgoingDelivery) -> Item:
    pk, sk = _delivery_key(delivery)
    return {
        "PK": pk, "SK": sk, "id": delivery.id, "type": delivery.type, "body": delivery.body,
        "created_at": delivery.created_at, "status": delivery.status, "made": 0, "next_at": delivery.next_at,
    }  # fmt: skip


def _delivery(item: Item) -> OutgoingDelivery:
    return OutgoingDelivery(
        delivery_in(item["PK"], item["SK"])[0],
        item["id"],
        item["type"],
        item["body"],
        item["created_at"],
        DeliveryStatus(item["status"]),
        tuple(Attempt(**one) for one in json.loads(item.get("attempts", "[]"))),
        item.get("made", 0),
        item.get("next_at"),
        item.get("round", 0),
    )


def _attempt_item(attempt: Attempt) -> dict[str, Any]:
    return {name: getattr(attempt, name) for name in Attempt.__dataclass_fields__}
