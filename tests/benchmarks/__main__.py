"""`uv run python -m tests.benchmarks`: engine time, imports, the layer, and what a run of each example costs."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import tests.conftest  # noqa: F401 - sets the functions' environment

# isort: split
import boto3
from moto import mock_aws
from pytest_httpserver import HTTPServer
from rich.console import Console
from rich.table import Table as Sheet

from engine.aws.step_functions import StateMachine
from engine.clock import SystemClock
from engine.execution.engine import WorkflowEngine
from engine.history import prices
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Execution, Next
from engine.history.usage import Bill
from engine.nodes.context import NodeServices
from engine.security.egress import guarded_client, parse_networks
from engine.services.executions.concurrency import ConcurrencyLimits
from engine.services.executions.finalization import Finalization
from engine.services.executions.start import Request, Starter
from engine.storage.dynamodb.table import Table
from engine.storage.execution_store import DynamoStore
from engine.storage.repositories import Repositories
from engine.testing.memory_store import MemoryStore
from engine.workflow.definition import WorkflowDefinition
from infrastructure.cli.client import Client
from infrastructure.local.stack import LocalStack
from infrastructure.stack.packaging import build_layer, build_node_layer
from tests.benchmarks.code import show_code
from tests.benchmarks.console import show_console
from tests.benchmarks.isolation import show_isolation
from tests.benchmarks.meter import Meter
from tests.e2e.test_restart import kill_workers, workers_of
from tests.servers import free_port
from tests.stored import stored_workflow
from tests.unit.conftest import INDEXES, create_table

ROOT = Path(__file__).parent.parent.parent
HANDLERS = (
    "authorizer", "auth", "users", "workspaces", "workflows", "executions", "triggers", "events", "webhooks",
    "platform", "advance", "supervisor", "dispatch", "reconciler", "publisher", "deliveries", "integrations",
)  # fmt: skip
ADVANCE_GB = 1.0
MEASURED = {
    "approval", "conditional", "delay", "fail", "for_each", "http", "merge", "respond", "sub_workflow", "switch",
    "transform", "wait_for_callback", "while",
}  # fmt: skip
"""What runs without anything besides HTTP: what others cost depends on the other side."""
console = Console(width=110)


def chain(count: int) -> dict[str, Any]:
    nodes = [{"id": f"n{i}", "type": "transform", "config": {"value": "{{ trigger.body }}"}} for i in range(count)]
    return {"nodes": nodes, "edges": [{"from": f"n{i}", "to": f"n{i + 1}"} for i in range(count - 1)]}


def fan(count: int) -> dict[str, Any]:
    nodes = [{"id": f"n{i}", "type": "transform", "config": {"value": "{{ trigger.body }}"}} for i in range(count)]
    ends = [{"id": name, "type": "transform", "config": {"value": 1}} for name in ("first", "last")]
    edges = [{"from": "first", "to": f"n{i}"} for i in range(count)]
    return {"nodes": [*nodes, *ends], "edges": edges + [{"from": f"n{i}", "to": "last"} for i in range(count)]}


def engine_microseconds(raw: dict[str, Any], rounds: int) -> float:
    """Median time of one node, of runs in memory."""
    definition = WorkflowDefinition.model_validate(raw)
    store = MemoryStore()
    engine = WorkflowEngine(store)
    times = []
    for number in range(rounds + 1):
        name = f"e{number}"
        store.add(Execution(name, "ws", "wf", 1, "manual", None, {"body": 1}, datetime.now(UTC)), definition)
        begin = time.perf_counter()
        asyncio.run(engine.advance(ExecutionRef(name)))
        times.append((time.perf_counter() - begin) / len(raw["nodes"]) * 1e6)
    return median(times[1:])


def show_engine() -> None:
    sheet = Sheet(title="Engine: µs a quick node, in memory (median)")
    for heading in ("shape", "1", "10", "100", "1000", "1000 : 10"):
        sheet.add_column(heading, justify="right")
    for name, shape in (("chain", chain), ("fan", fan)):
        figures = [engine_microseconds(shape(n), rounds) for n, rounds in ((1, 200), (10, 100), (100, 30), (1000, 7))]
        sheet.add_row(name, *(f"{figure:.0f}" for figure in figures), f"{figures[3] / figures[1]:.2f}")
    console.print(sheet)


def show_imports() -> None:
    sheet = Sheet(title="Cold start: import of each handler, milliseconds (median of 5 processes)")
    sheet.add_column("handler")
    sheet.add_column("ms", justify="right")
    sheet.add_column("times bare python", justify="right")
    sheet.add_column("without byte code : with", justify="right")

    with_bytecode = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    without = {**with_bytecode, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": "/nowhere"}

    def milliseconds(statement: str, environment: Mapping[str, str] = with_bytecode) -> float:
        times = []
        for _ in range(6):
            begin = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], cwd=ROOT, check=True, env=environment)
            times.append((time.perf_counter() - begin) * 1000)
        return median(times[1:])

    bare = milliseconds("pass")
    for name in HANDLERS:
        whole = milliseconds(f"import functions.{name}.handler")
        compiling = milliseconds(f"import functions.{name}.handler", without)
        ratio = (compiling - milliseconds("pass", without)) / (whole - bare)
        sheet.add_row(name, f"{whole - bare:.0f}", f"{whole / bare:.1f}", f"{ratio:.1f}")
    console.print(sheet)


def show_layer() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, build in (("engine", build_layer), ("nodes", build_node_layer)):
            layer = build(Path(folder), local=False)
            size = sum(path.stat().st_size for path in layer.rglob("*") if path.is_file())
            console.print(f"Layer {name} for Lambda: {size / 1e6:.1f} MB unzipped (Lambda's bound is 250 MB for all)")


def stand_in(server: HTTPServer) -> None:
    """The three addresses of the platform's own API that the examples call."""
    document = {"info": {"title": "Mainspring"}, "paths": {f"/{i}": {"get": {}} for i in range(23)}, "x": "y" * 60_000}
    server.expect_request("/api/health").respond_with_json({"status": "ok"})
    server.expect_request("/api/openapi.json").respond_with_json(document)
    server.expect_request("/api/auth/me").respond_with_json({"error": {}}, status=401)
    server.expect_request("/api/missing").respond_with_json({"error": {}}, status=401)


