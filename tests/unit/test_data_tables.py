"""Data tables: conditions hold, and an attempt that is made again changes nothing twice."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest

from engine.errors import NodeError
from engine.nodes.context import NodeServices
from engine.nodes.data_table import DataTableNode
from engine.storage.data_tables import DataTables, RowConflict
from engine.testing import NodeRun, run_node
from tests.unit.conftest import Aws


@pytest.fixture
def tables(aws: Aws) -> DataTables:
    return DataTables(aws.automation, aws.clock.now)


def put(tables: DataTables, key: str, value: Any, writer: str = "w", **more: Any) -> Any:
    if {"condition", "version"} & more.keys():
        return tables.put_if("ws", "t", key, value, writer=writer, **more)
    return tables.put("ws", "t", key, value, **more)


def test_rows_are_put_read_listed_and_deleted(tables: DataTables):
    assert put(tables, "a", {"n": 1.5, "s": "ü"}).version == 1
    assert put(tables, "a", [1]).version == 2
    found = tables.get("ws", "t", "a")
    assert found is not None
    assert found.value == [1]
    assert tables.get("other", "t", "a") is None
    assert tables.get("ws", "u", "a") is None
    for key in ("b", "a1", "a2", "日本"):
        put(tables, key, None)
    rows, cursor = tables.query("ws", "t", "a", 2, None)
    assert ([row.key for row in rows], cursor) == (["a", "a1"], "a1")
    assert [row.key for row in tables.query("ws", "t", "a", 2, cursor)[0]] == ["a2"]
    assert [row.key for row in tables.query("ws", "t", "", 9, None)[0]] == ["a", "a1", "a2", "b", "日本"]
    assert tables.delete("ws", "t", "a", version=1) is False
    assert tables.delete("ws", "t", "a", version=2) is True
    assert tables.delete("ws", "t", "a") is False


def test_conditions_ignore_expired_rows(tables: DataTables, aws: Aws):
    with pytest.raises(RowConflict):
        put(tables, "a", 1, condition="present")
    put(tables, "a", 1, writer="first", condition="absent", expires_seconds=60)
    with pytest.raises(RowConflict) as conflict:
        put(tables, "a", 2, writer="second", condition="absent")
    assert conflict.value.row is not None
    assert conflict.value.row.value == 1
    with pytest.raises(RowConflict):
        put(tables, "a", 2, writer="third", version=7)
    aws.clock.pass_time(seconds=61)  # DynamoDB may take two days to remove it
    assert tables.delete("ws", "t", "a") is False
    assert tables.get("ws", "t", "a") is None
    assert tables.query("ws", "t", "", 9, None) == ([], None)
    with pytest.raises(RowConflict):
        put(tables, "a", 2, writer="fourth", condition="present")
    assert put(tables, "a", 2, writer="second", condition="absent").value == 2
    aws.clock.pass_time(days=400)
    assert tables.get("ws", "t", "a") is not None  # the time that it had before is not kept


def test_repeated_write_after_a_crash_recognizes_itself(tables: DataTables):
    """Also when somebody else has changed the row, or has deleted it, since."""
    put(tables, "event-1", "mine", writer="run/seen", condition="absent")
    for change in (lambda: None, lambda: put(tables, "event-1", "theirs"), lambda: tables.delete("ws", "t", "event-1")):
        change()
        told = put(tables, "event-1", "mine", writer="run/seen", condition="absent")
        assert (told.value, told.version) == ("mine", 1)
    assert tables.get("ws", "t", "event-1") is None  # nothing is written a second time
    put(tables, "event-1", "theirs")
    with pytest.raises(RowConflict):
        put(tables, "event-1", True, writer="another run/seen", condition="absent")


def test_foreign_list_cursor_is_refused(tables: DataTables):
    for cursor in ("Z", "a"):
        with pytest.raises(NodeError, match="none of this list"):
            tables.query("ws", "t", "A", 5, cursor)


def test_increment_counts_once_per_writer(tables: DataTables):
    """Attempts are repeated, in any order, with others in between: each counts once, and is told the same again."""
    random, told = Random(3), {}
    attempts = [f"run-{i}" for i in range(20)] * 3
    random.shuffle(attempts)
    for writer in attempts:
        row = tables.increment("ws", "t", "n", 2, writer=writer)
        assert told.setdefault(writer, row.value) == row.value
    found = tables.get("ws", "t", "n")
    assert found is not None
    assert found.value == 40
    assert sorted(told.values()) == list(range(2, 42, 2))
    put(tables, "text", "x")
    with pytest.raises(Exception, match="holds no number"):
        tables.increment("ws", "t", "text", 1, writer="z")


def test_concurrent_increments_are_not_lost(tables: DataTables, aws: Aws, monkeypatch: pytest.MonkeyPatch):
    real, others = tables._table.transact, iter(("other-1", "other-2"))

    def interrupted(writes: Any) -> None:
        other = next(others, None)
        if other:
            DataTables(aws.automation, aws.clock.now).increment("ws", "t", "n", 10, writer=other)
        real(writes)

    monkeypatch.setattr(tables._table, "transact", interrupted)
    assert tables.increment("ws", "t", "n", 1, writer="me").value in (1, 11, 21)
    found = tables.get("ws", "t", "n")
    assert found is not None
    assert found.value == 21 or next(others, None) is not None


def node(tables: DataTables, **config: Any) -> NodeRun:
    return run_node("data_table", {"table": "t", **config}, services=NodeServices(tables=tables))


def test_data_table_node_supports_every_operation(tables: DataTables):
    assert node(tables, key="a").output == {"found": False, "key": "a", "value": None}
    assert node(tables, operation="put", key="a", value={"x": 1}).output["version"] == 1
    assert node(tables, key="a").output["value"] == {"x": 1}
    for _ in range(2):  # the second time it is the same attempt again
        made = node(tables, operation="put", key="new", value=2, when="absent")
        assert (made.port, made.output["version"]) == ("main", 1)
    tables.put("workspace-1", "t", "b", 7)
    conflict = node(tables, operation="put", key="b", value=2, when="absent")
    assert (conflict.port, conflict.output["row"]["value"]) == ("conflict", 7)
    assert node(tables, operation="increment", key="n", by=2.5).output["value"] == 2.5
    assert node(tables, operation="increment", key="n", by=2.5).output["value"] == 2.5
    assert [row["key"] for row in node(tables, operation="query").output["items"]] == ["a", "b", "n", "new"]
    assert node(tables, operation="delete", key="b", version=9).port == "conflict"
    assert node(tables, operation="delete", key="b").output == {"deleted": True}


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"operation": "get"}, ""),
        ({"operation": "put", "key": "a"}, ""),
        ({"operation": "get", "key": ""}, ""),
        ({"operation": "get", "key": "ü" * 500}, ""),
        ({"operation": "put", "key": "a", "value": "x" * 70_000}, ""),
        ({"table": "a#b", "key": "a"}, "table"),
        ({"operation": "increment", "key": "a", "by": 1e300}, "by"),
    ],
)
def test_data_table_config_problems_name_their_field(config: dict[str, Any], path: str):
    problems = Counter(problem.path for problem in DataTableNode.validate_config({"table": "t", **config}))
    assert path in problems or f"{path}.float" in problems or any(one.startswith(path) for one in problems)
