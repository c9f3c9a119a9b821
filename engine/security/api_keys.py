"""API keys: `ms_<id>_<secret>_<checksum>`, of which only a hash of the secret is stored.

The id names the key's workspace and owner as well, so that whoever looks it up reads the membership in the same call.
The checksum tells what was mistyped or cut off without a look into the database, and lets scanners find keys that
leaked: it is no proof of anything.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID
from zlib import crc32

from engine.errors import Unauthenticated

KEY_PREFIX = "ms_"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_ID_BYTES, _ID_DIGITS = 3 * 16, 65
_SECRET_BYTES, _SECRET_DIGITS = 32, 43
_CHECKSUM_DIGITS = 6
_PERSON, _SERVICE = "p", "s"


@dataclass(frozen=True, slots=True)
class KeyId:
    """What a key names: itself, its workspace, and its owner, who is a person or a service account."""

    workspace_id: str
    owner_id: str
    key_id: str
    is_service: bool


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its holder has it; `hash` is what is stored of it."""

    id: KeyId
    secret: str

    @property
    def hash(self) -> str:
        """The stored hash; SHA-256 is enough for 256 random bits."""
        return sha256(self.secret.encode()).hexdigest()

    @property
    def text(self) -> str:
        """What its holder sends."""
        ids = b"".join(UUID(one).bytes for one in (self.id.workspace_id, self.id.owner_id, self.id.key_id))
        kind = _SERVICE if self.id.is_service else _PERSON
        begin = f"{KEY_PREFIX}{kind}{_written(ids, _ID_DIGITS)}_{self.secret}"
        return f"{begin}_{_checksum(begin)}"


def new_api_key(key_id: KeyId) -> ApiKey:
    """Return a key with a new secret."""
    return ApiKey(key_id, _written(secrets.token_bytes(_SECRET_BYTES), _SECRET_DIGITS))


def parse_api_key(text: str) -> ApiKey:
    """Parse a key that a client sent.

    Raises:
        Unauthenticated: code `invalid_key`: it does not have the form of one, or the checksum is another.
    """
    begin, _, checksum = text.rpartition("_")
    named, _, secret = begin.removeprefix(KEY_PREFIX).partition("_")
    kind, digits = named[:1], named[1:]
    if kind not in (_PERSON, _SERVICE) or len(digits) != _ID_DIGITS or len(secret) != _SECRET_DIGITS:
        raise _invalid()
    if not set(digits + secret) <= set(_DIGITS) or not secrets.compare_digest(
        _checksum(begin), checksum if checksum.isascii() else ""
    ):
        raise _invalid()
    number = _read(digits)
    if number >= 1 << (8 * _ID_BYTES):
        raise _invalid()
    ids = number.to_bytes(_ID_BYTES, "big")
    workspace_id, owner_id, key_id = (str(UUID(bytes=ids[start : start + 16])) for start in range(0, _ID_BYTES, 16))
    return ApiKey(KeyId(workspace_id, owner_id, key_id, kind == _SERVICE), secret)


def _invalid() -> Unauthenticated:
    message = "this is no API key: a part of it is missing, or was mistyped; copy all of it, from `ms_` on"
    return Unauthenticated(message, code="invalid_key")


def _checksum(begin: str) -> str:
    return _written(crc32(begin.encode()).to_bytes(4, "big"), _CHECKSUM_DIGITS)


def _written(content: bytes, length: int) -> str:
    """Bytes as a number of 62 digits: letters and digits only, so that a double click selects all."""
    number, digits = int.from_bytes(content, "big"), ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits.rjust(length, _DIGITS[0])


def _read(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * len(_DIGITS) + _VALUES[digit]
    return number
