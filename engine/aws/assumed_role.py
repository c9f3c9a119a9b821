"""A role of somebody's AWS account, as what calls AWS for nodes is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """A role to assume. The external id is not chosen by the user: so nobody can make us use the role of another."""

    arn: str
    external_id: str
    region: str | None
