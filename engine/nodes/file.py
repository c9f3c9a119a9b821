"""`file`: reads, writes, lists and deletes the workspace's files, and gives addresses to download them from."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from engine import limits
from engine.json_value import dumps
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import NodeContext
from engine.nodes.sources import Source, in_thread
from engine.parsing.json_text import read_json
from engine.parsing.text import READING, Encoding
from engine.security.filenames import FileName, FilePrefix

MAX_LISTED = 1_000
MAX_URL_SECONDS = 6 * 3600


class FileConfig(NodeConfig):
    """The file and the operation."""

    operation: Literal["read", "write", "list", "delete", "url"] = Field(default="read", description="The operation.")
    file: FileName | None = Field(default=None, description="Name of the file; for all operations except `list`.")
    content: Source | None = Field(default=None, description="What to write.")
    json_content: JsonValue = Field(default=None, alias="json", description="The value to write, as JSON.")
    content_type: str | None = Field(
        default=None, max_length=200, pattern=r"^[\x20-\x7e]+$", description="Media type of the written file."
    )
    if_exists: Literal["replace", "fail"] = Field(
        default="replace", description="What to do if a file of that name exists."
    )
    as_: Literal["text", "base64", "json"] = Field(
        default="text", alias="as", description="How the content is returned."
    )
    encoding: Encoding = Field(default="utf-8", description=f"Encoding of the text that is read. {READING}")
    prefix: FilePrefix = Field(default="", description="List only files whose names begin with this text.")
    limit: int = Field(default=100, ge=1, le=MAX_LISTED, description="Maximum number of files.")
    cursor: FileName | None = Field(default=None, description="`next_cursor` of the previous page.")
    expires_seconds: int = Field(
        default=3600,
        ge=1,
        le=MAX_URL_SECONDS,
        description="Seconds for which the URL is valid, at most until the function's own credentials expire.",
    )

    @model_validator(mode="after")
    def _fitting(self) -> FileConfig:
        if self.operation != "list" and self.file is None:
            raise ValueError(f"`{self.operation}` takes a `file`")
        bodies = (self.content is not None) + ("json_content" in self.model_fields_set)
        if self.operation == "write" and bodies != 1:
            raise ValueError("`write` needs either `content` or `json`")
        return self


class FileNode(BaseNode):
    """Works on the files of the workspace, up to 64 MiB each.

    Gives `{file, text | base64 | json, bytes}` for `read`, `{file, bytes}` for `write`, `{items, next_cursor}` for
    `list`, `{file, deleted}` for `delete`, `{file, url}` for `url`.
    """

    Config = FileConfig
    title: ClassVar[str] = "File"
    group: ClassVar[str] = "Data"
    icon: ClassVar[str] = "file"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"operation": "write", "file": "reports/may.txt", "content": {"text": "{{ nodes.report }}"}},
        {"operation": "read", "file": "reports/may.txt"},
        {"operation": "list", "prefix": "reports/"},
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Do it.

        Raises:
            NodeError: `no_file`, `file_exists`, `file_too_large`, `output_too_large`, `bad_content`.
        """
        config = context.config(FileConfig, self.raw_config)
        return Completed(await in_thread(lambda: _DO[config.operation](config, context)))


def _read(config: FileConfig, context: NodeContext) -> dict[str, Any]:
    most = limits.MAX_OUTPUT_BYTES if config.as_ != "base64" else limits.MAX_OUTPUT_BYTES // 4 * 3
    source = Source(file=config.file)
    if config.as_ == "base64":
        with source.opened(context, most) as content:
            raw = content.read()
        return {"file": config.file, "base64": base64.b64encode(raw).decode(), "bytes": len(raw)}
    text = source.read_text(context, most, config.encoding)
    if config.as_ == "text":
        return {"file": config.file, "text": text, "bytes": len(text.encode())}
    return {"file": config.file, "json": read_json(text), "bytes": len(text.encode())}


def _write(config: FileConfig, context: NodeContext) -> dict[str, Any]:
    name, once = str(config.file), context.idempotency_key if config.if_exists == "fail" else None
    if config.content is None:
        content = context.redactor.content(dumps(config.json_content).encode())
        return context.files.write(name, content, config.content_type or "application/json", once=once)
    with config.content.opened(context) as source:
        if not context.redactor.knows_any:
            return context.files.write(name, source, config.content_type, once=once)
        return context.files.write(name, context.redactor.content(source.read()), config.content_type, once=once)


def _list(config: FileConfig, context: NodeContext) -> dict[str, Any]:
    found, cursor = context.files.list(config.prefix, config.limit, config.cursor)
    return {"items": [one.as_dict() for one in found], "next_cursor": cursor}


def _delete(config: FileConfig, context: NodeContext) -> dict[str, Any]:
    context.files.delete(str(config.file))
    return {"file": config.file, "deleted": True}


def _url(config: FileConfig, context: NodeContext) -> dict[str, Any]:
    return {"file": config.file, "url": context.files.url(str(config.file), config.expires_seconds)}


_DO: Mapping[str, Callable[[FileConfig, NodeContext], dict[str, Any]]] = {
    "read": _read,
    "write": _write,
    "list": _list,
    "delete": _delete,
    "url": _url,
}
