"""Authentication of webhook callers, checked over the raw bytes in constant time.

The rules follow the senders' documentation: GitHub "Validating webhook deliveries", Stripe "Verify webhook
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
    """A webhook call: header names in lower case, and the raw bytes of the body."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    may_be_damaged: bool = False
    """Whether the body arrived as text in which replacement characters stand for bytes that are not text."""


class Refused(Exception):
    """The caller is not authenticated; the reason is for the owner of the webhook, not for the caller."""


class NoAuth(TriggerConfig):
    """No authentication: everyone who knows the address may call."""

    type: Literal["none"] = Field(description="Whoever has the address may call.")
    needs_secret: ClassVar[bool] = False
    signs_body: ClassVar[bool] = False

    def check(self, delivery: Delivery, secret: str, now: float) -> None:
        """Accept every call."""

    def check_secret(self, secret: str) -> None:
        """Accept: this type has no secret."""

    def delivery_id(self, delivery: Delivery, body: Any) -> str | None:
        """Return None: nothing identifies repeated calls."""
        del delivery, body
        return None

    def signature(self, delivery: Delivery) -> str | None:
        """Return None: calls are not signed."""
        del delivery
        return None


class _Signed(TriggerConfig):
    """Base of the types whose senders sign the body."""

    needs_secret: ClassVar[bool] = True
    signs_body: ClassVar[bool] = True
    id_header: ClassVar[str | None] = None
    id_field: ClassVar[str | None] = None
    signature_header: ClassVar[str | None] = None

    def check_secret(self, secret: str) -> None:
        """Refuse a text that cannot be a secret of this type; raises ValueError."""

    def delivery_id(self, delivery: Delivery, body: Any) -> str | None:
        """Return the sender's id of this delivery, which is the same each time it is repeated."""
        if self.id_header is not None:
            return delivery.headers.get(self.id_header)
        if self.id_field is not None and isinstance(body, dict) and isinstance(body.get(self.id_field), str):
            return str(body[self.id_field])
        return None

    def signature(self, delivery: Delivery) -> str | None:
        """Return the signature, which a replayed call repeats under whatever id; None where it identifies nothing.

        An id in a header that is not signed can be exchanged. The signature cannot, and it differs between two
        deliveries that are meant as two if a time or the event itself is signed.
        """
        return delivery.headers.get(self.signature_header) if self.signature_header is not None else None


class GitHubAuth(_Signed):
    """GitHub's `X-Hub-Signature-256`."""

    type: Literal["github"] = Field(description="As GitHub signs.")
    id_header: ClassVar[str | None] = "x-github-delivery"
    signature_header: ClassVar[str | None] = "x-hub-signature-256"

    def check(self, delivery: Delivery, secret: str, now: float) -> None:
        """Check the signature; raises Refused."""
        del now
        _same(
            [_hex("sha256", secret, delivery.body)], [_header(delivery, "x-hub-signature-256").removeprefix("sha256=")]
        )


class StripeAuth(_Signed):
    """Stripe's `Stripe-Signature`, whose time must be within the last five minutes."""

    type: Literal["stripe"] = Field(description="As Stripe signs.")
    id_field: ClassVar[str | None] = "id"
    signature_header: ClassVar[str | None] = "stripe-signature"

    def check(self, delivery: Delivery, secret: str, now: float) -> None:
        """Check the signature; raises Refused."""
        pairs = [part.strip().partition("=") for part in _header(delivery, "stripe-signature").split(",")]
        times = [value for name, _, value in pairs if name == "t"]
        given = [value for name, _, value in pairs if name == "v1"]
        if len(times) != 1 or not given:
            raise Refused("Stripe-Signature has no time or no v1 signature")
        _fresh(times[0], now, _WINDOW)
        _same([_hex("sha256", secret, times[0].encode() + b"." + delivery.body)], given)


class SlackAuth(_Signed):
    """Slack's `X-Slack-Signature`, whose time must be within the last five minutes."""

    type: Literal["slack"] = Field(description="As Slack signs.")
    id_field: ClassVar[str | None] = "event_id"
    signature_header: ClassVar[str | None] = "x-slack-signature"

    def check(self, delivery: Delivery, secret: str, now: float) -> None:
        """Check the signature; raises Refused."""
        stamp = _header(delivery, "x-slack-request-timestamp")
        _fresh(stamp, now, _WINDOW)
        given = _header(delivery, "x-slack-signature").removeprefix("v0=")
        _same([_hex("sha256", secret, b"v0:" + stamp.encode() + b":" + delivery.body)], [given])


