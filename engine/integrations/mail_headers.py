"""Headers of a mail, written so that each client reads what was meant.

The standard library decodes encoded words that it is given (and what is in them may be a line break), and before Python
3.13 folds addresses with umlauts wrong. So headers that hold people's texts are written here: ASCII as it is, all else
as encoded words (RFC 2047), an address a line.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from email.errors import HeaderParseError
from email.header import decode_header
from email.policy import SMTP, EmailPolicy
from email.utils import parseaddr
from typing import Any

_ENCODED_WORD = re.compile(r"=\?[^?\s]{1,80}\?[bq]\?[^?]*\?=", re.IGNORECASE)
_PLAIN = re.compile(r"(?! )[\x20-\x7e]{0,60}(?<! )")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+( [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_BYTES_A_WORD = 45
"""Of a text in one encoded word, which has at most 75 characters."""
_WRITTEN = frozenset({"subject", "from", "to", "cc", "reply-to"})


def check_line(text: str) -> str:
    """A text that may stand in a header.

    Raises:
        ValueError: it holds a line break or the like, as it is or in an encoded word.
    """
    for one in (text, *map(_decoded, _ENCODED_WORD.findall(text))):
        if any((character < " " and character != "\t") or character in "\x7f\x85\u2028\u2029" for character in one):
            raise ValueError("it is one line, without control characters, also in encoded words")
    return text


def text_header(text: str) -> str:
    """A text as it stands in a header."""
    if _PLAIN.fullmatch(text) and "=?" not in text:
        return text
    words, piece = [], b""
    for character in text:
        raw = character.encode()
        if len(piece) + len(raw) > _BYTES_A_WORD:
            words.append(piece)
            piece = b""
        piece += raw
    words.append(piece)
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(one).decode()}?=" for one in words)


def address_header(addresses: Sequence[str]) -> str:
    """Addresses that were checked, as they stand in a header."""
    return ",\r\n ".join(map(_address, addresses))


def _address(text: str) -> str:
    name, bare = parseaddr(text)
    if not name:
        return bare
    if _ATOMS.fullmatch(name) and "=?" not in name and len(name) <= 60:  # noqa: PLR2004
        return f"{name} <{bare}>"
    if _PLAIN.fullmatch(name) and "=?" not in name:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{bare}>'
    return f"{text_header(name)}\r\n <{bare}>"


def _decoded(word: str) -> str:
    """What an encoded word says, wherever a client may see one."""
    try:
        pieces = decode_header(word)
    except (HeaderParseError, ValueError, LookupError):
        return word
    return "".join(raw.decode("latin-1") if isinstance(raw, bytes) else raw for raw, _ in pieces)


class ExactPolicy(EmailPolicy):
    """As `SMTP`, but with the headers above written as they are given."""

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """See EmailPolicy."""
        return (name, value) if name.lower() in _WRITTEN else super().header_store_parse(name, value)

    def fold(self, name: str, value: Any) -> str:
        """See EmailPolicy."""
        return f"{name}: {value}{self.linesep}" if name.lower() in _WRITTEN else super().fold(name, value)

    def fold_binary(self, name: str, value: Any) -> bytes:
        """See EmailPolicy."""
        return self.fold(name, value).encode() if name.lower() in _WRITTEN else super().fold_binary(name, value)


EXACT = ExactPolicy(linesep=SMTP.linesep, max_line_length=SMTP.max_line_length, raise_on_defect=False)
