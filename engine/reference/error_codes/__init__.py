"""The table of error codes: what each means, what causes it, and what to do.

A code that the source uses and the table has not, or the other way round, fails `tests/unit/test_error_codes.py`.
"""

from __future__ import annotations

from engine.reference.error_codes import definitions, executions, nodes, requests, workspaces
from engine.reference.error_codes.base import ErrorCode

GROUPS: dict[str, dict[str, ErrorCode]] = {
    "Requests": requests.CODES,
    "Workspaces": workspaces.CODES,
    "Definitions": definitions.CODES,
    "Nodes": nodes.CODES,
    "Executions and triggers": executions.CODES,
}
"""By where a code is met first."""


def explained(code: str) -> ErrorCode | None:
    """What is said of a code; None for one that no table has, such as that of an extension."""
    for codes in GROUPS.values():
        for known, said in codes.items():
            if code == known or (known.endswith("*") and code.startswith(known[:-1])):
                return said
    return None
