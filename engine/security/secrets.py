"""Secrets of users, encrypted by KMS under an encryption context that names their place.

A secret that was encrypted for one place cannot be decrypted for another, so a copied item is useless.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from engine.errors import Unavailable

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient

MAX_SECRET_BYTES = 4_000
"""The largest plaintext that KMS encrypts directly."""
_REMEMBERED = 500
_SECONDS = 300.0


class SecretBox:
    """Encrypts and decrypts with one key.

    Decrypted secrets are cached for `seconds`, in this process only.
    """

    def __init__(self, client: Callable[[], KMSClient], key_id: str, *, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._client = client  # created on first use: most calls need no secret
        self._key_id = key_id
        self._opened: dict[tuple[bytes, tuple[tuple[str, str], ...]], tuple[float, str]] = {}

    def seal(self, text: str, context: Mapping[str, str]) -> bytes:
        """Encrypt a text of at most MAX_SECRET_BYTES for a place."""
        answer = self._client().encrypt(KeyId=self._key_id, Plaintext=text.encode(), EncryptionContext=context)
        return answer["CiphertextBlob"]

    def open(self, sealed: bytes, context: Mapping[str, str]) -> str:
        """Decrypt a text that was encrypted for this place.

        Raises:
            Unavailable: KMS did not decrypt it, or the secret was encrypted for another place.
        """
        name = sealed, tuple(sorted(context.items()))
        known = self._opened.get(name)
        if known is not None and time.monotonic() - known[0] < self._seconds:
            return known[1]
        try:
            answer = self._client().decrypt(KeyId=self._key_id, CiphertextBlob=sealed, EncryptionContext=context)
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("a secret could not be decrypted; try again") from error
        if len(self._opened) >= _REMEMBERED:
            self._opened.clear()
        text = answer["Plaintext"].decode()
        if self._seconds:
            self._opened[name] = time.monotonic(), text
        return text


def hook_context(workspace_id: str, workflow_id: str, trigger_id: str) -> dict[str, str]:
    """Return the encryption context of a webhook's secret."""
    return {"workspace": workspace_id, "workflow": workflow_id, "trigger": trigger_id}


def subscription_context(workspace_id: str, subscription_id: str) -> dict[str, str]:
    """Return the encryption context of the secret that signs a subscription's deliveries."""
    return {"workspace": workspace_id, "subscription": subscription_id}


def mail_context(workspace_id: str, mail_id: str) -> dict[str, str]:
    """Return the encryption context of the link in a mail."""
    return {"workspace": workspace_id, "mail": mail_id}


def integration_context(workspace_id: str, integration_id: str) -> dict[str, str]:
    """Return the encryption context of an integration's secrets."""
    return {"workspace": workspace_id, "integration": integration_id}
