"""The indexes of the Automation table: the two keys of each, and the other attributes that it holds.

These attributes never change while an item is in the index, so other changes of the item cost no index write.
"""

from __future__ import annotations

_TOLD = ("workflow_name", "trigger_type", "test")
AUTOMATION_INDEXES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "by-workspace": ("workspace_key", "id", ("workflow_id", *_TOLD)),
    "by-workflow": ("workflow_key", "id", _TOLD),
    "by-outcome": ("outcome_key", "id", ("status", "workflow_id", *_TOLD)),
    "by-check": ("check_shard", "next_check_at", ("workspace_key",)),
}
