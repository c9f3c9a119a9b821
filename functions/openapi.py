"""The OpenAPI document: that of every API handler, merged into one. Run when the functions are packed."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer

API_FUNCTIONS = (
    "auth",
    "users",
    "workflows",
    "executions",
    "triggers",
    "events",
    "webhooks",
    "integrations",
    "platform",
)
_TITLE = "Mainspring"
_ABOUT = "Business process automation in your own AWS account."


def build() -> dict[str, Any]:
    """The merged document.

    Raises:
        ValueError: two handlers claim one operation, or one schema name for two schemas.
    """
    document: dict[str, Any] = {"paths": {}, "components": {}}
    for name in API_FUNCTIONS:
        part = document_of(name)
        for path, operations in part["paths"].items():
            taken = document["paths"].setdefault(path, {})
            if taken.keys() & operations.keys():
                raise ValueError(f"two handlers claim {path}")
            taken.update(operations)
        for kind, entries in part["components"].items():
            known = document["components"].setdefault(kind, {})
            for schema, content in entries.items():
                if known.setdefault(schema, content) != content:
                    raise ValueError(f"two schemas are called {schema}")
        document = {**part, "paths": document["paths"], "components": document["components"]}
    return document


def document_of(name: str) -> dict[str, Any]:
    """The document of one function."""
    app = import_module(f"functions.{name}.handler").app
    text = app.get_openapi_json_schema(
        title=_TITLE,
        version=_version(),
        description=_ABOUT,
        security_schemes={"bearer": HTTPBearer(bearerFormat="JWT")},
        security=[{"bearer": []}],
    )
    document: dict[str, Any] = json.loads(text)
    document.pop("servers", None)
    return document


def routes_of(name: str) -> list[str]:
    """The API Gateway route keys of one function, such as `GET /api/workflows/{workflow_id}`.

    A handler may name its own, where one of API Gateway's stands for several operations.
    """
    own: list[str] | None = getattr(import_module(f"functions.{name}.handler"), "ROUTE_KEYS", None)
    if own is not None:
        return own
    paths = document_of(name)["paths"]
    return [f"{method.upper()} {path}" for path, operations in paths.items() for method in operations]


def _version() -> str:
    from importlib.metadata import version

    return version("mainspring")
