"""What all outgoing HTTP shares: headers that are the connection's, answers within bounds, what a refusal means."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from engine.errors import NodeError
from engine.security.connection_errors import reason_of
from engine.security.redaction import PROCESS

if TYPE_CHECKING:
    import httpx2

_RETRYABLE_STATUSES = frozenset({408, 409, 421, 425, 429, 500, 502, 503, 504})
_REFUSALS = frozenset({*range(400, 500), 503})
"""By these the server says that it has not done what it was asked for; by others, such as 500, it does not."""
_UNSENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout"})
"""Errors of httpx2, which is imported late, after which nothing of the request has been sent."""
_SHOWN_BODY = 2_000
_STEP = 1024 * 1024
_MOST_ENCODINGS = 3
_GZIP = b"\x1f\x8b"
_UNREAD = frozenset({"br", "zstd", "compress", "x-compress", "dcb", "dcz"})
_CONNECTION = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that say to whom a request goes, or how; with them credentials could be had sent to another server."""


def check_header_name(name: str) -> str:
    """The name of a header that an author may give.

    Raises:
        ValueError: it belongs to the connection.
    """
    if name.lower() in _CONNECTION:
        raise ValueError(f"the header {name} is set by the connection itself and cannot be given")
    return name


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse headers that belong to the connection, and values that no header may hold.

    Raises:
        ValueError: names the header and says what is wrong.
    """
    for name, value in headers.items():
        check_header_name(name)
        if any(character in value for character in "\r\n\0"):
            raise ValueError(f"the header {name} holds a line break")
        if not value.isascii() or any(character < " " and character != "\t" for character in value) or "\x7f" in value:
            raise ValueError(f"the header {name} holds characters that no header may hold; encode them")


async def body_of(response: httpx2.Response, most: int) -> AsyncIterator[bytes]:
    """The body, decompressed, piece by piece.

    Raises:
        NodeError: `response_too_large`: it has more than `most` bytes; `bad_response`: it is encoded in a way that is
            not read here; `connection_failed`: its end is missing.
    """
    stages = [_Inflated(one, most) for one in reversed(_encodings(response))]
    size = 0
    async for raw in response.aiter_raw():
        pieces: Iterator[bytes] = iter((raw,))
        for stage in stages:
            pieces = stage.of(pieces)
        for piece in pieces:
            size += len(piece)
            if size > most:
                raise _too_large(most)
            yield piece
    if any(stage.is_cut_off for stage in stages):
        message = f"the end of the answer of {response.url.host} is missing"
        raise NodeError(message, code="connection_failed", retryable=True)


async def read_body(response: httpx2.Response, most: int) -> bytes:
    """The body, decompressed, while it stays within `most` bytes. Raises as `body_of`."""
    return b"".join([piece async for piece in body_of(response, most)])


def _encodings(response: httpx2.Response) -> list[str]:
    named = response.headers.get("content-encoding", "").split(",")
    found = [one.strip().lower() for one in named]
    unread = [one for one in found if one in _UNREAD]
    if unread:
        message = f"the answer is encoded as {unread[0]}, which is not read here; ask with `Accept-Encoding: gzip`"
        raise NodeError(message, code="bad_response")
    found = [one.removeprefix("x-") for one in found]
    found = [one for one in found if one in ("gzip", "deflate")]  # others, such as `utf-8`, are mistakes of servers
    if len(found) > _MOST_ENCODINGS:
        raise NodeError(f"the answer is encoded {len(found)} times", code="bad_response")
    return found


class _Inflated:
    """One encoding taken away: all members of a gzip stream, and both forms that are called `deflate`."""

    def __init__(self, encoding: str, most: int) -> None:
        self._is_gzip = encoding == "gzip"
        self._most = most
        self._size = 0
        self._decoder: Any = None
        self._begun = b""
        self._is_over = False

    @property
    def is_cut_off(self) -> bool:
        """Whether the end is missing. No body at all, as for HEAD, is whole."""
        return self._decoder is not None and not self._decoder.eof

    def of(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """What comes out of some pieces."""
        for piece in pieces:
            if piece and not self._is_over:
                yield from self._bounded(piece)

    def _bounded(self, data: bytes) -> Iterator[bytes]:
        try:
            for piece in self._inflated(data):
                self._size += len(piece)
                if self._size > self._most:
                    raise _too_large(self._most)
                yield piece
        except zlib.error as error:
            raise NodeError(f"the answer cannot be decompressed: {error}", code="bad_response") from None

    def _inflated(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._decoder is None or self._decoder.eof:
                data = self._begun + data
                if self._is_gzip and len(data) < len(_GZIP):
                    self._begun = data
                    return
                self._begun = b""
                if self._decoder is not None and not (self._is_gzip and data.startswith(_GZIP)):
                    self._is_over = True  # what stands behind the end of a stream is no part of it
                    return
                self._decoder = zlib.decompressobj(self._window(data))
            yield self._decoder.decompress(data, _STEP)
            while tail := self._decoder.unconsumed_tail:
                yield self._decoder.decompress(tail, _STEP)
            data = self._decoder.unused_data if self._decoder.eof else b""

    def _window(self, data: bytes) -> int:
        if self._is_gzip:
            return zlib.MAX_WBITS | 16
        has_header = len(data) > 1 and data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0  # noqa: PLR2004 - RFC 1950
        return zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS


def _too_large(most: int) -> NodeError:
    return NodeError(f"the response body is larger than {most} bytes", code="response_too_large")


async def exchanged(client: httpx2.AsyncClient, request: httpx2.Request, most: int) -> tuple[httpx2.Response, bytes]:
    """Send a request; gives the answer and its body, of at most `most` bytes. Redirects are not followed.

    Raises:
        NodeError: `connection_failed`, `response_too_large`, `bad_response` or `egress_refused`.
    """
    import httpx2

    try:
        response = await client.send(request, stream=True)
        try:
            return response, await read_body(response, most)
        finally:
            await response.aclose()
    except httpx2.TransportError as error:
        raise no_answer(request, error) from error


def no_answer(request: httpx2.Request, error: Exception) -> NodeError:
    """That the other side did not answer, with what to set where that is known."""
    reason = reason_of(error)
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        reason = f"its certificate is not accepted ({reason}); name a CA of your own with `ca_certificate`"
    elif "WRONG_VERSION_NUMBER" in reason or "RECORD_LAYER_FAILURE" in reason:
        reason = f"it does not speak TLS at this port ({reason}); is the URL one that begins with http://?"
    message = f"no answer from {request.url.netloc.decode()}: {reason}"
    is_unsent = type(error).__name__ in _UNSENT
    return NodeError(message, code="connection_failed", retryable=True, nothing_happened=is_unsent)


def status_error(response: httpx2.Response, body: Any) -> NodeError:
    """The failure that a status of 400 or above is, with the beginning of its body."""
    shown = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return NodeError(
        f"{response.request.method} {response.url.host} gave status {response.status_code}",
        code="http_status",
        details={"status": response.status_code, "body": PROCESS.shown(shown, _SHOWN_BODY)},
        retryable=response.status_code in _RETRYABLE_STATUSES,
        retry_after=retry_after(response.headers.get("retry-after")),
        nothing_happened=response.status_code in _REFUSALS,
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
