"""MySQL and MariaDB, through PyMySQL: values are parameters of prepared statements, rows are read one by one."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import socket
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from engine import limits
from engine.errors import NodeError
from engine.integrations.blocking_connections import Conversation, converse
from engine.integrations.connection_cache import WarmConnections
from engine.integrations.database import (
    CONNECT_SECONDS,
    DatabaseConfig,
    DatabaseIntegration,
    Query,
    RowCollector,
    Rows,
)
from engine.json_value import dumps
from engine.security.connection_errors import reason_of, without_numbers
from engine.security.redaction import PROCESS

if TYPE_CHECKING:
    from pymysql.connections import Connection

_JSON_TYPE = 245
_BIT_TYPE = 16
_CODES = {1045: "credentials_refused", 1044: "credentials_refused", 1792: "read_only", 1969: "timeout", 3024: "timeout"}
_RETRYABLE = frozenset({1040, 1205, 1213})
_LOST = frozenset({2003, 2006, 2013, 2014, 0})
_PATIENCE = 2.0
_MARGIN = 5
_RESET = 0x1F
"""COM_RESET_CONNECTION of MySQL's protocol: as if newly connected."""


def _close(connection: Connection[Any]) -> None:
    connected = connection._sock  # type: ignore[attr-defined]  # noqa: SLF001 - `close` waits for what is under way
    if connected is not None:
        with contextlib.suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)
    connection._force_close()  # type: ignore[attr-defined]  # noqa: SLF001


_warm: WarmConnections[Connection[Any]] = WarmConnections(_close)


class MysqlConfig(DatabaseConfig):
    """Address and credentials of the database."""

    port: int = Field(default=3306, ge=1, le=65_535, description="Of the server.")


class Mysql(DatabaseIntegration):
    """A MySQL (8 or newer) or MariaDB (10.5 or newer) database."""

    Config = MysqlConfig
    title: ClassVar[str] = "MySQL"
    quote: ClassVar[str] = "`"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"host": "db.shop.example", "database": "shop", "username": "mainspring", "password": "…"},
    )

    async def run(self, text: str, query: Query) -> Rows:
        """Run a statement in a transaction of its own.

        Raises:
            NodeError: `query_failed`, `read_only`, `timeout`, `connection_failed`, `credentials_refused`,
                `egress_refused`, `too_many_rows` or `output_too_large`.
        """
        from pymysql import MySQLError

        seconds = query.timeout_seconds + _MARGIN
        connection, is_clean = await self._opened(), False

        def work(conversation: Conversation) -> Rows:
            conversation.watch(connection._sock.fileno())  # type: ignore[attr-defined]  # noqa: SLF001
            return _ran(connection, text, query)

        try:
            rows = await converse(work, seconds, limits.CONVERSATION_BYTES)
            is_clean = not rows.truncated
        except (MySQLError, OSError) as error:
            raise _failed(error) from None
        except UnicodeEncodeError as error:
            raise NodeError(f"params: a text cannot be sent: {error.reason}", code="config") from None
        finally:
            if is_clean:
                _warm.give(self.runtime.identity, connection)
            else:
                _close(connection)  # also ends what the thread waits for, if this was cut off
        return rows

    async def _opened(self) -> Connection[Any]:
        """A connection that was kept and is alive, or a new one."""
        from pymysql import MySQLError

        kept = _warm.take(self.runtime.identity)
        if kept is not None:
            with contextlib.suppress(NodeError, OSError):
                if await converse(partial(_is_alive, kept), _PATIENCE, limits.CONVERSATION_BYTES):
                    return kept
            _close(kept)
        try:
            addresses = await self.runtime.addresses(self.config.host, self.config.port)
            connect = partial(self._connected, addresses)
            return await converse(connect, 2 * CONNECT_SECONDS, limits.MAIL_CONVERSATION_BYTES)
        except (MySQLError, OSError) as error:
            raise _failed(error) from None

    def _connected(self, addresses: Sequence[str], conversation: Conversation) -> Connection[Any]:
        import pymysql
        from pymysql.constants import CLIENT
        from pymysql.cursors import SSCursor

        config = self.config
        connection = pymysql.connect(
            host=config.host,  # for the certificate; the socket is that of the checked address
            user=config.username,
            password=config.password.get_secret_value().encode(),  # it would take a text as Latin-1
            database=config.database,
            charset="utf8mb4",
            ssl=config.ssl_context() if config.tls == "verify" else None,
            ssl_disabled=config.tls == "off",
            connect_timeout=CONNECT_SECONDS,
            local_infile=False,
            client_flag=CLIENT.FOUND_ROWS,
            cursorclass=SSCursor,
            defer_connect=True,
            conv=_decoders(),
        )
        connection.connect(conversation.connect(addresses, config.port))
        return connection


