"""Bodies of API keys and service accounts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from engine import limits
from engine.schemas.common import Answer, Body
from engine.schemas.workspaces import RoleName
from engine.security.permissions import Permission, in_order

KeyName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
KeyDays = Annotated[int, Field(ge=1, le=limits.MAX_KEY_DAYS, description="Days until it ends; null for never.")]
_Id = Annotated[str, StringConstraints(max_length=64)]


def _each_once(ids: list[str]) -> list[str]:
    return list(dict.fromkeys(ids))


class KeyBody(Body):
    """An API key, to be made."""

    name: KeyName = Field(description="What it is for; it need not be unique.")
    permissions: Annotated[list[Permission], Field(min_length=1), AfterValidator(in_order)] = Field(
        description="What it may do, as far as the role of its owner grants it at the time of a call."
    )
    workflows: (
        Annotated[list[_Id], Field(min_length=1, max_length=limits.MAX_KEY_WORKFLOWS), AfterValidator(_each_once)]
        | None
    ) = Field(
        default=None,
        description="The ids of the only workflows that it is for: it may do nothing else. null for everything.",
    )
    expires_in_days: KeyDays | None = None
    service_account_id: _Id | None = Field(
        default=None, description="The service account that it is to belong to; null for yourself."
    )


class RotateBody(Body):
    """How a key gets another secret."""

    grace_hours: int = Field(
        default=24,
        ge=0,
        le=limits.MAX_GRACE_HOURS,
        description="How long the present secret is good beside the new one. 0 ends every older one at once.",
    )
    expires_in_days: KeyDays | None = Field(default=None, description="When it ends from now on; null: as it was.")


class KeyAnswer(Answer):
    """An API key, without its secret, which nobody knows any more."""

    id: str
    name: str
    owner_id: str = Field(description="The id of the person or of the service account that it belongs to.")
    owner_name: str
    owner_type: Literal["person", "service_account"]
    permissions: list[Permission]
    workflows: list[str] | None = Field(description="null: all of them, and whatever else there is.")
    state: Literal["active", "expired", "without_owner"] = Field(
        description="`without_owner`: its owner was removed or kept out since it was made, so it is good for nothing."
    )
    created_at: str
    created_by: str = Field(description="The id of the user who made it.")
    expires_at: str | None
    last_used_on: str | None = Field(description="The day of its last use, in UTC.")
    older_secret_until: str | None = Field(description="Until when a secret from before a rotation is good.")


class NewKey(KeyAnswer):
    """A key with its secret, which is shown only here."""

    key: str = Field(description="Send it as `Authorization: Bearer …`.")


class KeyList(Answer):
    """Keys, the oldest first."""

    items: list[KeyAnswer]


class ServiceAccountBody(Body):
    """A service account."""

    name: KeyName
    role: RoleName = Field(description="`owner`, `editor`, `operator`, `viewer`, or a role of the workspace's own.")


class ServiceAccountAnswer(Answer):
    """A service account: a member that is no person, to which API keys belong."""

    id: str
    name: str
    role: str
    added_by: str = Field(description="The id of the user who made it, or gave it its role.")
    added_at: str


class ServiceAccountList(Answer):
    """All service accounts, the oldest first."""

    items: list[ServiceAccountAnswer]
