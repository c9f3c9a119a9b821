"""`hash`: digests and HMACs of texts and files, and their comparison."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.errors import NodeError
from engine.integrations.secret import SecretValue
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import IntegrationName, NodeContext
from engine.nodes.sources import Source, in_thread, pieces


class HashConfig(NodeConfig):
    """What to hash, and how."""

    source: Source = Field(description="The content to hash.")
    algorithm: Literal["sha256", "sha384", "sha512", "sha1", "md5"] = Field(
        default="sha256",
        description="Algorithm. SHA-1 and MD5 are not secure; use them only for systems that require them.",
    )
    integration: IntegrationName | None = Field(
        default=None, description="A `secret` integration with the key of an HMAC. Default: a plain digest."
    )
    encoding: Literal["hex", "base64", "base64url"] = Field(default="hex", description="Encoding of the hash.")
    expected: str | None = Field(default=None, max_length=500, description="Expected hash, compared in constant time.")


class HashNode(BaseNode):
    """A digest, or with a secret an HMAC; gives `{digest}`, or `{matches}` where something is expected."""

    Config = HashConfig
    title: ClassVar[str] = "Hash"
    group: ClassVar[str] = "Data"
    icon: ClassVar[str] = "hash"
    integrations: ClassVar[tuple[str, ...]] = ("secret",)
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"source": {"file": "reports/may.csv"}, "algorithm": "sha256"},
        {"source": {"text": "{{ trigger.body.payload }}"}, "integration": "signing key", "encoding": "base64"},
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Read all of the content, in pieces.

        Raises:
            NodeError: those of sources and integrations.
        """
        config = context.config(HashConfig, self.raw_config)
        key: bytes | None = None
        if config.integration is not None:
            opened = await context.integration(config.integration, self.integrations)
            if not isinstance(opened, SecretValue):
                raise NodeError("config.integration: a `secret` is expected", code="config")
            key = opened.value
        digest = await in_thread(lambda: _encoded(_digest(config, context, key), config.encoding))
        if config.expected is None:
            return Completed({"digest": digest})
        given = config.expected.strip()
        given = given.lower() if config.encoding == "hex" else given
        return Completed({"matches": hmac.compare_digest(digest.encode(), given.encode())})


def _digest(config: HashConfig, context: NodeContext, key: bytes | None) -> bytes:
    if key is None:
        summed: Any = hashlib.new(config.algorithm, usedforsecurity=False)
    else:
        summed = hmac.new(key, digestmod=config.algorithm)
    with config.source.opened(context) as content:
        for piece in pieces(content):
            summed.update(piece)
    return bytes(summed.digest())


def _encoded(digest: bytes, encoding: str) -> str:
    if encoding == "hex":
        return digest.hex()
    if encoding == "base64":
        return base64.b64encode(digest).decode()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
