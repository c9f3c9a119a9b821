"""Text encodings of files."""

from __future__ import annotations

import io
from typing import IO, Literal

from engine.errors import NodeError

Encoding = Literal[
    "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "iso-8859-2", "iso-8859-15", "windows-1250",
    "windows-1251", "windows-1252", "windows-1253", "windows-1254", "windows-1257", "cp437", "cp850", "mac-roman",
    "koi8-r", "shift_jis", "euc-jp", "gb18030", "big5", "euc-kr",
]  # fmt: skip
READING = (
    "The file's; one that begins with a byte order mark is read as that says. Excel on Windows writes windows-1252."
)
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_WIDER = {"shift_jis": "cp932", "euc-kr": "cp949"}
"""What Windows writes when it names that encoding."""
_CHECKED_AT = 4_096


def reading(head: bytes, encoding: str) -> str:
    """Return the codec for content with this beginning: by its byte order mark, else as `encoding` says.

    Raises:
        NodeError: code `bad_content`: UTF-8 is declared, and the content has the zero bytes of UTF-16.
    """
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    zeros = _zeros(head)
    if encoding == "utf-16":
        return zeros or "utf-16-le"
    if zeros and encoding in {"utf-8", "utf-8-sig"}:
        message = f"the content looks like {zeros}, not {encoding}; set `encoding` to {zeros}"
        raise NodeError(message, code="bad_content")
    return _WIDER.get(encoding, encoding)


def _zeros(head: bytes) -> str | None:
    """Return which UTF-16 has its zero bytes here, as most languages' punctuation and digits do."""
    head = head[: len(head) // 2 * 2]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > even * 4 and odd * 4 > len(head) // 2:
        return "utf-16-le"
    if even > odd * 4 and even * 4 > len(head) // 2:
        return "utf-16-be"
    return None


def opened_text(content: IO[bytes], encoding: str) -> io.TextIOWrapper:
    """Open content as lines that end where CSV's lines do, not at other line separators of Unicode.

    Raises:
        NodeError: as `reading`.
    """
    codec = reading(content.read(_CHECKED_AT), encoding)
    content.seek(0)
    return io.TextIOWrapper(content, encoding=codec, newline="")


def decoded(content: bytes, encoding: str) -> str:
    """Decode all of the content.

    Raises:
        NodeError: code `bad_content`: the content is not in that encoding.
    """
    codec = reading(content[:_CHECKED_AT], encoding)
    try:
        return content.decode("utf-8-sig" if codec == "utf-8" else codec)
    except UnicodeDecodeError:
        raise undecodable(io.BytesIO(content), codec) from None


def undecodable(content: IO[bytes], codec: str) -> NodeError:
    """Return the error of content that is not in an encoding: its line and byte, and what helps."""
    content.seek(0)
    where = ""
    if not codec.startswith(("utf-16", "utf-32")):
        for number, line in enumerate(content, 1):
            try:
                line.decode(codec)
            except UnicodeDecodeError as error:
                where = f"line {number}: the byte 0x{line[error.start]:02x} is not of {codec}; "
                break
    message = f"{where or f'the content is not {codec}; '}set `encoding` to the one that the file is written in"
    hint = ", for files of Excel mostly windows-1252" if codec.startswith("utf-8") else ""
    return NodeError(message + hint, code="bad_content")
