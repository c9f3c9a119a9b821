"""Builds the local stack's guests in the background: starting the stack does not wait for them.

It takes some fifteen seconds of processor time, once per user, and most workflows run no code. The sandbox waits for
the guests.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from infrastructure.guests.errors import GuestBuildError
from infrastructure.stack.packaging import ROOT

_LEAST_URGENT = 19


def begin_making(sandbox: Path, log: Path) -> None:
    """Have the guests made by a process of its own, unless this user has them.

    Args:
        sandbox: the code of the sandbox, which `infrastructure.stack.packaging` has built.
        log: gets what the process says.
    """
    place = sandbox / "functions" / "sandbox" / "guests"
    if not place.is_file() or Path(place.read_text()).is_dir():
        return
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "infrastructure.local.guest_build"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    process.returncode = 0  # it outlives this object on purpose, and ends by itself


def main() -> None:
    """Make them."""
    from infrastructure.guests.build import local_guests

    os.nice(_LEAST_URGENT)
    try:
        local_guests()
    except GuestBuildError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
