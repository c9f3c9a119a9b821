"""The command line on AWS in memory: its commands call the functions of the API as API Gateway would."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner, Result

from functions.openapi import API_FUNCTIONS
from infrastructure.cli.client import Client
from infrastructure.cli.main import app
from tests.unit.invoked import answered, route_key


class InProcess(Client):
    """A client whose calls go to the handlers; `who` is what the authorizer has found."""

    def __init__(self, who: Mapping[str, str]) -> None:
        super().__init__("https://flows.example", "token")
        self._who = who

    def _request(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        found = [one for one in API_FUNCTIONS if route_key(one, method, path) != "$default"]
        query = {name: str(value) for name, value in arguments.get("params", {}).items()}
        answer = answered(
            found[0], method, path, self._who, arguments.get("json"), query, arguments.get("headers")
        )  # fmt: skip
        return httpx2.Response(answer["statusCode"], headers=answer["headers"], text=answer["body"])


class CommandLine:
    """Commands of somebody."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, who: Mapping[str, str]) -> None:
        self._who = who
        for name, module in list(sys.modules.items()):
            if name.startswith("infrastructure.cli.") and hasattr(module, "client_for"):
                monkeypatch.setattr(module, "client_for", lambda *_, **__: InProcess(self._who))

    def run(self, *words: str) -> Result:
        """What a command prints; errors are raised."""
        return CliRunner().invoke(app, words, env={"COLUMNS": "200", "NO_COLOR": "1"}, catch_exceptions=False)
