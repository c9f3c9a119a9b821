"""Random workflows: any graph without a cycle, nodes that branch, fail, recover, retry, wait, loop and take time."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

import engine.workflow.expressions.jsonata.bounds  # noqa: F401 - sets the recursion limit, which may not change within a test

PLAIN = ("effect", "effect", "effect", "transform", "conditional", "switch", "delay", "clock")
UNLUCKY = "$random() < 0.5 ? $error('a bound was hit')"
"""How an expression begins that hits a bound where the driver has bad luck."""
RICH = (*PLAIN, "effect", "thread", "approval", "callback", "for_each", "while")


@st.composite
def workflows(
    draw: st.DrawFn,
    most: int = 10,
    kinds: tuple[str, ...] = PLAIN,
    *,
    order_dependent: bool = False,
    lucky: bool = False,
) -> dict[str, Any]:
    """A definition that the validator accepts.

    With `racing` it may have joins that go on at the first, with `lucky` templates that hit a bound by bad luck.
    """
    definition = draw(_body("n", most, (*kinds, "first") if order_dependent else kinds, 0))
    if lucky:
        _make_lucky(draw, definition)
    return definition


def _make_lucky(draw: st.DrawFn, body: dict[str, Any]) -> None:
    """Let some of what a body evaluates depend on luck."""
    for node in body["nodes"]:
        if "body" in node:
            _make_lucky(draw, node["body"])
            if draw(st.booleans()):
                node["body"]["output"] = f"{{{{ {UNLUCKY} : index }}}}"
        chosen = {"for_each": "items", "while": "condition", "delay": "seconds"}.get(node["type"])
        if chosen is not None and draw(st.booleans()):
            value = node["config"][chosen]
            inner = value[2:-2].strip() if isinstance(value, str) else value
            node["config"][chosen] = f"{{{{ {UNLUCKY} : {inner} }}}}"


@st.composite
def _body(draw: st.DrawFn, prefix: str, most: int, kinds: tuple[str, ...], depth: int) -> dict[str, Any]:
    count = draw(st.integers(1, most))
    nodes = [draw(_node(f"{prefix}{i}", kinds, depth)) for i in range(count)]
    edges: list[dict[str, str]] = []
    for target in range(1, count):
        for source in draw(st.lists(st.integers(0, target - 1), max_size=3, unique=True)):
            port = draw(st.sampled_from(_ports(nodes[source])))
            edges.append({"from": f"{prefix}{source}", "port": port, "to": f"{prefix}{target}"})
    return {"nodes": nodes, "edges": edges}


def _ports(node: dict[str, Any]) -> list[str]:
    return {
        "conditional": ["true", "false", "error"],
        "switch": ["a", "b", "default"],
        "approval": ["approved", "rejected"],
    }.get(node["type"], ["main", "main", "error"])


@st.composite
def _node(draw: st.DrawFn, node_id: str, kinds: tuple[str, ...], depth: int) -> dict[str, Any]:
    allowed = [kind for kind in kinds if depth < 2 or kind not in ("for_each", "while")]
    kind = draw(st.sampled_from(allowed))
    node: dict[str, Any] = {"id": node_id, "type": kind}
    if kind in ("effect", "thread"):
        _effect(draw, node)
        if kind == "thread":
            node["config"]["in_thread"] = True
            node |= {"type": "effect", "timeout_seconds": draw(st.sampled_from([0.5, 2, 10]))}
    elif kind == "transform":
        node["config"] = {"value": draw(st.sampled_from([1, "{{ trigger.body.n }}", "{{ trigger.body.missing }}"]))}
    elif kind in ("clock", "lucky"):
        value = "{{ $millis() }}" if kind == "clock" else f"{{{{ {UNLUCKY} : 1 }}}}"
        node |= {"type": "transform", "config": {"value": value}}
    elif kind == "conditional":
        node["config"] = {"expression": draw(st.sampled_from([True, False, "{{ trigger.body.n > 5 }}"]))}
    elif kind == "switch":
        cases = [
            {"port": "a", "expression": "{{ trigger.body.n > 7 }}"},
            {"port": "b", "expression": draw(st.booleans())},
        ]
        node["config"] = {"cases": cases}
    elif kind in ("approval", "callback"):
        _wait(draw, node)
    elif kind == "first":
        node |= {"type": "merge", "config": {"mode": draw(st.sampled_from(["any", "any", "all"]))}}
    elif kind in ("for_each", "while"):
        _loop(draw, node, kinds, depth)
    else:
        node["config"] = {"seconds": draw(st.sampled_from([0, 2, 600]))}
    return node


def _wait(draw: st.DrawFn, node: dict[str, Any]) -> None:
    if node["type"] == "approval":
        node["config"] = {"message": "May I?"}
        return
    node["type"] = "wait_for_callback"
    node["config"] = {"timeout_seconds": draw(st.sampled_from([3600, 7200]))}
    node["retry"] = {"max_attempts": 2, "interval_seconds": 40}


def _effect(draw: st.DrawFn, node: dict[str, Any]) -> None:
    node["config"] = {
        "seconds": draw(st.sampled_from([0, 0, 1, 3, 20])),
        "fail_times": draw(st.sampled_from([0, 0, 0, 1, 2, 99])),
        "output": draw(st.integers(0, 9)),
    }
    node["retry"] = {"max_attempts": draw(st.integers(1, 3)), "interval_seconds": draw(st.sampled_from([0.5, 60.0]))}
    node["on_error"] = draw(st.sampled_from(["fail", "fail", "continue"]))


def _loop(draw: st.DrawFn, node: dict[str, Any], kinds: tuple[str, ...], depth: int) -> None:
    node["body"] = draw(_body(f"{node['id']}_", 3, kinds, depth + 1))
    if node["type"] == "while":
        turns = draw(st.integers(0, 3))
        node["config"] = {"condition": f"{{{{ index < {turns} }}}}", "max_iterations": draw(st.sampled_from([2, 5]))}
        return
    items = draw(st.sampled_from([[], [1], [1, 2, 3], "{{ [trigger.body.n, 2] }}", "{{ [$millis(), 2] }}"]))
    node["config"] = {
        "items": items,
        "concurrency": draw(st.sampled_from([1, 2, 10])),
        "on_item_error": draw(st.sampled_from(["fail", "collect", "collect"])),
    }
