"""`zip`: packs files into an archive, and takes them out of one."""

from __future__ import annotations

import base64
import tempfile
from typing import Annotated, Any, ClassVar, Literal
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pydantic import Field, model_validator

from engine import limits
from engine.context import NodeContext
from engine.errors import NodeError
from engine.nodes.archives import entry_bytes, opened_archive
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.sources import Source, in_thread
from engine.security.filenames import FileName, FilePrefix, check_name

_CHUNK = 1024 * 1024


class Packed(NodeConfig):
    """One entry to pack."""

    name: FileName | None = Field(default=None, description="In the archive; default: the name of its file.")
    source: Source


class ZipConfig(NodeConfig):
    """What to pack, or to unpack."""

    operation: Literal["pack", "list", "unpack"] = "unpack"
    source: Source | None = Field(default=None, description="The archive.")
    entries: Annotated[list[Packed], Field(max_length=limits.MAX_ZIP_ENTRIES)] = Field(default_factory=list)
    save_as: FileName | None = Field(default=None, description="Keep the packed archive as this file.")
    into: FilePrefix | None = Field(
        default=None, description="Keep what is unpacked as files whose names begin so; else it is in the output."
    )
    only: list[str] | None = Field(default=None, max_length=limits.MAX_ZIP_ENTRIES, description="Unpack these alone.")

    @model_validator(mode="after")
    def _fitting(self) -> ZipConfig:
        if self.operation == "pack" and (not self.entries or self.save_as is None):
            raise ValueError("`pack` takes `entries` and `save_as`")
        if self.operation != "pack" and self.source is None:
            raise ValueError(f"`{self.operation}` takes a `source`")
        return self


class ZipNode(BaseNode):
    """Packs or unpacks a ZIP archive.

    `list` and `unpack` give `{entries: [{name, bytes, …}]}`, with `file` or `base64` when unpacked; `pack` gives
    `{file, bytes}`. An archive that unpacks to more than 128 MiB, has more than 1,000 entries, or entries whose names
    lead elsewhere, is refused.
    """

    Config = ZipConfig
    title: ClassVar[str] = "ZIP"
    group: ClassVar[str] = "Data"
    icon: ClassVar[str] = "file-archive"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"operation": "unpack", "source": {"file": "inbox/orders.zip"}, "into": "orders/"},
        {"operation": "pack", "entries": [{"source": {"file": "reports/may.csv"}}], "save_as": "reports/may.zip"},
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Do it.

        Raises:
            NodeError: `bad_content`, `too_large`, `output_too_large`, and those of sources.
        """
        config = context.config(ZipConfig, self.raw_config)
        work = {"pack": _pack, "list": _list, "unpack": _unpack}[config.operation]
        return Completed(await in_thread(lambda: work(config, context)))


def _pack(config: ZipConfig, context: NodeContext) -> dict[str, Any]:
    left = limits.MAX_UNPACKED_BYTES
    names: set[str] = set()
    with tempfile.TemporaryFile() as target:
        with ZipFile(target, "w", ZIP_DEFLATED) as archive:
            for number, entry in enumerate(config.entries):
                name = entry.name or entry.source.named
                if name is None or name in names:
                    what = "has no name" if name is None else f"has the name {name!r} of another"
                    raise NodeError(f"config.entries[{number}] {what}; give it one", code="config")
                names.add(name)
                # A fixed time, so that the same content is the same archive.
                facts = ZipInfo(check_name(name), (1980, 1, 1, 0, 0, 0))
                facts.compress_type = ZIP_DEFLATED
                with entry.source.opened(context) as source, archive.open(facts, "w") as packed:
                    while chunk := source.read(_CHUNK):
                        left -= len(chunk)
                        if left < 0:
                            message = f"the entries have more than {limits.MAX_UNPACKED_BYTES} bytes together"
                            raise NodeError(message, code="too_large")
                        packed.write(chunk)
        return context.files.write(str(config.save_as), target, "application/zip")


def _list(config: ZipConfig, context: NodeContext) -> dict[str, Any]:
    with (config.source or Source(text="")).opened(context) as content, opened_archive(content) as archive:
        return {"entries": [{"name": one.filename, "bytes": one.file_size} for one in _files(archive)]}


def _unpack(config: ZipConfig, context: NodeContext) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    left = limits.MAX_UNPACKED_BYTES
    passed_on = 0
    with (config.source or Source(text="")).opened(context) as content, opened_archive(content) as archive:
        entries = [one for one in _files(archive) if config.only is None or one.filename in config.only]
        missing = set(config.only or ()) - {one.filename for one in entries}
        if missing:
            raise NodeError(f"the archive has no entry {min(missing)!r}", code="no_entry")
        names = [_safe(one) for one in entries]  # before anything is written
        for entry, name in zip(entries, names, strict=True):
            unpacked = entry_bytes(archive, entry, min(left, limits.MAX_FILE_BYTES))
            left -= len(unpacked)
            facts: dict[str, Any] = {"name": name, "bytes": len(unpacked)}
            if config.into is not None:
                facts |= context.files.write(config.into + name, context.redactor.content(unpacked))
            else:
                passed_on += len(unpacked)
                if passed_on > limits.MAX_OUTPUT_BYTES // 2:
                    message = "what is unpacked is too large to be passed on; keep it with `into`"
                    raise NodeError(message, code="output_too_large")
                facts["base64"] = base64.b64encode(unpacked).decode()
            found.append(facts)
    return {"entries": found}


def _files(archive: ZipFile) -> list[ZipInfo]:
    return [one for one in archive.infolist() if not one.is_dir()]


def _safe(entry: ZipInfo) -> str:
    try:
        return check_name(entry.filename)
    except ValueError as error:
        raise NodeError(f"the archive has the entry {entry.filename!r}: {error}", code="bad_content") from None
