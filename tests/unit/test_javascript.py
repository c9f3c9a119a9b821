"""JavaScript as people write it, a test for each name that it may use; and hostile code, which gets nothing."""

from __future__ import annotations

from typing import Any

import pytest

from engine.nodes.javascript_code import named_nodes, node_id
from engine.nodes.registry import NodeExecutorFactory
from engine.testing import run_node
from engine.workflow.validator import validate
from tests.sandboxes import SERVICES, sandboxed

ORDERS = [{"id": 1, "total": 5}, {"id": 2, "total": 7.5}, {"id": 3, "total": 1}]
AT = 1_772_368_496.789  # 2026-03-01T12:34:56.789Z


def run(code: str, value: Any = None, **more: Any) -> Any:
    return sandboxed({"language": "javascript", "code": code, "input": value, **more})


def result(code: str, value: Any = None, **more: Any) -> Any:
    told = run(code, value, **more)
    assert "error" not in told, told
    return told["result"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("input.length", 3),
        ("return input.map(order => order.id);", [1, 2, 3]),
        ("items.map(item => item.json.total)", [5, 7.5, 1]),
        ("$input.all().length", 3),
        ("$input.first().json.id", 1),
        ("$input.last().json.id", 3),
        ("$input.item.json.id", 1),
        ("$json.total", 5),
        ("$('Get orders').all().map(item => item.json.sku)", ["a", "b"]),
        ("$('Get orders').first().json.sku", "a"),
        ("$('Get orders').last().json.sku", "b"),
        ("$('Get orders').item.json.sku", "a"),
        ('$node["Get orders"].json.sku', "a"),
        ("$now.toISO()", "2026-03-01T12:34:56.789+00:00"),
        ("$today.toISO()", "2026-03-01T00:00:00.000+00:00"),
        ("DateTime.fromISO('2026-03-29T00:30:00Z').setZone('Europe/Berlin').plus({hours: 1}).toISO()",
         "2026-03-29T03:30:00.000+02:00"),
        ("DateTime.fromFormat('01.02.2026', 'dd.MM.yyyy').toFormat('cccc, LLLL d')", "Sunday, February 1"),
        ("DateTime.now().diff(DateTime.fromISO('2026-02-01'), 'days').days | 0", 28),
        ("$execution.id", "execution-1"),
        ("$workflow.id", "workflow-1"),
        ("$vars.limit", 10),
        ("const items = $input.all();\nreturn items.filter(one => one.json.total > 4).length", 2),
        ("const load = async id => { await null; return id * 2; };\nreturn Promise.all(input.map(o => load(o.id)))",
         [2, 4, 6]),
        ("Buffer.from('héllo').toString('base64')", "aMOpbGxv"),
        ("Buffer.from('6869', 'hex').toString() + Buffer.concat([Buffer.from('a'), Buffer.alloc(1, 'b')])", "hiab"),
        ("btoa('Aladdin:open sesame')", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("atob('aGk=')", "hi"),
        ("new URL('../b?x=1&y=a b#top', 'https://Example.com:443/a/c').href", "https://example.com/b?x=1&y=a%20b#top"),
        ("new URL('https://e.com/?a=1&b=2').searchParams.get('b')", "2"),
        ("new URLSearchParams({q: 'a b&c', n: 1}).toString()", "q=a+b%26c&n=1"),
        ("Array.from(new TextEncoder().encode('é€'))", [195, 169, 226, 130, 172]),
        ("new TextDecoder().decode(new Uint8Array([240, 159, 152, 128]))", "😀"),
        ("structuredClone({a: [1, {b: new Date(0)}]}).a[1].b.toISOString()", "1970-01-01T00:00:00.000Z"),
        ("new Intl.NumberFormat('en-US', {style: 'currency', currency: 'EUR'}).format(1234.5)", "€1,234.50"),
        ("(1234567.891).toLocaleString()", "1,234,567.891"),
        ("(0.256).toLocaleString('en-US', {style: 'percent'})", "26%"),
        ("new Intl.DateTimeFormat('en', {dateStyle: 'medium', timeStyle: 'short', timeZone: 'US/Eastern'}).format(0)",
         "Dec 31, 1969, 7:00 PM"),
        ("new Date(0).toLocaleDateString('en-US', {weekday: 'long', year: 'numeric', month: 'long', day: 'numeric'})",
         "Thursday, January 1, 1970"),
        ("new Date('2050-07-01T00:00:00Z').toLocaleTimeString('en-US', {timeZone: 'Asia/Kolkata', hour12: false})",
         "05:30:00"),
        ("['b', 'a', 'B', 'ä'].sort((x, y) => x.localeCompare(y))", ["a", "ä", "b", "B"]),
        ("JSON.stringify($input.all()[0].json)", '{"id":1,"total":5}'),
        ("undefined", None),
        ("{ id: 1 }", {"id": 1}),
        ("// why\ninput.length // so", 3),
    ],
)  # fmt: skip
def test_every_documented_javascript_name_exists(code: str, expected: Any):
    context = {
        "nodes": {"Get orders": [{"sku": "a"}, {"sku": "b"}]},
        "execution": {"id": "execution-1"},
        "workflow": {"id": "workflow-1"},
        "vars": {"limit": 10},
    }
    assert result(code, ORDERS, context=context, now=AT, fixed=True) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, []),
        ({"a": 1}, [{"a": 1}]),
        ([{"json": {"a": 1}}, {"json": {"a": 2}}], [{"a": 1}, {"a": 2}]),
        ([1, "x"], [1, "x"]),
        ([], []),
    ],
)
def test_any_value_is_items_and_items_of_n8n_stay_what_they_are(given: Any, expected: Any):
    assert result("items.map(one => one.json)", given) == expected


