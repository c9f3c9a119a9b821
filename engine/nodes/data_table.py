"""`data_table`: rows of the workspace's own small tables."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from engine import limits
from engine.aws.errors import translate_aws_errors
from engine.errors import NodeError
from engine.ids import DATA_TABLE_PATTERN
from engine.json_value import dumps
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import NodeContext
from engine.storage.data_tables import DataTables, RowConflict

MAX_PAGE = 500


class DataTableConfig(NodeConfig):
    """The table, the row, and the operation."""

    operation: Literal["get", "put", "delete", "increment", "query"] = Field(
        default="get", description="The operation."
    )
    table: str = Field(
        min_length=1,
        max_length=100,
        pattern=DATA_TABLE_PATTERN,
        description="Name of the table; it is created when needed.",
    )
    key: str | int | None = Field(default=None, description="Key of the row; for all operations except `query`.")
    value: JsonValue = Field(default=None, description="The value to put: any JSON up to 64 KB.")
    when: Literal["always", "absent", "present"] = Field(
        default="always", description="Put only if there is no such row, or only if there is."
    )
    version: int | None = Field(default=None, ge=1, description="Put or delete only if the row has this version.")
    by: int | float = Field(default=1, description="What to add.", ge=-1e15, le=1e15)
    expires_seconds: int | None = Field(
        default=None, ge=1, le=10 * 366 * 24 * 3600, description="Seconds after which the row expires."
    )
    prefix: str = Field(default="", max_length=250, description="Only rows whose keys begin with this text.")
    limit: int = Field(default=100, ge=1, le=MAX_PAGE, description="Maximum number of rows.")
    cursor: str | None = Field(
        default=None, max_length=limits.MAX_ROW_KEY_BYTES, description="`next_cursor` of the previous page."
    )

    @model_validator(mode="after")
    def _fitting(self) -> DataTableConfig:
        if len((self.cursor or "").encode()) > limits.MAX_ROW_KEY_BYTES:
            raise ValueError(f"a `cursor` has at most {limits.MAX_ROW_KEY_BYTES} bytes")
        if self.operation != "query":
            if self.key is None or self.key == "":
                raise ValueError(f"`{self.operation}` takes a `key`")
            if len(str(self.key).encode()) > limits.MAX_ROW_KEY_BYTES:
                raise ValueError(f"a `key` has at most {limits.MAX_ROW_KEY_BYTES} bytes")
        if self.operation == "put":
            if "value" not in self.model_fields_set:
                raise ValueError("`put` takes a `value`")
            if len(dumps(self.value).encode()) > limits.MAX_ROW_BYTES:
                raise ValueError(f"a `value` has at most {limits.MAX_ROW_BYTES} bytes")
        return self


class DataTableNode(BaseNode):
    """Reads or writes a row: for counters, lookups, and what was seen before.

    `get` gives `{found, key, value, version, updated_at}`, `put` and `increment` the row, `delete` gives `{deleted}`,
    `query` gives `{items, next_cursor}`. A condition that does not hold is the port `conflict`, with the row that is
    there. With a condition, and of `increment`, an attempt that is made again after a crash changes nothing twice; of
    others the last write wins.
    """

    Config = DataTableConfig
    title: ClassVar[str] = "Data table"
    group: ClassVar[str] = "State"
    icon: ClassVar[str] = "table"
    ports: ClassVar[tuple[str, ...]] = ("main", "conflict")
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"operation": "put", "table": "seen", "key": "{{ trigger.body.id }}", "value": True, "when": "absent",
         "expires_seconds": 604800},
        {"operation": "increment", "table": "counters", "key": "invoices"},
        {"operation": "query", "table": "prices", "prefix": "EU-"},
    )  # fmt: skip

    @classmethod
    def ports_of(cls, config: dict[str, Any]) -> tuple[str, ...]:
        """Only a conditional operation has the port `conflict`."""
        is_conditional = config.get("when", "always") != "always" or config.get("version") is not None
        return cls.ports if is_conditional else ("main",)

    async def execute(self, context: NodeContext) -> NodeResult:
        """Do it.

        Raises:
            NodeError: `not_a_number`, `busy`.
        """
        config = context.config(DataTableConfig, self.raw_config)
        if context.services.tables is None:
            raise NodeError("this engine runs without data tables", code="config")
        return await asyncio.to_thread(_translate_aws_errors, config, context, context.services.tables)


def _translate_aws_errors(config: DataTableConfig, context: NodeContext, tables: DataTables) -> Completed:
    with translate_aws_errors("the data table"):
        return _done(config, context, tables)


def _done(config: DataTableConfig, context: NodeContext, tables: DataTables) -> Completed:
    place = context.workspace_id, config.table, str(config.key)
    if config.operation == "query":
        rows, cursor = tables.query(*place[:2], config.prefix, config.limit, config.cursor)
        return Completed({"items": [row.as_dict() for row in rows], "next_cursor": cursor})
    if config.operation == "get":
        found = tables.get(*place)
        return Completed(
            {"found": True, **found.as_dict()} if found else {"found": False, "key": place[2], "value": None}
        )
    if config.operation == "increment":
        row = tables.increment(
            *place, config.by, writer=context.idempotency_key, expires_seconds=config.expires_seconds
        )
        return Completed(row.as_dict())
    if config.operation == "delete":
        deleted = tables.delete(*place, config.version)
        is_conflict = config.version is not None and not deleted and tables.get(*place) is not None
        return Completed({"deleted": deleted}, "conflict" if is_conflict else "main")
    return _put(config, context, tables)


def _put(config: DataTableConfig, context: NodeContext, tables: DataTables) -> Completed:
    place = context.workspace_id, config.table, str(config.key)
    try:
        value = context.redactor.scrub(config.value)
        if config.when == "always" and config.version is None:
            return Completed(tables.put(*place, value, expires_seconds=config.expires_seconds).as_dict())
        row = tables.put_if(
            *place,
            value,
            writer=context.idempotency_key,
            condition=config.when,
            version=config.version,
            expires_seconds=config.expires_seconds,
        )
    except RowConflict as conflict:
        return Completed({"row": conflict.row.as_dict() if conflict.row else None}, "conflict")
    return Completed(row.as_dict())
