"""Runs a command under a filter that refuses what Lambda's own may refuse: `python -m tests.refused COMMAND …`.

It is a filter of system calls, for this process and all that it starts: they get EPERM from prctl, seccomp,
memfd_create, userfaultfd and ptrace.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys

NUMBERS = {"x86_64": (157, 317, 319, 323, 101), "aarch64": (167, 277, 279, 282, 117)}
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050001
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _BY_FILTER = 22, 38, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def refuse() -> None:
    """From here on they are refused."""
    lines = [struct.pack("HBBI", _LOAD, 0, 0, 0)]
    for number in NUMBERS[platform.machine()]:
        lines += [struct.pack("HBBI", _EQUAL, 0, 1, number), struct.pack("HBBI", _RETURN, 0, 0, _REFUSE)]
    lines.append(struct.pack("HBBI", _RETURN, 0, 0, _ALLOW))
    memory = ctypes.create_string_buffer(b"".join(lines))
    program = _Program(len(lines), ctypes.cast(memory, ctypes.c_void_p))
    system = ctypes.CDLL(None, use_errno=True)
    if system.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or system.prctl(
        _PR_SET_SECCOMP, _BY_FILTER, ctypes.byref(program), 0, 0
    ):
        raise OSError(ctypes.get_errno(), "the filter cannot be installed")
    if system.prctl(3, 0, 0, 0, 0) != -1:
        raise OSError("the filter does nothing")


if __name__ == "__main__":
    refuse()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - no shell is wanted
