"""What makes a definition runnable: every problem, at once, with path, code and sentence."""

from __future__ import annotations

from typing import Any

import pytest

from engine import limits
from engine.nodes.registry import NodeExecutorFactory
from engine.workflow.validator import validate
from tests.harness import edges

FACTORY = NodeExecutorFactory()


def problems(raw: Any) -> list[tuple[str, str]]:
    definition, found = validate(raw, FACTORY)
    assert (definition is None) == bool(found)
    assert all(problem.message for problem in found)
    return [(problem.path, problem.code) for problem in found]


def transforms(*ids: str, **values: Any) -> list[dict[str, Any]]:
    return [{"id": i, "type": "transform", "config": {"value": values.get(i, 1)}} for i in ids]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, [("", "invalid")]),
        ([], [("", "invalid")]),
        ({}, [("nodes", "invalid")]),
        ({"nodes": []}, [("nodes", "invalid")]),
        ({"nodes": "x", "edges": 3}, [("nodes", "invalid"), ("edges", "invalid")]),
        ({"nodes": [5]}, [("nodes[0]", "invalid")]),
        ({"nodes": transforms("a"), "extra": 1}, [("extra", "unknown_key")]),
        ({"nodes": [{"id": "a"}]}, [("nodes[0].type", "missing")]),
        (
            {"nodes": [{"id": "a", "type": "transform", "config": {"value": 1}, "x": 1}]},
            [("nodes[0].x", "unknown_key")],
        ),
        ({"nodes": transforms("1a")}, [("nodes[0].id", "malformed_id")]),
        ({"nodes": transforms("a" * 65)}, [("nodes[0].id", "malformed_id")]),
        ({"nodes": transforms("ä")}, [("nodes[0].id", "malformed_id")]),
        ({"nodes": transforms("a", "a")}, [("nodes[1].id", "duplicate_id")]),
        ({"nodes": [{"id": "a", "type": "teleport"}]}, [("nodes[0].type", "unknown_type")]),
        ({"nodes": transforms("a", "b"), "edges": edges("a:up>b")}, [("edges[0].port", "unknown_port")]),
        ({"nodes": transforms("a"), "edges": edges("a>z")}, [("edges[0].to", "unknown_node")]),
        ({"nodes": transforms("a"), "edges": edges("z>a")}, [("edges[0].from", "unknown_node")]),
        ({"nodes": transforms("a", "b"), "edges": edges("a>b", "a>b")}, [("edges[1]", "duplicate_edge")]),
        ({"nodes": transforms("a"), "edges": edges("a>a")}, [("edges", "cycle")]),
        ({"nodes": [{"id": "a", "type": "transform", "config": {}}]}, [("nodes[0].config.value", "invalid_config")]),
        (
            {"nodes": [{"id": "a", "type": "delay", "config": {"seconds": "soon"}}]},
            [("nodes[0].config.seconds", "invalid_config")],
        ),
        ({"nodes": [{"id": "a", "type": "delay", "config": {}}]}, [("nodes[0].config", "invalid_config")]),
        (
            {"nodes": [{"id": "a", "type": "http", "config": {"url": "ftp://x"}}]},
            [("nodes[0].config.url", "invalid_config")],
        ),
        (
            {"nodes": [{"id": "a", "type": "http", "config": {"url": "https://x", "json": 1, "text": "y"}}]},
            [("nodes[0].config", "invalid_config")],
        ),
        ({"nodes": transforms("a", a="{{ 1 + }}")}, [("nodes[0].config.value", "template_syntax")]),
        ({"nodes": transforms("a", a="{{ foo.bar }}")}, [("nodes[0].config.value", "unknown_name")]),
        ({"nodes": transforms("a", a="{{ nodes.gone.x }}")}, [("nodes[0].config.value", "unknown_node")]),
        (
            {"nodes": transforms("a", "b", a="{{ nodes.b }}"), "edges": edges("a>b")},
            [("nodes[0].config.value", "not_before")],
        ),
        ({"nodes": transforms("a", a="{{ nodes.a }}")}, [("nodes[0].config.value", "not_before")]),
        ({"nodes": transforms("a"), "output": "{{ nodes.z }}"}, [("output", "unknown_node")]),
        (
            {"nodes": [{"id": "a", "type": "fail", "config": {"message": "x"}, "on_error": "continue"}]},
            [("nodes[0].on_error", "invalid")],
        ),
    ],
)
def test_validator_reports_problem(raw: Any, expected: list[tuple[str, str]]):
    assert problems(raw) == expected


