"""Brings a guest to the state in which it waits for code, so that no call has to do it."""

from __future__ import annotations

import base64
import importlib.resources
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.nodes.python_code import MODULES
from functions.sandbox.bounds import MAX_LINE_CHARACTERS, MAX_LINES, MAX_TRACE
from functions.sandbox.machine import ExitedError, Host, Instance, Machine
from infrastructure.guests.errors import GuestBuildError
from infrastructure.guests.luxon import luxon

_HERE = Path(__file__).parent
_SEED = b"the same guest from every build"
_CALL_SLOT = 64
"""Where a type of CPython in 32 bits has its `tp_call`: the function that calls one, by its place in the table."""
_ALSO_IMPORTED = ("_strptime", "encodings.ascii", "encodings.idna", "encodings.latin_1", "encodings.utf_16")


class _Ready(Exception):
    """The guest is where it should be: what it is doing is left as it is."""


Initialize = Callable[[Machine], tuple[Instance, dict[str, Any]]]
"""Gives an instance in the state to keep, and what one has to know to go on from there."""


def initialize_python(machine: Machine) -> tuple[Instance, dict[str, Any]]:
    """CPython with `python_guest.py` loaded, stopped in the call in which that asks for the time.

    Its program exports nothing but the start of a whole run. So what is called later is the function that CPython
    itself calls objects with: it is in the table, and the type of functions says where.
    """
    given = {
        "bounds": {"lines": MAX_LINES, "line_characters": MAX_LINE_CHARACTERS, "trace": MAX_TRACE},
        "modules": [*sorted(MODULES), *_ALSO_IMPORTED],
        "zones": {name: content.hex() for name, content in _zones().items()},
    }
    program = (_HERE / "python_guest.py").read_bytes()

    def on_time() -> None:
        if host.said:
            raise _Ready

    host = Host(
        given=json.dumps(given).encode(),
        arguments=(b"python", b"-S", b"-B", b"-c", program),
        now=0,
        fixed=True,
        seed=_SEED,
        on_time=on_time,
    )
    machine.host = host
    instance = machine.instance()
    try:
        instance.call("_start")
    except _Ready:
        places = json.loads(host.said)
    except ExitedError:
        raise GuestBuildError(f"CPython ended: {host.notes.decode(errors='replace')[-800:]}") from None
    else:
        raise GuestBuildError("CPython ended before it was ready")
    (call,) = struct.unpack("<I", instance.read(places["type"] + _CALL_SLOT, 4))
    return instance, {"call": call, "arguments": [places["run"], places["nothing"], 0]}


def initialize_javascript(machine: Machine) -> tuple[Instance, dict[str, Any]]:
    """QuickJS with what programs expect around the language, Luxon, and the functions of `guest.js`."""
    machine.host = Host(now=0, fixed=True, seed=_SEED)
    instance = machine.instance()
    zones = {name: base64.b64encode(content).decode() for name, content in _zones().items()}
    bounds = {"lines": MAX_LINES, "line_characters": MAX_LINE_CHARACTERS, "trace": MAX_TRACE}
    globals_js, zones_js, intl_js, guest_js = (
        (_HERE / "javascript" / f"{name}.js").read_text() for name in ("globals", "time_zones", "intl", "guest")
    )
    _evaluated(instance, globals_js)
    _evaluated(instance, intl_js.replace("ZONES", f"{zones_js.strip()}({json.dumps(zones)})"))
    its_luxon = f"(function () {{ {luxon()}\nreturn luxon; }})()"
    _evaluated(instance, f"globalThis.guest = {guest_js.strip()}(globalThis, {json.dumps(bounds)}, {its_luxon})")
    entry = {name: _evaluated(instance, f"guest.{name}") for name in ("start", "finish")}
    _evaluated(instance, "delete globalThis.guest")
    instance.call("run_gc")
    return instance, entry


def _evaluated(instance: Instance, code: str) -> int:
    """The value of a program, by QuickJS's number for it.

    Raises:
        GuestBuildError: it failed.
    """
    text = code.encode()
    place, out = instance.call("qjs_alloc", len(text)), instance.call("qjs_alloc", 4)
    instance.write(place, text)
    failed = instance.call("eval_code", place, len(text), out)
    instance.call("qjs_free", place, len(text))
    if failed and instance.call("last_exception", out) == 0:
        error = int.from_bytes(instance.read(out, 4), "little")
        field = b"message"
        instance.write(place, field)
        instance.call("get_prop", error, place, len(field), out)
        instance.call("get_string", int.from_bytes(instance.read(out, 4), "little"))
        message = instance.read(instance.call("qjs_last_ptr"), instance.call("qjs_last_len"))
        raise GuestBuildError(f"QuickJS: {message.decode(errors='replace')}")
    if failed:
        raise GuestBuildError("QuickJS does not run its own programs")
    return int.from_bytes(instance.read(out, 4), "little")


def _zones() -> dict[str, bytes]:
    """The time zones of the package `tzdata`, by name."""
    folder = importlib.resources.files("tzdata")
    names = (folder / "zones").read_text().split()
    return {name: (folder / "zoneinfo" / name).read_bytes() for name in names}
