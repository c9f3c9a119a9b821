"""A secret value by itself, such as the key that signs messages."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, SecretStr

from engine.integrations.base import BaseIntegration, IntegrationConfig


class SecretConfig(IntegrationConfig):
    """The value."""

    value: SecretStr = Field(
        min_length=1, max_length=3_000, description="The secret. Kept encrypted; it cannot be read again."
    )


class SecretValue(BaseIntegration):
    """A key for `hash` nodes. It is sent nowhere."""

    Config = SecretConfig
    title: ClassVar[str] = "Secret"
    group: ClassVar[str] = "Data"
    icon: ClassVar[str] = "key"
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"value": "…"},)

    @property
    def value(self) -> bytes:
        """The key's bytes."""
        return str(self.config.value.get_secret_value()).encode()
