"""Payloads: JSON values of any size. Small ones live in their item, large ones in S3 by the hash of their content."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from engine import limits
from engine.jsonvalue import dumps

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

Packed = str | dict[str, Any]

OMITTED = object()
"""Stands for a value that was too large to be read."""


class PayloadStore:
    """Packs values into what an item's attribute may hold, and unpacks them.

    The object in S3 is written before the item that refers to it, and its key is the content's hash: a crash
    in between leaves an object that the bucket's lifecycle removes, and writing it again changes nothing.
    """

    def __init__(self, client: Callable[[], S3Client], bucket: str) -> None:
        self._client = client  # made on first use: most runs have no large payload, and making one takes time
        self._bucket = bucket

    def pack(self, value: Any, owner: str) -> Packed | None:
        """The value as an attribute; `owner` (an execution's id) becomes part of the key in S3."""
        if value is None:
            return None
        text = dumps(value)
        body = text.encode()
        if len(body) <= limits.INLINE_PAYLOAD_BYTES:
            return text
        key = f"payloads/{owner}/{sha256(body).hexdigest()}.json"
        self._client().put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")
        return {"s3": key, "bytes": len(body)}

    def unpack(self, packed: Packed | None, at_most: int | None = None) -> Any:
        """The value behind an attribute; OMITTED if it is in S3 and larger than `at_most` bytes."""
        if packed is None:
            return None
        if isinstance(packed, str):
            return json.loads(packed)
        if at_most is not None and packed["bytes"] > at_most:
            return OMITTED
        return json.loads(self._client().get_object(Bucket=self._bucket, Key=packed["s3"])["Body"].read())
