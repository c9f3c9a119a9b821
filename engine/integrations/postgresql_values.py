"""JSON as PostgreSQL takes it, by the types that the server itself finds for a statement."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import NodeError
from engine.json_value import dumps

if TYPE_CHECKING:
    from psycopg import AsyncConnection

_TEXTS = frozenset({18, 19, 25, 705, 1042, 1043})
"""char, name, text, unknown, bpchar and varchar: with these the server does not know more than we do."""
_BYTEA = 17
_JSON = frozenset({114, 3802})
_CANNOT_TELL = frozenset({"42725", "42P18", "42883", "42P08"})
"""The server needs the types of the values to know which function is meant."""


@dataclass(frozen=True, slots=True)
class Described:
    """A statement as the server understands it; without types of parameters where it cannot tell."""

    parameters: Sequence[int] | None
    columns: Sequence[str]


async def describe(connection: AsyncConnection[Any], text: str) -> Described:
    """Have the server parse one statement. Where it cannot tell the types, the transaction is over.

    Raises:
        psycopg.Error: it is none, or more than one.
    """
    from psycopg import errors, generators, pq

    pgconn = connection.pgconn
    async with connection.lock:
        pgconn.send_prepare(b"", text.encode())
        (parsed,) = await connection.wait(generators.execute(pgconn))
        if parsed.status != pq.ExecStatus.COMMAND_OK:
            error = errors.error_from_result(parsed, encoding="utf-8")
            if error.sqlstate in _CANNOT_TELL:
                return Described(None, ())
            raise error
        pgconn.send_describe_prepared(b"")
        (found,) = await connection.wait(generators.execute(pgconn))
        if found.status != pq.ExecStatus.COMMAND_OK:
            raise errors.error_from_result(found, encoding="utf-8")
    columns = [(found.fname(number) or b"").decode() for number in range(found.nfields)]
    return Described([found.param_type(number) for number in range(found.nparams)], columns)


def bound(value: Any, wanted: int | None, where: str) -> Any:  # noqa: PLR0911 - one for each kind
    """A JSON value as psycopg is to send it.

    Args:
        value: what is to be sent.
        wanted: the type that the server wants, as an OID; None where it cannot tell.
        where: names the value in errors.

    Raises:
        NodeError: code `config`: bytes are wanted, and it is none.
    """
    from psycopg.types.json import Jsonb

    if value is None:
        return None
    if wanted in _JSON:
        return _json_text(value)
    if wanted == _BYTEA:
        return _bytes(value, where)
    if isinstance(value, dict):
        return Jsonb(value) if wanted is None else dumps(value)
    if isinstance(value, list):
        if wanted is None:
            return Jsonb(value) if any(isinstance(one, dict | list) for one in value) else value
        return dumps(value) if wanted in _TEXTS else array(value)
    if isinstance(value, str) or wanted is None or wanted in _TEXTS:
        return value
    return _scalar(value)  # as text, so that 2.5 for an integer is an error and not 2


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else repr(value)


def _json_text(value: Any) -> str:
    """A text that is an object or a list as JSON is taken for it; any other is a JSON text itself."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            json.loads(value)
        except (ValueError, RecursionError):
            pass
        else:
            return value
    return dumps(value)


def _bytes(value: Any, where: str) -> bytes | str:
    if isinstance(value, dict) and set(value) == {"base64"}:
        value = value["base64"]
    if isinstance(value, str) and value.startswith("\\x"):
        return value  # PostgreSQL's own hexadecimal form
    try:
        if isinstance(value, str):
            return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise NodeError(f"{where}: the column holds bytes, which are given as base64", code="config")


def array(values: Sequence[Any]) -> str:
    """A list as PostgreSQL writes arrays."""
    return "{" + ",".join(_element(one) for one in values) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return array(value)
    if isinstance(value, bool | int | float):
        return _scalar(value)
    text = value if isinstance(value, str) else dumps(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def read_odd_times(connection: AsyncConnection[Any]) -> None:
    """Times that Python cannot hold, such as `infinity` or a year before Christ, come as texts."""
    from psycopg import DataError
    from psycopg.types import datetime as times

    def tolerant(loader: Any) -> Any:
        class Tolerant(loader):  # type: ignore[misc]
            def load(self, data: Any) -> Any:
                try:
                    return super().load(data)
                except (DataError, ValueError, OverflowError):
                    return bytes(data).decode()

        return Tolerant

    for name, loader in (
        ("date", times.DateLoader),
        ("time", times.TimeLoader),
        ("timetz", times.TimetzLoader),
        ("timestamp", times.TimestampLoader),
        ("timestamptz", times.TimestamptzLoader),
        ("interval", times.IntervalLoader),
    ):
        connection.adapters.register_loader(name, tolerant(loader))