def test_what_is_logged_is_bounded_and_readable():
    told = run("console.log('a', {b: [1]}, null); console.error(new Error('no')); console.log('x\\ny'); return 1")
    assert told["lines"] == ['a {"b":[1]} null', "Error: no", "x", "y"]
    many = run("for (let i = 0; i < 100000; i++) console.log('x'.repeat(3000)); return 1")
    assert (len(many["lines"]), len(many["lines"][0])) == (200, 2_000)


@pytest.mark.parametrize(
    ("code", "line", "message"),
    [
        ("const a = 1;\nconst b = null;\nreturn b.total;", 3, "TypeError: cannot read property 'total' of null"),
        ("const a = 1;\nconst name = input.customer.name;", 2, "TypeError: cannot read property 'name' of undefined"),
        ("\n\nnope()", 3, "ReferenceError: nope is not defined"),
        ("let x = 1;\nlet y = ;", 2, "SyntaxError: unexpected token in expression: ';'"),
        ("const a = 1;\nreturn {\n  total: input.order.total,\n};", 3,
         "TypeError: cannot read property 'total' of undefined"),
        ("const a = 1;\nreturn (\n  a +\n);", 4, "SyntaxError: unexpected token in expression: ')'"),
        ("const a = 1;\nreturn [a;\n", 2, "SyntaxError: Unexpected token ';'"),
        ("const a = 1;\nif (a) {\n  return a;\n\n", 3, "SyntaxError: unexpected token in expression: ')'"),
        ("const a = 1;\nreturn `a;\n", 2, "SyntaxError: unexpected end of string"),
        ("await null;\n\nthrow new RangeError('too far')", 3, "RangeError: too far"),
        ("const f = () => {\n  throw new Error('deep');\n};\nf()", 2, "Error: deep"),
    ],
)  # fmt: skip
def test_an_error_names_the_codes_own_line(code: str, line: int, message: str):
    error = run(code, {})["error"]
    assert (error["code"], error["line"], error["message"]) == ("code_failed", line, message)
    assert error["text"] == code.split("\n")[line - 1].strip()


def test_a_trace_goes_from_the_code_to_where_it_failed():
    error = run("function helper(x) {\n  return x.a.b;\n}\nfunction main() {\n  return helper({});\n}\nreturn main();")[
        "error"
    ]
    assert [(one["in"], one["line"]) for one in error["trace"]] == [("code", 7), ("main", 5), ("helper", 2)]


def test_random_and_time_come_from_the_host():
    code = "return [Math.random(), crypto.randomUUID(), Date.now(), DateTime.now().toMillis(), new Date().getTime()]"
    first, again = (result(code, now=AT, fixed=True, seed="aa") for _ in range(2))
    assert first == again
    assert first[2:] == [1_772_368_496_789] * 3
    assert result("Math.random()", seed="bb") != first[0]
    assert result("Math.random()") != result("Math.random()")
    assert all(0 <= one < 1 for one in result("Array.from({length: 1000}, Math.random)"))


@pytest.mark.parametrize(
    "code",
    [
        "require('fs').readFileSync('/etc/passwd')",
        "process.env",
        "process.binding('fs')",
        "(await import('fs')).readFileSync('/etc/passwd')",
        "(await import('/etc/passwd')).default",
        "(await import('std')).open('/etc/passwd', 'r')",
        "(await import('os')).exec(['id'])",
        "std.getenv('HOME')",
        "os.readdir('/')",
        "await fetch('http://127.0.0.1:9001/2018-06-01/runtime/invocation/next')",
        "new XMLHttpRequest()",
        "new WebSocket('ws://127.0.0.1:9001')",
        "new Worker('x')",
        "new WebAssembly.Module(new Uint8Array(8))",
        "Deno.env.toObject()",
        "Bun.env",
        "setTimeout(() => 1, 1)",
        "setInterval(() => 1, 1)",
        "globalThis.constructor.constructor('return process')().env",
        "this.constructor.constructor('return process')()",
        "(() => {}).constructor('return require')()('fs')",
        "eval('process')",
        "new Function('return process')()",
        "loadScript('/etc/passwd')",
        "read('/etc/passwd')",
        "$('no such node').first()",
        "$env.HOME",
    ],
)
def test_nothing_can_be_reached(code: str):
    told = run(code, seconds=5)
    assert told.get("result") is None, told
    assert told["error"]["code"] == "code_failed", told


