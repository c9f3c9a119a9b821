"""Consents that have begun: what has to be known when the browser comes back. Each is good once."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from engine.storage.table import Table


@dataclass(frozen=True, slots=True)
class Consent:
    """One that has begun; `state` is the hash of what the browser carries, `expires_at` in seconds of the epoch."""

    state: str
    workspace_id: str
    integration_id: str
    verifier: str
    expires_at: int


class ConsentRepository:
    """Reads and writes them."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, consent: Consent) -> None:
        """Remember one."""
        self._table.put({"PK": f"CONSENT#{consent.state}", "SK": "META", **asdict(consent)}, if_absent=True)

    def take(self, state: str) -> Consent | None:
        """Give it away, once; None where there is none."""
        key = f"CONSENT#{state}", "META"
        item = self._table.get(*key)
        if item is None or not self._table.delete_where(*key, "attribute_exists(#PK)", {}):
            return None
        return Consent(**{name: item[name] for name in Consent.__dataclass_fields__})