class ShopifyAuth(_Signed):
    """Shopify's `X-Shopify-Hmac-Sha256`."""

    type: Literal["shopify"] = Field(description="As Shopify signs.")
    id_header: ClassVar[str | None] = "x-shopify-webhook-id"
    signature_header: ClassVar[str | None] = "x-shopify-hmac-sha256"

    def check(self, delivery: Delivery, secret: str, now: float) -> None:
        """Check the signature; raises Refused."""
        del now
        _same([_base64("sha256", secret.encode(), delivery.body)], [_header(delivery, "x-shopify-hmac-sha256")])


class StandardAuth(_Signed):
    """Standard Webhooks, which is also how Mainspring signs its outgoing webhooks."""

    type: Literal["standard"] = Field(description="As Standard Webhooks has it.")
    id_header: ClassVar[str | None] = "webhook-id"

    def check(self, delivery: Delivery, secret: str, now: float) -> None:
        """Check the signature; raises Refused."""
        name, stamp = _header(delivery, "webhook-id"), _header(delivery, "webhook-timestamp")
        _fresh(stamp, now, _WINDOW)
        given = [one.removeprefix("v1,") for one in _header(delivery, "webhook-signature").split() if one[:3] == "v1,"]
        key = base64.b64decode(secret.removeprefix("whsec_"))
        _same([_base64("sha256", key, f"{name}.{stamp}.".encode() + delivery.body)], given)

    def check_secret(self, secret: str) -> None:
        """Refuse a secret that Standard Webhooks does not allow; raises ValueError."""
        try:
            size = len(base64.b64decode(secret.removeprefix("whsec_"), validate=True))
        except (binascii.Error, ValueError):
            size = 0
        if size < _STANDARD_BYTES:
            raise ValueError(f"`whsec_` and the base64 of at least {_STANDARD_BYTES} bytes are expected")


class HmacAuth(_Signed):
    """A signature in a configurable header, over the body, or over `<time>.<body>` where there is a time."""

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
        """Return the signature if a time is signed; otherwise two intended deliveries of one content would share it."""
        return delivery.headers.get(self.header.lower()) if self.timestamp_header is not None else None

    def check(self, delivery: Delivery, secret: str, now: float) -> None:
        """Check the signature; raises Refused."""
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
        """Check the credentials; raises Refused."""
        del now
        scheme, _, given = _header(delivery, "authorization").partition(" ")
        if scheme.lower() != "basic":
            raise Refused("the Authorization header is not Basic")
        wanted = base64.b64encode(f"{self.username}:{secret}".encode()).decode()
        _same([wanted], [given.strip()])


class HeaderAuth(_Signed):
    """A secret sent unchanged in a header."""

    type: Literal["header"] = Field(description="A secret in a header.")
    header: HeaderName = Field(description="The header that has the secret.")
    signs_body: ClassVar[bool] = False

    def check(self, delivery: Delivery, secret: str, now: float) -> None:
        """Check the header; raises Refused."""
        del now
        _same([secret], [_header(delivery, self.header.lower())])


Auth = NoAuth | GitHubAuth | StripeAuth | SlackAuth | ShopifyAuth | StandardAuth | HmacAuth | BasicAuth | HeaderAuth


def sign_standard(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the Standard Webhooks signature of an outgoing webhook; the secret is `whsec_` and base64."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return f"v1,{_base64('sha256', key, f'{message_id}.{timestamp}.'.encode() + body)}"


def _header(delivery: Delivery, name: str) -> str:
    value = delivery.headers.get(name)
    if not value:
        raise Refused(f"the header {name} is missing")
    return value


def _fresh(stamp: str, now: float, window: int) -> None:
    """Refuse a call that was signed too long ago, or in the future."""
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):  # noqa: PLR2004
        raise Refused("its time is not in epoch seconds")
    if abs(now - int(stamp)) > window:
        raise Refused(f"it was signed more than {window} seconds ago, or in the future")


def _same(wanted: Iterable[str], given: Iterable[str]) -> None:
    """Refuse unless one of the given values is the expected one; the time that it takes reveals nothing of it."""
    matches = [hmac.compare_digest(one.encode(), other.encode()) for one in wanted for other in given]
    if not any(matches):
        raise Refused("the signature or secret does not fit")


def _hex(algorithm: str, secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, algorithm).hexdigest()


def _base64(algorithm: str, key: bytes, body: bytes) -> str:
    return base64.b64encode(hmac.digest(key, body, algorithm)).decode()
