"""What all outgoing HTTP shares: reading an answer within bounds, and what an answer that refuses means."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from engine.errors import NodeError
from engine.security.redaction import PROCESS

if TYPE_CHECKING:
    import httpx2

_RETRYABLE_STATUSES = frozenset({408, 409, 421, 425, 429, 500, 502, 503, 504})
_SHOWN_BODY = 2_000


async def read_body(response: httpx2.Response, most: int) -> bytes:
    """The body, decompressed, while it stays within `most` bytes."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > most:
            raise NodeError(f"the response body is larger than {most} bytes", code="response_too_large")
        chunks.append(chunk)
    return b"".join(chunks)


async def exchanged(client: httpx2.AsyncClient, request: httpx2.Request, most: int) -> tuple[httpx2.Response, bytes]:
    """Send a request; gives the answer and its body, of at most `most` bytes. Redirects are not followed.

    Raises:
        NodeError: `connection_failed`, `response_too_large` or `egress_refused`.
    """
    import httpx2

    try:
        response = await client.send(request, stream=True)
        try:
            return response, await read_body(response, most)
        finally:
            await response.aclose()
    except (httpx2.TransportError, httpx2.DecodingError) as error:
        reason = str(error) or type(error).__name__
        message = f"no answer from {request.url.host}: {reason}"
        raise NodeError(message, code="connection_failed", retryable=True) from error


def status_error(response: httpx2.Response, body: Any) -> NodeError:
    """The failure that a status of 400 or above is, with the beginning of its body."""
    shown = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return NodeError(
        f"{response.request.method} {response.url.host} gave status {response.status_code}",
        code="http_status",
        details={"status": response.status_code, "body": PROCESS.shown(shown, _SHOWN_BODY)},
        retryable=response.status_code in _RETRYABLE_STATUSES,
        retry_after=retry_after(response.headers.get("retry-after")),
    )


def retry_after(value: str | None) -> float | None:
    """Seconds, from either form of the header: a number, or an HTTP date."""
    if not value:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def refuse_constant(name: str) -> None:
    """For `json.loads`: NaN and infinity are no JSON."""
    raise ValueError(f"{name} is not JSON")