def cost_of(example: dict[str, Any], api_url: str) -> dict[str, float]:
    """Start an example through the service, drive it as the state machine does, and count."""
    with mock_aws():
        dynamodb, s3 = boto3.client("dynamodb"), boto3.client("s3")
        for name in INDEXES:
            create_table(dynamodb, name)
        s3.create_bucket(Bucket="payloads")
        repositories = Repositories.of(Table(dynamodb, "Automation"), lambda: s3, "payloads", 90)
        definition = example["definition"]
        workflow_id = stored_workflow(repositories.workflows, definition, "ws").id
        meter = Meter()
        meter.attach(dynamodb, s3)

        class Started(StateMachine):
            def __init__(self) -> None:
                self.ids: list[str] = []

            def start(self, execution_id: str, driver_attempt: int = 1, bill: Bill | None = None) -> None:
                del driver_attempt, bill
                self.ids.append(execution_id)

        machine, clock = Started(), SystemClock()
        concurrency_limits = ConcurrencyLimits(repositories, machine, clock)
        starter = Starter(repositories, concurrency_limits, machine, clock)
        starter.start(Request("ws", workflow_id, {"type": "manual", "body": example.get("input")}))
        turns, seconds, transitions = asyncio.run(drive(DynamoStore(repositories), machine.ids[0], api_url))
        Finalization(repositories, concurrency_limits, starter, machine, clock).finalize(machine.ids[0])
    puts, gets = meter.calls["s3 PutObject"], meter.calls["s3 GetObject"]
    dollars = {
        "transitions": transitions * prices.TRANSITION,
        "lambda": (turns + 1) * prices.LAMBDA_REQUEST + seconds * ADVANCE_GB * prices.LAMBDA_GB_SECOND_ARM,
        "database": meter.writes * prices.WRITE_UNIT + meter.reads * prices.READ_UNIT,
        "s3": puts * prices.S3_PUT + gets * prices.S3_GET,
    }
    return {
        "calls": turns,
        "transitions": transitions,
        "writes": meter.writes,
        "reads": meter.reads,
        "s3": puts + gets,
        "dollars": sum(dollars.values()) * 1000,
    }


