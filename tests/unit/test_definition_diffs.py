"""What differs between two definitions, and where they are drawn."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.json_value import is_equal
from engine.workflow.diff import diff
from engine.workflow.json_patch import changes
from engine.workflow.layout import joined, split
from engine.workflow.references import references

pytestmark = pytest.mark.quick
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0]) | st.sampled_from(["", "a", "a/b~c"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "~/"]), inner, max_size=3),
    max_leaves=10,
)


def node(node_id: str, kind: str = "transform", **config: Any) -> dict[str, Any]:
    return {"id": node_id, "type": kind, "config": config}


def patched(value: Any, operations: list[dict[str, Any]]) -> Any:
    """What RFC 6902 makes of a value."""
    whole = {"": deepcopy(value)}
    for one in operations:
        steps = ["", *[step.replace("~1", "/").replace("~0", "~") for step in one["path"].split("/")[1:]]]
        holder: Any = whole
        for step in steps[:-1]:
            holder = holder[int(step)] if isinstance(holder, list) else holder[step]
        last = int(steps[-1]) if isinstance(holder, list) else steps[-1]
        if one["op"] != "add":
            assert is_equal(holder[last], one["before"])
        if one["op"] == "remove":
            del holder[last]
        elif one["op"] == "add" and isinstance(holder, list):
            holder.insert(last, one["value"])
        else:
            holder[last] = one["value"]
    return whole[""]


@settings(max_examples=150, deadline=None)
@given(JSON, JSON)
def test_json_patch_turns_one_value_into_another(before: Any, after: Any):
    operations = list(changes(before, after))
    assert is_equal(patched(before, operations), after)
    assert (operations == []) == is_equal(before, after)


def test_diff_shows_nodes_edges_and_consequences():
    before = {
        "nodes": [node("get", "http", url="https://old.example/x"), node("old"), node("sum", value=1)],
        "edges": [{"from": "get", "to": "sum"}, {"from": "get", "to": "old"}],
        "triggers": [{"id": "daily", "type": "schedule", "config": {"cron": "@daily"}}],
        "vars": {"a": 1},
    }
    loop = {**node("each", "for_each", items=[]), "body": {"nodes": [node("mail", "email", integration="smtp")]}}
    after = {
        "nodes": [node("fetch", "http", url="https://old.example/x"), node("sum", value=2), loop,
                  node("sub", "sub_workflow", workflow="Refund"), node("call", "http", url="https://NEW.example:1/")],
        "edges": [{"from": "fetch", "to": "sum"}, {"from": "sum", "to": "each", "port": "main"}],
        "triggers": [{**before["triggers"][0], "config": {"cron": "@hourly"}}, {"id": "in", "type": "webhook"}],
        "timeout_seconds": 60, "vars": {"a": 1}, "ui": {"positions": {"sum": {"x": 1}}},
    }  # fmt: skip
    found = diff(before, after)

    told = {one.id: (one.kind, one.was, one.loop) for one in found.nodes}
    assert told == {
        "old": ("removed", None, None),
        "fetch": ("renamed", "get", None),
        "sum": ("changed", None, None),
        "each": ("added", None, None),
        "mail": ("added", None, "each"),
        "sub": ("added", None, None),
        "call": ("added", None, None),
    }
    (changed,) = (one for one in found.nodes if one.id == "sum")
    assert changed.changes == ({"op": "replace", "path": "/config/value", "value": 2, "before": 1},)
    assert found.edges.added == ({"from": "sum", "port": "main", "to": "each", "loop": None},)
    assert found.edges.removed == ({"from": "fetch", "port": "main", "to": "old", "loop": None},)
    assert found.settings == ({"op": "add", "path": "/timeout_seconds", "value": 60},)
    assert [(one.kind, one.id) for one in found.triggers] == [("changed", "daily"), ("added", "in")]
    assert (found.hosts.added, found.hosts.removed) == (("new.example:1",), ())
    assert (found.integrations.added, found.workflows.added) == (("smtp",), ("Refund",))
    assert not found.is_equal


def test_renamed_and_changed_node_is_one_change():
    edges = [{"from": "a", "to": "b"}, {"from": "b", "to": "c"}]
    before = {"nodes": [node("a"), node("b", value=1), node("c")], "edges": edges}
    renamed = [{"from": "a", "to": "x"}, {"from": "x", "to": "c"}]
    after = {"nodes": [node("a"), node("x", value=2), node("c")], "edges": renamed}
    found = diff(before, after)
    (only,) = found.nodes
    assert (only.kind, only.was, only.id, only.changes[0]["path"]) == ("renamed", "b", "x", "/config/value")
    assert (found.edges.added, found.edges.removed) == ((), ())


def test_layout_is_no_difference():
    body = {"nodes": [node("in")], "ui": {"notes": ["n"]}}
    whole = {"nodes": [{**node("each", "for_each"), "body": body}], "ui": {"positions": {}}}
    bare, layout = split(whole)
    assert layout == {"": {"positions": {}}, "each": {"notes": ["n"]}}
    assert bare == {"nodes": [{**node("each", "for_each"), "body": {"nodes": [node("in")]}}]}
    assert joined(bare, layout) == whole
    assert diff(bare, whole).is_equal
    assert split({"nodes": [], "ui": "no object"})[0] == {"nodes": [], "ui": "no object"}


@settings(max_examples=100, deadline=None)
@given(JSON, JSON, JSON)
def test_diff_accepts_any_draft(nodes: Any, edges: Any, inner: Any):
    odd = {"nodes": [{"id": "x", "type": "sub_workflow", "config": inner, "body": {"nodes": nodes}}, nodes],
           "edges": edges, "triggers": inner, "on_failure": inner}  # fmt: skip
    for one, other in ((odd, {}), ({}, odd), ({"nodes": nodes}, odd), (odd, odd)):
        diff(one, other)
    assert diff(odd, odd).is_equal
    assert all(isinstance(path, str) for path, _ in references(odd))
