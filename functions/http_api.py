"""What the API's handlers share: the resolver, who is calling, body checks, and errors as JSON.

`make_handler` wraps a resolver: before any route is looked at it refuses callers without an identity (the
authorizer only finds out who they are, so that refusals have our error shape) and bodies that are not JSON.
"""

from __future__ import annotations

import base64
import gzip
import json
import logging
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import ServiceError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestUnsupportedContentType, RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse
from pydantic import BaseModel

from engine import limits
from engine.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    MainspringError,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    RequestError,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnsupportedType,
)
from engine.ids import ID_PATTERN
from engine.schemas.common import ErrorAnswer
from engine.security.permissions import Access, Permission
from engine.services.principal import Principal
from engine.validation_messages import sentence
from functions.key_workflows import check_path, keep_within_workflows
from functions.public_routes import PUBLIC_ROUTES
from functions.request_bodies import checked_body, strict_json

Event = dict[str, Any]
Handler = Callable[[Event, Any], dict[str, Any]]

IdInPath = Annotated[str, Path(pattern=ID_PATTERN)]
Limit = Annotated[int, Query(ge=1, le=limits.MAX_PAGE_SIZE, description="At most so many items.")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")]

logger = Logger()

_STATUSES: dict[type[MainspringError], int] = {
    InvalidInput: 422,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    PreconditionFailed: 412,
    TooLarge: 413,
    UnsupportedType: 415,
    PreconditionRequired: 428,
    TooManyRequests: 429,
    RequestError: 400,
    Unavailable: 503,
}
_MEANINGS = {
    400: "The body is not JSON.",
    401: "No valid access token.",
    403: "The caller may not do this.",
    404: "Not there, or not the caller's to see.",
    409: "The present state does not allow it.",
    412: "It was changed since the version named in If-Match.",
    413: "Too large.",
    415: "The body's type is not application/json.",
    422: "The request is not valid; `details` names each field.",
    428: "If-Match is missing.",
    429: "Too many requests; see Retry-After.",
    503: "Try again later.",
}
_NEEDED = "x-mainspring-permission"
_THROTTLED = frozenset(
    {"ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "SlowDown"}
)
_HEADERS = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "strict-transport-security": "max-age=31536000",
}


def make_app() -> APIGatewayHttpResolver:
    """A resolver with validation, and every error of ours in the one shape."""
    app = APIGatewayHttpResolver(enable_validation=True, json_body_deserializer=strict_json)
    app.exception_handler(MainspringError)(_own_error)
    app.exception_handler(RequestValidationError)(_validation_error)
    app.exception_handler(RequestUnsupportedContentType)(_wrong_type)
    app.exception_handler(ServiceError)(_framework_error)
    app.exception_handler(Exception)(_unforeseen)
    app.use(middlewares=[keep_within_workflows, _refuse_unknown_query])
    return app


def _refuse_unknown_query(app: APIGatewayHttpResolver, next_middleware: Any) -> Any:
    """Refuse query parameters that a route does not know: a filter with a misspelled name would show everything.

    Public addresses are called by others, who add what they like.

    Raises:
        RequestError: code `unknown_parameter`: names the parameter, and those that there are.
    """
    event, route = app.current_event.raw_event, app.context.get("_route")
    if route is not None and event.get("routeKey") not in PUBLIC_ROUTES:
        known = {field.alias for field in route.dependant.query_params}
        for name in event.get("queryStringParameters") or {}:
            if name not in known:
                there_are = f"it knows {', '.join(f'`{one}`' for one in sorted(known))}" if known else "it knows none"
                message = f"there is no query parameter of this name here; {there_are}"
                detail = {"path": name[:100], "code": "unknown_parameter", "message": message}
                raise RequestError(f"{name[:100]}: {message}", code="unknown_parameter", details=[detail])
    return next_middleware(app)


def allows(needed: Permission | Access) -> dict[str, Any]:
    """The OpenAPI extensions of a route, which say what its callers need; `make_handler` refuses all others."""
    return {_NEEDED: str(needed), **({"security": []} if needed is Access.PUBLIC else {})}


def make_handler(app: APIGatewayHttpResolver, *, takes_json: bool = True) -> Handler:
    """The Lambda handler of a resolver; unless it `takes_json` its routes read the bodies themselves."""
    routes = [*app._static_routes, *app._dynamic_routes]  # noqa: SLF001 - the library has no other way to list them
    needed = {
        f"{route.method} {route.openapi_path}": str((route.openapi_extensions or {})[_NEEDED])
        for route in routes
        if route.include_in_schema
    }

    def handler(event: Event, context: Any) -> dict[str, Any]:
        logger.info("request", route=event.get("routeKey"), request_id=getattr(context, "aws_request_id", None))
        try:
            app.append_context(principal=_admitted(event, needed))  # type: ignore[no-untyped-call]
            answer = app.resolve(checked_body(event) if takes_json else event, context)
        except MainspringError as error:
            answer = _proxy(_own_error(error))
        except Exception as error:  # noqa: BLE001 - the last line: nothing may leave as a stack trace
            answer = _proxy(_unforeseen(error))
        if answer.get("body") is None:
            answer["body"] = ""  # API Gateway wants text, also for 204
        answer["headers"] = {**_HEADERS, **{k.lower(): v for k, v in (answer.get("headers") or {}).items()}}
        return answer

    return handler


def _admitted(event: Event, needed: Mapping[str, str]) -> Principal | None:
    """Return who is calling, if they may call this route, before anything of the request is looked at.

    Args:
        event: the request.
        needed: what the function's routes need, by route key.

    Raises:
        Unauthenticated: nobody is signed in.
        Forbidden: the caller's role does not grant what the route needs.
        NotFound: there is no such route.
    """
    principal, key = principal_of(event), str(event.get("routeKey"))
    if key == "$default" and str(event.get("rawPath")).startswith("/hooks/"):
        raise NotFound("there is nothing at this address")  # for whoever calls a hook, signed in or not
    if key in PUBLIC_ROUTES:
        return principal
    if principal is None:
        raise _why_refused(event)
    if key not in needed:
        raise NotFound("there is nothing at this address")
    if needed[key] == Access.ADMIN:
        principal.require_admin()
    elif needed[key] == Access.SESSION:
        principal.require_session()
    elif needed[key] != Access.SIGNED_IN:
        principal.require(Permission(needed[key]))
        check_path(principal, event)
    return principal


def raw_answer(status: int, content_type: str | None, body: bytes, headers: Mapping[str, str]) -> Response[Any]:
    """An answer of bytes, which the resolver leaves as they are."""
    answer: Response[Any] = Response(status, content_type, base64.b64encode(body).decode(), headers=dict(headers))
    answer.base64_encoded = True
    return answer


def catalogue_answer(app: APIGatewayHttpResolver, text: str) -> Response[Any]:
    """JSON that changes only with a deployment: callers keep it and ask whether it has changed; it comes compressed.

    HTTP APIs compress nothing by themselves.
    """
    etag, compressed = _packed(text)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
    if _has_already(app, etag):
        return Response(304, "application/json", "", headers={**headers})
    if "gzip" in _asked(app).get("accept-encoding", ""):
        return raw_answer(200, "application/json", compressed, {**headers, "Content-Encoding": "gzip"})
    return Response(200, "application/json", text, headers={**headers})


def polled_answer(app: APIGatewayHttpResolver, answer: BaseModel) -> Response[Any]:
    """What callers ask for again and again while it changes: its body is only sent to those who have another one.

    Browsers must not keep it, unlike a catalogue: it holds people's data.
    """
    text = answer.model_dump_json()
    headers: dict[str, Any] = {"ETag": _tag_of(text.encode())}
    if _has_already(app, headers["ETag"]):
        return Response(304, "application/json", "", headers=headers)
    return Response(200, "application/json", text, headers=headers)


def _asked(app: APIGatewayHttpResolver) -> dict[str, str]:
    return {name.lower(): value for name, value in (app.current_event.raw_event.get("headers") or {}).items()}


def _has_already(app: APIGatewayHttpResolver, etag: str) -> bool:
    """Whether the caller says that it has the answer with this tag."""
    known = [one.strip().removeprefix("W/") for one in _asked(app).get("if-none-match", "").split(",")]
    return etag in known or "*" in known


@lru_cache(maxsize=8)
def _packed(text: str) -> tuple[str, bytes]:
    """A text's tag, and what it is compressed."""
    body = text.encode()
    return _tag_of(body), gzip.compress(body, 9, mtime=0)


def _tag_of(body: bytes) -> str:
    return f'"{sha256(body).hexdigest()[:32]}"'


def tagged(model: type[BaseModel] | None, description: str) -> dict[int, OpenAPIResponse]:
    """The OpenAPI entries of a route that answers by `catalogue_answer` or `polled_answer`."""
    headers = {"ETag": {"description": "Send it as `If-None-Match`.", "schema": {"type": "string"}}}
    content: Any = {"model": model} if model else {"schema": {"type": "object"}}
    found: Any = {"description": description, "headers": headers, "content": {"application/json": content}}
    return {200: found, 304: {"description": "It has not changed.", "content": {}}}


def caller(app: APIGatewayHttpResolver) -> Principal:
    """Who is calling a route that is not public."""
    principal: Principal = app.context["principal"]
    return principal


def principal_of(event: Event) -> Principal | None:
    """The identity that the authorizer found, None where it found none."""
    found = _authorizer_context(event)
    if not found.get("user_id"):
        return None
    return Principal(
        user_id=found["user_id"],
        session_id=found.get("session_id", ""),
        workspace_id=found["workspace_id"],
        role=found["role"],
        is_admin=found["is_admin"] in (True, "true"),
        email=found.get("email", ""),
        name=found.get("name", ""),
        own_grants=None if found.get("grants") is None else frozenset(map(Permission, found["grants"].split())),
        key_id=found.get("key_id", ""),
        is_service=found.get("is_service") in (True, "true"),
        workflows=None if found.get("workflows") is None else frozenset(found["workflows"].split()),
    )


def errors(*statuses: int) -> dict[int, OpenAPIResponse]:
    """The OpenAPI entries of a route's errors; 401 and 422 are added by the document itself."""
    return {
        status: {
            "description": _MEANINGS[status],
            "content": {"application/json": {"model": ErrorAnswer}},
        }
        for status in sorted({*statuses, 422})
    }


def _authorizer_context(event: Event) -> dict[str, Any]:
    authorizer = event.get("requestContext", {}).get("authorizer") or {}
    found: dict[str, Any] = authorizer.get("lambda") or {}
    return found


def _why_refused(event: Event) -> MainspringError:
    found = _authorizer_context(event)
    if found.get("denied") == Unavailable.default_code:
        return Unavailable("the service is overloaded; try again")
    message = str(found.get("message") or "sign in and send the access token as `Authorization: Bearer …`")
    return Unauthenticated(message, code=str(found.get("denied") or Unauthenticated.default_code))


def _own_error(error: MainspringError) -> Response[Any]:
    status = next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), 500)
    if status >= 500:  # noqa: PLR2004
        logger.error("request failed", code=error.code, reason=error.message)
    headers: dict[str, str | list[str]] = {**error.headers}
    if isinstance(error, Unauthenticated) and error.code != "not_verified":
        headers["www-authenticate"] = "Bearer"
    if isinstance(error, TooManyRequests):
        headers["retry-after"] = str(error.retry_after)
    if status == 500:  # noqa: PLR2004
        return _json(500, "internal_error", "something went wrong on our side")
    return _json(status, error.code, error.message, error.details, headers)


