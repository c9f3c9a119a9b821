"""The local stack: MiniStack, an AWS emulator, with the real CDK app deployed to it and IAM enforced.

All that it holds is in one data directory; the CDK command line is kept in the user's cache.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from infrastructure.local import snapshots
from infrastructure.local.cdk_command import CdkMissing, cdk_command, fingerprint
from infrastructure.local.emulator import (
    REGION,
    aws_client,
    aws_environment,
    clean_environment,
    emulator_environment,
    end_orphans,
    forget_stream_positions,
    function_log_groups,
    is_alive,
    is_emulator,
    is_free,
    is_healthy,
    log_lines,
)
from infrastructure.local.guest_build import begin_making
from infrastructure.stack.packaging import LOCAL_SANDBOX, ROOT

DEFAULT_PORT = 4566
STACK_NAME = "Mainspring"
LOCAL_API_ID = "a5c0de00"
ADMIN_EMAIL = "admin@mainspring.localhost.dev"
_ASSETS_BUCKET = f"cdk-hnb659fds-assets-000000000000-{REGION}"
_START_SECONDS = 30
_STOP_SECONDS = 60
_MOST_SWEEPS = 50
_ALL_AHEAD = 2 * 366 * 24 * 3600
"""Seconds: whatever is to be looked at some day is looked at now."""

Progress = Callable[[str], None]


class LocalStackError(Exception):
    """Something is in the way; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Running:
    """A local stack that runs."""

    pid: int
    port: int
    api_url: str
    data: str

    @property
    def console_url(self) -> str:
        """Where people work with it."""
        return f"{self.api_url}/console"


