"""Random workflows: any graph without a cycle, nodes that branch, fail, recover, retry, wait and take time."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

import engine.jsonata_bounds  # noqa: F401 - sets the recursion limit, which may not change within a test


@st.composite
def workflows(draw: st.DrawFn, most: int = 10) -> dict[str, Any]:
    """A definition that the validator accepts."""
    count = draw(st.integers(1, most))
    nodes = [draw(_node(f"n{i}")) for i in range(count)]
    edges: list[dict[str, str]] = []
    for target in range(1, count):
        for source in draw(st.lists(st.integers(0, target - 1), max_size=3, unique=True)):
            port = draw(st.sampled_from(_ports(nodes[source])))
            edges.append({"from": f"n{source}", "port": port, "to": f"n{target}"})
    return {"nodes": nodes, "edges": edges}


def _ports(node: dict[str, Any]) -> list[str]:
    if node["type"] == "conditional":
        return ["true", "false", "error"]
    if node["type"] == "switch":
        return ["a", "b", "default"]
    return ["main", "main", "error"]


@st.composite
def _node(draw: st.DrawFn, node_id: str) -> dict[str, Any]:
    kind = draw(st.sampled_from(["effect", "effect", "effect", "transform", "conditional", "switch", "delay", "clock"]))
    node: dict[str, Any] = {"id": node_id, "type": kind}
    if kind == "effect":
        node["config"] = {
            "seconds": draw(st.sampled_from([0, 0, 1, 3, 20])),
            "fail_times": draw(st.sampled_from([0, 0, 0, 1, 2, 99])),
            "output": draw(st.integers(0, 9)),
        }
        node["retry"] = {
            "max_attempts": draw(st.integers(1, 3)),
            "interval_seconds": draw(st.sampled_from([0.5, 60.0])),
        }
        node["on_error"] = draw(st.sampled_from(["fail", "fail", "continue"]))
    elif kind == "transform":
        node["config"] = {"value": draw(st.sampled_from([1, "{{ trigger.body.n }}", "{{ trigger.body.missing }}"]))}
    elif kind == "clock":
        node |= {"type": "transform", "config": {"value": "{{ $millis() }}"}}
    elif kind == "conditional":
        node["config"] = {"expression": draw(st.sampled_from([True, False, "{{ trigger.body.n > 5 }}"]))}
    elif kind == "switch":
        cases = [
            {"port": "a", "expression": "{{ trigger.body.n > 7 }}"},
            {"port": "b", "expression": draw(st.booleans())},
        ]
        node["config"] = {"cases": cases}
    else:
        node["config"] = {"seconds": draw(st.sampled_from([0, 2, 600]))}
    return node