def _validation_error(error: RequestValidationError) -> Response[Any]:
    found = error.errors()
    if any(one["loc"] and one["loc"][0] == "response" for one in found):
        logger.error("an answer does not fit its model", errors=str(found)[:2000])
        return _json(500, "internal_error", "something went wrong on our side")
    if any(one["type"] == "json_invalid" for one in found):
        reason = found[0].get("ctx", {}).get("error") or "not JSON"
        return _json(400, "malformed_json", f"the body is not a JSON object: {reason}")
    if all(one["loc"] and one["loc"][0] == "path" for one in found):
        return _json(404, "not_found", "there is nothing with this id")
    details = [{"path": _field(one["loc"]), "code": str(one["type"]), "message": sentence(one)} for one in found[:100]]
    first = details[0]
    return _json(422, "invalid_input", f"{first['path'] or 'the request'}: {first['message']}", details)


def _field(location: Any) -> str:
    steps = list(location)[1:]
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")


def _wrong_type(_error: Exception) -> Response[Any]:
    return _json(415, "unsupported_media_type", "send application/json")


def _framework_error(error: ServiceError) -> Response[Any]:
    if error.status_code == 404:  # noqa: PLR2004
        return _json(404, "not_found", "there is nothing at this address")
    return _json(error.status_code, "bad_request", str(error.msg))


def _unforeseen(error: Exception) -> Response[Any]:
    # Only here, where they are needed: the platform function works without the AWS SDK, which is slow to import.
    from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(error, ClientError) and error.response["Error"]["Code"] in _THROTTLED:
        return _own_error(Unavailable("the service is overloaded; try again"))
    if isinstance(error, BotoCoreError | GetParameterError):
        logger.error("a service did not answer", exc_info=error)
        return _own_error(Unavailable("a service that this needs did not answer; try again"))
    logger.error("unforeseen error", exc_info=error)
    return _json(500, "internal_error", "something went wrong on our side")


def _json(
    status: int, code: str, message: str, details: Any = None, headers: dict[str, str | list[str]] | None = None
) -> Response[Any]:
    body = json.dumps({"error": {"code": code, "message": message, "details": details}}, ensure_ascii=False)
    return Response(status, "application/json", body, headers=headers or {})


def _proxy(response: Response[Any]) -> dict[str, Any]:
    return {
        "statusCode": response.status_code,
        "headers": dict(response.headers),
        "body": response.body,
        "isBase64Encoded": False,
    }


logging.getLogger("botocore").setLevel(logging.WARNING)
