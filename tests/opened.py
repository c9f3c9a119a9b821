"""Integrations as the platform opens them, for tests that need no stack: real connections, through the egress guard."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.errors import NodeError
from engine.integrations.base import BaseIntegration, Runtime
from engine.integrations.registry import IntegrationRegistry
from engine.nodes.context import NodeServices
from engine.security.egress import checked_addresses, guarded_client, parse_networks
from engine.testing import MemoryFiles, NodeRun, run_node

LOOPBACK = "127.0.0.0/8,::1/128"


@dataclass
class Bench:
    """One integration, in one event loop, as in a function that is warm."""

    kind: str
    config: dict[str, Any]
    allowed: str = LOOPBACK
    files: MemoryFiles = field(default_factory=MemoryFiles)
    revealed: list[str] = field(default_factory=list)
    runner: asyncio.Runner = field(default_factory=asyncio.Runner)

    def opened(self, key: str = "execution-1/node") -> BaseIntegration:
        """It, open."""
        integration_class = IntegrationRegistry().integration_class(self.kind)
        opened = integration_class(integration_class.Config.model_validate(self.config))
        networks = parse_networks(self.allowed)

        async def http(ca_certificate: str | None = None) -> Any:
            return guarded_client(networks, ca_certificate=ca_certificate)

        async def addresses(host: str, port: int) -> Sequence[str]:
            return await checked_addresses(host, port, networks)

        async def read(name: str) -> bytes:
            with self.files.opened(name) as content:
                return content.read()

        async def write(name: str, content: bytes) -> dict[str, Any]:
            return self.files.write(name, content)

        opened.runtime = Runtime(
            http=http, addresses=addresses, reveal=self.revealed.append, identity=f"{self.kind}/{id(self)}",
            integration_id="integration-1", idempotency_key=key, read_file=read, write_file=write,
        )  # fmt: skip
        return opened

    def node(self, node: str, trigger: Any = None, **config: Any) -> NodeRun:
        """One attempt of a node that names it."""
        opened = self.opened()
        return run_node(
            node, {"integration": "bench", **config}, trigger=trigger, files=self.files,
            integrations={"bench": (self.kind, opened)}, run=self.runner.run,
            services=NodeServices(http=opened.runtime.http),
        )  # fmt: skip

    def act(self, action: str, **params: Any) -> Any:
        """What an action gives."""
        return self.node("integration", action=action, params=params).output

    def fails(self, action: str, **params: Any) -> NodeError:
        """How an action fails."""
        done = self.node("integration", action=action, params=params)
        assert done.error is not None, done.result
        return done.error

    def trial(self) -> str:
        """What trying it says."""
        return self.runner.run(self.opened().test())