def test_all_problems_come_at_once_in_the_documents_order():
    raw = {
        "nodes": [*transforms("ok", "ok"), {"id": "b", "type": "nope"}, *transforms("c", c="{{ nodes.zz }}")],
        "edges": [*edges("ok>gone"), {"from": "ok", "too": "b"}],
        "colour": "red",
    }

    assert problems(raw) == [
        ("nodes[1].id", "duplicate_id"),
        ("nodes[2].type", "unknown_type"),
        ("nodes[3].config.value", "unknown_node"),
        ("edges[0].to", "unknown_node"),
        ("edges[1].to", "missing"),
        ("edges[1].too", "unknown_key"),
        ("colour", "unknown_key"),
    ]


def test_a_cycle_is_named_in_full_and_what_is_behind_it_is_unreachable():
    raw = {"nodes": transforms("a", "b", "c", "d"), "edges": edges("a>b", "b>c", "c>a", "c>d")}
    _, found = validate(raw, FACTORY)

    assert [(p.path, p.code) for p in found] == [("nodes[3]", "unreachable"), ("edges", "cycle")]
    assert "a → b → c → a" in found[1].message


def test_a_switch_has_the_ports_of_its_cases():
    cases = [{"port": "big", "expression": True}]
    raw = {"nodes": [{"id": "s", "type": "switch", "config": {"cases": cases}}, *transforms("x", "y", "z")]}

    assert problems({**raw, "edges": edges("s:big>x", "s:default>y", "s:error>z")}) == []
    assert problems({**raw, "edges": edges("s:small>x")}) == [("edges[0].port", "unknown_port")]


def test_validator_does_not_judge_template_values():
    config = {"url": "{{ trigger.body.url }}", "method": "{{ trigger.body.m }}", "headers": "{{ vars.h }}"}

    assert problems({"nodes": [{"id": "a", "type": "http", "config": config}], "vars": {"h": {}}}) == []


def test_validator_enforces_bounds():
    many = {"nodes": transforms(*(f"n{i}" for i in range(limits.MAX_NODES + 1)))}
    deep: Any = 1
    for _ in range(limits.MAX_CONFIG_DEPTH + 1):
        deep = [deep]

    assert problems(many) == [("nodes", "too_many")]
    assert problems({"nodes": transforms("a", a=deep)}) == [("", "too_deep")]
    assert problems({"nodes": transforms("a", a="x" * limits.MAX_DEFINITION_BYTES)}) == [("", "too_large")]


def test_a_definition_comes_back_as_it_was_written():
    raw = {"nodes": transforms("a", "b"), "edges": edges("a>b"), "output": None}
    definition, _ = validate(raw, FACTORY)

    assert definition is not None
    assert definition.as_json() == raw
    assert definition.has_output


def test_long_cycles_and_many_problems_are_answered():
    ids = [f"n{i}" for i in range(1_500)]
    ring = [{"from": a, "to": b} for a, b in zip(ids, ids[1:] + ids[:1], strict=True)]
    many = {"nodes": transforms("a", a=["{{ wrong.name }}"] * 1_000)}

    assert problems({"nodes": transforms(*ids), "edges": ring}) == [("edges", "cycle")]
    assert len(problems(many)) == limits.MAX_PROBLEMS


