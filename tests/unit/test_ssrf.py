"""Mail servers, databases and APIs of integrations pass the same address guard as HTTP, and a name is asked once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import ValidationError

from engine.errors import NodeError
from engine.integrations.base import Runtime
from engine.security.egress import checked_addresses, guarded_client, parse_networks
from tests.opened import Bench
from tests.servers import listening
from tests.unit.test_egress import REFUSED_URLS

HOSTS = sorted({urlsplit(url).netloc for url in REFUSED_URLS} | {"localhost.", "127.0.0.1\\@example.com", "[::1%25lo]"})
DATABASE = {"database": "d", "username": "u", "password": "the-password", "tls": "off"}
CONFIGS: dict[str, Any] = {
    "postgresql": lambda host: {**DATABASE, **place(host)},
    "mysql": lambda host: {**DATABASE, **place(host)},
    "smtp": lambda host: {"security": "off", "from_address": "a@b.example", **place(host)},
    "slack": lambda host: {"token": "the-password", "base_url": f"http://{host}/api"},
    "telegram": lambda host: {"token": "the-password", "base_url": f"http://{host}"},
    "github": lambda host: {"token": "the-password", "base_url": f"http://{host}"},
    "openai": lambda host: {"api_key": "the-password", "base_url": f"http://{host}/v1"},
    "s3": lambda host: {"endpoint_url": f"http://{host}", "access_key_id": "A", "secret_access_key": "the-password"},
}  # fmt: skip


def place(netloc: str) -> dict[str, Any]:
    """Host and port as a config has them."""
    parts = urlsplit(f"//{netloc}")
    host = netloc if "@" in netloc or "\\" in netloc else parts.hostname or netloc
    return {"host": host, **({"port": parts.port} if parts.port else {})}


@pytest.mark.parametrize("kind", CONFIGS)
def test_no_spelling_of_a_refused_address_is_connected(kind: str):
    """Each is refused, by its config or by the guard, before a byte is sent."""
    reached = []
    for host in HOSTS:
        bench = Bench(kind, CONFIGS[kind](host), allowed="")
        try:
            reached.append((host, bench.trial()))
        except ValidationError:
            continue
        except NodeError as error:
            if error.code not in ("egress_refused", "config", "credentials_elsewhere"):
                reached.append((host, f"{error.code}: {error.message}"))
    unresolved = [one for one in reached if "cannot be resolved" not in one[1]]
    assert unresolved == []


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_name_that_changes_its_address_is_asked_once(kind: str):
    """What was checked is what is connected: the second answer, another address, is never asked for."""
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.2"] if len(asked) == 1 else ["127.0.0.1"]

    allowed = parse_networks("127.0.0.2/32")
    with listening("127.0.0.2") as (port, right), listening("127.0.0.1", port) as (_, wrong):
        config = CONFIGS[kind](f"rebinding.example:{port}")
        bench = Bench(kind, config)
        opened = bench.opened()

        async def http() -> Any:
            return guarded_client(allowed, rebinding)

        async def addresses(host: str, number: int) -> Sequence[str]:
            return await checked_addresses(host, number, allowed, rebinding)

        opened.runtime = Runtime(http=http, addresses=addresses, identity=f"rebinding {kind}")
        with pytest.raises(NodeError) as caught:
            bench.runner.run(opened.test())
        assert caught.value.code == "connection_failed"
        assert len(right) >= 1
        assert wrong == []
        assert set(asked) == {"rebinding.example"}
        assert len(asked) == 1


@pytest.mark.parametrize("kind", ["postgresql", "mysql", "smtp"])
def test_one_bad_address_of_a_name_is_enough(kind: str):
    async def mixed(host: str, port: int) -> Sequence[str]:
        return ["93.184.216.34", "169.254.169.254"]

    opened = Bench(kind, CONFIGS[kind]("mixed.example")).opened()

    async def addresses(host: str, port: int) -> Sequence[str]:
        return await checked_addresses(host, port, (), mixed)

    opened.runtime = Runtime(addresses=addresses, identity="mixed")
    with pytest.raises(NodeError) as caught:
        Bench(kind, {}).runner.run(opened.test())
    assert caught.value.code == "egress_refused"
