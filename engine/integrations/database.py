"""What the databases share: where they are, what a query is, and its rows as JSON within bounds."""

from __future__ import annotations

import base64
import datetime as dt
import math
import re
import ssl
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, Field, JsonValue, SecretStr

from engine import limits
from engine.errors import NodeError
from engine.integrations.base import BaseIntegration, IntegrationConfig, Params, action
from engine.json_value import dumps
from engine.parsing.column_names import unique_names
from engine.security.hosts import Binding
from engine.security.tls import CaCertificate, tls_context

CONNECT_SECONDS = 10
_HOST = r"^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$|^[0-9a-fA-F:]{2,45}$"
_NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"


def no_template(text: str) -> str:
    """Program text into which no data is put.

    Raises:
        ValueError: it has a template.
    """
    if "{{" in text:
        raise ValueError(
            "SQL takes no templates: put `$1` (PostgreSQL) or `?` (MySQL) there, and the value in `params`"
        )
    return text


Sql = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100_000,
        description="One statement. `$1` (PostgreSQL) or `?` (MySQL) stand for values, `{name}` for an identifier.",
        json_schema_extra={"x-mainspring": {"widget": "code", "language": "sql"}},
    ),
    AfterValidator(no_template),
]


class DatabaseConfig(IntegrationConfig):
    """Address and credentials of the database."""

    host: str = Field(max_length=253, pattern=_HOST, description="Name or address of the server.")
    port: int = Field(ge=1, le=65_535)
    database: str = Field(
        min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f=:/]+$", description="Name of the database."
    )
    username: str = Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$", description="Who signs in.")
    password: SecretStr = Field(max_length=3_000, description="The password. Kept encrypted; it cannot be read again.")
    tls: Literal["verify", "off"] = Field(
        default="verify", description="`off` sends everything unencrypted, including the password."
    )
    ca_certificate: CaCertificate | None = Field(
        default=None, description="CA of the server's certificate, as PEM. Default: public CAs."
    )

    @property
    def server(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def ssl_context(self) -> ssl.SSLContext:
        """Checks the server's certificate and its name.

        Raises:
            NodeError: code `config`: the CA certificate is none.
        """
        return tls_context(self.ca_certificate)


class Query(Params):
    """One statement, its values, and the bound of its result."""

    query: Sql
    params: list[JsonValue] = Field(
        default_factory=list,
        max_length=1_000,
        description="The values, in order. Objects and lists are JSON, or arrays where PostgreSQL wants one; bytes are "
        '`{"base64": …}`, for a bytea column of PostgreSQL base64 alone.',
    )
    identifiers: dict[Annotated[str, Field(pattern=_NAME)], Annotated[str, Field(min_length=1, max_length=128)]] = (
        Field(default_factory=dict, description="Names of tables or columns that `{name}` stands for; quoted.")
    )
    read_only: bool = Field(default=False, description="Make the database refuse every change.")
    max_rows: int = Field(
        default=1_000,
        ge=1,
        le=limits.MAX_QUERY_ROWS,
        description="More are left out (`truncated`) when read-only; else they are an error, and nothing is changed.",
    )
    timeout_seconds: float = Field(default=30, gt=0, le=limits.MAX_NODE_TIMEOUT, description="Of the statement.")


class Rows(BaseModel):
    """The result of a statement: rows as objects, or how many it has changed."""

    rows: list[dict[str, JsonValue]]
    columns: list[str]
    row_count: int
    truncated: bool = False
    affected: int | None = None


@dataclass
class RowCollector:
    """Takes rows one by one, and stops at the bounds."""

    query: Query
    columns: Sequence[str]
    rows: list[dict[str, Any]] = field(default_factory=list)
    truncated: bool = False
    _size: int = 0

    def __post_init__(self) -> None:
        self.columns = unique_names(self.columns)

    def add(self, values: Sequence[Any]) -> bool:
        """Take one; whether more are wanted.

        Raises:
            NodeError: `too_many_rows`, where leaving out would hide a change; `output_too_large`.
        """
        if len(self.rows) == self.query.max_rows:
            if not self.query.read_only:
                message = f"there are more than {self.query.max_rows} rows; raise max_rows, or ask with read_only"
                raise NodeError(message, code="too_many_rows")
            self.truncated = True
            return False
        row = {name: to_json(value) for name, value in zip(self.columns, values, strict=True)}
        self._size += len(dumps(row))
        if self._size > limits.MAX_OUTPUT_BYTES:
            message = f"the rows have more than {limits.MAX_OUTPUT_BYTES} bytes; ask for fewer"
            raise NodeError(message, code="output_too_large")
        self.rows.append(row)
        return True

    def done(self, affected: int | None = None) -> Rows:
        """All of it."""
        return Rows(
            rows=self.rows,
            columns=list(self.columns),
            row_count=len(self.rows),
            truncated=self.truncated,
            affected=affected,
        )


class DatabaseIntegration(BaseIntegration):
    """Base of the databases."""

    group: ClassVar[str] = "Data"
    icon: ClassVar[str] = "database"
    quote: ClassVar[str]
    """What stands around identifiers."""

    @classmethod
    def binding(cls, config: Any) -> Binding:
        """The one server. Without TLS is another binding than with it, and so is another CA."""
        return Binding((config.server.lower(),), plain_http=config.tls == "off", trust=config.ca_certificate or "")

    @action(title="Run a statement", effect="write")
    async def query(self, params: Query) -> Rows:
        """Run one SQL statement in a transaction of its own; values are bound by the server."""
        text = named(params, self.quote)
        return await self.run(text, params)

    @abstractmethod
    async def run(self, text: str, query: Query) -> Rows:
        """Run a statement whose identifiers are in it."""

    async def test(self) -> str:
        """Connects and asks for the server's version."""
        found = await self.run("SELECT version() AS version", Query(query="-", read_only=True, timeout_seconds=10))
        return f"connected; {found.rows[0]['version']}"


def named(query: Query, quote: str) -> str:
    """The statement with its identifiers, each quoted."""

    def identifier(found: re.Match[str]) -> str:
        value = query.identifiers.get(found[1])
        if value is None:
            return found[0]
        if "\0" in value:
            raise NodeError(f"params.identifiers.{found[1]}: no name holds a NUL character", code="config")
        return quote + value.replace(quote, quote * 2) + quote

    return re.sub(r"\{([A-Za-z_][A-Za-z0-9_]*)\}", identifier, query.query)


def to_json(value: Any) -> Any:  # noqa: PLR0911 - one for each kind
    """A database's value as JSON: exact, so a decimal that no float holds is a text; times as RFC 3339."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    return [to_json(item) for item in value] if isinstance(value, list | tuple | set) else str(value)


def _number(value: Decimal) -> int | float | str:
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value() and value.adjusted() < 18:  # noqa: PLR2004 - digits of a 64-bit integer
        return int(value)
    return float(value) if Decimal(str(float(value))) == value else str(value)