class LocalStack:
    """The local stack of one data directory.

    Args:
        data: the directory; made where it is missing.
        report: is told each step as it begins.
    """

    def __init__(self, data: Path, report: Progress = lambda _: None) -> None:
        self.data = data.resolve()
        self._report = report
        # Node, which CDK needs, is in the environment that runs this, which need not be on PATH.
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"

    # -- what is ------------------------------------------------------------------------------------------

    def running(self) -> Running | None:
        """The stack, if its process lives."""
        try:
            running = Running(**json.loads((self.data / "stack.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return running if is_emulator(running.pid) and is_healthy(running.port) else None

    def credentials(self) -> tuple[str, str]:
        """E-mail address and password of the local administrator.

        Raises:
            LocalStackError: they were never made here.
        """
        try:
            stored = json.loads((self.data / "credentials.json").read_text())
        except (OSError, ValueError):
            raise LocalStackError(
                f"{self.data} has no credentials; `mainspring up` makes them, or remove the directory to start anew"
            ) from None
        return stored["email"], stored["password"]

    def function_log(self, name: str) -> Iterator[str]:
        """What a function has logged, the oldest first; its name is that of its folder in `functions/`.

        Raises:
            LocalStackError: the stack does not run, or has no such function.
        """
        running = self.running()
        if running is None:
            raise LocalStackError("the local stack does not run; `mainspring up` starts it")
        groups = function_log_groups(running.port)
        if name not in groups:
            raise LocalStackError(f"there is no function {name!r}; there are {', '.join(sorted(groups))}")
        yield from log_lines(running.port, groups[name])

    # -- up and down --------------------------------------------------------------------------------------

    def up(self, port: int | None = None, choices: Mapping[str, Sequence[str]] | None = None) -> Running:
        """Start the emulator, deploy what has changed, and make sure that there is an administrator.

        Without a port it is the one that this data directory had before, or 4566. `choices` are lists for the CDK
        context, `resources` and `extensions`; what is not given stays as it was before.

        Raises:
            LocalStackError: the port is taken, another `up` is at work, or a step failed.
        """
        try:
            self.data.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LocalStackError(f"{self.data} cannot be the data directory: {error.strerror}") from None
        with self._lock():
            self._remember(choices or {})
            running = self.running()
            was_down = running is None
            if running is None:
                running = self._start(port or self._last_port())
            elif port not in (None, running.port):
                raise LocalStackError(f"it runs on port {running.port}; `mainspring down` stops it")
            try:
                self._deploy(running)
                self._wait_for_api(running)
                self._make_administrator(running)
                if was_down:
                    self._resume(running)
            except BaseException:
                self.down()
                raise
        return running

    def down(self) -> bool:
        """Stop the emulator, which saves its state; False where none runs."""
        path = self.data / "stack.json"
        try:
            pid = int(json.loads(path.read_text())["pid"])
        except (OSError, ValueError, KeyError):
            return False
        if not is_emulator(pid):
            path.unlink(missing_ok=True)
            return False
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while is_alive(pid):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        end_orphans(self.data)
        path.unlink(missing_ok=True)
        shutil.rmtree(self.data / "tmp", ignore_errors=True)
        return True

    def _last_port(self) -> int:
        try:
            return int((self.data / "port").read_text())
        except (OSError, ValueError):
            return DEFAULT_PORT

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One `up` at a time. The system drops the lock with its process, so it is never stale."""
        with (self.data / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise LocalStackError(
                    f"another `mainspring up` is starting the stack of {self.data}; wait for it"
                ) from None
            yield

    def _start(self, port: int) -> Running:
        was_killed = (self.data / "stack.json").exists()
        end_orphans(self.data)
        if not is_free(port) and not (was_killed and self._becomes_free(port)):
            raise LocalStackError(f"port {port} is taken; `mainspring up --port` takes another, or stop what uses it")
        self._report("starting the AWS emulator")
        self._begin_with_what_was_saved()
        temporary = self.data / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        with (self.data / "emulator.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "infrastructure.local.emulator_process", str(self.data)],
                env=emulator_environment(self.data, port),
                cwd=self.data,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        process.returncode = 0  # it outlives this object on purpose; from here on it is known by its id
        running = Running(process.pid, port, _api_url(port), str(self.data))
        (self.data / "stack.json").write_text(json.dumps(asdict(running)))
        (self.data / "port").write_text(str(port))
        deadline = time.monotonic() + _START_SECONDS
        while not is_healthy(port):
            if not is_alive(process.pid) or time.monotonic() > deadline:
                self.down()
                raise LocalStackError(f"the emulator did not start; {self.data / 'emulator.log'} has its output")
            time.sleep(0.05)
        return running

    def _begin_with_what_was_saved(self) -> None:
        """Go on from the last snapshot; say what is lost where the emulator was not stopped but killed."""
        was_here = (self.data / "port").exists()
        saved = snapshots.begin(self.data)
        if saved is None:
            if was_here:
                self._report("the emulator was killed before it had saved anything; the stack begins anew")
        elif not saved.is_complete:
            since = f"{saved.at:%Y-%m-%d %H:%M:%S} UTC"
            self._report(f"the emulator was killed; the stack goes on as it was at {since}, what came later is lost")
        forget_stream_positions(self.data)

    def _becomes_free(self, port: int) -> bool:
        """Wait for the port of an emulator that was killed: its last thread, which has it, may outlive its first."""
        deadline = time.monotonic() + _START_SECONDS
        while not is_free(port):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    # -- deployment ---------------------------------------------------------------------------------------

    def _remember(self, choices: Mapping[str, Sequence[str]]) -> None:
        kept = {**self._choices(), **{name: list(values) for name, values in choices.items()}}
        (self.data / "choices.json").write_text(json.dumps(kept))

    def _choices(self) -> dict[str, list[str]]:
        try:
            found: dict[str, list[str]] = json.loads((self.data / "choices.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def _deploy(self, running: Running) -> None:
        wanted = fingerprint(running.port, self._choices())
        stamp = self.data / "deployed"
        if stamp.exists() and stamp.read_text() == wanted and _api_exists(running.port):
            self._begin_guests()
            return
        stamp.unlink(missing_ok=True)
        with ThreadPoolExecutor(1) as pool:
            command_line = pool.submit(cdk_command, self._report)  # waits for the network
            self._report("building the layer, the console and the template")
            assembly = self._synthesize(running)
        try:
            cdk = command_line.result()
        except CdkMissing as error:
            raise LocalStackError(str(error)) from None
        self._begin_guests()
        self._report("deploying the stack")
        self._make_assets_bucket(running.port)
        command = [str(cdk), "deploy", STACK_NAME, "--app", str(assembly), "--require-approval", "never", "--yes"]
        command += ["--no-notices", "--no-color", "--progress", "events", "--method", "direct"]
        environment = {**clean_environment(), **aws_environment(running.port), "CI": "true"}
        self._run(command, environment, self.data, "the deployment failed")
        stamp.write_text(wanted)

    def _begin_guests(self) -> None:
        begin_making(self.data / "build" / LOCAL_SANDBOX, self.data / "guests.log")

    def _make_assets_bucket(self, port: int) -> None:
        """Make what `cdk bootstrap` would make. A bucket is kept on disk at once, so it may be there already."""
        s3 = aws_client("s3", port)
        if not any(bucket["Name"] == _ASSETS_BUCKET for bucket in s3.list_buckets()["Buckets"]):
            s3.create_bucket(Bucket=_ASSETS_BUCKET)

    def _synthesize(self, running: Running) -> Path:
        """The cloud assembly for the emulator, made by a process of its own: CDK's Node would get our Ctrl-C."""
        assembly = self.data / "cdk.out"
        shutil.rmtree(assembly, ignore_errors=True)
        context = {
            **json.loads((ROOT / "cdk.json").read_text())["context"],
            "local_api_id": LOCAL_API_ID,
            "api_url": running.api_url,
            "allowed_networks": "127.0.0.0/8,::1/128",
            "build": str(self.data / "build"),
            **{name: ",".join(values) for name, values in self._choices().items()},
        }
        environment = {**os.environ, "CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(assembly)}
        self._run(
            [sys.executable, "-m", "infrastructure.stack.app"], environment, ROOT, "the template could not be built"
        )
        return assembly

    def _run(self, command: list[str], environment: dict[str, str], folder: Path, failure: str) -> None:
        """Run a step of the deployment in a session of its own, its output in `deploy.log`."""
        done = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True, check=False, start_new_session=True
        )
        log = self.data / "deploy.log"
        log.write_text(done.stdout + done.stderr)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [""]
            raise LocalStackError(f"{failure}: {lines[-1][:300]} (all of its output is in {log})")

    # -- after the deployment -----------------------------------------------------------------------------

    def _wait_for_api(self, running: Running) -> None:
        import httpx2

        self._report("waiting for the API")
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                if httpx2.get(f"{running.api_url}/api/health", timeout=20).status_code == 200:  # noqa: PLR2004
                    return
            except httpx2.HTTPError:
                pass
            if time.monotonic() > deadline:
                raise LocalStackError(f"the API does not answer; {self.data / 'emulator.log'} may say why")
            time.sleep(0.1)

    def _make_administrator(self, running: Running) -> None:
        """Register the first user. The password is written before, so that a crash in between loses nothing."""
        import httpx2

        path = self.data / "credentials.json"
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                json.dump({"email": ADMIN_EMAIL, "password": secrets.token_urlsafe(18)}, file)
        email, password = self.credentials()
        body = {"email": email, "password": password, "full_name": "Local administrator"}
        answer = httpx2.post(f"{running.api_url}/api/auth/register", json=body, timeout=60)
        if answer.status_code in (201, 403, 409):  # made, or made before
            return
        raise LocalStackError(f"the administrator could not be made: {answer.text[:300]}")

    def _resume(self, running: Running) -> None:
        """Let recovery check at once everything that was under way when the emulator stopped.

        It would find it within a minute or two by itself. Step Functions on AWS loses no execution; the emulator
        fails those that it was driving. It also loses what was in the table's stream, so all triggers are looked at.
        """
        stacks = aws_client("cloudformation", running.port).describe_stacks(StackName=STACK_NAME)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}
        name = outputs["SupervisorFunction"]
        functions = aws_client("lambda", running.port)
        functions.invoke(FunctionName=outputs["ReconcilerFunction"], Payload=json.dumps({"reconcile": {}}))
        for _ in range(_MOST_SWEEPS):
            answer = functions.invoke(FunctionName=name, Payload=json.dumps({"recover": {"ahead_seconds": _ALL_AHEAD}}))
            done = json.loads(answer["Payload"].read() or "{}")
            if not isinstance(done, dict) or not done.get("recovered"):
                return
            recovered = done["recovered"]
            self._report(f"resuming {recovered} execution{'s' if recovered > 1 else ''} that had been under way")


def _api_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/_aws/execute-api/{LOCAL_API_ID}"


def default_data() -> Path:
    """`$MAINSPRING_DATA`, or `.mainspring` here."""
    return Path(os.environ.get("MAINSPRING_DATA") or ".mainspring")


def _api_exists(port: int) -> bool:
    """Whether the emulator still has the stack: it loses what it had when it was killed."""
    found = aws_client("apigatewayv2", port).get_apis()["Items"]
    return any(api["ApiId"] == LOCAL_API_ID for api in found)
