"""Files of a workspace in memory."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from engine import limits
from engine.errors import NodeError
from engine.security.plain_names import check_name
from engine.storage.files import FileInfo, WorkspaceFiles


class MemoryFiles(WorkspaceFiles):
    """As WorkspaceFiles. `content` has what is in which file; `came` what came with the execution, by its hash."""

    def __init__(
        self, content: Mapping[str, bytes | str] | None = None, came: Mapping[str, bytes] | None = None
    ) -> None:
        self.content = {name: one.encode() if isinstance(one, str) else one for name, one in (content or {}).items()}
        self.came = dict(came or {})
        self._writers: dict[str, str | None] = {}

    @contextmanager
    def opened(self, name: str, most: int = limits.MAX_FILE_BYTES) -> Iterator[IO[bytes]]:
        """See WorkspaceFiles."""
        yield _within(self.content.get(_checked(name)), name, most)

    @contextmanager
    def delivered(self, owner: str, digest: str, most: int = limits.MAX_FILE_BYTES) -> Iterator[IO[bytes]]:
        """See WorkspaceFiles."""
        del owner
        yield _within(self.came.get(digest), digest, most)

    def write(
        self, name: str, content: bytes | IO[bytes], content_type: str | None = None, *, once: str | None = None
    ) -> dict[str, Any]:
        """See WorkspaceFiles."""
        del content_type
        name = _checked(name)
        if once is not None and name in self.content and self._writers.get(name) != once:
            raise NodeError(f"there is a file {name!r} already", code="file_exists")
        if not isinstance(content, bytes):
            content.seek(0)
            content = content.read()
        if once is None or name not in self.content:
            self.content[name], self._writers[name] = content, once
        return {"file": name, "bytes": len(content)}

    def delete(self, name: str) -> None:
        """See WorkspaceFiles."""
        self.content.pop(_checked(name), None)

    def list(self, prefix: str, limit: int, cursor: str | None) -> tuple[list[FileInfo], str | None]:
        """See WorkspaceFiles."""
        names = sorted(name for name in self.content if name.startswith(prefix) and name > (cursor or ""))
        found = [FileInfo(name, len(self.content[name]), "2026-01-01T00:00:00.000Z") for name in names[:limit]]
        return found, names[limit - 1] if len(names) > limit else None

    def url(self, name: str, seconds: int) -> str:
        """See WorkspaceFiles."""
        with self.opened(name):
            return f"https://files.example/{name}?seconds={seconds}"


def _within(content: bytes | None, name: str, most: int) -> IO[bytes]:
    if content is None:
        raise NodeError(f"the workspace has no file {name!r}", code="no_file")
    if len(content) > most:
        raise NodeError(f"the file {name!r} is larger than {most} bytes", code="file_too_large")
    return io.BytesIO(content)


def _checked(name: str) -> str:
    try:
        return check_name(name)
    except ValueError as error:
        raise NodeError(str(error), code="config") from None
