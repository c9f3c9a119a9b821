"""What nodes compute ends with the node's time: a thread looks whether it is still waited for, a process is killed."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import IO, Any

import pytest

from engine.nodes import csv
from engine.testing import run_node
from engine.testing.files import MemoryFiles
from engine.threads import NodeThreads, node_runner
from tests.unit.test_isolation import children, gone

SECONDS = 1.0
ENDS = 20
"""How long a thread is waited for that should end at once; what it was asked for takes minutes."""


over = threading.Event()
"""Ends what would go on, so that a test that fails ends as well."""


class EndlessFiles(MemoryFiles):
    """A file without an end, from a slow disk."""

    @contextmanager
    def opened(self, name: str, most: int = 0) -> Iterator[IO[bytes]]:
        del name, most
        yield Endless()


class Endless(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        del size
        return b"" if over.wait(0.001) else b"x"


def given_up(node: str, config: dict[str, Any], files: MemoryFiles | None = None) -> int:
    """Let a node run into its timeout; gives how many threads go on."""
    over.clear()
    threads = NodeThreads()

    async def timed(work: Coroutine[Any, Any, Any]) -> Any:
        async with asyncio.timeout(SECONDS):
            return await work

    with node_runner(threads) as runner:
        with pytest.raises(TimeoutError):
            run_node(node, config, files=files, run=lambda work: runner.run(timed(work)))
        left = threads.left_running(ENDS)
        over.set()
        return left


@pytest.mark.parametrize(
    ("node", "config"),
    [
        ("hash", {"source": {"file": "endless"}}),
        ("zip", {"operation": "pack", "entries": [{"source": {"file": "endless"}}], "save_as": "packed.zip"}),
    ],
)
def test_content_is_not_read_on_when_the_time_is_over(node: str, config: dict[str, Any]):
    files = EndlessFiles({})
    assert given_up(node, config, files) == 0
    assert not files.content


def test_rows_are_not_written_on_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch):
    def slow(text: str, _others: str) -> str:
        over.wait(0.001)
        return text

    monkeypatch.setattr(csv, "harmless", slow)
    assert given_up("csv", {"operation": "format", "rows": [["x"]] * 100_000}) == 0


def test_xml_is_not_written_on_when_the_time_is_over():
    async def scene() -> None:
        value = {"a": {f"e{number}": {"x": ["y"] * 10} for number in range(20_000)}}
        work = asyncio.create_task(_writes(value))
        while not _some():  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0.005)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await gone()

    asyncio.run(scene())


async def _writes(value: dict[str, Any]) -> Any:
    found: list[Coroutine[Any, Any, Any]] = []

    def keep(work: Coroutine[Any, Any, Any]) -> Any:
        found.append(work)

    run_node("xml", {"operation": "format", "value": value}, run=keep)
    return await found[0]


def _some() -> bool:
    try:
        return bool(children())
    except AssertionError:
        return False  # the process that forks is not there yet
