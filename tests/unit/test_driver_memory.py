"""The memory of a driver is bounded in bytes: what it has read or gathered does not grow with a loop's items.

Each case is a process of its own, whose peak is measured.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.figures import FIGURES

PAGES, MEGABYTES = 20, 200
SCRIPT = '''
import asyncio, json, sys
from typing import ClassVar

from engine.clock import SystemClock
from engine.execution.engine import WorkflowEngine
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Execution
from engine.nodes.registry import NodeExecutorFactory
from engine.history.events import NodeStatus, Outcome, Stored
from engine.testing.memory_store import MemoryStore
from engine.nodes.base import BaseNode, Completed, NodeConfig
from engine.workflow.validator import validate

kind, pages = sys.argv[1], int(sys.argv[2])
ROW = {"name": "customer", "mail": "c@example.com", "amount": 1.5, "tags": ["a", "b"]}
BODY = json.dumps([{"id": number, **ROW} for number in range(92_000)])

class Page(BaseNode):
    """One page of an API."""

    Config = NodeConfig
    title: ClassVar[str] = "Page"

    async def execute(self, context):
        return Completed(json.loads(BODY))

class Elsewhere(MemoryStore):
    """Keeps nothing in this process, as DynamoDB and S3 do."""

    async def record(self, execution_id, entry, *more):
        return entry

    async def fetch(self, stored):
        return json.loads(BODY)

def peak():
    status = open("/proc/self/status").read()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024

factory = NodeExecutorFactory()
factory.register_node_type("page", Page)
body = {"nodes": [{"id": "get", "type": "page"}]}
if kind != "gathered":
    body["output"] = "{{ nodes.get[0].id }}"
config = {"items": list(range(pages)), "concurrency": 1}
each = {"id": "each", "type": "for_each", "config": config, "body": body}
definition, problems = validate({"nodes": [each]}, factory)
assert definition, problems
store, clock = Elsewhere(), SystemClock()
now = clock.now()
store.add(Execution("e", "w", "f", 1, "manual", "u", {"body": None}, now), definition)
for number in range(pages if kind == "stored" else 0):
    output = Stored({"s3": f"page-{number}", "bytes": len(BODY)})
    outcome = Outcome(f"each[{number}].get", NodeStatus.SUCCEEDED, now, now, output=output)
    store.events["e"][outcome.key] = outcome
before = peak()
asyncio.run(WorkflowEngine(store, factory, clock=clock).advance(ExecutionRef("e"), lambda: 10_000.0))
ended = store.executions["e"]
print(json.dumps({"bytes": len(BODY), "before": before, "peak": peak(), "status": ended.status, "error": ended.error}))
'''


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize(
    ("kind", "code"), [("stored", None), ("fetched", None), ("gathered", "output_too_large")], ids=str
)
def test_twenty_large_pages_read_one_after_another_take_no_more_than_a_few(kind: str, code: str | None):
    """Read back from where they are stored; fetched anew and reduced; and gathered, which fails as soon as it must."""
    command = [sys.executable, "-c", SCRIPT, kind, str(PAGES)]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    FIGURES[f"peak of a driver with {PAGES} pages of {told['bytes'] / 1e6:.1f} MB, {kind}, in MB"] = round(told["peak"])

    assert told["bytes"] > 8_000_000
    assert told["peak"] < MEGABYTES, told
    assert told["status"] == ("succeeded" if code is None else "failed")
    assert (told["error"] or {}).get("code") == code
