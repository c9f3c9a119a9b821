"""How callers of a webhook prove who they are, checked over the bytes as they came, in constant time.

The rules are those of the senders' own documentation: GitHub "Validating webhook deliveries", Stripe "Verify webhook
signatures manually", Slack "Verifying requests from Slack", Shopify "Verify webhook deliveries", and
https://www.standardwebhooks.com.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.triggers.config import HeaderName, TriggerConfig

_WINDOW = 300
_STANDARD_BYTES = 24


@dataclass(frozen=True, slots=True)
class Delivery:
    """A call as it came: header names in lower case, the body's raw bytes."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    may_be_damaged: bool = False
    """Whether the body came as a text in which something stands for bytes that were none."""


class Refused(Exception):
    """The caller did not prove who they are; the reason is for the owner of the hook, not for the caller."""


class NoAuth(TriggerConfig):
    """Whoever has the address may call."""

    type: Literal["none"] = Field(description="Whoever has the address may call.")
    needs_secret: ClassVar[bool] = False
    signs_body: ClassVar[bool] = False

    def check(self, delivery: Delivery, secret: str, now: float) -> None:
        """Everybody passes."""

    def check_secret(self, secret: str) -> None:
        """There is none."""

    def delivery_id(self, delivery: Delivery, body: Any) -> str | None:
        """Nothing tells repeated calls apart."""
        del delivery, body
        return None

    def signature(self, delivery: Delivery) -> str | None:
        """There is none."""
        del delivery
        return None


class _Signed(TriggerConfig):
    """What all that sign the body share."""

    needs_secret: ClassVar[bool] = True
    signs_body: ClassVar[bool] = True
    id_header: ClassVar[str | None] = None
    id_field: ClassVar[str | None] = None
    signature_header: ClassVar[str | None] = None

    def check_secret(self, secret: str) -> None:
        """Refuse what cannot be a secret of this kind; raises ValueError."""

    def delivery_id(self, delivery: Delivery, body: Any) -> str | None:
        """What the sender calls this delivery, the same each time it is repeated."""
        if self.id_header is not None:
            return delivery.headers.get(self.id_header)
        if self.id_field is not None and isinstance(body, dict) and isinstance(body.get(self.id_field), str):
            return str(body[self.id_field])
        return None

    def signature(self, delivery: Delivery) -> str | None:
        """What a call that somebody has recorded brings again, under whatever id; None where that says nothing.

        An id in a header that is not signed can be exchanged. The signature cannot, and of two deliveries that were
        meant as two it differs, where what is signed holds a time or what happened.
        """
        return delivery.headers.get(self.signature_header) if self.signature_header is not None else None


class GitHubAuth(_Signed):
    """`X-Hub-Signature-256`."""

    type: Literal["github"] = Field(description="As GitHub signs.")
    id_header: ClassVar[str | None] = "x-github-delivery"
    signature_header: ClassVar[str | None] = "x-hub-signature-256"

    def check(self, delivery: Delivery, secret: str, now: float) -> None:
        """Raises Refused."""
        del now
        _same(
            [_hex("sha256", secret, delivery.body)], [_header(delivery, "x-hub-signature-256").removeprefix("sha256=")]
        )


class StripeAuth(_Signed):
    """`Stripe-Signature`, whose time must be of the last five minutes."""

    type: Literal["stripe"] = Field(description="As Stripe signs.")
    id_field: ClassVar[str | None] = "id"
    signature_header: ClassVar[str | None] = "stripe-signature"

    def check(self, delivery: Delivery, secret: str, now: float) -> None:
        """Raises Refused."""
        pairs = [part.strip().partition("=") for part in _header(delivery, "stripe-signature").split(",")]
        times = [value for name, _, value in pairs if name == "t"]
        given = [value for name, _, value in pairs if name == "v1"]
        if len(times) != 1 or not given:
            raise Refused("Stripe-Signature has no time or no v1 signature")
        _fresh(times[0], now, _WINDOW)
        _same([_hex("sha256", secret, times[0].encode() + b"." + delivery.body)], given)


class SlackAuth(_Signed):
    """`X-Slack-Signature`, whose time must be of the last five minutes."""

    type: Literal["slack"] = Field(description="As Slack signs.")
    id_field: ClassVar[str | None] = "event_id"
    signature_header: ClassVar[str | None] = "x-slack-signature"

    def check(self, delivery: Delivery, secret: str, now: float) -> None:
        """Raises Refused."""
        stamp = _header(delivery, "x-slack-request-timestamp")
        _fresh(stamp, now, _WINDOW)
        given = _header(delivery, "x-slack-signature").removeprefix("v0=")
        _same([_hex("sha256", secret, b"v0:" + stamp.encode() + b":" + delivery.body)], [given])


class ShopifyAuth(_Signed):
    """`X-Shopify-Hmac-Sha256`."""

    type: Literal["shopify"] = Field(description="As Shopify signs.")
    id_header: ClassVar[str | None] = "x-shopify-webhook-id"
    signature_header: ClassVar[str | None] = "x-shopify-hmac-sha256"

    def check(self, delivery: Delivery, secret: str, now: float) -> None:
        """Raises Refused."""
        del now
        _same([_base64("sha256", secret.encode(), delivery.body)], [_header(delivery, "x-shopify-hmac-sha256")])


