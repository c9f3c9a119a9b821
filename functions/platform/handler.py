"""The platform about itself: health, the OpenAPI document, node types; and 404 for every other address."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import Response

from engine.nodes.registry import NodeExecutorFactory
from engine.schemas.platform import Health, NodeTypeList
from engine.workflow.definition import json_schema
from functions.http_api import errors, make_app, make_handler

app = make_app()
_PUBLIC: dict[str, Any] = {"security": []}
_DOCUMENT = Path(__file__).parent.parent / "openapi.json"  # written when the functions are packed
_factory = NodeExecutorFactory()


@app.get(
    "/api/health",
    tags=["platform"],
    summary="Is it up",
    responses={200: {"description": "It is"}},
    openapi_extensions=_PUBLIC,
)
def health() -> Health:
    """Answers without touching the database."""
    return Health(status="ok")


@app.get(
    "/api/openapi.json",
    tags=["platform"],
    summary="This document",
    responses={200: {"description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}}},
    openapi_extensions=_PUBLIC,
)
def openapi() -> Response[str]:
    """Generated from the handlers when the functions are packed."""
    return Response(200, "application/json", _document())


@app.get(
    "/api/node-types",
    tags=["platform"],
    summary="List node types",
    responses={200: {"description": "All node types"}, **errors(401)},
)
def node_types() -> NodeTypeList:
    """Ports, and the JSON Schema of each config, for forms."""
    return NodeTypeList.model_validate(
        {"items": [_factory.describe(name) for name in _factory.names()], "next_cursor": None}
    )


@app.get(
    "/api/workflow-schema",
    tags=["platform"],
    summary="The JSON Schema of a workflow definition",
    responses={200: {"description": "JSON Schema", "content": {"application/json": {"schema": {"type": "object"}}}}},
)
def workflow_schema() -> Response[str]:
    """For editors. What a node's `config` holds is told by its node type."""
    return Response(200, "application/json", json.dumps(json_schema()))


@lru_cache(maxsize=1)
def _document() -> str:
    return _DOCUMENT.read_text()


handler = make_handler(app)
