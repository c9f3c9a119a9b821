"""Secrets are taken out of everything that is kept or shown, by value and in every form that they take on their way.

Whoever opens a secret tells it to a `Redactor`; what a node gives, logs or fails with passes it before it is written.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from collections import OrderedDict
from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

MARK = "[redacted]"
SHORTEST = 4
"""A secret of fewer characters would take half of each text with it, so it is only recognized where it stands alone."""
_SHORTEST_ENCODED = 8
_REMEMBERED = 256


class Redactor:
    """Knows secrets, and replaces them by a mark. One that knows none costs nothing."""

    def __init__(self) -> None:
        self._secrets: OrderedDict[str, None] = OrderedDict()
        self._pattern: re.Pattern[str] | None = None

    @property
    def knows_any(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._secrets)

    def add(self, secret: str) -> None:
        """Know one more; of very many the oldest is forgotten."""
        if not secret or secret in self._secrets:
            return
        self._secrets[secret] = None
        if len(self._secrets) > _REMEMBERED:
            self._secrets.popitem(last=False)
        forms = {form for one in self._secrets for form in _forms(one)}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def text(self, text: str) -> str:
        """The text with a mark for each secret."""
        if text in self._secrets:
            return MARK
        return self._pattern.sub(MARK, text) if self._pattern else text

    def scrub(self, value: Any) -> Any:
        """Any JSON, with its texts and its keys without secrets; itself where there is nothing to look for."""
        return self._scrub(value) if self._secrets else value

    def _scrub(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self._scrub(key): self._scrub(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._scrub(item) for item in value]
        return value

    def content(self, content: bytes) -> bytes:
        """The content of a file without secrets."""
        if not self._secrets:
            return content
        text = content.decode("latin-1")  # each byte is a character, so nothing else changes
        known = Redactor()
        for secret in self._secrets:
            known.add(secret.encode().decode("latin-1"))
        return known.text(text).encode("latin-1")


PROCESS = Redactor()
"""All secrets that this process has opened lately: what it logs must not hold them either."""


class RedactingFormatter(logging.Formatter):
    """Formats as another one does, without secrets."""

    def __init__(self, inner: logging.Formatter | None) -> None:
        super().__init__()
        self._inner = inner or logging.Formatter()

    def __getattr__(self, name: str) -> Any:
        """What the other one can do besides, such as keeping keys for each line."""
        return getattr(self.__dict__["_inner"], name)

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        return PROCESS.text(self._inner.format(record))


def redact_logs(*loggers: Any) -> None:
    """Have every handler of these loggers, and of the root, leave secrets out."""
    for logger in (logging.getLogger(), *loggers):
        for handler in logger.handlers:
            if not isinstance(handler.formatter, RedactingFormatter):
                handler.setFormatter(RedactingFormatter(handler.formatter))


@lru_cache(maxsize=_REMEMBERED)
def _forms(secret: str) -> frozenset[str]:
    """The secret as it stands in text, JSON, URLs, and in whatever is base64 or hexadecimal."""
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
    return frozenset(plain | percent | {form for form in encoded if len(form) >= _SHORTEST_ENCODED})


def _base64_forms(raw: bytes) -> Iterator[str]:
    """What is the same in base64 wherever in the encoded bytes the secret begins."""
    for before in range(3):
        text = base64.b64encode(b"\0" * before + raw).decode()
        begin = (0, 2, 3)[before]
        whole = text[begin:].rstrip("=")
        sure = whole[:-1] if (before + len(raw)) % 3 else whole  # the last character depends on what follows
        yield sure
        yield sure.translate(str.maketrans("+/", "-_"))
