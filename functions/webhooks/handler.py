"""Incoming webhooks: `/hooks`, and the answers that came later than their callers waited."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from engine import limits
from engine.errors import RequestError
from engine.security.permissions import Access
from engine.services.triggers.webhook_response import Answer
from engine.triggers.signatures import Delivery
from functions import container
from functions.http_api import IdInPath, allows, errors, make_app, make_handler, raw_answer
from functions.request_bodies import check_payload

app = make_app()
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
ROUTE_KEYS = ["ANY /hooks/{token}", "ANY /hooks/{token}/{path+}", "GET /api/answers/{execution_id}/{token}"]
"""What API Gateway sends here."""
_SANDBOX = {"content-security-policy": "sandbox", "x-content-type-options": "nosniff"}
"""What users answer must not be able to act for the platform's own pages in a browser."""

Token = Annotated[str, Path(min_length=1, max_length=200)]


@app.route(
    "/hooks/<token>",
    method=_METHODS,
    tags=["webhooks"],
    summary="Deliver to a webhook",
    responses={
        200: {"description": "The answer, where the webhook gives one"},
        202: {"description": "Taken; the body says where the answer will be"},
        **errors(400, 401, 404, 413, 415, 429, 503),
    },
    openapi_extensions=allows(Access.PUBLIC),
)
def deliver(token: Token) -> Response[Any]:
    """What a webhook takes and answers is up to its workflow. Its address is all that the caller needs to know."""
    return _received(token, "")


@app.route("/hooks/<token>", method=["HEAD", "OPTIONS"], include_in_schema=False)
def ask(token: Token) -> Response[Any]:
    """Whether it is there; and whether a page in a browser may call it."""
    return _received(token, "")


@app.route("/hooks/<token>/.*", method=[*_METHODS, "HEAD", "OPTIONS"], include_in_schema=False)
def deliver_below(token: Token) -> Response[Any]:
    """The same, below the address."""
    raw = str(app.current_event.raw_path)
    return _received(token, raw.partition(f"/{token}")[2])


@app.get(
    "/api/answers/<execution_id>/<token>",
    tags=["webhooks"],
    summary="Get the answer of a delivery",
    responses={200: {"description": "The answer"}, 202: {"description": "Not there yet"}, **errors(404)},
    openapi_extensions=allows(Access.PUBLIC),
)
def answer(execution_id: IdInPath, token: Token) -> Response[Any]:
    """For callers that were told to come back; the URL is all that they need."""
    execution, found = container.webhook_responder().later(execution_id, token)
    readable = {"access-control-allow-origin": "*"}  # by pages, too: whoever has the URL may read what is there
    if found is not None:
        return _sent(found, readable)
    waiting = {"execution_id": execution.id, "status": execution.status}
    return Response(202, "application/json", waiting, headers={"retry-after": "1", **readable})


def _received(token: str, path: str) -> Response[Any]:
    event = app.current_event.raw_event
    delivery = Delivery(
        method=event["requestContext"]["http"]["method"],
        path=path or "/",
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        query=_query(event.get("rawQueryString") or ""),
        body=_bytes(event),
        may_be_damaged=not event.get("isBase64Encoded") and "\ufffd" in (event.get("body") or ""),
    )
    return _sent(container.webhook_service().receive(token, delivery))


def _sent(found: Answer, more: Mapping[str, str] = MappingProxyType({})) -> Response[Any]:
    headers = {name: value for name, value in found.headers.items() if name != "content-type"}
    return raw_answer(found.status, found.headers.get("content-type"), found.body, {**headers, **more, **_SANDBOX})


def _bytes(event: dict[str, Any]) -> bytes:
    """The body's bytes as they were sent; API Gateway gives those of what it takes for text as text.

    Raises:
        TooLarge: it is text that Lambda would not take.
        RequestError: it cannot be read.
    """
    body = str(event.get("body") or "")
    if not event.get("isBase64Encoded"):
        check_payload(body)
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise RequestError("the body cannot be read") from None


def _query(text: str) -> dict[str, Any]:
    """The parameters of the query; one that comes more than once is a list."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=limits.MAX_HOOK_PARTS)
    except ValueError:
        raise RequestError(f"the query has more than {limits.MAX_HOOK_PARTS} parameters") from None
    found: dict[str, Any] = {}
    for name, value in pairs:
        known = found.get(name)
        found[name] = value if name not in found else [*known, value] if isinstance(known, list) else [known, value]
    return found


handler = make_handler(app, takes_json=False)
