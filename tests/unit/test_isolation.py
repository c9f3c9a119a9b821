"""Processes that read what others wrote: they end when nobody waits for them, keep nothing and know nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from engine.errors import NodeError
from engine.isolation import pool
from engine.isolation.pool import isolated
from engine.parsing.json_text import read_json
from engine.testing import run_node

ENDLESS: dict[str, Any] = {
    "$ref": "#/$defs/d0",
    "$defs": {**{f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(45)}, "d45": {}},
}
"""Takes 2^45 steps for any value."""


def checked(schema: dict[str, Any], value: Any = 1) -> Any:
    return isolated("check_schema", {"schema": schema, "value": value, "most": 20})


def children() -> set[int]:
    """The working processes that there are now."""
    assert pool._server.process is not None
    pid = pool._server.process.pid
    return {int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


async def gone() -> None:
    while children():  # noqa: ASYNC110 - the kernel tells nobody
        await asyncio.sleep(0.01)


def test_a_timeout_ends_the_process():
    async def scene() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await checked(ENDLESS)
        await gone()

    asyncio.run(scene())


def test_slow_task_gets_the_lowest_priority():
    async def scene() -> None:
        slow = asyncio.create_task(checked(ENDLESS))
        while not children():  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0.01)
        (pid,) = children()
        while os.getpriority(os.PRIO_PROCESS, pid) != 19:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        slow.cancel()
        await gone()

    asyncio.run(scene())


def test_cancelled_task_frees_its_slot():
    async def scene() -> None:
        hang = [asyncio.create_task(checked(ENDLESS)) for _ in range(4)]
        await asyncio.sleep(0.5)
        for one in hang:
            one.cancel()
        await asyncio.gather(*hang, return_exceptions=True)
        assert await checked({"type": "integer"}) == []
        await gone()

    asyncio.run(scene())


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(?=a)(a+)+$", "(x+x+)+y"])
def test_catastrophic_pattern_ends_with_the_timeout(pattern: str):
    started = time.process_time()
    config = {"operation": "validate", "schema": {"pattern": pattern}, "value": "a" * 40 + "!" + "x" * 40}
    run = run_node("json", config)
    assert run.error is not None or run.port == "invalid"
    assert time.process_time() - started < 5  # of this process: the engine's own thread was free


def test_the_process_knows_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    pool._server.stop()
    asyncio.run(checked({}))
    assert pool._server.process is not None
    environment = Path(f"/proc/{pool._server.process.pid}/environ").read_bytes()
    assert {one.partition(b"=")[0] for one in environment.split(b"\0") if one} <= {b"LD_LIBRARY_PATH", b"LC_CTYPE"}


def test_a_process_that_was_ended_is_started_again():
    async def scene() -> None:
        await checked({})
        assert pool._server.process is not None
        waiting = asyncio.create_task(checked(ENDLESS))
        await asyncio.sleep(0.3)
        os.kill(pool._server.process.pid, signal.SIGKILL)
        pool._server.process.wait()
        with pytest.raises(NodeError) as error:
            await waiting
        assert (error.value.code, error.value.retryable) == ("interrupted", True)
        assert await checked({"type": "integer"}) == []

    asyncio.run(scene())


def test_all_processes_end_with_the_one_that_started_them():
    program = (
        "import asyncio, os, sys\n"
        "from engine.isolation import pool\n"
        "from tests.unit.test_isolation import ENDLESS, checked\n"
        "async def scene():\n"
        "    task = asyncio.create_task(checked(ENDLESS))\n"
        "    await asyncio.sleep(0.7)\n"
        "    pid = pool._server.process.pid\n"
        "    print(pid, open(f'/proc/{pid}/task/{pid}/children').read(), flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(scene())\n"
    )
    told = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    pids = told.stdout.split()
    assert len(pids) == 2, told.stderr
    while any(_runs(pid) for pid in pids):
        time.sleep(0.01)


def _runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def peak(node: str, config: dict[str, Any], make: str = "") -> tuple[Any, int, int]:
    """What a node gives or fails with in a process of its own; MB that this took at most, there and in its children."""
    program = (
        "import json, resource, sys, base64, io\n"
        "from engine.testing import run_node\n"
        "node, config = json.loads(sys.stdin.read())\n"
        "run_node('json', {'operation': 'validate', 'value': 1, 'schema': {}})\n"  # a fork begins as large as it is
        f"{make}\n"
        "run = run_node(node, config)\n"
        "error = run.error and run.error.as_dict()\n"
        "from engine.isolation import pool\n"
        "from tests.unit.test_isolation import children\n"
        "while children(): pass\n"  # what they took is known when they have been waited for
        "pool._server.stop()\n"
        # The most that this program has taken; `ru_maxrss` of itself counts what the process that started it had.
        "own = int(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])\n"
        "child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "print(json.dumps([error, own // 1024, child // 1024]))\n"
    )
    command = [sys.executable, "-c", program]
    told = subprocess.run(command, input=json.dumps([node, config]), check=True, capture_output=True, text=True)
    error, own, child = json.loads(told.stdout)
    return error, own, child


@pytest.mark.parametrize("unit", ["[]", "{}", '{"a":[]}', "[1]"])
def test_json_of_very_many_values_is_refused_before_it_is_built(unit: str):
    make = f"config['source'] = {{'text': '[' + ','.join([{unit!r}] * (9_000_000 // {len(unit) + 1})) + ']'}}"
    error, own, _ = peak("json", {}, make)
    assert error["code"] == "too_large"
    assert own < 200


def test_memory_that_a_schema_takes_is_bounded():
    schema = {"items": {"enum": [["x" * 100] * 100]}}
    make = "config['value'] = [['y' * 100] * 100] * 900"
    error, own, child = peak("json", {"operation": "validate", "schema": schema}, make)
    assert error is None
    assert own < 400
    assert child < 300


def test_marks_in_texts_do_not_count_as_values():
    commas = json.dumps({"text": "," * 9_000_000})
    assert len(read_json(commas)["text"]) == 9_000_000
