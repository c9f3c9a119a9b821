"""Other sides for tests, on loopback: servers that remember what they were asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

Answer = tuple[int, dict[str, str], bytes]


class Peer(HTTPServer):
    """An HTTP server whose answers a function makes; it remembers all requests."""

    def __init__(self, respond: Callable[[dict[str, Any]], Answer]) -> None:
        super().__init__(host="127.0.0.1", threaded=True)
        self.requests: list[dict[str, Any]] = []

        def handle(request: Request) -> Response:
            asked = {
                "method": request.method,
                "path": request.path,
                "raw_path": request.environ["RAW_URI"],
                "query": request.args.to_dict(),
                "headers": {name.lower(): value for name, value in request.headers.items()},
                "body": request.get_data(),
            }
            self.requests.append(asked)
            status, headers, body = respond(asked)
            return Response(body, status, headers)

        self.expect_request(re.compile(".*")).respond_with_handler(handle)

    def thread_target(self) -> None:
        """As ever, but it is asked more often whether it is to stop."""
        assert self.server is not None
        self.server.serve_forever(poll_interval=0.02)

    @property
    def netloc(self) -> str:
        """Where it listens, without the scheme."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.netloc}"


def as_json(value: Any, status: int = 200, **headers: str) -> Answer:
    """An answer of JSON."""
    return status, {"content-type": "application/json", **headers}, json.dumps(value).encode()


def echo(request: dict[str, Any]) -> Answer:
    """Tells what it was asked, secrets and all."""
    return as_json({**request, "body": request["body"].decode(errors="replace")})


@contextmanager
def peer(respond: Callable[[dict[str, Any]], Answer] = echo) -> Iterator[Peer]:
    """A server for a block."""
    server = Peer(respond)
    server.start()
    try:
        yield server
    finally:
        server.stop()
