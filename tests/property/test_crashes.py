"""A crash at each write: driven on, any execution comes to the same end and repeats nothing needlessly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.crash import crash_everywhere
from tests.figures import FIGURES
from tests.harness import edges
from tests.property.strategies import RICH, workflows

EXAMPLES = sorted((Path(__file__).parent.parent.parent / "events" / "workflows").glob("*.json"))

NESTED = {
    "nodes": [
        {"id": "first", "type": "effect", "config": {"output": [1, 2]}},
        {
            "id": "each",
            "type": "for_each",
            "config": {"items": "{{ nodes.first }}", "concurrency": 2, "on_item_error": "collect"},
            "body": {
                "nodes": [
                    {"id": "ask", "type": "approval", "config": {"message": "May I?"}},
                    {
                        "id": "again",
                        "type": "while",
                        "config": {"condition": "{{ index < 2 }}", "max_iterations": 3},
                        "body": {
                            "nodes": [
                                {"id": "pause", "type": "delay", "config": {"seconds": 60}},
                                {
                                    "id": "call",
                                    "type": "effect",
                                    "config": {"fail_times": 1, "output": "{{ index }}"},
                                    "retry": {"max_attempts": 2, "interval_seconds": 30},
                                },
                            ],
                            "edges": edges("pause>call"),
                            "output": "{{ nodes.call }}",
                        },
                    },
                ],
                "edges": edges("ask:approved>again"),
            },
        },
        {"id": "pay", "type": "effect", "delivery": "at_most_once", "config": {"seconds": 1, "output": "paid"}},
        {"id": "saved", "type": "effect", "config": {"output": "no money lost"}},
    ],
    "edges": edges("first>each", "each>pay", "pay:error>saved"),
}


def check_all_crashes(definition: dict[str, Any], trigger: Any, most: int | None = None) -> None:
    FIGURES["crash points tried in memory"] += crash_everywhere(definition, trigger, most)
    FIGURES["workflows crashed in memory"] += 1


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_converges_after_a_crash_at_any_write(path: Path):
    """With the platform's own API, which they call, answering in memory."""
    example = json.loads(path.read_text())
    check_all_crashes(example["definition"], example.get("input"))


def test_nested_loops_waits_and_retries_converge_after_a_crash():
    check_all_crashes(NESTED, None)


@settings(max_examples=60, deadline=None)
@given(workflows(6, RICH), st.integers(0, 9))
def test_any_workflow_converges_after_a_crash_at_any_write(definition: dict[str, Any], n: int):
    check_all_crashes(definition, {"n": n}, 40)


@settings(max_examples=30, deadline=None)
@given(workflows(5), st.integers(0, 9))
def test_at_most_once_holds_in_any_workflow(definition: dict[str, Any], n: int):
    for node in definition["nodes"]:
        if node["type"] == "effect":
            node["delivery"] = "at_most_once"
    check_all_crashes(definition, {"n": n}, 40)
