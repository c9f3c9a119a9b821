"""The guests, one for each language: how each is loaded, and how it runs users' code.

A guest has four files, made by the build: machine code, code for wasmtime's interpreter, the memory of an initialized
instance, and its metadata.
"""

from __future__ import annotations

import json
import struct
import time
from pathlib import Path
from typing import Any

import wasmtime

from functions.sandbox.bounds import MAX_ANSWER_BYTES
from functions.sandbox.machine import PULLEY_TARGET, Host, Instance, Machine, load, native_target

_MEGABYTE = 1024 * 1024


class GuestError(Exception):
    """The guest does not behave as it should."""


class Guest:
    """A guest that is ready to run."""

    def __init__(self, folder: Path, name: str) -> None:
        self._about = json.loads((folder / f"{name}.json").read_text())
        self._machine, self.interpreted = _loaded(folder, name)
        self._instance = self._machine.instance()
        self._instance.restore(bytearray((folder / f"{name}.memory").read_bytes()), self._about["globals"])

    def run(self, event: dict[str, Any]) -> bytes:
        """Return the guest's output for an event. It can be used once: afterwards the user's code controls its state.

        Raises:
            wasmtime.Trap: the guest was interrupted, or failed.
        """
        seconds = float(event["seconds"])
        host = Host(
            most=MAX_ANSWER_BYTES,
            ends_at=time.monotonic() + seconds,
            now=event.get("now"),
            fixed=bool(event.get("fixed")),
            seed=bytes.fromhex(event["seed"]) if event.get("seed") else None,
        )
        host.given = json.dumps({**event, "chance": host.chance(16).hex()}).encode()
        self._machine.host = host
        self._instance.limit(int(event["memory_mb"]) * _MEGABYTE)
        self._machine.end_after(seconds)
        entry = self._about["entry"]
        if event["language"] == "python":
            self._instance.call_pointer(entry["call"], *entry["arguments"])
        else:
            _run_javascript(self._instance, host, entry)
        return bytes(host.said)


class Guests:
    """The guests in a folder, each loaded on first use."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._loaded: dict[str, Guest] = {}

    def guest(self, language: str) -> Guest:
        """Return the guest of a language."""
        if language not in self._loaded:
            self._loaded[language] = Guest(self._folder, language)
        return self._loaded[language]


def _loaded(folder: Path, name: str) -> tuple[Machine, bool]:
    """Return the guest, and whether it is interpreted: machine code loads only where the kernel allows it."""
    try:
        return load(folder / f"{name}.native", native_target()), False
    except wasmtime.WasmtimeError:
        return load(folder / f"{name}.pulley", PULLEY_TARGET), True


def _run_javascript(instance: Instance, host: Host, entry: dict[str, int]) -> None:
    """Give QuickJS the event, run it until no work is pending, and return its output."""
    out = instance.call("qjs_alloc", 4)

    def called(function: int, *arguments: int) -> int:
        listed = instance.call("qjs_alloc", max(4 * len(arguments), 1))
        instance.write(listed, struct.pack(f"<{len(arguments)}I", *arguments))
        if instance.call("call_function", function, instance.call("new_undefined"), listed, len(arguments), out):
            raise GuestError("the guest's own functions do not fail")
        return int.from_bytes(instance.read(out, 4), "little")

    text = host.read(len(host.given))
    place = instance.call("qjs_alloc", len(text))
    if place == 0:
        raise MemoryError
    instance.write(place, text)
    called(entry["start"], instance.call("new_string", place, len(text)))
    while instance.call("execute_pending_jobs") > 0:
        pass
    if instance.call("get_string", called(entry["finish"])):
        raise GuestError("the guest says a text")
    host.write(instance.read(instance.call("qjs_last_ptr"), instance.call("qjs_last_len")))
