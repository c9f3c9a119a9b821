"""What is said of an error code."""

from __future__ import annotations

from typing import NamedTuple


class ErrorCode(NamedTuple):
    """One code. A name that ends with `*` stands for all codes that begin so; what follows is another system's code."""

    meaning: str
    cause: str
    remedy: str
