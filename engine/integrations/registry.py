"""From an integration type's name to its class: the built-in ones and those of installed packages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from engine.errors import NotFound
from engine.integrations.base import BaseIntegration

BUILT_IN = {
    "http_api_key": "engine.integrations.http_auth:ApiKeyAuth",
    "http_basic": "engine.integrations.http_auth:BasicAuth",
    "http_bearer": "engine.integrations.http_auth:BearerAuth",
    "oauth2_authorization_code": "engine.integrations.oauth2:AuthorizationCode",
    "oauth2_client_credentials": "engine.integrations.oauth2:ClientCredentials",
}


class IntegrationRegistry:
    """Knows the integration types."""

    def __init__(self) -> None:
        self._classes: dict[str, type[BaseIntegration]] = {}

    @cached_property
    def _installed(self) -> Mapping[str, EntryPoint]:
        return {point.name: point for point in entry_points(group="mainspring.integrations")}

    def register(self, name: str, integration_class: type[BaseIntegration]) -> None:
        """Make `name` a type.

        Raises:
            TypeError: the class does not keep the contract of BaseIntegration.
            ValueError: the name is taken.
        """
        if not (isinstance(integration_class, type) and issubclass(integration_class, BaseIntegration)):
            raise TypeError(f"{integration_class!r} is not a subclass of BaseIntegration")
        missing = [one for one in ("Config", "title") if not hasattr(integration_class, one)]
        if missing:
            raise TypeError(f"{integration_class.__name__} has no {' and no '.join(missing)}")
        if name in self.names():
            raise ValueError(f"there is an integration type {name!r} already")
        self._classes[name] = integration_class

    def names(self) -> list[str]:
        """All types, sorted."""
        return sorted({*self._classes, *BUILT_IN, *self._installed})

    def integration_class(self, name: str) -> type[BaseIntegration]:
        """The class behind a type.

        Raises:
            NotFound: there is none of that name.
        """
        if name not in self._classes:
            if name in BUILT_IN:
                module, _, attribute = BUILT_IN[name].partition(":")
                self._classes[name] = getattr(import_module(module), attribute)
            elif name in self._installed:
                self._classes[name] = self._installed[name].load()
            else:
                raise NotFound(f"there is no integration type {name!r}; there are {', '.join(self.names())}")
        return self._classes[name]

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
            "config_schema": integration_class.Config.model_json_schema(),
            "secrets": sorted(integration_class.Config.secret_fields()),
            "actions": [action.describe() for action in integration_class.actions().values()],
            "examples": list(integration_class.examples),
        }
