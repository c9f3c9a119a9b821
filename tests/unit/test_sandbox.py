"""Hostile code in the sandbox: it gets nothing, reaches nothing, stays within its bounds, and leaves nothing behind."""

from __future__ import annotations

import fcntl
import os
import platform
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine.nodes.python_code import check_code
from engine.testing import run_node
from functions.sandbox.handler import Runner
from functions.sandbox.handler import run as run_event
from infrastructure.guests.build import interpretable, local_guests
from tests.refused import NUMBERS
from tests.sandboxes import SERVICES, sandboxed

_THERE = """def there(name):
    try: return __import__(name)
    except ImportError: return None
names = 'os sys socket subprocess threading ctypes signal mmap gc time posix'.split()
os, sys, socket, subprocess, threading, ctypes, signal, mmap, gc, time, posix = map(there, names)
def main(input):
"""
"""More than a workflow may import: what protects is the machine, not the list."""


def run(code: str, value: Any = None, **more: Any) -> Any:
    """What the function answers."""
    return sandboxed({"language": "python", "code": code, "input": value, **more})


def body(*lines: str) -> str:
    return _THERE + "".join(f"    {line}\n" for line in lines)


def test_code_computes_prints_and_returns():
    told = run("def main(input):\n    print('a'); print('b', end='')\n    return {'sum': sum(input)}", [1, 2])
    assert told == {"result": {"sum": 3}, "lines": ["a", "b"], "runtime": "native"}
    zones = """from zoneinfo import ZoneInfo
import datetime
def main(i):
    return str(datetime.datetime(2026, 1, 1, tzinfo=ZoneInfo('Asia/Tokyo')))"""
    assert run(zones)["result"].endswith("+09:00")


@pytest.mark.parametrize(
    "line",
    [
        "open('/etc/passwd')",
        "open('/proc/self/environ')",
        "open(f'/proc/{os.getppid()}/environ')",
        "open('/proc/self/maps')",
        "open('/tmp/x', 'w')",
        "os.listdir('/')",
        "os.stat('/etc/passwd')",
        "os.mkdir('/tmp/x')",
        "os.symlink('/etc', '/tmp/x')",
        "os.memfd_create('x')",
        "socket.socket()",
        "socket.socketpair()",
        "socket.create_connection(('127.0.0.1', 9001))",
        "socket.getaddrinfo('example.com', 80)",
        "os.fork()",
        "os.posix_spawn('/bin/sh', ['sh'], {})",
        "os.execv('/bin/sh', ['sh'])",
        "subprocess.run(['id'])",
        "threading.Thread(target=print).start()",
        "os.kill(os.getppid(), 9)",
        "os.kill(1, 0)",
        "os.setuid(0)",
        "os.chroot('/')",
        "mmap.mmap(-1, 4096, prot=mmap.PROT_EXEC | mmap.PROT_READ)",
        "signal.setitimer(signal.ITIMER_REAL, 0)",
        "__import__('sqlite3')",
        "__import__('urllib.request')",
        "os.pipe()",
        "os.nice(-5)",
        "os.sched_setaffinity(0, {0})",
    ],
)
def test_nothing_can_be_reached(line: str):
    told = run(body(line, "return 'done'"))
    assert told.get("result") is None, told
    assert told["error"]["line"] == 7
    assert told["error"]["text"] == line


def test_sandbox_has_no_environment_and_no_user(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the function")
    told = run(body("return [dict(os.environ), hasattr(os, 'getuid'), sys.path, sys.argv]"))
    assert told["result"] == [{}, False, [], [""]]


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        ("while True: pass", {"timeout"}),
        ("time.sleep(1000)", {"timeout"}),
        ("sum(range(10**12))", {"timeout"}),
        ("9**9**9", {"timeout", "memory"}),
        ("import re; re.match('(a+)+$', 'a' * 40 + 'b')", {"timeout"}),
        ("[0] * 10**11", {"code_failed"}),
        ("[0] * 10**9", {"memory"}),
        ("x = ['x'*10**6 + str(i) for i in range(10**6)]", {"memory"}),
        ("bytearray(2**30)", {"memory"}),
        ("return main(input)", {"code_failed"}),
        ("return 'x' * 6_000_000", {"output_too_large"}),
        ("os._exit(0)", {"code_crashed"}),
        ("os.abort()", {"code_crashed"}),
        ("posix.abort()", {"code_crashed"}),
        ("sys.setrecursionlimit(10**8); return main(input)", {"code_failed", "code_crashed", "memory", "timeout"}),
        ("sys.exit(3)", {"code_failed"}),
        ("raise KeyboardInterrupt", {"code_failed"}),
        ("return {1, 2}", {"code_failed"}),
        ("return float('nan')", {"code_failed"}),
    ],
)
def test_bombs_end_within_their_bounds(line: str, codes: set[str]):
    told = run(body(line), seconds=0.5 if "timeout" in codes else 20, memory_mb=96)
    assert told["error"]["code"] in codes, told