def each(body: Any, node_id: str = "each", **config: Any) -> dict[str, Any]:
    return {"id": node_id, "type": "for_each", "config": {"items": [1], **config}, "body": body}


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([each({"nodes": transforms("a", a="{{ item + index }}")})], []),
        (transforms("a", a="{{ item }}"), [("nodes[0].config.value", "unknown_name")]),
        ([each({"nodes": transforms("a")}), *transforms("a")], [("nodes[0].body.nodes[0].id", "duplicate_id")]),
        ([each({"nodes": []})], [("nodes[0].body.nodes", "invalid")]),
        ([each(5)], [("nodes[0].body", "invalid")]),
        ([each(None)], [("nodes[0].body", "missing")]),
        ([{**transforms("a")[0], "body": {"nodes": transforms("b")}}], [("nodes[0].body", "unknown_key")]),
        ([each({"nodes": transforms("a"), "x": 1})], [("nodes[0].body.x", "unknown_key")]),
        (
            [each({"nodes": transforms("a", a="{{ nodes.each }}")})],
            [("nodes[0].body.nodes[0].config.value", "not_before")],
        ),
        (
            [each({"nodes": transforms("a", "b"), "edges": edges("a>b", "b>a")})],
            [("nodes[0].body.edges", "cycle")],
        ),
        (
            [{"id": "m", "type": "merge", "config": {"mode": "{{ vars.m }}"}}],
            [("nodes[0].config.mode", "invalid_config")],
        ),
        ([{**transforms("a")[0], "delivery": "at_most_once"}], [("nodes[0].delivery", "invalid")]),
        (
            [
                {
                    "id": "w",
                    "type": "while",
                    "config": {"condition": "{{ index < 3 }}", "max_iterations": 0},
                    "body": {"nodes": transforms("a")},
                }
            ],
            [("nodes[0].config.max_iterations", "invalid_config")],
        ),
    ],
)
def test_validator_reports_problems_of_loops(nodes: list[Any], expected: list[tuple[str, str]]):
    assert sorted(problems({"nodes": nodes})) == sorted(expected)


def test_loops_are_nested_only_so_deep():
    body: Any = {"nodes": transforms("a")}
    for depth in range(limits.MAX_BODY_DEPTH + 1):
        body = {"nodes": [each(body, f"l{depth}")]}
    found = problems(body)

    assert [code for _, code in found] == ["too_deep"]


def test_nodes_of_bodies_count():
    inner = {"nodes": transforms(*(f"n{i}" for i in range(limits.MAX_NODES)))}

    assert [code for _, code in problems({"nodes": [each(inner)]})] == ["too_many"]


def test_a_problem_names_the_node_that_it_is_in():
    inner = {"nodes": [{"id": "pay", "type": "delay", "config": {"seconds": "soon"}}], "edges": []}
    raw = {
        "nodes": [
            {"id": "each", "type": "for_each", "config": {"items": []}, "body": inner},
            {"id": "not an id", "type": "transform", "config": {"value": 1}},
            {"type": "transform", "config": {"value": 1}},
            {"id": "odd", "type": "transfrom"},
        ],
        "edges": [{"from": "each", "to": "nowhere"}],
        "timeout_seconds": -1,
    }
    found = validate(raw, NodeExecutorFactory())[1]
    named = {problem.path: problem.node for problem in found}
    assert named["nodes[0].body.nodes[0].config.seconds"] == "pay"
    assert named["nodes[1].id"] == "not an id"
    assert named["nodes[2].id"] is None
    assert named["nodes[3].type"] == "odd"
    assert named["edges[0].to"] is named["timeout_seconds"] is None


@pytest.mark.parametrize(("written", "meant"), [("transfrom", "transform"), ("Http", "http"), ("for-each", "for_each")])
def test_an_unknown_type_of_a_node_is_told_with_the_nearest(written: str, meant: str):
    (problem,) = validate({"nodes": [{"id": "a", "type": written}]}, FACTORY)[1]
    assert f"did you mean `{meant}`" in problem.message
    assert len(problem.message) < 120, "not with all there are"


def test_a_text_that_is_left_empty_is_required_and_nobody_is_told_a_pattern():
    trigger = {"id": "form", "type": "webhook", "config": {"auth": {"type": "header", "header": ""}}}
    nodes = [{"id": "a", "type": "transform", "config": {"value": 1}}]
    found = validate({"nodes": nodes, "triggers": [trigger]}, FACTORY)[1]

    assert [(p.path, p.message) for p in found] == [("triggers[0].config.auth.header", "`header` is required")]
