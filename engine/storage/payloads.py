"""Payloads: JSON values of any size.

Small ones are stored in their item, compressed if that is smaller; large ones in S3.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from engine import limits
from engine.errors import Unavailable
from engine.history.events import Stored
from engine.json_value import dumps

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

PREFIX = "payloads/"
DRAFTS = "drafts/"
"""The prefix of large drafts, which belong to no execution."""
Packed = str | bytes | dict[str, Any]

_NOT_THERE = frozenset({"NoSuchKey", "AccessDenied"})
"""S3 reports that access is denied for a missing object, to callers that may not list the bucket."""

OMITTED = object()
"""Replaces a value that was too large to be read."""

_TOGETHER = 16
_UNIT = 1_024
"""Bytes of an item that one write unit pays for."""
_WORTH_TRYING = 64 * 1024
"""Values larger than this hardly fit into an item, however well they compress."""


class PayloadStore:
    """Packs values into attributes of items, and unpacks them.

    The object in S3 is written before the item that refers to it, and its key is the content's hash below the owner's
    prefix, so a repeated write changes nothing. It is removed with the owner's record; `owners` finds objects that a
    crash in between left without a record.
    """

    def __init__(self, client: Callable[[], S3Client], bucket: str, prefix: str = PREFIX) -> None:
        self._client = client  # created on first use: most runs have no large payload, and its creation takes time
        self._bucket = bucket
        self._prefix = prefix

    def pack(self, value: Any, owner: str, name: str | None = None) -> Packed | None:
        """Return the value as an attribute; `owner` (an execution's id) becomes part of the key in S3.

        A value that is `Stored` already stays where it is. Its name in S3 is the hash of its content, or the given one.
        """
        if value is None:
            return None
        if isinstance(value, Stored):
            return dict(value.reference)
        text = dumps(value)
        body = text.encode()
        if _UNIT < len(body) <= _WORTH_TRYING:
            small = zlib.compress(body, 6)
            if len(small) <= limits.INLINE_PAYLOAD_BYTES and -(-len(small) // _UNIT) < -(-len(body) // _UNIT):
                return small
        if len(body) <= limits.INLINE_PAYLOAD_BYTES:
            return text
        return self.store(body, owner, name)

    def store(self, body: bytes, owner: str, name: str | None = None) -> dict[str, Any]:
        """Put JSON text into S3; return the reference to it."""
        key = f"{self._prefix}{owner}/{name or sha256(body).hexdigest()}.json"
        self._client().put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")
        return {"s3": key, "bytes": len(body)}

    def store_file(self, content: bytes, owner: str) -> None:
        """Store a file of an execution, under the hash of its content."""
        self._client().put_object(Bucket=self._bucket, Key=file_key(owner, sha256(content).hexdigest()), Body=content)

    def file(self, owner: str, digest: str) -> bytes | None:
        """Return a file of an execution; None if there is none."""
        try:
            return self.read(file_key(owner, digest))
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_THERE:
                return None
            raise

    def unpack(self, packed: Packed | None, at_most: int | None = None, *, lazily: bool = False) -> Any:
        """Return the value of an attribute; OMITTED if it is in S3 and larger than `at_most` bytes.

        If it may be loaded later, a value in S3 is returned as `Stored`.
        """
        if packed is None:
            return None
        if isinstance(packed, str):
            return json.loads(packed)
        if not isinstance(packed, dict):
            return json.loads(zlib.decompress(bytes(packed)))
        if at_most is not None and packed["bytes"] > at_most:
            return OMITTED
        return Stored(packed) if lazily else json.loads(self.read(packed["s3"]))

    def unpack_if_there(self, packed: Packed | None) -> Any:
        """Return the value of an attribute; None if the object that it refers to was removed."""
        try:
            return self.unpack(packed)
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_THERE:
                return None
            raise

    def read(self, key: str, begin: int = 0, end: int | None = None) -> bytes:
        """Return an object's bytes, or those from `begin` to before `end`."""
        span: Any = {"Range": f"bytes={begin}-{end - 1}"} if end is not None else {}
        return self._client().get_object(Bucket=self._bucket, Key=key, **span)["Body"].read()

    def url(self, stored: Stored, name: str, seconds: int) -> str:
        """Return a URL that downloads a value in S3 without further authentication, valid for so many seconds."""
        params: Any = {
            "Bucket": self._bucket,
            "Key": stored.reference["s3"],
            "ResponseContentDisposition": f'attachment; filename="{name}"',
        }
        return self._client().generate_presigned_url("get_object", Params=params, ExpiresIn=seconds)

    def read_many(self, keys: Sequence[str]) -> Iterator[bytes]:
        """Yield several objects' bytes, in order; a few are read concurrently, and no more than these are in memory."""
        if len(keys) < 2:  # noqa: PLR2004 - a thread for one is none the quicker
            yield from map(self.read, keys)
            return
        self._client()  # created here, so that the threads do not each create one
        with ThreadPoolExecutor(_TOGETHER, thread_name_prefix="payloads") as pool:
            for start in range(0, len(keys), 4 * _TOGETHER):
                yield from pool.map(self.read, keys[start : start + 4 * _TOGETHER])

    def fetched(self, packed: Iterable[Packed | None]) -> list[Packed | None]:
        """Return the attributes with values from S3 loaded, several concurrently."""
        found = list(packed)
        keys = [one["s3"] for one in found if isinstance(one, dict)]
        texts = self.read_many(keys)
        return [next(texts).decode() if isinstance(one, dict) else one for one in found]

    def adopt(self, stored: Stored, owner: str) -> Stored:
        """Return the value as a payload of another owner, with that owner's lifetime."""
        source = str(stored.reference["s3"])
        key = f"{self._prefix}{owner}/{source.rpartition('/')[2]}"
        self._client().copy_object(Bucket=self._bucket, Key=key, CopySource={"Bucket": self._bucket, "Key": source})
        return Stored({**stored.reference, "s3": key})

    # -- removing ----------------------------------------------------------------------------------------------

    def owners(self, after: str) -> Iterator[str]:
        """Yield the owners of objects whose names sort after `after`, in the order of their names."""
        pages = self._client().get_paginator("list_objects_v2")
        # `~` sorts after all characters that follow an owner's name in a key.
        begin: Any = {"StartAfter": f"{self._prefix}{after}/~"} if after else {}
        for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix, Delimiter="/", **begin):
            for one in page.get("CommonPrefixes", []):
                yield one["Prefix"].removeprefix(self._prefix).rstrip("/")

    def discard(self, packed: Packed | None) -> None:
        """Remove the object that an attribute refers to, if any."""
        if isinstance(packed, dict):
            self._client().delete_object(Bucket=self._bucket, Key=packed["s3"])

    def remove(self, owner: str, before: datetime | None = None, *, but: str | None = None) -> int:
        """Remove the objects of an execution and its map batches, or only the older ones; return how many.

        The object whose key is `but` stays.

        Raises:
            Unavailable: S3 refused to remove some of them.
        """
        removed = 0
        # Ids have equal lengths, so this is a prefix of no other key; ids of batches begin with their execution's.
        pages = self._client().get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=f"{self._prefix}{owner}"):
            found = [
                one
                for one in page.get("Contents", [])
                if (before is None or one["LastModified"] < before) and one["Key"] != but
            ]
            if not found:
                continue
            objects: Any = [{"Key": one["Key"]} for one in found]
            answer = self._client().delete_objects(Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True})
            if answer.get("Errors"):
                first = answer["Errors"][0]
                raise Unavailable(f"S3 does not remove {first.get('Key')}: {first.get('Code')}")
            removed += len(objects)
        return removed


def file_key(owner: str, digest: str) -> str:
    """Return the key of a file of an execution, by the hash of its content."""
    return f"{PREFIX}{owner}/files/{digest}"