def test_printing_without_end_is_bounded():
    told = run(body("while True: print('x' * 10_000)"), seconds=0.3)
    assert told["error"]["code"] == "timeout"
    many = run("def main(i):\n    for n in range(100_000): print(n)\n    print('x' * 10**6)")
    assert len(many["lines"]) == 200


def test_forged_child_output_is_bounded():
    many = run(body("sys.stdout.lines = ['x' * 2_500] * 1_000", "return 1"))
    assert (len(many["lines"]), len(many["lines"][0])) == (200, 2_000)
    for said in ('{"error": "x"}', "[]", "nonsense", '{"error": {"code": "no_such", "message": 7, "trace": 3}}'):
        told = run(
            body(f"[os.write(n, {said.encode()!r}) for n in range(3, 9) if not closed(n)]", "os._exit(0)").replace(
                "def main", "def closed(n):\n    try: os.write(n, b'')\n    except OSError: return True\ndef main"
            ),
        )
        assert told["error"]["code"] in ("code_failed", "code_crashed"), told


def test_one_call_leaves_nothing_for_the_next():
    run(body("global kept", "kept = 'secret of the first'", "sys.modules['kept'] = kept", "return 1"))
    told = run(body("return [globals().get('kept'), 'kept' in sys.modules]"))
    assert told["result"] == [None, False]


def test_the_function_itself_survives_and_keeps_no_child(tmp_path: Path):
    before = set(Path("/proc/self/fd").iterdir())
    run(body("os._exit(7)"))
    assert set(Path("/proc/self/fd").iterdir()) == before
    with socket.socket() as mine:  # only the child is locked in
        mine.bind(("127.0.0.1", 0))
    (tmp_path / "x").write_text("still mine")


def test_an_error_names_the_codes_own_line():
    code = "def helper(x):\n    return x / 0\n\ndef main(input):\n    return helper(input)\n"
    told = run(code, 1)["error"]
    assert (told["message"], told["line"], told["text"]) == ("ZeroDivisionError: division by zero", 2, "return x / 0")
    assert [one["in"] for one in told["trace"]] == ["main", "helper"]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("def main(input)\n    return 1", "line 1: expected ':'"),
        ("x = 1", "defines no function `main(input)`"),
        ("import os\ndef main(i): return 1", "the module 'os' is not there"),
        ("def main(i):\n    from subprocess import run", "the module 'subprocess' is not there"),
        ("from . import x\ndef main(i): pass", "is not there"),
        ("(" * 300 + ")" * 300, ""),
        ("x\0", ""),
    ],
)
def test_what_cannot_run_is_said_when_it_is_saved(code: str, says: str):
    with pytest.raises(ValueError, match="." if not says else None) as caught:
        check_code(code)
    assert says in str(caught.value)


def test_the_node_runs_it_and_logs_what_it_prints():
    code = "from collections import Counter\ndef main(input):\n    print('got', input)\n    return Counter(input)"
    done = run_node("python_code", {"code": code, "input": "{{ trigger.body }}"}, trigger="abca", services=SERVICES)
    assert done.output == {"a": 2, "b": 1, "c": 1}
    assert done.lines[0].message == "got abca"
    templates = run_node(
        "python_code", {"code": "def main(i):\n    return '{{ trigger.body }}'"}, trigger="1/0", services=SERVICES
    )
    assert templates.output == "{{ trigger.body }}"  # data is never put into code
    failed = run_node("python_code", {"code": "def main(i):\n    return i['x']", "input": {}}, services=SERVICES)
    assert failed.error is not None
    assert (failed.error.code, failed.error.message) == ("code_failed", "line 2: KeyError: 'x'")


