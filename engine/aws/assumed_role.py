"""A role in a customer's AWS account, which calls AWS for nodes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """A role to assume. Users do not choose the external id, so they cannot use another customer's role."""

    arn: str
    external_id: str
    region: str | None
