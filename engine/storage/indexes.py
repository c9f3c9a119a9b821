"""The indexes of the Automation table: of each its two keys, and what it holds besides the keys.

That never changes while an item is in the index, so no other change of an item costs a write there.
"""

from __future__ import annotations

_TOLD = ("workflow_name", "trigger_type", "test")
AUTOMATION_INDEXES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "by-workspace": ("workspace_key", "id", ("workflow_id", *_TOLD)),
    "by-workflow": ("workflow_key", "id", _TOLD),
    "by-outcome": ("outcome_key", "id", ("status", "workflow_id", *_TOLD)),
    "by-check": ("check_shard", "next_check_at", ("workspace_key",)),
}
