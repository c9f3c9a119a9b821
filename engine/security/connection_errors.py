"""Words for connections that failed: the operating system's numbers mean nothing to those who read them."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Iterator

_NUMBER = re.compile(r"\[(?:Errno|WinError) -?\d+\]\s*")
_CLOSED = "the other side closed the connection"
_NO_WAY = "there is no way to that address from here"
_WORDS = {
    errno.ECONNREFUSED: "nothing accepts connections at that address and port",
    errno.ECONNRESET: _CLOSED,
    errno.ECONNABORTED: _CLOSED,
    errno.EPIPE: _CLOSED,
    errno.ENOTCONN: _CLOSED,
    errno.EHOSTUNREACH: _NO_WAY,
    errno.ENETUNREACH: _NO_WAY,
    errno.EHOSTDOWN: _NO_WAY,
    errno.EADDRNOTAVAIL: _NO_WAY,
    errno.ETIMEDOUT: "there was no answer in time",
    errno.EMFILE: "too many connections are open",
    errno.ENFILE: "too many connections are open",
}

_TIMEOUTS = frozenset({"ConnectTimeout", "ReadTimeout", "WriteTimeout", "PoolTimeout"})
"""Those of httpx2, which is imported late."""


def reason_of(error: BaseException) -> str:
    """What went wrong, in words: also where a library has wrapped the operating system's error."""
    for one in _chain(error):
        if isinstance(one, socket.gaierror):
            return "its name cannot be resolved"
        if isinstance(one, TimeoutError) or type(one).__name__ in _TIMEOUTS:
            return _WORDS[errno.ETIMEDOUT]
        if isinstance(one, OSError) and not isinstance(one, ssl.SSLError) and one.errno in _WORDS:
            return _WORDS[one.errno]
    return without_numbers(str(error)) or "the connection was lost"


def without_numbers(text: str) -> str:
    """A text of a library without the operating system's numbers in it, such as `[Errno 104]`."""
    return _NUMBER.sub("", text).strip()


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, what it was raised from or has wrapped, and the members of groups, outermost first."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, BaseExceptionGroup):
            waiting.extend(one.exceptions)
        waiting.extend(argument for argument in one.args if isinstance(argument, BaseException))  # as httpcore2 does
        following = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        if following is not None:
            waiting.append(following)
