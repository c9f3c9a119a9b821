"""The AWS emulator as a process: its environment, ports, health, and clients of its services."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from infrastructure.local import snapshots

REGION = "us-east-1"


def is_free(port: int) -> bool:
    """Whether nothing listens on a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def emulator_environment(data: Path, port: int) -> dict[str, str]:
    """All that the emulator and its Lambda workers get: nothing of the caller's own environment leaks in."""
    return {
        **clean_environment(),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "AUTH": "true",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(data / snapshots.LINK),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(data / "s3"),
        "TMPDIR": str(data / "tmp"),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "PYTHONDONTWRITEBYTECODE": "",
    }


def forget_stream_positions(data: Path) -> None:
    """Reset the readers of the tables' streams before the emulator starts.

    It saves how far they have read, but not the streams: they would wait for as many changes as there were before.
    """
    path = data / snapshots.LINK / "lambda.json"
    try:
        state = json.loads(path.read_text())
        positions = state["payload"].pop("dynamodb_stream_positions", None)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return
    if positions is not None:
        path.write_text(json.dumps(state))


def end_orphans(data: Path) -> None:
    """End what a killed emulator has left: Lambda workers would keep running, and call the next emulator on its port.

    A copy of it that was writing a snapshot may still hold that port. This waits until all of them are gone.
    """
    try:
        group = int(json.loads((data / "stack.json").read_text())["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    command = ["ps", "-ww", "-A", "-o", "pid=,pgid=,command="]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:  # a machine without `ps`: they find nobody at their pipes, and end by themselves
        return
    for line in listed.splitlines():
        pid, its_group, what = line.split(None, 2)
        if int(its_group) == group and str(data) in what:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
            while is_alive(int(pid)):
                time.sleep(0.01)


def clean_environment() -> dict[str, str]:
    """Return only those variables of the caller's environment that programs need to run."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
    return {name: os.environ[name] for name in kept if name in os.environ}


def aws_environment(port: int) -> dict[str, str]:
    """What points the AWS tools at the emulator."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


def aws_client(service: str, port: int) -> Any:
    """A client of one of the emulator's services, with all rights."""
    import boto3

    make: Any = boto3.client  # which of four hundred overloads it is does not matter here
    return make(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the emulator's
    )


def function_log_groups(port: int) -> dict[str, str]:
    """The log groups of the stack's functions, by the names of their folders."""
    pages = aws_client("lambda", port).get_paginator("list_functions").paginate()
    found = {}
    for function in (one for page in pages for one in page["Functions"]):
        folder = function["Handler"].removeprefix("functions.").partition(".")[0]
        found[folder] = function["LoggingConfig"]["LogGroup"]
    return found


def log_lines(port: int, group: str) -> Iterator[str]:
    """The lines of a log group, the oldest first."""
    client = aws_client("logs", port)
    try:
        for page in client.get_paginator("filter_log_events").paginate(logGroupName=group):
            yield from (event["message"].rstrip() for event in page["events"])
    except client.exceptions.ResourceNotFoundException:  # it has not been called yet
        return


def is_healthy(port: int) -> bool:
    """Whether the emulator answers, if slowly. Asked often, so without a client that reads certificates first."""
    connection = HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def is_emulator(pid: int) -> bool:
    """Whether that process is one of our emulators: after a crash another program may have its id."""
    if not is_alive(pid):
        return False
    command = ["ps", "-ww", "-p", str(pid), "-o", "command="]
    try:
        return (
            "infrastructure.local.emulator_process"
            in subprocess.run(command, capture_output=True, text=True, check=False).stdout
        )
    except FileNotFoundError:  # a machine without `ps`
        return True


def is_alive(pid: int) -> bool:
    """Whether a process lives; a child of ours that has ended is reaped."""
    try:
        waited, _ = os.waitpid(pid, os.WNOHANG)  # if it is our child and has ended, let it go
        if waited == pid:
            return False
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _has_ended(pid)


def _has_ended(pid: int) -> bool:
    """Whether a process has ended and its parent, which is not us, has not taken note of it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):  # a machine without /proc, or it is gone by now
        return False