@pytest.mark.parametrize(
    ("code", "codes"),
    [
        ("while (true);", {"timeout"}),
        ("for (;;) await null", {"timeout"}),
        ("const f = () => Promise.resolve().then(f); await f()", {"timeout"}),
        ("/^(a+)+$/.test('a'.repeat(40) + 'b')", {"timeout"}),
        ("try { while (true); } finally { while (true); }", {"timeout"}),
        ("new Array(1e9).fill(0).length", {"timeout", "memory"}),
        ("2n ** (2n ** 60n)", {"timeout", "memory", "code_failed"}),
        ("const a = []; for (;;) a.push(new Array(10000).fill(1))", {"memory"}),
        ("let s = 'x'; for (;;) s += s", {"memory", "code_failed"}),
        ("new Uint8Array(2 ** 30)", {"memory", "code_failed"}),
        ("const f = () => f(); f()", {"code_failed"}),
        ("const f = () => [1].map(f); f()", {"code_failed"}),
        ("JSON.parse('['.repeat(1e6))", {"code_failed"}),
        ("let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a", {"code_failed", "code_crashed"}),
        ("const a = {}; a.a = a; return a", {"code_failed"}),
        ("'x'.repeat(6_000_000)", {"output_too_large"}),
        ("10n", {"code_failed"}),
        ("() => 1", {"code_failed"}),
        ("await new Promise(() => {})", {"code_failed"}),
        ("throw 3", {"code_failed"}),
        ("throw null", {"code_failed"}),
        ("throw {get message() { while (true); }}", {"code_failed", "timeout"}),
        ("return {toJSON() { throw new Error('no') }}", {"code_failed"}),
    ],
)
def test_bombs_end_within_their_bounds(code: str, codes: set[str]):
    told = run(code, seconds=0.5 if "timeout" in codes else 20, memory_mb=64)
    assert told["error"]["code"] in codes, told


def test_what_the_code_does_to_its_globals_stays_within_the_bounds():
    told = run(
        "JSON.stringify = () => 'x'; JSON.parse = null; Array.prototype.push = null; Promise.prototype.then = null;\n"
        "String.prototype.slice = () => { throw 1 }; globalThis.console = null; return 1"
    )
    assert told.get("result") == 1 or told["error"]["code"] in ("code_failed", "code_crashed")
    assert result("[1, 2].length") == 2


def test_one_call_leaves_nothing_for_the_next():
    result("globalThis.kept = 1; Object.prototype.kept = 2; Array.prototype.map = null; Math.kept = 3; return 1")
    assert result("[typeof kept, typeof {}.kept, typeof Math.kept, [1].map(x => x)]") == ["undefined"] * 3 + [[1]]


def test_nodes_that_the_code_names_are_read_like_templates():
    code = "return $('Get orders').all().length + $node['rates'].json.eur + $node.more.json + $vars.x + $execution.id"
    assert named_nodes(code) == ["Get orders", "rates", "more"]
    assert [node_id(name) for name in named_nodes(code)] == ["get_orders", "rates", "more"]
    done = run_node(
        "javascript_code",
        {"code": "return $('Get orders').all().length + $('rates').first().json.eur + $vars.x;"},
        nodes={"get_orders": [1, 2], "rates": {"eur": 10}},
        variables={"x": 100},
        services=SERVICES,
    )
    assert done.output == 112


def test_a_node_that_is_not_there_is_said_when_it_is_saved():
    node = {"id": "code", "type": "javascript_code", "config": {"code": "$('Other node').first()"}}
    _, problems = validate({"nodes": [node], "edges": []}, NodeExecutorFactory())
    assert [problem.path for problem in problems if "other_node" in problem.message]


def test_the_node_runs_it_and_logs_what_it_prints():
    code = "console.log('got', input); return {doubled: input * 2, template: '{{ trigger.body }}'}"
    done = run_node("javascript_code", {"code": code, "input": "{{ trigger.body }}"}, trigger=4, services=SERVICES)
    assert done.output == {"doubled": 8, "template": "{{ trigger.body }}"}  # data is never put into code
    assert done.lines[0].message == "got 4"
    failed = run_node("javascript_code", {"code": "return input.a.b", "input": {}}, services=SERVICES)
    assert failed.error is not None
    assert (failed.error.code, failed.error.message) == (
        "code_failed", "line 1: TypeError: cannot read property 'b' of undefined"
    )  # fmt: skip
