"""Real databases and a real mail server for tests, on free ports of loopback, with certificates of a CA of the test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

USER, PASSWORD, DATABASE = "shop", "pa55-wörd 'quoted\" of the database", "orders"
_PATIENCE = 60


def free_port() -> int:
    """A port of this machine that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Certificate:
    """A CA, and a certificate of it for loopback, as files in a folder."""

    folder: Path
    ca_pem: str

    @property
    def chain(self) -> Path:
        """The server's certificate."""
        return self.folder / "server.pem"

    @property
    def key(self) -> Path:
        """Its key."""
        return self.folder / "server.key"


def certificate(folder: Path, *names: str) -> Certificate:
    """A new one, for these names."""
    authority = trustme.CA()
    made = authority.issue_cert(*(names or ("127.0.0.1", "localhost")))
    folder.mkdir(parents=True, exist_ok=True)
    found = Certificate(folder, authority.cert_pem.bytes().decode())
    found.chain.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
    found.key.write_bytes(made.private_key_pem.bytes())
    found.key.chmod(0o600)
    return found


@dataclass(frozen=True)
class Database:
    """A server that runs."""

    port: int
    ca_pem: str
    pid: int

    @property
    def config(self) -> dict[str, Any]:
        """What an integration of it says."""
        return {
            "host": "127.0.0.1", "port": self.port, "database": DATABASE, "username": USER, "password": PASSWORD,
            "ca_certificate": self.ca_pem,
        }  # fmt: skip


def need(*programs: str) -> list[str]:
    """The paths of programs. Where they are not installed the test is skipped, but not in CI, which installs them."""
    places = [
        *os.environ["PATH"].split(os.pathsep),
        "/usr/sbin",
        *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"))),
    ]
    found = [shutil.which(program, path=os.pathsep.join(places)) for program in programs]
    if not all(found):
        if os.environ.get("CI"):
            pytest.fail(f"{programs} are not installed")
        pytest.skip(f"{programs} are not installed")
    return [str(path) for path in found]


@contextmanager
def postgresql(folder: Path) -> Iterator[Database]:
    """A PostgreSQL server for a block. It refuses to run as root, so root runs it as `postgres`."""
    initdb, postgres, psql = need("initdb", "postgres", "psql")
    mine = Path(tempfile.mkdtemp(prefix="ms-pg-"))  # the account `postgres` has to get there
    made, port = certificate(mine / "tls"), free_port()
    (mine / "password").write_text(PASSWORD)
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(mine, "postgres")
        mine.chmod(0o755)
        for path in (mine / "password", mine / "tls", *(mine / "tls").iterdir()):
            shutil.chown(path, "postgres")
    data = mine / "data"
    _done(
        [
            *as_user,
            initdb,
            "-D",
            str(data),
            "-U",
            "postgres",
            "-A",
            "scram-sha-256",
            f"--pwfile={mine / 'password'}",
            "-N",
            "-E",
            "UTF8",
        ]
    )
    options = [
        "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(mine), "-F", "-c", "ssl=on",
        "-c", f"ssl_cert_file={made.chain}", "-c", f"ssl_key_file={made.key}", "-c", "max_connections=30",
    ]  # fmt: skip
    environment = {**os.environ, "PGPASSWORD": PASSWORD}

    def ask(statement: str, database: str = "postgres") -> bool:
        command = [
            psql,
            "-h",
            str(mine),
            "-p",
            str(port),
            "-U",
            "postgres",
            "-d",
            database,
            "-v",
            "ON_ERROR_STOP=1",
            "-qc",
            statement,
        ]
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0

    with _running([*as_user, postgres, *options], folder / "postgresql.log", lambda: ask("SELECT 1")) as pid:
        quoted = PASSWORD.replace("'", "''")
        assert ask(f"CREATE ROLE {USER} LOGIN PASSWORD '{quoted}'")
        assert ask(f"CREATE DATABASE {DATABASE} OWNER {USER}")
        yield Database(port, made.ca_pem, pid)
    shutil.rmtree(mine, ignore_errors=True)


