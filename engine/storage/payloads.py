"""Payloads: JSON values of any size. Small ones live in their item, compressed if that costs less, large ones in S3."""

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
"""Where large drafts are; they are of no execution."""
Packed = str | bytes | dict[str, Any]

_NOT_THERE = frozenset({"NoSuchKey", "AccessDenied"})
"""S3 says that access is denied where there is no object, to those who may not list the bucket."""

OMITTED = object()
"""Stands for a value that was too large to be read."""

_TOGETHER = 16
_UNIT = 1_024
"""Bytes of an item that one write unit pays for."""
_WORTH_TRYING = 64 * 1024
"""What is larger will hardly fit into an item, however well it compresses."""


class PayloadStore:
    """Packs values into what an item's attribute may hold, and unpacks them.

    The object in S3 is written before the item that refers to it, and its key is the content's hash below the
    owner's prefix: writing it again changes nothing. It goes with the owner's record; what a crash in between has left
    without a record is found by `owners`.
    """

    def __init__(self, client: Callable[[], S3Client], bucket: str, prefix: str = PREFIX) -> None:
        self._client = client  # made on first use: most runs have no large payload, and making one takes time
        self._bucket = bucket
        self._prefix = prefix

    def pack(self, value: Any, owner: str, name: str | None = None) -> Packed | None:
        """The value as an attribute; `owner` (an execution's id) becomes part of the key in S3.

        One that is `Stored` already stays where it is. In S3 its name is the hash of what it says, or the given one.
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
        """Put JSON text into S3; gives the reference to it."""
        key = f"{self._prefix}{owner}/{name or sha256(body).hexdigest()}.json"
        self._client().put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")
        return {"s3": key, "bytes": len(body)}

    def store_file(self, content: bytes, owner: str) -> None:
        """Keep a file of an execution, by the hash of its content."""
        self._client().put_object(Bucket=self._bucket, Key=file_key(owner, sha256(content).hexdigest()), Body=content)

    def file(self, owner: str, digest: str) -> bytes | None:
        """A file of an execution; None where there is none."""
        try:
            return self.read(file_key(owner, digest))
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_THERE:
                return None
            raise

    def unpack(self, packed: Packed | None, at_most: int | None = None, *, lazily: bool = False) -> Any:
        """The value behind an attribute; OMITTED if it is in S3 and larger than `at_most` bytes.

        Where it may come later, what is in S3 is given as `Stored`.
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
        """The value behind an attribute; None where what it refers to was removed."""
        try:
            return self.unpack(packed)
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_THERE:
                return None
            raise

    def read(self, key: str, begin: int = 0, end: int | None = None) -> bytes:
        """An object's bytes, or those from `begin` to before `end`."""
        span: Any = {"Range": f"bytes={begin}-{end - 1}"} if end is not None else {}
        return self._client().get_object(Bucket=self._bucket, Key=key, **span)["Body"].read()

    def url(self, stored: Stored, name: str, seconds: int) -> str:
        """An address that gives a value that is in S3 to whoever has it, for so many seconds; as a download."""
        params: Any = {
            "Bucket": self._bucket,
            "Key": stored.reference["s3"],
            "ResponseContentDisposition": f'attachment; filename="{name}"',
        }
        return self._client().generate_presigned_url("get_object", Params=params, ExpiresIn=seconds)

    def read_many(self, keys: Sequence[str]) -> Iterator[bytes]:
        """Several objects' bytes, in order; a few are read at the same time, and no more than these are in memory."""
        if len(keys) < 2:  # noqa: PLR2004 - a thread for one is none the quicker
            yield from map(self.read, keys)
            return
        self._client()  # made here, so that the threads do not each make one
        with ThreadPoolExecutor(_TOGETHER, thread_name_prefix="payloads") as pool:
            for start in range(0, len(keys), 4 * _TOGETHER):
                yield from pool.map(self.read, keys[start : start + 4 * _TOGETHER])

    def fetched(self, packed: Iterable[Packed | None]) -> list[Packed | None]:
        """The same attributes with what is in S3 read, several at the same time."""
        found = list(packed)
        keys = [one["s3"] for one in found if isinstance(one, dict)]
        texts = self.read_many(keys)
        return [next(texts).decode() if isinstance(one, dict) else one for one in found]

    def adopt(self, stored: Stored, owner: str) -> Stored:
        """The same value as a payload of another owner, which lives as long as that one's."""
        source = str(stored.reference["s3"])
        key = f"{self._prefix}{owner}/{source.rpartition('/')[2]}"
        self._client().copy_object(Bucket=self._bucket, Key=key, CopySource={"Bucket": self._bucket, "Key": source})
        return Stored({**stored.reference, "s3": key})

    # -- forgetting ----------------------------------------------------------------------------------------

    def owners(self, after: str) -> Iterator[str]:
        """The owners of objects whose names come behind `after`, in the order of their names."""
        pages = self._client().get_paginator("list_objects_v2")
        # `~` comes behind all that follows an owner's name in a key.
        begin: Any = {"StartAfter": f"{self._prefix}{after}/~"} if after else {}
        for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix, Delimiter="/", **begin):
            for one in page.get("CommonPrefixes", []):
                yield one["Prefix"].removeprefix(self._prefix).rstrip("/")

    def discard(self, packed: Packed | None) -> None:
        """Remove what an attribute refers to, if it refers to anything."""
        if isinstance(packed, dict):
            self._client().delete_object(Bucket=self._bucket, Key=packed["s3"])

    def remove(self, owner: str, before: datetime | None = None, *, but: str | None = None) -> int:
        """Remove what an execution and the parts of its loops own, or of that what is older; how many objects.

        The object whose key is `but` stays.

        Raises:
            Unavailable: S3 has refused some of them.
        """
        removed = 0
        # Ids are of one length, so this is the beginning of no other's keys; those of parts begin with their whole's.
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
    """Where a file of an execution is, by the hash of its content."""
    return f"{PREFIX}{owner}/files/{digest}"