async def drive(store: DynamoStore, execution_id: str, api_url: str) -> tuple[int, float, int]:
    """Turns, seconds of Lambda, and state transitions until the end."""
    turns, seconds, transitions = 0, 0.0, 0
    async with guarded_client(parse_networks("127.0.0.0/8")) as client:

        async def http() -> Any:
            return client

        engine = WorkflowEngine(store, services=NodeServices(http, api_url))
        while True:
            begin = time.perf_counter()
            decision = await engine.advance(ExecutionRef(execution_id))
            seconds += time.perf_counter() - begin
            turns += 1
            transitions += 2  # Advance, Next?
            if decision.next in (Next.SUSPEND_UNTIL, Next.SUSPEND_ON_SIGNAL) and decision.until:
                transitions += 1
                await asyncio.sleep(max(0.0, (decision.until - datetime.now(UTC)).total_seconds()))
            elif decision.next != Next.CONTINUE:
                return turns, seconds, transitions + 1  # Succeed or Fail


def show_costs() -> None:
    sheet = Sheet(title="A run of each example, at list prices without free tier")
    for heading in (
        "example",
        "Advance calls",
        "transitions",
        "write units",
        "read units",
        "S3 calls",
        "$ / 1,000 runs",
    ):
        sheet.add_column(heading, justify="left" if heading == "example" else "right")
    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        stand_in(server)
        for path in sorted((ROOT / "events" / "workflows").glob("*.json")):
            example = json.loads(path.read_text())
            if any(node["type"] not in MEASURED for node in example["definition"]["nodes"]):
                continue
            cost = cost_of(example, server.url_for(""))
            figures = (cost[name] for name in ("calls", "transitions", "writes", "reads", "s3"))
            sheet.add_row(path.stem, *(f"{figure:.0f}" for figure in figures), f"{cost['dollars']:.3f}")
    console.print(sheet)


def peak_of_workers(stack: LocalStack) -> float:
    """The largest that a worker of Advance or of the supervisor has been on the local stack, in MB."""
    peaks = []
    for worker in workers_of(stack):
        lines = (Path("/proc") / str(worker) / "status").read_text().splitlines()
        peaks += [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]
    return max(peaks)


def show_memory() -> None:
    """A loop over many items on the local stack: the peak of its workers must not grow with the items."""
    body = {
        "nodes": [{"id": "x", "type": "transform", "config": {"value": "{{ item * 2 }}"}}],
        "output": "{{ nodes.x }}",
    }
    each = {"id": "each", "type": "for_each", "body": body}
    sheet = Sheet(title="A loop on the local stack, workers new for each row")
    for heading in ("items", "seconds", "peak of a driver, MB", "$ / run"):
        sheet.add_column(heading, justify="right")
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        stack = LocalStack(Path(folder))
        stack.up(free_port())
        client = Client.local(stack)
        for count in (1_000, 10_000):
            kill_workers(stack)
            each["config"] = {"items": f"{{{{ [1..{count}] }}}}", "concurrency": 40}
            workflow = client.ensure_workflow(
                f"loop {count}", None, {"nodes": [each], "output": "{{ $count(nodes.each) }}"}
            )
            begin = time.perf_counter()
            execution = client.start(workflow["id"], None)
            *_, final = client.follow(execution["id"])
            peaks.append(peak_of_workers(stack))
            seconds = time.perf_counter() - begin
            sheet.add_row(
                f"{final['result']:,}", f"{seconds:.1f}", f"{peaks[-1]:.0f}", f"{final['bill']['dollars']:.5f}"
            )
        stack.down()
    console.print(sheet)
    console.print(f"peak with 10,000 : 1,000 items = {peaks[1] / peaks[0]:.2f}\n")


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    show_engine()
    show_imports()
    show_layer()
    show_console(console)
    show_isolation(console)
    show_code(console)
    show_costs()
    show_memory()
