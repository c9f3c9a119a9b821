"""The emulator as a process."""

from __future__ import annotations

import subprocess
import sys
import time

from infrastructure.local.emulator import is_alive

NEGLIGENT = "import subprocess, time; print(subprocess.Popen(['true']).pid, flush=True); time.sleep(60)"


def test_a_process_that_has_ended_is_not_alive_though_its_parent_has_not_noticed():
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
