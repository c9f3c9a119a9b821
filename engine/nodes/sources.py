"""What the nodes that work on files share: where content comes from, where it goes, and the bounds of both."""

from __future__ import annotations

import asyncio
import base64
import errno
import io
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import IO, Any, TypeVar

from pydantic import Base64Bytes, BaseModel, Field, model_validator

from engine import limits
from engine.errors import NodeError
from engine.isolation.pool import isolated
from engine.isolation.tasks import task
from engine.nodes.base import NodeConfig
from engine.nodes.context import NodeContext
from engine.parsing.text import decoded
from engine.security.filenames import FileName

Result = TypeVar("Result")
_CHUNK = 1024 * 1024
_given_up: ContextVar[threading.Event | None] = ContextVar("given_up", default=None)
_DELIVERED = re.compile(r"(?P<owner>[0-9a-f-]{36})/(?P<digest>[0-9a-f]{64})")


class DeliveredFile(BaseModel):
    """A file that came with a delivery to a webhook, as `trigger.body` has it."""

    file: str = Field(pattern=r"^[0-9a-f-]{36}/[0-9a-f]{64}$", description="Key of the stored file.")
    filename: str = Field(default="", description="The name that the sender gave it.")
    content_type: str = Field(default="", description="Its media type.")
    bytes: int = Field(default=0, description="Its size.")
    sha256: str = Field(default="", description="Of its content.")


class Source(NodeConfig):
    """Content: one of a text, bytes as base64, or a file."""

    text: str | None = Field(default=None, description="A text.")
    base64: Base64Bytes | None = Field(default=None, description="Bytes as base64.")
    file: FileName | DeliveredFile | None = Field(
        default=None, description="The name of a file of the workspace, or a file that a webhook was sent."
    )

    @model_validator(mode="after")
    def _one(self) -> Source:
        given = [name for name in ("text", "base64", "file") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("give one of `text`, `base64` and `file`")
        return self

    @property
    def named(self) -> str | None:
        """The last part of the file's name."""
        if isinstance(self.file, DeliveredFile):
            return self.file.filename or None
        return self.file.rpartition("/")[2] if self.file else None

    @contextmanager
    def opened(self, context: NodeContext, most: int = limits.MAX_FILE_BYTES) -> Iterator[IO[bytes]]:
        """The content for a block. It is read in the thread that calls this.

        Raises:
            NodeError: `no_file`, `file_too_large`, `config`.
        """
        if self.file is None:
            yield io.BytesIO(_encoded(self.text) if self.text is not None else bytes(self.base64 or b""))
        elif isinstance(self.file, DeliveredFile):
            found = _DELIVERED.fullmatch(self.file.file)
            if found is None or found["owner"] != context.execution_id:
                raise NodeError("that file came to another execution", code="no_file")
            with context.files.delivered(found["owner"], found["digest"], most) as content_file:
                yield content_file
        else:
            with context.files.opened(self.file, most) as content_file:
                yield content_file

    def read_text(self, context: NodeContext, most: int, encoding: str = "utf-8") -> str:
        """All of it as text.

        Raises:
            NodeError: as `opened`; or `bad_content`: it is no text of that encoding.
        """
        if self.text is not None:
            return self.text.removeprefix("\ufeff")
        with self.opened(context, most) as content:
            return decoded(content.read(), encoding)


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise NodeError(f"the text cannot be written: {error.reason}", code="bad_content") from None


def given(content: bytes, context: NodeContext, save_as: str | None, content_type: str) -> dict[str, Any]:
    """What a node that makes a file gives: the description of the file that it kept, or the content itself.

    Raises:
        NodeError: `output_too_large`: it is too large to be given; it has to be kept as a file.
    """
    content = context.redactor.content(content)
    if save_as is not None:
        return context.files.write(save_as, content, content_type)
    if len(content) > limits.MAX_OUTPUT_BYTES // 2:
        raise NodeError("the content is too large to be passed on; keep it with `save_as`", code="output_too_large")
    return {"base64": base64.b64encode(content).decode(), "bytes": len(content)}


async def read_by(
    task_name: str,
    arguments: dict[str, Any],
    source: Source | None,
    context: NodeContext,
    *,
    most: int = limits.MAX_FILE_BYTES,
    inline: int = 0,
    output: IO[bytes] | None = None,
) -> Any:
    """What a task of `engine/isolation` makes of a source, in a process of its own; in a thread up to `inline` bytes.

    Raises:
        NodeError: as `Source.opened`, `in_thread` and `isolated`.
    """
    with ExitStack() as stack:
        content, size = await in_thread(lambda: _on_disk(source or Source(text=""), context, most, stack))
        if size <= inline:
            return await in_thread(lambda: task(task_name)(arguments, content, output))
        return await isolated(task_name, arguments, content, output)


def _on_disk(source: Source, context: NodeContext, most: int, stack: ExitStack) -> tuple[IO[bytes], int]:
    """Content as a file that another process can be given, and its size."""
    content = stack.enter_context(source.opened(context, most))
    if isinstance(content, io.BytesIO):
        file = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
        file.write(content.getbuffer())
        file.flush()
        content = file
    size = content.seek(0, 2)
    content.fileno()  # what was kept in memory is put into a file
    content.seek(0)
    return content, size


class GivenUp(Exception):
    """The node is not awaited any more, so its thread should end."""


def go_on() -> None:
    """Raise if the node is not awaited any more.

    Long work `in_thread` calls this repeatedly: nothing else ends a thread.

    Raises:
        GivenUp: the node's time is over.
    """
    given_up = _given_up.get()
    if given_up is not None and given_up.is_set():
        raise GivenUp


def pieces(content: IO[bytes]) -> Iterator[bytes]:
    """Content piece by piece, as long as somebody waits for what is made of it. Raises as `go_on`."""
    while piece := content.read(_CHUNK):
        go_on()
        yield piece


async def in_thread(work: Callable[[], Result]) -> Result:
    """Work that takes long, beside the other nodes. Where it is not sure to end soon by itself it calls `go_on`.

    Raises:
        NodeError: `too_large`: it ran out of memory, which is its content's fault; `no_space`: the disk is full now.
    """
    given_up = threading.Event()
    token = _given_up.set(given_up)  # the thread has a copy of this context
    try:
        return await asyncio.to_thread(work)
    except asyncio.CancelledError:
        given_up.set()
        raise
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise NodeError("the function's disk is full of other nodes' files", code="no_space", retryable=True) from None
    except (MemoryError, RecursionError):
        raise NodeError("the content is too large, or nested too deep, to be worked on", code="too_large") from None
    finally:
        _given_up.reset(token)
