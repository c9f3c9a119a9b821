"""The platform about itself: health, the OpenAPI document, node types; and 404 for every other address."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import Response

from engine.nodes.registry import NodeExecutorFactory
from engine.schemas.platform import Health, NodeTypeList, ReferenceAnswer
from engine.security.permissions import Access
from engine.workflow.definition import json_schema
from functions.http_api import allows, catalogue_answer, errors, make_app, make_handler, tagged

app = make_app()
_PACKED = Path(__file__).parent.parent  # what is written there when the functions are packed
_factory = NodeExecutorFactory()


@app.get(
    "/api/health",
    tags=["platform"],
    summary="Is it up",
    responses={200: {"description": "It is"}},
    openapi_extensions=allows(Access.PUBLIC),
)
def health() -> Health:
    """Answers without touching the database."""
    return Health(status="ok")


@app.get(
    "/api/openapi.json",
    tags=["platform"],
    summary="This document",
    responses={**tagged(None, "OpenAPI 3.1")},
    openapi_extensions=allows(Access.PUBLIC),
)
def openapi() -> Response[Any]:
    """Generated from the handlers when the functions are packed."""
    return catalogue_answer(app, _document("openapi"))


@app.get(
    "/api/reference",
    tags=["platform"],
    summary="The reference",
    responses={**tagged(ReferenceAnswer, "All pages"), **errors(401)},
    openapi_extensions=allows(Access.SIGNED_IN),
)
def reference() -> Response[Any]:
    """Node types, integration types, triggers, error codes and limits, in Markdown."""
    return catalogue_answer(app, _document("reference"))


@app.get(
    "/api/node-types",
    tags=["platform"],
    summary="List node types",
    responses={**tagged(NodeTypeList, "All node types"), **errors(401)},
    openapi_extensions=allows(Access.SIGNED_IN),
)
def node_types() -> Response[Any]:
    """Ports, and the JSON Schema of each config, for forms."""
    return catalogue_answer(app, _types())


@lru_cache(maxsize=1)
def _types() -> str:
    items = [_factory.describe(name) for name in _factory.names()]
    return NodeTypeList.model_validate({"items": items, "next_cursor": None}).model_dump_json()


@app.get(
    "/api/workflow-schema",
    tags=["platform"],
    summary="The JSON Schema of a workflow definition",
    responses={**tagged(None, "JSON Schema"), **errors(401)},
    openapi_extensions=allows(Access.SIGNED_IN),
)
def workflow_schema() -> Response[Any]:
    """For editors. What a node's `config` holds is told by its node type."""
    return catalogue_answer(app, json.dumps(json_schema()))


@lru_cache(maxsize=2)
def _document(name: str) -> str:
    return (_PACKED / f"{name}.json").read_text()


handler = make_handler(app)