def _decoders() -> dict[Any, Any]:
    from pymysql.converters import conversions

    return {**conversions, _JSON_TYPE: json.loads, _BIT_TYPE: lambda raw: int.from_bytes(raw, "big")}


def _is_alive(connection: Connection[Any], conversation: Conversation) -> bool:
    """Whether it can be used, all of its session forgotten."""
    from pymysql import MySQLError

    try:
        conversation.watch(connection._sock.fileno())  # type: ignore[attr-defined]  # noqa: SLF001
        _wait_at_most(connection, _PATIENCE)
        connection._execute_command(_RESET, b"")  # type: ignore[attr-defined]  # noqa: SLF001 - it has no name there
        connection._read_ok_packet()  # type: ignore[attr-defined]  # noqa: SLF001
        connection.set_character_set("utf8mb4")
    except (MySQLError, OSError):
        return False
    return True


def _wait_at_most(connection: Connection[Any], seconds: float) -> None:
    connection._read_timeout = seconds  # type: ignore[attr-defined]  # noqa: SLF001 - set anew for each statement


def _ran(connection: Connection[Any], text: str, query: Query) -> Rows:
    """One statement, prepared, in a transaction. Each value is a user variable, set from hexadecimal digits."""
    _wait_at_most(connection, query.timeout_seconds + _MARGIN)
    cursor = connection.cursor()
    is_mariadb = "mariadb" in str(connection.get_server_info()).lower()  # type: ignore[no-untyped-call]
    limit = (
        f"max_statement_time = {query.timeout_seconds:.3f}"
        if is_mariadb
        else (f"max_execution_time = {max(1, round(query.timeout_seconds * 1000))}")
    )
    access = "READ ONLY" if query.read_only else "READ WRITE"
    cursor.execute(f"SET SESSION {limit}")
    cursor.execute(f"SET SESSION TRANSACTION {access}")
    variables = {"s": _literal(text), **{f"p{i}": _literal(one) for i, one in enumerate(query.params)}}
    cursor.execute("SET " + ", ".join(f"@mainspring_{name} = {value}" for name, value in variables.items()))
    cursor.execute("PREPARE mainspring FROM @mainspring_s")
    cursor.execute(f"START TRANSACTION {access}")
    using = ", ".join(f"@mainspring_p{i}" for i in range(len(query.params)))
    cursor.execute(f"EXECUTE mainspring USING {using}" if using else "EXECUTE mainspring")
    if cursor.description is None:
        rows = RowCollector(query, []).done(cursor.rowcount)
    else:
        rows = _collected(connection, cursor, query)
        if rows.truncated:
            return rows
    cursor.close()
    connection.commit()
    return rows


def _collected(connection: Connection[Any], cursor: Any, query: Query) -> Rows:
    collector = RowCollector(query, [column[0] for column in cursor.description])
    result = connection._result  # type: ignore[attr-defined]  # noqa: SLF001
    try:
        while (values := cursor.fetchone()) is not None and collector.add(values):
            pass
    finally:
        if result.unbuffered_active:  # or whoever forgets it would read all rows that are left
            result.unbuffered_active = False
            connection._result = cursor._result = None  # type: ignore[attr-defined]  # noqa: SLF001
    return collector.done()


def _literal(value: Any) -> str:
    """A value as SQL into which nothing can be smuggled: digits, or hexadecimal digits."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if "e" in repr(value) else f"{value!r}e0"
    if isinstance(value, dict) and set(value) == {"base64"}:
        return f"x'{_bytes(value['base64']).hex()}'"
    text = value if isinstance(value, str) else dumps(value)
    return f"CONVERT(x'{text.encode().hex()}' USING utf8mb4)"


def _bytes(text: Any) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        raise NodeError("params: the value of `base64` is not base64", code="config") from None


def _failed(error: Exception) -> NodeError:
    """What the server says, without the values that it may have been told."""
    arguments = () if isinstance(error, OSError) else error.args
    number = arguments[0] if arguments and isinstance(arguments[0], int) else 0
    message = without_numbers(str(arguments[1])) if len(arguments) > 1 else reason_of(error)
    code = _CODES.get(number, "connection_failed" if number in _LOST else "query_failed")
    if "SSL" in message or "certificate" in message.lower():
        message += "; see `tls` and `ca_certificate` of the integration"
    if code == "connection_failed" and ("timed out" in message or isinstance(error, TimeoutError)):
        code = "timeout"
    retryable = code == "connection_failed" or number in _RETRYABLE
    details = {"number": number} if number else None
    return NodeError(PROCESS.shown(message, 2_000), code=code, details=details, retryable=retryable)
