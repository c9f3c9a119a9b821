"""API keys that are for some workflows only: what a request is about, and that it is about one of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from engine.services.principal import Principal
from functions.request_bodies import strict_json

Event = dict[str, Any]


def check_path(principal: Principal, event: Event) -> None:
    """Refuse a key for other workflows than the one that the path names, before anything of the request is looked at.

    What names a workflow otherwise is left to `keep_within_workflows`.

    Raises:
        Forbidden: it is for others, or the request is about none.
    """
    key = str(event.get("routeKey"))
    if "{execution_id}" not in key and key not in _NAMED_ELSEWHERE:
        principal.require_workflow(_in_path(key, str(event.get("rawPath"))))


def keep_within_workflows(app: APIGatewayHttpResolver, next_middleware: Any) -> Any:
    """Refuse an API key that is for some workflows where a request names another in its query or body.

    So it does where an execution is another one's. What the path names has been looked at before, and is again.

    Raises:
        Forbidden: it does.
    """
    principal: Principal | None = app.context.get("principal")
    if principal is not None and principal.workflows is not None:
        event, named = app.current_event.raw_event, app.context.get("_route_args", {})
        key = str(event.get("routeKey"))
        if "{execution_id}" in key:  # by the route's path: among the values are those of the query as well
            principal.require_workflow(_workflow_of(principal, named["execution_id"]))
        elif "{workflow_id}" in key:
            principal.require_workflow(named["workflow_id"])
        elif key in _NAMED_ELSEWHERE:
            principal.require_workflow(_NAMED_ELSEWHERE[key](event))
    return next_middleware(app)


def _in_path(key: str, path: str) -> str | None:
    """Return the workflow that a path names. What is before `/api` in it, such as a stage, does not count."""
    names, values = key.split("/"), path.split("/")
    if "{workflow_id}" not in names or len(values) < len(names):
        return None
    return values[names.index("{workflow_id}") - len(names)]


def _in_query(event: Event) -> str | None:
    return (event.get("queryStringParameters") or {}).get("workflow_id")


def _in_body(event: Event) -> str | None:
    try:
        named = strict_json(event.get("body") or "").get("workflow_id")
    except json.JSONDecodeError:
        return None
    return named if isinstance(named, str) else None


_NAMED_ELSEWHERE: Mapping[str, Callable[[Event], str | None]] = {
    "POST /api/executions": _in_body,
    "GET /api/executions": _in_query,
    "GET /api/approvals": _in_query,
    "GET /api/stats": _in_query,
}
"""Routes that name a workflow otherwise than in their path: API keys for some workflows may call these, too."""


def _workflow_of(principal: Principal, execution_id: str) -> str:
    """Return whose execution it is. Raises NotFound."""
    from functions import container

    return container.repositories().executions.get(principal.workspace_id, execution_id, payloads=False).workflow_id
