"""From an integration type's name to its class: the built-in ones and those of installed packages."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from engine.errors import NotFound
from engine.field_titles import with_titles
from engine.integrations.base import BaseIntegration
from engine.type_catalogue import Catalogue

BUILT_IN = {
    "aws_role": "engine.integrations.aws_role:AwsRole",
    "github": "engine.integrations.github:Github",
    "http_api_key": "engine.integrations.http_auth:ApiKeyAuth",
    "http_basic": "engine.integrations.http_auth:BasicAuth",
    "http_bearer": "engine.integrations.http_auth:BearerAuth",
    "mysql": "engine.integrations.mysql:Mysql",
    "oauth2_authorization_code": "engine.integrations.oauth2:AuthorizationCode",
    "oauth2_client_credentials": "engine.integrations.oauth2:ClientCredentials",
    "openai": "engine.integrations.openai:Openai",
    "postgresql": "engine.integrations.postgresql:Postgresql",
    "s3": "engine.integrations.s3:S3Storage",
    "secret": "engine.integrations.secret:SecretValue",
    "slack": "engine.integrations.slack:Slack",
    "smtp": "engine.integrations.smtp:Smtp",
    "telegram": "engine.integrations.telegram:Telegram",
}


class IntegrationRegistry:
    """Knows the integration types."""

    def __init__(self) -> None:
        group = "mainspring.integrations"
        self._catalogue = Catalogue("integration type", BaseIntegration, BUILT_IN, group)

    def register(self, name: str, integration_class: type[BaseIntegration]) -> None:
        """Make `name` a type.

        Raises:
            TypeError: the class does not keep the contract of BaseIntegration.
            ValueError: the name is taken.
        """
        self._catalogue.register(name, integration_class)

    def names(self) -> list[str]:
        """All types, sorted."""
        return self._catalogue.names()

    def integration_class(self, name: str) -> type[BaseIntegration]:
        """The class behind a type.

        Raises:
            NotFound: there is none of that name.
        """
        found = self._catalogue.find(name)
        if found is None:
            raise NotFound(f"there is no integration type {name!r}; there are {', '.join(self.names())}")
        return found

    def describe(self, name: str) -> dict[str, Any]:
        """What a form or a program needs to offer a type."""
        integration_class = self.integration_class(name)
        return {
            "type": name,
            "title": integration_class.title,
            "description": (integration_class.__doc__ or "").strip(),
            "group": integration_class.group,
            "icon": integration_class.icon,
            "is_connected_by_people": integration_class.is_connected_by_people,
            "config_schema": _with_hints(
                with_titles(integration_class.Config.model_json_schema()), integration_class.Config.secret_fields()
            ),
            "secrets": sorted(integration_class.Config.secret_fields()),
            "actions": [action.describe() for action in integration_class.actions().values()],
            "examples": list(integration_class.examples),
        }


_ADVANCED: dict[str, Any] = {"advanced": True}
_HINTS: dict[str, dict[str, Any]] = {
    "base_url": {"widget": "url", **_ADVANCED},
    "endpoint_url": {"widget": "url"},
    "token_url": {"widget": "url"},
    "authorize_url": {"widget": "url"},
    "from_address": {"widget": "email"},
    "ca_certificate": {"widget": "multiline", **_ADVANCED},
    "plain_http": _ADVANCED,
}
"""What forms have to know of fields by these names, in whatever type."""


def _with_hints(schema: dict[str, Any], secrets: Collection[str]) -> dict[str, Any]:
    """The schema of a config with what it cannot say itself; no field takes templates."""
    properties = {}
    for name, field in schema.get("properties", {}).items():
        hint = {"widget": "secret"} if name in secrets else _HINTS.get(name, {})
        properties[name] = {**field, "x-mainspring": {**field.get("x-mainspring", {}), **hint, "literal": True}}
    return {**schema, "properties": properties} if properties else schema
