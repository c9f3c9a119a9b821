"""Integrations: `/api/integrations`, and their types."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from engine import limits
from engine.schemas.integrations import (
    ConsentAnswer,
    IntegrationAnswer,
    IntegrationBody,
    IntegrationChange,
    IntegrationList,
    IntegrationTypeList,
    TestAnswer,
    UsageAnswer,
    UsageList,
    UsingNodeAnswer,
)
from engine.security.permissions import Access, Permission
from engine.security.redaction import redact_logs
from engine.services.integrations import IntegrationUsage
from engine.services.mail.outbox import MAIL_TYPES
from engine.storage.integrations import Integration
from engine.threads import NodeThreads, node_runner
from functions import container, outbound
from functions.http_api import (
    IdInPath,
    allows,
    caller,
    catalogue_answer,
    errors,
    logger,
    make_app,
    make_handler,
    raw_answer,
    tagged,
)

app = make_app()
_runner = node_runner(NodeThreads())
redact_logs(logger)
_COOKIE = "mainspring_consent"


@app.post(
    "/api/integrations",
    status_code=201,
    tags=["integrations"],
    summary="Create an integration",
    responses={201: {"description": "Created"}, **errors(400, 401, 403, 409, 413, 415)},
    openapi_extensions=allows(Permission.CONNECT),
)
def create(body: IntegrationBody) -> IntegrationAnswer:
    """Its secrets are encrypted, and never shown again."""
    return _answer(outbound.integration_service().create(caller(app), body))


@app.get(
    "/api/integrations",
    tags=["integrations"],
    summary="List integrations",
    responses={200: {"description": "All of the workspace"}, **errors(401, 403)},
    openapi_extensions=allows(Permission.READ),
)
def list_integrations() -> IntegrationList:
    """By name; a workspace has few, so there is one page."""
    found = outbound.integration_service().all(caller(app))
    return IntegrationList(items=[_answer(one) for one in found], next_cursor=None)


@app.get(
    "/api/integration-types",
    tags=["integrations"],
    summary="List integration types",
    responses={**tagged(IntegrationTypeList, "All integration types"), **errors(401)},
    openapi_extensions=allows(Access.SIGNED_IN),
)
def types() -> Response[Any]:
    """The JSON Schema of each config and of what each action takes and gives, for forms."""
    return catalogue_answer(app, _types())


@lru_cache(maxsize=1)
def _types() -> str:
    registry = outbound.registry()
    items = [registry.describe(name) | {"sends_mail": name in MAIL_TYPES} for name in registry.names()]
    return IntegrationTypeList.model_validate({"items": items, "next_cursor": None}).model_dump_json()


@app.get(
    "/api/integrations/<integration_id>",
    tags=["integrations"],
    summary="Get an integration",
    responses={200: {"description": "The integration"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def get(integration_id: IdInPath) -> IntegrationAnswer:
    """Without its secrets."""
    return _answer(outbound.integration_service().get(caller(app), integration_id))


@app.patch(
    "/api/integrations/<integration_id>",
    tags=["integrations"],
    summary="Change an integration",
    responses={200: {"description": "As it is now"}, **errors(400, 401, 403, 404, 409, 413, 415)},
    openapi_extensions=allows(Permission.CONNECT),
)
def change(integration_id: IdInPath, body: IntegrationChange) -> IntegrationAnswer:
    """What is left out stays as it is. Secrets are wanted again only if an address changes to which they may go."""
    return _answer(outbound.integration_service().change(caller(app), integration_id, body))


@app.delete(
    "/api/integrations/<integration_id>",
    status_code=204,
    tags=["integrations"],
    summary="Delete an integration",
    responses={204: {"description": "Deleted", "content": {}}, **errors(401, 403, 404, 409)},
    openapi_extensions=allows(Permission.CONNECT),
)
def delete(
    integration_id: IdInPath,
    force: Annotated[bool, Query(description="Delete it although workflows use it.")] = False,  # noqa: FBT002
) -> Response[None]:
    """Refused while workflows use it; the answer says which."""
    outbound.integration_service().delete(caller(app), integration_id, force=force)
    return Response(204)


@app.get(
    "/api/integrations/<integration_id>/usages",
    tags=["integrations"],
    summary="See who uses an integration",
    responses={200: {"description": "The workflows that name it"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def usages(integration_id: IdInPath) -> UsageList:
    """Those whose published or newest version does, and in which nodes."""
    items = [_usage(one) for one in outbound.integration_service().usages(caller(app), integration_id)]
    return UsageList(items=items, next_cursor=None)


@app.post(
    "/api/integrations/<integration_id>/test",
    tags=["integrations"],
    summary="Try an integration",
    responses={200: {"description": "Whether it works"}, **errors(401, 403, 404, 503)},
    openapi_extensions=allows(Permission.EXECUTE),
)
def test(integration_id: IdInPath) -> TestAnswer:
    """Signs in over there, or asks something that changes nothing."""
    trial = _runner.run(outbound.integration_service().test(caller(app), integration_id))
    return TestAnswer(ok=trial.code is None, code=trial.code, message=trial.message, milliseconds=trial.milliseconds)


@app.post(
    "/api/integrations/<integration_id>/consent",
    tags=["integrations"],
    summary="Begin to connect an account",
    responses={200: {"description": "Where to go in a browser"}, **errors(401, 403, 404, 409)},
    openapi_extensions=allows(Permission.CONNECT),
)
def consent(integration_id: IdInPath) -> ConsentAnswer:
    """For types that are connected by people: open the URL in a browser within a quarter of an hour, and go on."""
    url, expires_at = outbound.oauth_consent().begin(caller(app), integration_id)
    return ConsentAnswer(url=url, expires_at=expires_at)


@app.get(
    "/api/oauth/start",
    tags=["integrations"],
    summary="The page that says who wants which account to be connected",
    responses={200: {"description": "A page for people", "content": {"text/html": {"schema": {"type": "string"}}}}},
    openapi_extensions=allows(Access.PUBLIC),
)
def start(state: Annotated[str, Query(max_length=200)] = "") -> Response[Any]:
    """Where `consent` sends the browser."""
    return _paged(*outbound.oauth_consent().ask(state))


@app.get(
    "/api/oauth/go",
    tags=["integrations"],
    summary="Go on to the provider",
    responses={303: {"description": "To the provider, with a cookie"}},
    openapi_extensions=allows(Access.PUBLIC),
)
def go(state: Annotated[str, Query(max_length=200)] = "") -> Response[Any]:
    """Binds what was begun to this browser."""
    found = outbound.oauth_consent().go(state, _cookie())
    if found is None:
        return _paged(*outbound.oauth_consent().ask(""))
    url, cookie = found
    api = urlsplit(container.settings.api_url)
    secure = "" if api.scheme == "http" else "; Secure"  # the local stack has no TLS, and a path of its own
    place = f"Path={api.path.rstrip('/')}/api/oauth; Max-Age={limits.CONNECT_SECONDS}"
    kept = f"{_COOKIE}={cookie}; {place}; HttpOnly; SameSite=Lax{secure}"
    return raw_answer(303, None, b"", {"location": url, "set-cookie": kept, "referrer-policy": "no-referrer"})


@app.get(
    "/api/oauth/callback",
    tags=["integrations"],
    summary="Where the browser comes back after a consent",
    responses={200: {"description": "A page for people", "content": {"text/html": {"schema": {"type": "string"}}}}},
    openapi_extensions=allows(Access.PUBLIC),
)
def came_back(
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=4_000)] = "",
    error: Annotated[str, Query(max_length=500)] = "",
) -> Response[Any]:
    """Good once, in the browser in which it was begun."""
    return _paged(*_runner.run(outbound.oauth_consent().finish(state, code, error, _cookie())))


def _cookie() -> str:
    """What this browser is known by. API Gateway gives cookies apart from the headers."""
    event = app.current_event.raw_event
    pairs = [*(event.get("cookies") or []), *(event.get("headers") or {}).get("cookie", "").split(";")]
    found = [one.strip().partition("=")[2] for one in pairs if one.strip().startswith(f"{_COOKIE}=")]
    return found[0][:200] if found else ""


def _paged(status: int, page: str) -> Response[Any]:
    headers = {
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "referrer-policy": "no-referrer",
    }
    return raw_answer(status, "text/html; charset=utf-8", page.encode(), headers)


def _answer(integration: Integration) -> IntegrationAnswer:
    status, reason = outbound.oauth_consent().status(integration)
    return IntegrationAnswer(
        id=integration.id,
        name=integration.name,
        type=integration.type,
        description=integration.description,
        config=dict(integration.config),
        secrets=list(integration.secrets),
        hosts=list(outbound.integration_service().hosts(integration)),
        status=status,
        status_reason=reason,
        version=integration.version,
        created_at=integration.created_at,
        updated_at=integration.updated_at,
    )


def _usage(found: IntegrationUsage) -> UsageAnswer:
    nodes = [UsingNodeAnswer(id=node.id, name=node.name, type=node.type) for node in found.nodes]
    workflow = found.workflow
    return UsageAnswer(
        workflow_id=workflow.id, name=workflow.name, is_active=workflow.is_active, by=found.by, nodes=nodes
    )


handler = make_handler(app)
