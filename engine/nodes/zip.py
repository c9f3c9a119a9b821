"""`zip`: packs files into an archive, and takes them out of one."""

from __future__ import annotations

import base64
import tempfile
from io import BytesIO
from typing import IO, Annotated, Any, ClassVar, Literal
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pydantic import Field, model_validator

from engine import limits
from engine.errors import NodeError
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import NodeContext
from engine.nodes.sources import Source, go_on, in_thread, pieces, read_by
from engine.security.filenames import FileName, FilePrefix
from engine.security.plain_names import plain_name


class Packed(NodeConfig):
    """One entry to pack."""

    name: FileName | None = Field(default=None, description="Name in the archive. Default: the name of the file.")
    source: Source = Field(description="What is packed.")


class ZipConfig(NodeConfig):
    """What to pack or to unpack."""

    operation: Literal["pack", "list", "unpack"] = Field(default="unpack", description="Pack, unpack, or list.")
    source: Source | None = Field(default=None, description="The archive.")
    entries: Annotated[list[Packed], Field(max_length=limits.MAX_ZIP_ENTRIES)] = Field(
        default_factory=list, description="What to pack."
    )
    save_as: FileName | None = Field(default=None, description="Save the archive as this file of the workspace.")
    into: FilePrefix | None = Field(
        default=None,
        description="Save the entries as files whose names begin with this text. Default: return them in the output.",
    )
    only: list[str] | None = Field(default=None, max_length=limits.MAX_ZIP_ENTRIES, description="Unpack these alone.")
    name_encoding: Literal["auto", "utf-8", "cp437", "cp850", "cp866", "windows-1252", "shift_jis", "gb18030"] = Field(
        default="auto",
        description="Encoding of names that are not marked as UTF-8; `auto`: UTF-8 if valid, else cp437.",
    )

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
    lead elsewhere, is refused. Odd names are made plain, and a second one of a name is `name_2`; `entry` then has the
    name in the archive.
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
            NodeError: `bad_content`, `too_large`, `no_entry`, `output_too_large`, and those of sources.
        """
        config = context.config(ZipConfig, self.raw_config)
        if config.operation == "pack":
            return Completed(await in_thread(lambda: _pack(config, context)))
        if config.operation == "list":
            arguments = {"name_encoding": config.name_encoding}
            return Completed({"entries": await read_by("list_zip", arguments, config.source, context)})
        return Completed({"entries": await _unpacked(config, context)})


async def _unpacked(config: ZipConfig, context: NodeContext) -> list[dict[str, Any]]:
    """All of it is unpacked, and found to be sound, before the first file is written."""
    most = limits.MAX_UNPACKED_BYTES if config.into is not None else limits.MAX_OUTPUT_BYTES // 2
    arguments = {"name_encoding": config.name_encoding, "only": config.only, "most": most}
    with tempfile.TemporaryFile() as output:
        found = await read_by("unpack_zip", arguments, config.source, context, output=output)
        output.seek(0)
        return await in_thread(lambda: [_given(one, output, config.into, context) for one in found])


def _given(info: dict[str, Any], output: IO[bytes], into: str | None, context: NodeContext) -> dict[str, Any]:
    go_on()
    content = output.read(info["bytes"])
    if into is None:
        return {**info, "base64": base64.b64encode(content).decode()}
    return info | context.files.write(into + info["name"], context.redactor.content(content))


def _name_of(source: Source, number: int) -> str | None:
    """The name of a source's file, made plain where somebody else gave it.

    Raises:
        NodeError: code `config`: it leads elsewhere.
    """
    try:
        return source.named and plain_name(source.named)
    except ValueError as error:
        message = f"config.entries[{number}]: {source.named!r} is no name for an entry: {error}; give it another"
        raise NodeError(message, code="config") from None


def _pack(config: ZipConfig, context: NodeContext) -> dict[str, Any]:
    left = limits.MAX_UNPACKED_BYTES
    names: set[str] = set()
    with tempfile.TemporaryFile() as target:
        with ZipFile(target, "w", ZIP_DEFLATED) as archive:
            for number, entry in enumerate(config.entries):
                name = entry.name or _name_of(entry.source, number)
                if name is None or name in names:
                    what = "has no name" if name is None else f"has the name {name!r} of another"
                    raise NodeError(f"config.entries[{number}] {what}; give it one", code="config")
                names.add(name)
                # A fixed time, so that the same content is the same archive.
                info = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                info.compress_type = ZIP_DEFLATED
                with entry.source.opened(context) as source, archive.open(info, "w") as packed:
                    clean = (
                        source if not context.redactor.knows_any else BytesIO(context.redactor.content(source.read()))
                    )
                    for piece in pieces(clean):
                        left -= len(piece)
                        if left < 0:
                            message = f"the entries have more than {limits.MAX_UNPACKED_BYTES} bytes together"
                            raise NodeError(message, code="too_large")
                        packed.write(piece)
        go_on()
        return context.files.write(str(config.save_as), target, "application/zip")
