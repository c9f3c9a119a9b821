"""OAuth consents in progress: the state until the browser returns. Each can be used once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from engine.storage.dynamodb.expressions import Item
from engine.storage.dynamodb.table import ConditionFailed, Table, is_live


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent in progress; `state` is the hash of the value in its link, `expires_at` in seconds of the epoch.

    `browser` is the hash of the cookie of the one browser that continues with it, once there is one.
    """

    state: str
    workspace_id: str
    integration_id: str
    verifier: str
    asked_by: str
    expires_at: int
    browser: str = ""


class ConsentRepository:
    """Reads and writes consents."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, consent: Consent) -> None:
        """Store a consent."""
        self._table.put({"PK": f"CONSENT#{consent.state}", "SK": "META", **asdict(consent)}, if_absent=True)

    def find(self, state: str, now: datetime) -> Consent | None:
        """Return a consent, if it exists and has not expired."""
        item = self._table.get(f"CONSENT#{state}", "META")
        return _consent(item) if item and is_live(item, now) else None

    def bind(self, state: str, browser: str) -> bool:
        """Bind the consent to one browser; return whether it is bound to that one."""
        key = f"CONSENT#{state}", "META"
        condition = "attribute_exists(#PK) AND (#browser = :none OR #browser = :browser)"
        try:
            self._table.update(*key, {"browser": browser}, condition=condition, values={"none": "", "browser": browser})
        except ConditionFailed:
            return False
        return True

    def take(self, state: str, browser: str, now: datetime) -> Consent | None:
        """Take the consent, once, for the browser that it is bound to; None if there is none for that browser."""
        key = f"CONSENT#{state}", "META"
        item = self._table.get(*key)
        if item is None or not self._table.delete_where(*key, "#browser = :browser", {"browser": browser}):
            return None
        return _consent(item) if is_live(item, now) else None


def _consent(item: Item) -> Consent:
    return Consent(**{name: item[name] for name in Consent.__dataclass_fields__})
