"""Removes secrets from everything that is kept or shown, by value and in every encoding in which they commonly appear.

Code that opens a secret adds it to a `Redactor`; a node's output, logs and errors pass through it before they are
written. Texts are cut only afterwards: the beginning of a secret would not be recognized. This is no barrier against
the authors of workflows, who can have a secret that they may use sent in a form that is not foreseen here.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from ahocorasick_rs import BytesAhoCorasick

MARK = "[redacted]"
SHORTEST = 4
"""Secrets with fewer characters occur inside ordinary words, so they are only recognized where they stand alone."""
_SHORTEST_ENCODED = 8
_NUMERIC = re.compile(r"[-+.eE\d]+", re.ASCII)
_REMEMBERED_BY_PROCESS = 1_024


class Redactor:
    """Replaces known secrets by a mark. Without secrets it costs nothing. Safe to share between threads.

    Args:
        most: how many secrets are remembered, the latest ones; None for all, as for one invocation.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._secrets: OrderedDict[str, None] = OrderedDict()
        self._has_numeric = False
        self._finder: BytesAhoCorasick | None = None
        self._longest = 0
        self._is_current = True

    @property
    def knows_any(self) -> bool:
        """Return whether any secret is known."""
        return bool(self._secrets)

    def add(self, secret: str) -> None:
        """Add a secret."""
        if not secret:
            return
        with self._lock:
            is_new = secret not in self._secrets
            self._secrets[secret] = None
            self._secrets.move_to_end(secret)
            if is_new:
                self._is_current = False
                self._has_numeric = self._has_numeric or bool(_NUMERIC.fullmatch(secret))
                if self._most is not None and len(self._secrets) > self._most:
                    self._secrets.popitem(last=False)

    def text(self, text: str) -> str:
        """Return the text with each secret replaced by a mark."""
        if not self._secrets:
            return text
        if text in self._secrets:
            return MARK
        raw = text.encode("utf-8", "surrogatepass")
        done = self.content(raw)
        return text if done is raw else done.decode("utf-8", "surrogatepass")

    def shown(self, text: str, most: int) -> str:
        """Return the beginning of a text, cut after its secrets are replaced."""
        return self.text(text)[:most]

    def beginning(self, content: bytes, most: int, *, is_whole: bool) -> str:
        """Return at most that many characters of content, of which only the beginning was read unless `is_whole`.

        The part that was read may end within a secret, which is not recognized then, so as much as the longest secret
        takes is left out.
        """
        clean = self.content(content)
        if not is_whole:
            clean = clean[: max(len(clean) - self._longest + 1, 0)] if self._longest else clean
        return clean.decode(errors="replace")[:most]

    def scrub(self, value: Any) -> Any:
        """Return a JSON value without secrets in its texts, keys and numbers; the same object if no secret is known."""
        return self._scrub(value) if self._secrets else value

    def _scrub(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self._scrub(key): self._scrub(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._scrub(item) for item in value]
        if self._has_numeric and isinstance(value, int | float) and not isinstance(value, bool):
            shown = json.dumps(value)
            return value if self.text(shown) == shown else MARK
        return value

    def content(self, content: bytes) -> bytes:
        """Return bytes without secrets; the same object if they contain none."""
        finder = self._current_finder()
        spans = finder.find_matches_as_indexes(content, overlapping=True) if finder else []
        if not spans:
            return content
        mark, pieces, done = MARK.encode(), [], 0
        for begin, end in _merged((begin, end) for _, begin, end in spans):
            pieces += [content[done:begin], mark]
            done = end
        return b"".join([*pieces, content[done:]])

    def _current_finder(self) -> BytesAhoCorasick | None:
        with self._lock:
            if not self._is_current:
                from ahocorasick_rs import BytesAhoCorasick

                forms = {form.encode("utf-8", "surrogatepass") for one in self._secrets for form in _forms(one)}
                self._finder = BytesAhoCorasick(sorted(forms)) if forms else None
                self._longest = max(map(len, forms), default=0)
                self._is_current = True
            return self._finder


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Merge overlapping spans, so that nothing of a secret remains beside a shorter one."""
    begin = end = -1
    for one_begin, one_end in sorted(spans):
        if one_begin >= end:
            if end > 0:
                yield begin, end
            begin, end = one_begin, one_end
        end = max(end, one_end)
    if end > 0:
        yield begin, end


PROCESS = Redactor(_REMEMBERED_BY_PROCESS)
"""All secrets that this process opened recently: its own logs must not contain them either."""


class RedactingFormatter(logging.Formatter):
    """Wraps another formatter and removes secrets from its output."""

    def __init__(self, inner: logging.Formatter | None) -> None:
        super().__init__()
        self._inner = inner or logging.Formatter()

    def __getattr__(self, name: str) -> Any:
        """Delegate to the wrapped formatter, for instance its methods that keep keys for each line."""
        return getattr(self.__dict__["_inner"], name)

    def format(self, record: logging.LogRecord) -> str:
        """Format the record, then remove secrets."""
        return PROCESS.text(self._inner.format(record))


def redact_logs(*loggers: Any) -> None:
    """Make every handler of these loggers, and of the root logger, remove secrets."""
    for logger in (logging.getLogger(), *loggers):
        for handler in logger.handlers:
            if not isinstance(handler.formatter, RedactingFormatter):
                handler.setFormatter(RedactingFormatter(handler.formatter))


@lru_cache(maxsize=_REMEMBERED_BY_PROCESS)
def _forms(secret: str) -> frozenset[str]:
    """Return the forms of a secret in text, JSON, URLs, HTML, base64 and hexadecimal."""
    if len(secret) < SHORTEST:
        return frozenset()
    raw = secret.encode(errors="surrogatepass")
    escaped = json.dumps(secret)[1:-1]
    plain = {
        secret,
        escaped,
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(escaped)[1:-1],
        repr(secret)[1:-1],
    }
    percent = {quote(raw, safe=""), quote(raw), quote_plus(raw)}
    percent |= {re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), form) for form in percent}
    encoded = {raw.hex(), raw.hex().upper(), *_base64_forms(raw)}
    return frozenset(
        plain | percent | _html_forms(secret) | {form for form in encoded if len(form) >= _SHORTEST_ENCODED}
    )


def _base64_forms(raw: bytes) -> Iterator[str]:
    """Return the base64 characters that stay the same wherever in the encoded bytes the secret begins."""
    for before in range(3):
        text = base64.b64encode(b"\0" * before + raw).decode()
        begin = (0, 2, 3)[before]
        whole = text[begin:].rstrip("=")
        sure = whole[:-1] if (before + len(raw)) % 3 else whole  # the last character depends on the bytes that follow
        yield sure
        yield sure.translate(str.maketrans("+/", "-_"))


def _html_forms(secret: str) -> set[str]:
    """Return HTML forms: with named entities as libraries write them, and with numeric ones for some or all of it."""
    escaped = html.escape(secret, quote=False)
    forms = {escaped, escaped.replace('"', "&quot;")}
    forms |= {
        escaped.replace('"', quote_mark).replace("'", apostrophe)
        for quote_mark in ("&quot;", "&#34;", "&#x22;")
        for apostrophe in ("&#x27;", "&#39;", "&#039;", "&apos;")
    }
    forms |= {form.encode("ascii", "xmlcharrefreplace").decode() for form in forms}
    for numeric in ("&#{};", "&#x{:x};", "&#x{:X};"):
        forms.add("".join(numeric.format(ord(one)) for one in secret))
        forms.add("".join(one if one.isascii() and one.isalnum() else numeric.format(ord(one)) for one in secret))
    return forms