class StandardAuth(_Signed):
    """Standard Webhooks, which is also how Mainspring signs what it sends."""

    type: Literal["standard"] = Field(description="As Standard Webhooks has it.")
    id_header: ClassVar[str | None] = "webhook-id"

    def check(self, delivery: Delivery, secret: str, now: float) -> None:
        """Raises Refused."""
        name, stamp = _header(delivery, "webhook-id"), _header(delivery, "webhook-timestamp")
        _fresh(stamp, now, _WINDOW)
        given = [one.removeprefix("v1,") for one in _header(delivery, "webhook-signature").split() if one[:3] == "v1,"]
        key = base64.b64decode(secret.removeprefix("whsec_"))
        _same([_base64("sha256", key, f"{name}.{stamp}.".encode() + delivery.body)], given)

    def check_secret(self, secret: str) -> None:
        """As the standard has it."""
        try:
            size = len(base64.b64decode(secret.removeprefix("whsec_"), validate=True))
        except (binascii.Error, ValueError):
            size = 0
        if size < _STANDARD_BYTES:
            raise ValueError(f"`whsec_` and the base64 of at least {_STANDARD_BYTES} bytes are expected")


class HmacAuth(_Signed):
    """A signature in a header of your choice, over the body, or over `<time>.<body>` where there is a time."""

    type: Literal["hmac"] = Field(description="A signature with a shared key.")
    header: HeaderName = Field(description="The header that has the signature.")
    algorithm: Literal["sha256", "sha512", "sha1"] = Field(
        default="sha256", description="The hash that it is made with."
    )
    encoding: Literal["hex", "base64"] = Field(default="hex", description="How it is written.")
    prefix: str = Field(default="", max_length=32, description="What stands before the signature, such as `sha256=`.")
    timestamp_header: HeaderName | None = Field(
        default=None, description="Has the epoch seconds at which it was signed, which are signed too."
    )
    window_seconds: int = Field(default=_WINDOW, ge=1, le=86_400, description="How old a signature may be.")

    def signature(self, delivery: Delivery) -> str | None:
        """Where no time is signed, two deliveries of one content have one signature, and may be meant as two."""
        return delivery.headers.get(self.header.lower()) if self.timestamp_header is not None else None

    def check(self, delivery: Delivery, secret: str, now: float) -> None:
        """Raises Refused."""
        signed = delivery.body
        if self.timestamp_header is not None:
            stamp = _header(delivery, self.timestamp_header.lower())
            _fresh(stamp, now, self.window_seconds)
            signed = stamp.encode() + b"." + signed
        given = _header(delivery, self.header.lower())
        if not given.startswith(self.prefix):
            raise Refused(f"the signature in {self.header} does not begin with {self.prefix}")
        if self.encoding == "hex":
            wanted, given = _hex(self.algorithm, secret, signed), given[len(self.prefix) :].lower()
        else:
            wanted, given = _base64(self.algorithm, secret.encode(), signed), given[len(self.prefix) :]
        _same([wanted], [given])


class BasicAuth(_Signed):
    """A user name and a password; the password is the secret."""

    type: Literal["basic"] = Field(description="A user name and a password.")
    username: str = Field(
        min_length=1, max_length=200, pattern=r"^[^:]*$", description="The user name that callers send."
    )
    signs_body: ClassVar[bool] = False

    def check(self, delivery: Delivery, secret: str, now: float) -> None:
        """Raises Refused."""
        del now
        scheme, _, given = _header(delivery, "authorization").partition(" ")
        if scheme.lower() != "basic":
            raise Refused("the Authorization header is not Basic")
        wanted = base64.b64encode(f"{self.username}:{secret}".encode()).decode()
        _same([wanted], [given.strip()])


class HeaderAuth(_Signed):
    """A secret in a header, as it is."""

    type: Literal["header"] = Field(description="A secret in a header.")
    header: HeaderName = Field(description="The header that has the secret.")
    signs_body: ClassVar[bool] = False

    def check(self, delivery: Delivery, secret: str, now: float) -> None:
        """Raises Refused."""
        del now
        _same([secret], [_header(delivery, self.header.lower())])


Auth = NoAuth | GitHubAuth | StripeAuth | SlackAuth | ShopifyAuth | StandardAuth | HmacAuth | BasicAuth | HeaderAuth


def sign_standard(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """A Standard Webhooks signature of what we send; the secret is `whsec_` and base64."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return f"v1,{_base64('sha256', key, f'{message_id}.{timestamp}.'.encode() + body)}"


def _header(delivery: Delivery, name: str) -> str:
    value = delivery.headers.get(name)
    if not value:
        raise Refused(f"the header {name} is missing")
    return value


def _fresh(stamp: str, now: float, window: int) -> None:
    """Refuse what was signed too long ago, or in the future."""
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):  # noqa: PLR2004
        raise Refused("its time is not in epoch seconds")
    if abs(now - int(stamp)) > window:
        raise Refused(f"it was signed more than {window} seconds ago, or in the future")


def _same(wanted: Iterable[str], given: Iterable[str]) -> None:
    """Refuse unless one of the given values is the wanted one; how long it takes tells nothing of it."""
    matches = [hmac.compare_digest(one.encode(), other.encode()) for one in wanted for other in given]
    if not any(matches):
        raise Refused("the signature or secret does not fit")


def _hex(algorithm: str, secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, algorithm).hexdigest()


def _base64(algorithm: str, key: bytes, body: bytes) -> str:
    return base64.b64encode(hmac.digest(key, body, algorithm)).decode()
