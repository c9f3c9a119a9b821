"""`database_query` on real PostgreSQL and MariaDB servers, with TLS."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from engine.errors import NodeError
from engine.integrations.base import BaseIntegration, Runtime
from engine.integrations.registry import IntegrationRegistry
from engine.nodes.database_query import DatabaseQueryNode
from engine.security.egress import checked_addresses, parse_networks
from engine.testing import NodeRun, run_node
from tests.servers import PASSWORD, Database, mariadb, postgresql

ATTACKS = (
    "'; DROP TABLE people; --",
    "x' OR '1'='1",
    "\\'; DROP TABLE people; --",
    '"; DROP TABLE people; --',
    "`; DROP TABLE people; --",
    "$1; DROP TABLE people",
    "?; DROP TABLE people",
    "/* */ -- \0"[:-1],
    "{{ trigger.body }}",
    "%s %(x)s {name}",
    "🦄 ' ünï",
)


class Bench:
    """One server, and a node that asks it; in one event loop, as in a function that is warm."""

    def __init__(self, kind: str, database: Database) -> None:
        self.kind, self.database = kind, database
        self._runner = asyncio.Runner()

    def mark(self, number: int) -> str:
        """What stands for a value."""
        return f"${number}" if self.kind == "postgresql" else "?"

    def integration(self, *, allowed: str = "127.0.0.0/8,::1/128", **change: Any) -> BaseIntegration:
        """The database, opened as the platform opens it."""

        async def addresses(host: str, port: int) -> Sequence[str]:
            return await checked_addresses(host, port, parse_networks(allowed))

        integration_class = IntegrationRegistry().integration_class(self.kind)
        opened = integration_class(integration_class.Config.model_validate({**self.database.config, **change}))
        opened.runtime = Runtime(
            addresses=addresses, identity=f"{self.kind}/{self.database.port}/{sorted(change.items())}"
        )
        return opened

    def run(self, query: str, *params: Any, value: Any = None, **config: Any) -> NodeRun:
        """One attempt of one query."""
        return run_node(
            "database_query",
            {"integration": "bench", "query": query, "params": list(params), **config},
            trigger=value,
            integrations={"bench": (self.kind, self.integration())},
            run=self._runner.run,
        )

    def ask(self, query: str, *params: Any, **config: Any) -> Any:
        """The output of one that works."""
        return self.run(query, *params, **config).output

    def fails(self, query: str, *params: Any, **config: Any) -> NodeError:
        """The error of one that does not."""
        done = self.run(query, *params, **config)
        assert done.error is not None, done.result
        return done.error

    def trial(self, **change: Any) -> str:
        """What trying the integration says."""
        return self._runner.run(self.integration(**change).test())

    def together(self, *work: Any) -> Any:
        """Several at once, in the same loop."""

        async def all_of_them() -> Any:
            return await asyncio.gather(*work, return_exceptions=True)

        return self._runner.run(all_of_them())


@pytest.fixture(scope="module", params=["postgresql", "mysql"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp(request.param)
    with {"postgresql": postgresql, "mysql": mariadb}[request.param](folder) as database:
        found = Bench(request.param, database)
        found.ask("CREATE TABLE people (id integer PRIMARY KEY, name varchar(200), age integer)")
        yield found


def test_rows_are_written_read_and_counted(bench: Bench):
    one, two, three = (bench.mark(n) for n in (1, 2, 3))
    insert = f"INSERT INTO people (id, name, age) VALUES ({one}, {two}, {three})"
    assert bench.ask(insert, 1, "Ann", 30)["affected"] == 1
    assert bench.ask(insert, 2, "日本 🦄", None)["affected"] == 1
    asked = bench.ask(f"SELECT id, name, age, id FROM people WHERE id <= {one} ORDER BY id", 2, read_only=True)
    assert asked == {
        "rows": [{"id": 1, "name": "Ann", "age": 30, "id_2": 1}, {"id": 2, "name": "日本 🦄", "age": None, "id_2": 2}],
        "columns": ["id", "name", "age", "id_2"],
        "row_count": 2,
        "truncated": False,
        "affected": None,
    }
    assert bench.ask(f"UPDATE people SET age = age + 1 WHERE id = {one}", 1)["affected"] == 1
    assert bench.ask("SELECT id FROM people WHERE id < 0") | {"columns": []} == {
        "rows": [], "columns": [], "row_count": 0, "truncated": False, "affected": None,
    }  # fmt: skip
    assert bench.trial().startswith("connected")


def test_types_come_as_json(bench: Bench):
    if bench.kind == "postgresql":
        row = bench.ask(
            "SELECT 12.50::numeric AS price, 0.1234567890123456789::numeric AS exact, 9007199254740993::bigint AS big,"
            " true AS yes, DATE '2026-05-01' AS day, TIMESTAMPTZ '2026-05-01 12:00+02' AS at, '\\x00ff'::bytea AS raw,"
            " ARRAY[1,2] AS list, '{\"a\": [1]}'::jsonb AS doc, 'NaN'::float8 AS nan, interval '90 seconds' AS span,"
            " '01920000-0000-7000-8000-000000000001'::uuid AS uid",
        )["rows"][0]  # fmt: skip
        assert row["exact"] == "0.1234567890123456789"
        assert row["list"] == [1, 2]
        assert row["nan"] == "nan"
        assert row["uid"].startswith("01920000")
        assert row["at"].startswith("2026-05-01T")
        assert bench.ask("SELECT $1::jsonb AS doc, $2::int[] AS list", {"a": 1}, [1, 2])["rows"][0]["list"] == [1, 2]
    else:
        row = bench.ask(
            "SELECT 12.50 AS price, 9007199254740993 AS big, TRUE AS yes, DATE '2026-05-01' AS day, x'00ff' AS raw,"
            " JSON_OBJECT('a', JSON_ARRAY(1)) AS doc, TIME '00:01:30' AS span"
        )["rows"][0]
    assert (row["price"], row["big"], row["day"], row["raw"], row["span"]) == (
        12.5, 9007199254740993, "2026-05-01", "AP8=", 90.0,
    )  # fmt: skip
    assert row["doc"] in ({"a": [1]}, '{"a": [1]}')


def test_values_are_bound_and_never_text(bench: Bench):
    bench.ask("DELETE FROM people")
    one, two = bench.mark(1), bench.mark(2)
    for number, attack in enumerate(ATTACKS):
        # by a template, as data comes
        insert = f"INSERT INTO people (id, name) VALUES ({one}, {two})"
        assert bench.ask(insert, number, "{{ trigger.body }}", value=attack)["affected"] == 1
        found = bench.run(f"SELECT name FROM people WHERE name = {one}", "{{ trigger.body }}", value=attack)
        assert found.output["rows"] == [{"name": attack}]
    assert bench.ask("SELECT count(*) AS n FROM people")["rows"][0]["n"] == len(ATTACKS)


def test_identifiers_are_quoted(bench: Bench):
    names = {"table": "people", "column": "name"}
    asked = bench.ask("SELECT {column} FROM {table} WHERE id < 0", identifiers=names)
    assert asked["rows"] == []
    for attack in ("people; DROP TABLE people", 'people"; DROP TABLE people; --', "people`; DROP TABLE people; --"):
        assert bench.fails("SELECT 1 FROM {table}", identifiers={"table": attack}).code == "query_failed"
    bench.ask("SELECT count(*) FROM people")


def test_sql_takes_no_templates_and_one_statement(bench: Bench):
    config = {"integration": "bench", "query": "SELECT '{{ trigger.body }}'"}
    (problem,) = DatabaseQueryNode.validate_config(config)
    assert (problem.path, "SQL takes no templates" in problem.message) == ("query", True)
    assert bench.fails("SELECT 1; DROP TABLE people").code == "query_failed"
    before = bench.ask("SELECT count(*) AS n FROM people")["rows"]
    assert bench.fails("INSERT INTO people (id) VALUES (950); COMMIT; SELECT 1/0").code == "query_failed"
    assert bench.ask("SELECT count(*) AS n FROM people")["rows"] == before
    assert bench.fails("SELEC 1").code == "query_failed"
    bench.ask("SELECT count(*) FROM people")


def test_comments_before_a_statement_do_not_matter(bench: Bench):
    comments = "/**/ -- x\n" + "/* * */" * 2_000
    assert bench.ask(f"{comments} SELECT 1 AS one")["rows"] == [{"one": 1}]
    assert bench.ask(f"{comments} UPDATE people SET age = 1 WHERE id < 0")["affected"] == 0


def test_read_only_refuses_every_change(bench: Bench):
    attempts = ["INSERT INTO people (id) VALUES (900)", "DELETE FROM people", "CREATE TABLE sneaky (id integer)"]
    if bench.kind == "postgresql":
        attempts += [
            "/* /* */ update */ COMMIT; INSERT INTO people (id) VALUES (902); CREATE TABLE sneaky (id integer)",
            "INSERT INTO people (id) VALUES (903); COMMIT; INSERT INTO people (id) VALUES (904)",
            "DO $x$ BEGIN SET TRANSACTION READ WRITE; INSERT INTO people (id) VALUES (901); END $x$",
            "WITH gone AS (DELETE FROM people RETURNING 1) SELECT * FROM gone",
            "SELECT set_config('transaction_read_only', 'off', false), lo_create(77)",
        ]
    before = bench.ask("SELECT count(*) AS n FROM people")["rows"]
    for attempt in attempts:
        error = bench.fails(attempt, read_only=True)
        assert error.code in ("read_only", "query_failed"), (attempt, error)
    assert bench.ask("SELECT count(*) AS n FROM people")["rows"] == before


def test_a_failed_statement_changes_nothing_and_a_secret_is_not_told(bench: Bench):
    bench.ask("DELETE FROM people")
    one = bench.mark(1)
    assert bench.fails("INSERT INTO people (id) VALUES (1), (2), (1)").code == "query_failed"
    assert bench.ask("SELECT count(*) AS n FROM people")["rows"][0]["n"] == 0
    done = bench.run(f"SELECT {one} AS password", PASSWORD)
    assert done.output["rows"] == [{"password": "[redacted]"}]


def test_endless_results_and_slow_statements_are_cut_off(bench: Bench):
    if bench.kind == "postgresql":
        endless, slow = "SELECT generate_series(1, 1000000000) AS n", "SELECT pg_sleep(60)"
        wide = "SELECT repeat('x', 100000) AS x, generate_series(1, 1000000) AS n"
    else:
        endless = "SELECT a.seq FROM seq_1_to_1000000 a JOIN seq_1_to_1000 b"
        slow, wide = "SELECT SLEEP(60)", "SELECT repeat('x', 100000) AS x FROM seq_1_to_1000000"
    asked = bench.ask(endless, read_only=True, max_rows=50)
    assert (asked["row_count"], asked["truncated"]) == (50, True)
    assert bench.fails(endless).code == "too_many_rows"
    assert bench.fails(wide, max_rows=10_000).code == "output_too_large"
    assert bench.fails(slow, timeout_seconds=0.5).code == "timeout"
    assert bench.ask("SELECT 1 AS one")["rows"] == [{"one": 1}]


def test_session_state_is_reset_before_a_connection_is_reused(bench: Bench):
    """What one run has set in its session is not there for the next, which has the same connection."""
    temporary = "TEMP" if bench.kind == "postgresql" else "TEMPORARY"
    me = "SELECT pg_backend_pid() AS me" if bench.kind == "postgresql" else "SELECT CONNECTION_ID() AS me"
    first = bench.ask(me)["rows"]
    bench.ask(f"CREATE {temporary} TABLE kept AS SELECT 1 AS x")
    assert bench.ask(me)["rows"] == first
    assert bench.fails("SELECT * FROM kept").code == "query_failed"


def test_many_at_once_each_have_a_connection_of_their_own(bench: Bench):
    me = "SELECT pg_backend_pid() AS me" if bench.kind == "postgresql" else "SELECT CONNECTION_ID() AS me"
    nap = "pg_sleep(0.2)" if bench.kind == "postgresql" else "SLEEP(0.2)"
    asked = {"query": f"{me}, {nap} AS nap", "params": []}
    found = bench.together(*(bench.integration().execute("query", asked) for _ in range(8)))
    assert len({one["rows"][0]["me"] for one in found}) == 8


def test_connections_that_were_cut_are_replaced(bench: Bench):
    for _ in range(2):
        if bench.kind == "postgresql":
            bench.fails("SELECT pg_terminate_backend(pg_backend_pid())")
        else:
            bench.fails("KILL CONNECTION_ID()")
        assert bench.ask("SELECT 1 AS one")["rows"] == [{"one": 1}]


def test_a_kept_connection_that_has_died_meanwhile_is_replaced(bench: Bench):
    me = "SELECT pg_backend_pid() AS me" if bench.kind == "postgresql" else "SELECT CONNECTION_ID() AS me"
    idle = bench.ask(me)["rows"][0]["me"]
    kill = f"SELECT pg_terminate_backend({idle})" if bench.kind == "postgresql" else f"KILL {idle}"
    other = bench.integration(port=bench.database.port)  # another one, so its connection is another
    bench.together(other.execute("query", {"query": kill}))
    assert bench.ask(me)["rows"][0]["me"] != idle


def test_timeout_of_a_node_ends_its_statement(bench: Bench):
    if bench.kind == "mysql":
        pytest.skip("MariaDB does not look whether anybody is still there; `timeout_seconds` ends the statement")
    running = "SELECT count(*) AS n FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)' AND state = 'active'"

    async def cut_off() -> None:
        async with asyncio.timeout(0.5):
            await bench.integration().execute("query", {"query": "SELECT pg_sleep(30)"})

    assert isinstance(bench.together(cut_off())[0], TimeoutError)
    for _ in range(200):
        if bench.ask(running)["rows"] == [{"n": 0}]:
            return
    raise AssertionError("it goes on")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"password": "wrong-password"}, "credentials_refused"),
        ({"ca_certificate": None}, "connection_failed"),
        ({"tls": "verify", "ca_certificate": None}, "connection_failed"),
        ({"port": 1}, "connection_failed"),
        ({"host": "no-such-host.invalid"}, "connection_failed"),
        ({"database": "nothing"}, "connection_failed"),
    ],
)
def test_connection_failure_is_reported(bench: Bench, change: dict[str, Any], code: str):
    with pytest.raises(NodeError) as caught:
        bench.trial(**change)
    assert caught.value.code in (code, "credentials_refused" if "database" in change else code)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "10.1.2.3", "127.0.0.1", "localhost", "::1", "0.0.0.0", "2130706433"]
)
def test_the_egress_guard_is_before_every_connection(bench: Bench, host: str):
    with pytest.raises(NodeError) as caught:
        bench.trial(host=host, allowed="")
    assert caught.value.code == "egress_refused"


def test_certificate_must_match_the_host_name(bench: Bench):
    """The address is right, but the name that is asked for is not in the certificate."""
    elsewhere = bench.integration(host="db.shop.example")

    async def poisoned(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    elsewhere.runtime = Runtime(addresses=poisoned, identity="elsewhere")
    (error,) = bench.together(elsewhere.test())
    assert (error.code, "ertificate" in error.message) == ("connection_failed", True), error


def test_json_is_stored_unchanged(bench: Bench):
    one, two = bench.mark(1), bench.mark(2)
    kind = "jsonb" if bench.kind == "postgresql" else "json"
    bench.ask(f"CREATE TABLE documents (id integer, doc {kind})")
    values: list[Any] = [[], [1, 2], ["a"], [{"a": 1}], {}, {"a": [None, True]}, [[1], []], None]
    if bench.kind == "postgresql":
        values += [True, False, 5, 2.5, "text", "5", "true", '"quoted"', "", 7615917337495251231]
    for number, value in enumerate(values):
        bench.ask(f"INSERT INTO documents (id, doc) VALUES ({one}, {two})", number, value)
    rows = bench.ask("SELECT doc FROM documents ORDER BY id")["rows"]
    found = [row["doc"] for row in rows]
    if bench.kind == "mysql":  # MariaDB keeps JSON as text
        found = [json.loads(one) if isinstance(one, str) else one for one in found]
    assert found == values
    bench.ask(f"INSERT INTO documents (id, doc) VALUES ({one}, {two})", 100, '{"a": 1}')
    (row,) = bench.ask("SELECT doc FROM documents WHERE id = 100")["rows"]
    assert row["doc"] in ({"a": 1}, '{"a": 1}')


def test_bytes_are_read_back_unchanged(bench: Bench):
    one = bench.mark(1)
    kind = "bytea" if bench.kind == "postgresql" else "blob"
    bench.ask(f"CREATE TABLE pictures (raw {kind})")
    given = ["AP8=", {"base64": "AP8="}, {"base64": ""}] if bench.kind == "postgresql" else [{"base64": "AP8="}]
    for value in given:
        bench.ask("DELETE FROM pictures")
        bench.ask(f"INSERT INTO pictures (raw) VALUES ({one})", value)
        found = bench.ask("SELECT raw FROM pictures")["rows"][0]["raw"]
        assert found == (value if isinstance(value, str) else value["base64"])
    assert bench.fails(f"INSERT INTO pictures (raw) VALUES ({one})", {"base64": "?"}).code == "config"
    if bench.kind == "postgresql":
        error = bench.fails("INSERT INTO pictures (raw) VALUES ($1)", "no base64!")
        assert (error.code, "params[0]" in error.message, "base64" in error.message) == ("config", True, True)


def test_columns_are_told_where_no_row_is(bench: Bench):
    asked = bench.ask("SELECT id, name AS n, id FROM people WHERE id = -1", read_only=True)
    assert (asked["columns"], asked["rows"]) == (["id", "n", "id_2"], [])


def test_odd_database_times_are_read(bench: Bench):
    if bench.kind == "postgresql":
        row = bench.ask(
            "SELECT 'infinity'::timestamptz AS a, '-infinity'::date AS b, '0044-03-15 BC'::date AS c,"
            " '24:00'::time AS d, '20000-01-01'::timestamp AS e, date '2026-05-01' AS f"
        )["rows"][0]
        assert (row["a"], row["b"], row["d"], row["f"]) == ("infinity", "-infinity", "24:00:00", "2026-05-01")
        assert "BC" in row["c"]
        assert row["e"].startswith("20000-01-01")
    else:
        row = bench.ask("SELECT CAST('2026-05-01' AS DATE) AS a, TIME '838:59:59' AS b, b'101' AS c")["rows"][0]
        assert (row["a"], row["b"]) == ("2026-05-01", 3020399.0)
        bench.ask("SET SESSION sql_mode = ''")
        assert bench.ask("SELECT 1 AS one")["rows"] == [{"one": 1}]


def test_postgresql_parameters_are_typed(bench: Bench):
    if bench.kind == "mysql":
        pytest.skip("MySQL does not tell what it wants")
    assert bench.ask("SELECT $1 AS a, $2 AS b, $3 AS c", 5, "x", True)["rows"] == [{"a": 5, "b": "x", "c": True}]
    assert bench.ask("SELECT $1 + $2 AS sum", 1, 2)["rows"] == [{"sum": 3}]
    assert bench.ask("SELECT generate_series(1, $1) AS n", 2)["rows"] == [{"n": 1}, {"n": 2}]
    assert bench.ask("SELECT json_build_object('a', $1) AS doc", 7)["rows"] == [{"doc": {"a": 7}}]
    rows = bench.ask(
        "SELECT $1::int[] AS a, $2::text[] AS b, $3::uuid[] AS c, $4::numeric AS d, $5::int[] AS e",
        [1, None], ['a"b', "c\\d", "NULL", ""], ["01920000-0000-7000-8000-000000000001"], 0.1, [],
    )["rows"]  # fmt: skip
    assert rows == [
        {
            "a": [1, None], "b": ['a"b', "c\\d", "NULL", ""], "c": ["01920000-0000-7000-8000-000000000001"],
            "d": 0.1, "e": [],
        }
    ]  # fmt: skip
    assert bench.ask("SELECT id FROM people WHERE id = ANY($1)", [1, 2])["columns"] == ["id"]
    assert bench.fails("INSERT INTO people (id) VALUES ($1)", 2.5).code == "query_failed"
    assert bench.ask("INSERT INTO people (id) VALUES ($1)", 7100.0)["affected"] == 1
    assert bench.ask("INSERT INTO people (id, name) VALUES ($1, $2)", 7101, {"a": 1})["affected"] == 1
    assert bench.ask("SELECT name FROM people WHERE id = 7101")["rows"] == [{"name": '{"a":1}'}]
    bench.ask("DELETE FROM people WHERE id > 7000")
