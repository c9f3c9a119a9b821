"""The emulator as a process."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest
from ministack import app as ministack

from infrastructure.local import snapshots
from infrastructure.local.emulator import is_alive
from infrastructure.local.emulator_process import Saver

NEGLIGENT = "import subprocess, time; print(subprocess.Popen(['true']).pid, flush=True); time.sleep(60)"


def test_zombie_process_does_not_count_as_alive():
    with subprocess.Popen([sys.executable, "-c", NEGLIGENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        for _ in range(100):
            if not is_alive(child):
                break
            time.sleep(0.05)
        assert not is_alive(child)
        assert is_alive(parent.pid)
        parent.kill()


def test_a_snapshot_says_which_deployment_it_has_also_to_whoever_begins_with_it(tmp_path: Path):
    taken = snapshots.Saved(snapshots.now(), is_complete=True, deployed="fingerprint")
    snapshots.publish(tmp_path, snapshots.new_folder(tmp_path, "1"), taken)

    assert snapshots.begin(tmp_path) == taken
    assert snapshots.saved(tmp_path) == replace(taken, is_complete=False)
    assert Saver(tmp_path)._deployed == "fingerprint"


def test_an_emulator_that_is_stopped_as_a_snapshot_begins_saves_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The snapshot waits for the thread that serves requests, which waits for the snapshot, and would for ever."""

    async def fork(*_: object, **__: object) -> int:
        return 0

    monkeypatch.setattr(Saver, "_fork", fork)
    (tmp_path / "deployed").write_text("fingerprint")
    saver, loop = Saver(tmp_path), asyncio.new_event_loop()  # which nobody runs: its thread is here
    monkeypatch.setattr(ministack, "_MAIN_LOOP", loop)
    monkeypatch.setattr(os, "_exit", ended := Mock())
    saver.requests = 1
    saver.start()
    while not saver._saving.locked():
        time.sleep(0.01)
    saver.save_all({})

    assert snapshots.saved(tmp_path).is_complete  # type: ignore[union-attr]
    ended.assert_called_once_with(0)
    saver.join()
    loop.run_until_complete(asyncio.sleep(0.01))  # what was asked of it has been taken back
    loop.close()
