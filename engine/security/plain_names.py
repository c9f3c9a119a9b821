"""Plain file names: a name is what it looks like, and never leads out of the workspace."""

from __future__ import annotations

import re
import unicodedata

MAX_NAME_BYTES = 700
_MAX_PART = 255
_LOOK_ALIKES = frozenset(
    map(
        chr,
        (
            *(0x2044, 0x2215, 0x29F8, 0x2571, 0xFF0F, 0x27CB),  # slashes
            *(0xFE68, 0xFF3C, 0x29F5, 0x2216, 0x29F9),  # backslashes
            *(0x2024, 0x2025, 0x2026, 0xFE52, 0xFF0E, 0xFF61),  # dots
        ),
    )
)
_PLAIN = {"\u2024": ".", "\u2025": "..", "\u2026": "...", "\ufe52": ".", "\uff0e": "."}
_DRIVE = re.compile(r"[A-Za-z]:")
_REFUSED = {
    "Cc": "control character",
    "Cf": "invisible character",
    "Cn": "unknown character",
    "Co": "private character",
    "Cs": "half of a character",
    "Zl": "line break",
    "Zp": "line break",
    "Zs": "unusual space",
}


def check_name(name: str) -> str:
    """Check a name such as `reports/2026/may.csv` and return it in Unicode's composed form (NFC).

    Raises:
        ValueError: the name is absolute, has empty parts, `.` or `..`, or contains characters that are not what they
            look like.
    """
    name = unicodedata.normalize("NFC", name)
    for character in name:
        kind = _REFUSED.get(unicodedata.category(character)) if character != " " else None
        if kind:
            raise ValueError(f"a file name holds no {kind} such as U+{ord(character):04X}")
        if character in _LOOK_ALIKES:
            raise ValueError(f"a file name holds no {character!r} (U+{ord(character):04X}), which looks like another")
    if "\\" in name:
        raise ValueError("the parts of a file name are divided by `/`, not by a backslash")
    if name.startswith("/"):
        raise ValueError("a file name begins with no `/`: it is below the workspace's own files")
    for part in name.split("/"):
        _check_part(part)
    if len(name.encode()) > MAX_NAME_BYTES:
        raise ValueError(f"a file name has at most {MAX_NAME_BYTES} bytes")
    return name


def _check_part(part: str) -> None:
    if part.strip() in ("", ".", ".."):
        raise ValueError(f"a file name has no part {part!r}")
    if part != part.strip():
        raise ValueError(f"the part {part!r} begins or ends with a space")
    if len(part.encode()) > _MAX_PART:
        raise ValueError(f"a part of a file name has at most {_MAX_PART} bytes")


def plain_name(name: str) -> str:
    """Turn a name that came from elsewhere into one that passes `check_name`.

    Backslashes become slashes, `./` is removed, every kind of space becomes a plain space and is removed at the ends of
    parts; invisible characters are removed, other unsafe ones become what they look like, or `_`.

    Raises:
        ValueError: the name leads out of the workspace (`..`, `/etc`, `C:`), or is too long.
    """
    name = "".join(_plain_character(one) for one in unicodedata.normalize("NFC", name)).replace("\\", "/")
    if name.startswith("/") or _DRIVE.match(name):
        raise ValueError("it leads elsewhere: it begins with `/`, or with a drive")
    parts = [part.strip() for part in name.split("/")]
    return check_name("/".join(part for part in parts if part not in {"", "."}))


def _plain_character(character: str) -> str:
    if character in _LOOK_ALIKES:
        return _PLAIN.get(character, "_")
    category = unicodedata.category(character)
    if category not in _REFUSED:
        return character
    return " " if category.startswith("Z") else "" if category == "Cf" else "_"


def check_prefix(prefix: str) -> str:
    """Check a prefix of names: empty, `reports/`, or `reports/2026`. Raises ValueError as `check_name`."""
    if not prefix:
        return prefix
    return check_name(prefix.removesuffix("/")) + ("/" if prefix.endswith("/") else "")
