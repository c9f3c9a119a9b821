"""The URLs of webhooks.

A token names the workflow and authenticates itself: it is a MAC of the trigger and of how often its URL was rotated,
under the workflow's own secret. So it costs no item, exists as soon as the workflow does, and rotating it is final.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

from engine.ids import is_id

if TYPE_CHECKING:
    from engine.storage.workflow_records import Workflow
    from engine.triggers.definition import TriggerDefinition

_MAC_BYTES = 20
_CHARACTERS = 48


def hook_token(workflow: Workflow, trigger_id: str) -> str:
    """Return the last segment of a webhook's URL; its 160 bits cannot be guessed."""
    return base64.urlsafe_b64encode(UUID(workflow.id).bytes + _mac(workflow, trigger_id)).decode()


def hook_url(api_url: str, workflow: Workflow, trigger_id: str) -> str:
    """Return the URL of a webhook."""
    return f"{api_url}/hooks/{hook_token(workflow, trigger_id)}"


def workflow_in(token: str) -> str | None:
    """Return the id of the workflow that a token names; None if it is malformed."""
    if len(token) != _CHARACTERS or not token.isascii():
        return None
    try:
        named = str(UUID(bytes=base64.b64decode(token, altchars=b"-_", validate=True)[:16]))
    except (binascii.Error, ValueError):
        return None
    return named if is_id(named) else None


def trigger_in(workflow: Workflow, token: str) -> TriggerDefinition | None:
    """Return the webhook of a workflow that a token belongs to; None if it belongs to none."""
    found = None
    for trigger in workflow.triggers:
        if trigger.type == "webhook" and hmac.compare_digest(hook_token(workflow, trigger.id), token):
            found = trigger
    return found


def _mac(workflow: Workflow, trigger_id: str) -> bytes:
    message = f"hook/{workflow.id}/{trigger_id}/{workflow.rotations.get(trigger_id, 0)}"
    return hmac.new(workflow.hook_secret.encode(), message.encode(), sha256).digest()[:_MAC_BYTES]