@pytest.mark.skipif(platform.machine() not in NUMBERS, reason="the numbers of system calls are not known here")
@pytest.mark.parametrize("file", ["test_sandbox.py", "test_javascript.py"])
def test_sandbox_holds_where_the_kernel_refuses_system_calls(file: str):
    """As in Lambda, whose own filter refuses prctl and seccomp; and without memfd_create, userfaultfd and ptrace."""
    tests = "reached or bombs or bounded or leaves or survives or own_line or environment or bounds"
    command = [sys.executable, "-m", "tests.refused", sys.executable, "-m", "pytest", "-n", "0", "-q"]
    command += ["-p", "no:cacheprovider", "-k", f"({tests}) and not refuses", f"tests/unit/{file}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3_000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[-1]) > 25


def test_where_machine_code_does_not_load_it_is_interpreted_within_the_same_bounds(tmp_path: Path):
    for kept in ("javascript.json", "javascript.memory"):
        (tmp_path / kept).symlink_to(local_guests() / kept)
    (tmp_path / "javascript.native").write_bytes(b"not for this processor")
    interpretable("javascript", tmp_path / "javascript.pulley")
    interpreting = Runner(tmp_path)
    event = {"language": "javascript", "code": "input + 1", "input": 1, "seconds": 20, "memory_mb": 64}
    told = run_event(event, interpreting)
    late = run_event({**event, "code": "while (true);", "seconds": 0.5}, interpreting)
    full = run_event({**event, "code": "const a = []; for (;;) a.push(new Array(1e5).fill(1))"}, interpreting)
    missing = run_event({**event, "language": "python"}, interpreting)
    interpreting.stop()
    assert told == {"result": 2, "lines": [], "runtime": "pulley"}
    assert (late["error"]["code"], full["error"]["code"]) == ("timeout", "memory")
    assert missing["error"]["code"] == "sandbox_unavailable"


def test_code_waits_for_guests_that_are_being_made(tmp_path: Path):
    """On the local stack they are made beside the deployment; whoever makes them holds their lock."""
    event = {"language": "javascript", "code": "return 1 + 1", "input": 1, "seconds": 20, "memory_mb": 64}
    told = tmp_path / "guests"
    told.write_text(str(tmp_path / "made"))
    mine = Runner(told)
    with (tmp_path / "made.lock").open("w") as lock, ThreadPoolExecutor(1) as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = pool.submit(run_event, event, mine)
        assert not answer.done()
        (tmp_path / "made").symlink_to(local_guests())
        assert answer.result()["result"] == 2
    mine.stop()


def test_guests_that_nobody_makes_are_told_at_once(tmp_path: Path):
    told = tmp_path / "guests"
    told.write_text(str(tmp_path / "made"))
    (tmp_path / "made.lock").touch()
    event = {"language": "python", "code": "def main(i): return i", "input": 1, "seconds": 20, "memory_mb": 64}
    error = run_event(event, Runner(told))["error"]
    assert (error["code"], "`mainspring up` makes them" in error["message"]) == ("sandbox_unavailable", True)


def test_a_runner_that_was_killed_is_followed_by_another():
    event = {"language": "python", "code": "def main(i): return i", "input": 1, "seconds": 20, "memory_mb": 64}
    mine = Runner(local_guests())
    assert run_event(event, mine)["result"] == 1
    os.kill(mine.start().pid, signal.SIGKILL)
    answers = [run_event(event, mine) for _ in range(2)]
    assert answers[-1]["result"] == 1
    mine.stop()


def test_time_and_chance_can_be_fixed():
    code = """import random, time, uuid, datetime, secrets
def main(input):
    time.sleep(1000)
    return [random.random(), str(uuid.uuid4()), secrets.token_hex(4), time.time(), str(datetime.datetime.now())]"""
    first, again = (run(code, now=1_772_368_496.5, fixed=True, seed="aa")["result"] for _ in range(2))
    assert first == again
    assert first[3:] == [1_772_368_496.5, "2026-03-01 12:34:56.500000"]
    assert run(code, now=1_772_368_496.5, fixed=True, seed="bb")["result"][:3] != first[:3]
    free = "import random\ndef main(input): return [random.random(), random.SystemRandom().random()]"
    assert run(free)["result"] != run(free)["result"]


def test_the_functions_environment_and_its_neighbours_are_out_of_reach(monkeypatch: pytest.MonkeyPatch):
    """The process that code runs under starts without credentials, so not even its memory has them."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the function")
    with socket.socket() as runtime:
        runtime.bind(("127.0.0.1", 0))
        runtime.listen()
        port = runtime.getsockname()[1]
        told = run(body(f"socket.create_connection(('127.0.0.1', {port}))"))
        assert told["error"]["code"] == "code_failed"
        mine = Runner(local_guests())
        environment = Path(f"/proc/{mine.start().pid}/environ").read_bytes()
        mine.stop()
    assert b"AWS" not in environment
