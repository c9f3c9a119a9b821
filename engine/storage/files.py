"""Files of a workspace: objects below its own prefix in the bucket, and the files that were sent to an execution."""

from __future__ import annotations

import mimetypes
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from engine import limits
from engine.aws.errors import translate_aws_errors
from engine.clock import format_time
from engine.errors import NodeError
from engine.security.plain_names import check_name
from engine.storage.payloads import file_key

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

FILE_PREFIX = "files/"
_NOT_THERE = frozenset({"NoSuchKey", "404", "AccessDenied", "403"})
_CHUNK = 1024 * 1024
_IN_MEMORY = 4 * 1024 * 1024
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class FileInfo:
    """The metadata of a file."""

    name: str
    bytes: int
    modified_at: str

    def as_dict(self) -> dict[str, Any]:
        """Return the metadata as it appears in responses."""
        return {"file": self.name, "bytes": self.bytes, "modified_at": self.modified_at}


class WorkspaceFiles:
    """The files of one workspace. Names are checked here again: nothing leaves its prefix."""

    def __init__(self, client: Callable[[], S3Client], bucket: str, workspace_id: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{FILE_PREFIX}{workspace_id}/"

    @contextmanager
    def opened(self, name: str, most: int = limits.MAX_FILE_BYTES) -> Iterator[IO[bytes]]:
        """Open a file for a block: in memory while it is small, else on the function's disk.

        Raises:
            NodeError: `no_file`, or `file_too_large`: the file has more than `most` bytes.
        """
        with self._spooled(self._key(name), name, most) as content:
            yield content

    @contextmanager
    def delivered(self, owner: str, digest: str, most: int = limits.MAX_FILE_BYTES) -> Iterator[IO[bytes]]:
        """Open, as `opened`, a file that was sent with the delivery that started the execution `owner`."""
        with self._spooled(file_key(owner, digest), digest, most) as content:
            yield content

    def write(
        self, name: str, content: bytes | IO[bytes], content_type: str | None = None, *, once: str | None = None
    ) -> dict[str, Any]:
        """Store a file, whole and atomically; return its name and size.

        An existing file of that name is replaced, unless `once` is given, which identifies the writer: the same writer
        may repeat its write.

        Raises:
            NodeError: `file_too_large`; or `file_exists`: another writer stored it.
        """
        size = len(content) if isinstance(content, bytes) else content.seek(0, 2)
        if not isinstance(content, bytes):
            content.seek(0)
        if size > limits.MAX_FILE_BYTES:
            raise _too_large(name, limits.MAX_FILE_BYTES)
        kind = content_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        alone: dict[str, Any] = {"IfNoneMatch": "*", "Metadata": {"writer": once}} if once else {}
        place: dict[str, Any] = {"Bucket": self._bucket, "Key": self._key(name)}
        with translate_aws_errors("the files"):
            try:
                self._client().put_object(**place, Body=content, ContentType=kind, **alone)
            except ClientError as error:
                if error.response["Error"]["Code"] != "PreconditionFailed":
                    raise
                if self._client().head_object(**place)["Metadata"].get("writer") != once:
                    raise NodeError(f"there is a file {name!r} already", code="file_exists") from None
        return {"file": name, "bytes": size}

    def delete(self, name: str) -> None:
        """Delete a file; a missing one counts as deleted."""
        with translate_aws_errors("the files"):
            self._client().delete_object(Bucket=self._bucket, Key=self._key(name))

    def list(self, prefix: str, limit: int, cursor: str | None) -> tuple[list[FileInfo], str | None]:
        """List files whose names begin with `prefix`, by name; and the cursor of the rest."""
        after: dict[str, Any] = {"StartAfter": self._key(cursor)} if cursor else {}
        with translate_aws_errors("the files"):
            answer = self._client().list_objects_v2(
                Bucket=self._bucket, Prefix=self._prefix + prefix, MaxKeys=limit, **after
            )
        found = [
            FileInfo(one["Key"][len(self._prefix) :], one["Size"], format_time(one["LastModified"]))
            for one in answer.get("Contents", [])
        ]
        return found, found[-1].name if answer.get("IsTruncated") and found else None

    def page(
        self, prefix: str, limit: int, cursor: str | None, *, folders: bool
    ) -> tuple[Sequence[FileInfo], Sequence[str], str | None]:
        """List as `list`; with `folders` only the files directly below `prefix`, and the names of the folders there."""
        if not folders:
            found, following = self.list(prefix, limit, cursor)
            return found, [], following
        after: dict[str, Any] = {"StartAfter": self._prefix + cursor} if cursor else {}
        with translate_aws_errors("the files"):
            answer = self._client().list_objects_v2(
                Bucket=self._bucket, Prefix=self._prefix + prefix, MaxKeys=limit, Delimiter="/", **after
            )
        start = len(self._prefix)
        files = [
            FileInfo(one["Key"][start:], one["Size"], format_time(one["LastModified"]))
            for one in answer.get("Contents", [])
        ]
        below = [one["Prefix"][start:] for one in answer.get("CommonPrefixes", [])]
        # Names in a folder sort after the folder's name; this text sorts after all of them.
        last = max([*(one.name for one in files), *(f"{one}{_LAST}" for one in below)], default=None)
        return files, below, last if answer.get("IsTruncated") else None

    def info(self, name: str) -> FileInfo:
        """Return the metadata of a file.

        Raises:
            NodeError: `no_file`.
        """
        with translate_aws_errors("the files"):
            try:
                found = self._client().head_object(Bucket=self._bucket, Key=self._key(name))
            except ClientError as error:
                if error.response["Error"]["Code"] in _NOT_THERE:
                    raise NodeError(f"the workspace has no file {name!r}", code="no_file") from None
                raise
        return FileInfo(name, found["ContentLength"], format_time(found["LastModified"]))

    def upload_url(self, name: str, size: int, content_type: str | None, seconds: int) -> tuple[str, dict[str, str]]:
        """Return the URL to PUT a file of exactly that size, valid for so many seconds; and the headers to send."""
        kind = content_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        params = {"Bucket": self._bucket, "Key": self._key(name), "ContentType": kind, "ContentLength": size}
        url = self._client().generate_presigned_url("put_object", Params=params, ExpiresIn=seconds)
        return url, {"content-type": kind}

    def url(self, name: str, seconds: int) -> str:
        """Return a URL that downloads the file without further authentication, valid for so many seconds.

        Raises:
            NodeError: `no_file`.
        """
        self._head(self._key(name), name)
        last = name.rpartition("/")[2]
        shown = last.encode("ascii", "replace").decode().replace('"', "'").replace("?", "_")
        # As a download, so that a page among a workspace's files does not run in the bucket's origin.
        params: Mapping[str, Any] = {
            "Bucket": self._bucket,
            "Key": self._key(name),
            "ResponseContentDisposition": f'attachment; filename="{shown}"',
        }
        return self._client().generate_presigned_url("get_object", Params=params, ExpiresIn=seconds)

    def _key(self, name: str) -> str:
        try:
            return self._prefix + check_name(name)
        except ValueError as error:
            raise NodeError(str(error), code="config") from None

    def _head(self, key: str, name: str) -> int:
        with translate_aws_errors("the files"):
            try:
                return int(self._client().head_object(Bucket=self._bucket, Key=key)["ContentLength"])
            except ClientError as error:
                if error.response["Error"]["Code"] in _NOT_THERE:
                    raise NodeError(f"the workspace has no file {name!r}", code="no_file") from None
                raise

    @contextmanager
    def _spooled(self, key: str, name: str, most: int) -> Iterator[IO[bytes]]:
        if self._head(key, name) > most:
            raise _too_large(name, most)
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spooled:
            with translate_aws_errors("the files"):
                body = self._client().get_object(Bucket=self._bucket, Key=key)["Body"]
                size = 0
                for chunk in body.iter_chunks(_CHUNK):
                    size += len(chunk)
                    if size > most:  # the file was replaced meanwhile
                        raise _too_large(name, most)
                    spooled.write(chunk)
            spooled.seek(0)
            yield spooled


def _too_large(name: str, most: int) -> NodeError:
    return NodeError(f"the file {name!r} is larger than {most} bytes", code="file_too_large")
