"""The OpenAPI document: that of every API handler, merged into one. Run when the functions are packed."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer

from engine.workflow.definition import json_schema

API_FUNCTIONS = (
    "auth",
    "users",
    "workspaces",
    "workflows",
    "executions",
    "triggers",
    "events",
    "webhooks",
    "integrations",
    "data",
    "platform",
)
_TITLE = "Mainspring"
_COMPONENTS = "#/components/schemas/"
_UNFINISHED = ("Draft", "DefinitionBody")
"""What the schemas are called whose definitions need not be finished."""
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
    _tell_definitions(document["components"]["schemas"])
    return document


def _tell_definitions(schemas: dict[str, Any]) -> None:
    """Put the schema of a definition wherever one is told or taken that can run; unfinished ones are any object.

    Handlers take them as plain objects, since it is the validator that says all that is wrong with one, at once.
    """
    known = json.loads(json.dumps(json_schema()).replace("#/$defs/", _COMPONENTS))
    parts = {**known.pop("$defs"), "WorkflowDefinition": known}
    for name, schema in parts.items():
        if schemas.setdefault(name, schema) != schema:
            raise ValueError(f"two schemas are called {name}")
    reference = {"$ref": f"{_COMPONENTS}WorkflowDefinition"}
    for name, schema in schemas.items():
        field = schema.get("properties", {}).get("definition")
        if field is None or name.startswith(_UNFINISHED):
            continue
        told = {"description": field["description"]} if "description" in field else {}
        is_optional = any(one.get("type") == "null" for one in field.get("anyOf", ()))
        schema["properties"]["definition"] = (
            {"anyOf": [reference, {"type": "null"}], **told} if is_optional else {**reference, **told}
        )


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
