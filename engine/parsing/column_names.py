"""Column names: the keys of the rows of a table from any source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def unique_names(names: Iterable[str]) -> list[str]:
    """Make names unique: a second `id` is `id_2`, and so on."""
    found: dict[str, None] = {}
    counts: Counter[str] = Counter()
    for base in names:
        name = base
        while name in found:
            counts[base] += 1
            name = f"{base}_{counts[base] + 1}"
        found[name] = None
    return list(found)