@contextmanager
def mariadb(folder: Path) -> Iterator[Database]:
    """A MariaDB server for a block."""
    install, server, client = need("mariadb-install-db", "mariadbd", "mariadb")
    mine = Path(tempfile.mkdtemp(prefix="ms-my-"))
    made, port = certificate(mine / "tls"), free_port()
    data, path = mine / "data", mine / "s"
    user = ["--user=root"] if os.geteuid() == 0 else []
    _done(
        [
            install,
            "--no-defaults",
            f"--datadir={data}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            *user,
        ]
    )
    options = [
        "--no-defaults", f"--datadir={data}", f"--socket={path}", f"--port={port}", "--bind-address=127.0.0.1", *user,
        f"--ssl-cert={made.chain}", f"--ssl-key={made.key}", f"--pid-file={mine / 'pid'}", "--skip-name-resolve",
        "--character-set-server=utf8mb4", "--innodb-flush-log-at-trx-commit=0",
    ]  # fmt: skip

    def ask(statement: str) -> bool:
        command = [client, "--no-defaults", f"--socket={path}", "-u", "root", "-e", statement]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    with _running([server, *options], folder / "mariadb.log", lambda: ask("SELECT 1")) as pid:
        quoted = PASSWORD.replace("'", "''")
        assert ask(f"CREATE DATABASE {DATABASE}; CREATE USER {USER}@'%' IDENTIFIED BY '{quoted}'")
        assert ask(f"GRANT ALL ON {DATABASE}.* TO {USER}@'%'")
        yield Database(port, made.ca_pem, pid)
    shutil.rmtree(mine, ignore_errors=True)


def _done(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr


@contextmanager
def _running(command: list[str], log: Path, is_ready: Callable[[], bool]) -> Iterator[int]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd="/", start_new_session=True)
    try:
        deadline = time.monotonic() + _PATIENCE
        while not is_ready():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@dataclass
class MailServer:
    """A mail server that keeps what it takes, and knows one user."""

    port: int
    ca_pem: str
    security: str = "starttls"
    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    farewell: str = "221 Bye"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Says what it is told to."""
        return self.farewell

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        """Refuses one address for good, and one for now."""
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("later@"):
            return "451 4.3.0 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Takes it."""
        found = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(found, EmailMessage)
        self.mails.append(found)
        self.raw.append(envelope.original_content)
        self.recipients.append(envelope.rcpt_tos)
        return "250 OK"


@contextmanager
def mail_server(folder: Path, *, security: str = "starttls") -> Iterator[MailServer]:
    """A mail server for a block: it wants TLS, and then a sign-in."""
    made = certificate(folder / "mail")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.chain, made.key)
    kept = MailServer(free_port(), made.ca_pem, security)

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        right = isinstance(given, LoginPassword) and (given.login, given.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)

    class _Controller(Controller):
        def factory(self) -> SMTP:
            tls = context if security == "starttls" else None
            with warnings.catch_warnings():  # it does not know that all of the connection is in TLS
                warnings.simplefilter("ignore")
                return SMTP(
                    kept, hostname="mail.test", tls_context=tls, require_starttls=security == "starttls",
                    authenticator=authenticate, auth_required=True, auth_require_tls=security == "starttls",
                )  # fmt: skip

    controller = _Controller(
        kept, hostname="127.0.0.1", port=kept.port, ssl_context=context if security == "tls" else None
    )
    controller.start()
    try:
        yield kept
    finally:
        controller.stop()


@contextmanager
def listening(address: str, port: int = 0) -> Iterator[tuple[int, list[float]]]:
    """A listener that hangs up; when it was called."""
    calls: list[float] = []
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, port))
        server.listen()

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                calls.append(time.monotonic())
                connection.close()

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], calls
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)
