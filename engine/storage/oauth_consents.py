"""Consents that have begun: what has to be known when the browser comes back. Each is good once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from engine.storage.dynamodb.expressions import Item
from engine.storage.dynamodb.table import ConditionFailed, Table, is_live


@dataclass(frozen=True, slots=True)
class Consent:
    """One that has begun; `state` is the hash of what its link carries, `expires_at` in seconds of the epoch.

    `browser` is the hash of the cookie of the one browser that goes on with it, once there is one.
    """

    state: str
    workspace_id: str
    integration_id: str
    verifier: str
    asked_by: str
    expires_at: int
    browser: str = ""


class ConsentRepository:
    """Reads and writes them."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, consent: Consent) -> None:
        """Remember one."""
        self._table.put({"PK": f"CONSENT#{consent.state}", "SK": "META", **asdict(consent)}, if_absent=True)

    def find(self, state: str, now: datetime) -> Consent | None:
        """One, if it is there and its time is not over."""
        item = self._table.get(f"CONSENT#{state}", "META")
        return _consent(item) if item and is_live(item, now) else None

    def bind(self, state: str, browser: str) -> bool:
        """Have one browser go on with it, and no other; whether it is that one."""
        key = f"CONSENT#{state}", "META"
        condition = "attribute_exists(#PK) AND (#browser = :none OR #browser = :browser)"
        try:
            self._table.update(*key, {"browser": browser}, condition=condition, values={"none": "", "browser": browser})
        except ConditionFailed:
            return False
        return True

    def take(self, state: str, browser: str, now: datetime) -> Consent | None:
        """Give it away, once, to the browser that goes on with it; None where there is none, or to another one."""
        key = f"CONSENT#{state}", "META"
        item = self._table.get(*key)
        if item is None or not self._table.delete_where(*key, "#browser = :browser", {"browser": browser}):
            return None
        return _consent(item) if is_live(item, now) else None


def _consent(item: Item) -> Consent:
    return Consent(**{name: item[name] for name in Consent.__dataclass_fields__})
