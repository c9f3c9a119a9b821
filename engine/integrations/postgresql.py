"""PostgreSQL, through psycopg: values are bound by the server, rows are read one by one."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from engine import limits
from engine.errors import NodeError
from engine.integrations.blocking_connections import Conversation
from engine.integrations.connection_cache import WarmConnections
from engine.integrations.database import CONNECT_SECONDS, DatabaseConfig, DatabaseIntegration, Query, RowCollector, Rows
from engine.integrations.postgresql_values import bound, describe, read_odd_times
from engine.security.redaction import PROCESS

if TYPE_CHECKING:
    from psycopg import AsyncConnection, AsyncRawCursor

_MARGIN = 5
_RETRYABLE = frozenset({"40001", "40P01", "53300", "55P03", "57P01", "57P03"})
_CODES = {"25006": "read_only", "57014": "timeout", "28P01": "credentials_refused", "28000": "credentials_refused"}
_CHANGES = re.compile(r"(?>\s|--[^\n]*\n|/\*.*?\*/)*+(insert|update|delete|merge)\b", re.IGNORECASE | re.DOTALL)
_RETURNS = re.compile(r"\breturning\b", re.IGNORECASE)


def _close(connection: AsyncConnection[Any]) -> None:
    connection.pgconn.finish()


_warm: WarmConnections[AsyncConnection[Any]] = WarmConnections(_close)


class PostgresqlConfig(DatabaseConfig):
    """Address and credentials of the database."""

    port: int = Field(default=5432, ge=1, le=65_535, description="Of the server.")


class Postgresql(DatabaseIntegration):
    """A PostgreSQL database, version 12 or newer."""

    Config = PostgresqlConfig
    title: ClassVar[str] = "PostgreSQL"
    quote: ClassVar[str] = '"'
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"host": "db.shop.example", "database": "shop", "username": "mainspring", "password": "…"},
    )

    async def run(self, text: str, query: Query) -> Rows:
        """Run a statement in a transaction of its own.

        Raises:
            NodeError: `query_failed`, `read_only`, `timeout`, `connection_failed`, `credentials_refused`,
                `egress_refused`, `too_many_rows` or `output_too_large`.
        """
        import psycopg

        connection, is_clean = await self._begun(query), False
        bounds = Conversation(query.timeout_seconds + _MARGIN, limits.CONVERSATION_BYTES)
        try:
            async with bounds:
                bounds.watch(connection.pgconn.socket)
                collected = await self._collected(connection, text, query)
                await connection.commit()
                await connection.set_read_only(None)
                await connection.set_autocommit(True)
                await connection.execute("DISCARD ALL")  # whatever the statement has set is nobody else's
                await connection.set_autocommit(False)
            is_clean = True
        except psycopg.Error as error:
            raise bounds.explained(_failed(error, "query_failed")) from None
        except UnicodeError as error:
            raise NodeError(f"params: a text cannot be sent: {error.reason}", code="config") from None  # type: ignore[attr-defined]
        finally:
            if is_clean:
                _warm.give(self.runtime.identity, connection)
            else:
                _close(connection)
        return collected

    async def _begun(self, query: Query) -> AsyncConnection[Any]:
        """A connection in a transaction. One that was kept and is dead by now is replaced."""
        import psycopg

        kept = _warm.take(self.runtime.identity)
        if kept is not None:
            try:
                await _begin(kept, query)
            except psycopg.Error:
                _close(kept)
            except BaseException:
                _close(kept)
                raise
            else:
                return kept
        connection = await self._connected()
        try:
            await _begin(connection, query)
        except psycopg.Error as error:
            _close(connection)
            raise _failed(error, "connection_failed") from None
        except BaseException:
            _close(connection)
            raise
        return connection

    async def _connected(self) -> AsyncConnection[Any]:
        import psycopg

        config = self.config
        try:
            addresses = await self.runtime.addresses(config.host, config.port)
        except OSError as error:
            raise NodeError(str(error), code="connection_failed", retryable=True) from None
        tls: dict[str, Any] = {"sslmode": "disable"}
        if config.tls == "verify":
            config.ssl_context()  # which says what is wrong with a CA certificate
            tls = {"sslmode": "verify-full", "sslrootcert": _ca_file(config.ca_certificate)}
        try:
            async with asyncio.timeout(2 * CONNECT_SECONDS):
                connection = await psycopg.AsyncConnection.connect(
                    host=",".join([config.host] * len(addresses)),
                    hostaddr=",".join(addresses),  # the checked ones; the name is for the certificate
                    port=config.port,
                    dbname=config.database,
                    user=config.username,
                    password=config.password.get_secret_value(),
                    connect_timeout=CONNECT_SECONDS,
                    application_name="Mainspring",
                    gssencmode="disable",
                    passfile="/dev/null",
                    **tls,
                )
        except psycopg.Error as error:
            raise _failed(error, "connection_failed") from None
        except TimeoutError:
            message = f"the database did not answer within {2 * CONNECT_SECONDS} seconds"
            raise NodeError(message, code="connection_failed", retryable=True) from None
        read_odd_times(connection)
        return connection

    async def _collected(self, connection: AsyncConnection[Any], text: str, query: Query) -> Rows:
        import psycopg

        described = await describe(connection, text)
        if described.parameters is None:
            await connection.rollback()
            await _begin(connection, query)
        wanted = described.parameters or ()
        params = [
            bound(value, wanted[number] if number < len(wanted) else None, f"params[{number}]")
            for number, value in enumerate(query.params)
        ]
        async with psycopg.AsyncRawCursor(connection) as cursor:
            if _CHANGES.match(text) and not _RETURNS.search(text):
                # Binary, which makes it one prepared statement: a text by itself could be several.
                await cursor.execute(text.encode(), params, binary=True)
                return RowCollector(query, []).done(cursor.rowcount)
            return await _streamed(cursor, text, params, query, described.columns)


async def _begin(connection: AsyncConnection[Any], query: Query) -> None:
    await connection.set_read_only(query.read_only)
    # A question first: after it no statement can make a read-only transaction writable any more.
    milliseconds = str(max(1, round(query.timeout_seconds * 1000)))
    await connection.execute("SELECT set_config('statement_timeout', %s, true)", [milliseconds])


async def _streamed(
    cursor: AsyncRawCursor[Any], text: str, params: list[Any], query: Query, columns: Sequence[str]
) -> Rows:
    import psycopg

    collector = RowCollector(query, columns)
    rows: Any = cursor.stream(text.encode(), params)
    is_first = True
    try:
        async for values in rows:
            if is_first:
                collector = RowCollector(query, [column.name for column in cursor.description or ()])
                is_first = False
            if not collector.add(values):
                break
    except psycopg.ProgrammingError as error:
        if error.sqlstate is not None:
            raise
        return RowCollector(query, []).done()  # a statement that gives no rows, such as CREATE TABLE
    finally:
        await rows.aclose()
    return collector.done()


def _failed(error: Any, code: str) -> NodeError:
    """What the database says, without the values that it may have been told."""
    state = error.sqlstate
    message = (error.diag.message_primary if state else None) or " ".join(str(error).split()) or type(error).__name__
    if state is None and code == "query_failed" and error.__class__.__name__ == "OperationalError":
        code = "connection_failed"
    details = {"sqlstate": state, "hint": error.diag.message_hint} if state else None
    retryable = state in _RETRYABLE or code == "connection_failed"
    code = _CODES.get(str(state), code)
    if "SSL" in message and "not support" in message:
        message += "; set `tls` of the integration to `off` if it is in a network of your own"
    elif "certificate verify failed" in message:
        message += "; name a CA of your own with `ca_certificate`"
    if "password authentication failed" in message:
        code = "credentials_refused"
    retryable = retryable and code not in ("credentials_refused", "read_only")
    return NodeError(PROCESS.shown(message, 2_000), code=code, details=details, retryable=retryable)


@lru_cache(maxsize=100)
def _ca_file(ca_certificate: str | None) -> str:
    """Libpq reads certificates from files."""
    if ca_certificate is None:
        import certifi

        return certifi.where()
    with tempfile.NamedTemporaryFile("w", suffix=".pem", delete=False) as file:
        file.write(ca_certificate)
    return str(Path(file.name))
