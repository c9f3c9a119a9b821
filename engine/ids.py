"""Time-ordered ids: a UUIDv7 tells when it was made, so lists by id are lists by time."""

from __future__ import annotations

import re
from datetime import datetime
from hashlib import sha256

import uuid_utils

ID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$"
DATA_TABLE_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_ .-]{0,99}$"
"""What a data table may be called."""
FIRST_WORKSPACE = "00000000-0000-7000-8000-000000000001"
"""The workspace of the first administrator, which a deployer can name before it is there."""
_ID = re.compile(ID_PATTERN)


def new_id() -> str:
    """A new id, greater than each that this process made before."""
    return str(uuid_utils.uuid7())


def derived_id(moment: datetime, *parts: object) -> str:
    """The id of something that follows from something else: the same from the same moment and parts, for anybody."""
    digits = f"{max(0, int(moment.timestamp() * 1000)):012x}"
    rest = sha256("\0".join(map(str, parts)).encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-7{rest[:3]}-{'89ab'[int(rest[3], 16) % 4]}{rest[4:7]}-{rest[7:19]}"


def is_id(text: str) -> bool:
    """Whether `text` has the form of an id."""
    return _ID.fullmatch(text) is not None


def first_id_at(moment: datetime) -> str:
    """What every id made at `moment` or later is not less than, as text."""
    milliseconds = max(0, int(moment.timestamp() * 1000))
    digits = f"{milliseconds:012x}"
    return f"{digits[:8]}-{digits[8:12]}"


NODE_ID_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"
DOTTED_PATH_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,63}(?:\.[A-Za-z_][A-Za-z0-9_]{0,63})*$"
"""A node of a definition: in the body of a loop behind that one's id."""
