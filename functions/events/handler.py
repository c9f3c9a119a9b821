"""Events: `/api/events`, and subscriptions to what the platform tells, `/api/subscriptions`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.event_handler import Response

from engine import limits
from engine.aws.event_bus import PLATFORM_SOURCE, Event, Marks
from engine.errors import InvalidInput, TooLarge
from engine.ids import new_id
from engine.json_value import dumps
from engine.schemas.subscriptions import (
    AttemptAnswer,
    DeliveryAnswer,
    DeliveryList,
    DeliverySummary,
    SubscriptionAnswer,
    SubscriptionBody,
    SubscriptionChange,
    SubscriptionList,
    SubscriptionWithSecret,
)
from engine.schemas.triggers import EventAnswer, EventBody
from engine.security.permissions import Permission
from engine.storage.subscriptions import DeliveryStatus, OutgoingDelivery, Subscription
from functions import api_services, container
from functions.http_api import Cursor, IdInPath, Limit, allows, caller, errors, make_app, make_handler

app = make_app()


@app.post(
    "/api/events",
    status_code=202,
    tags=["events"],
    summary="Send an event",
    responses={202: {"description": "Taken"}, **errors(400, 401, 403, 413, 415, 503)},
    openapi_extensions=allows(Permission.EXECUTE),
)
def send(body: EventBody) -> EventAnswer:
    """Starts the active workflows of the workspace that have a trigger whose pattern fits, each once for an `id`."""
    principal = caller(app)
    if body.source.split(".")[0] in (PLATFORM_SOURCE, "aws"):
        raise InvalidInput.at("source", f"`{PLATFORM_SOURCE}` and `aws` tell of themselves; choose another name")
    size = len(dumps(body.data).encode())
    if size > limits.MAX_EVENT_BYTES:
        raise TooLarge(f"`data` has at most {limits.MAX_EVENT_BYTES} bytes, this has {size}")
    event_id = body.id or new_id()
    marks = Marks(principal.workspace_id, event_id)
    for _, reason in container.bus().publish([Event(body.source, body.type, body.data, container.clock.now(), marks)]):
        raise InvalidInput.at("data", f"the event bus does not take it: {reason}")
    return EventAnswer(id=event_id)


@app.post(
    "/api/subscriptions",
    status_code=201,
    tags=["events"],
    summary="Subscribe to events",
    responses={201: {"description": "Created, with its secret"}, **errors(400, 401, 403, 409, 413, 415)},
    openapi_extensions=allows(Permission.CONNECT),
)
def create(body: SubscriptionBody) -> SubscriptionWithSecret:
    """From now on they are sent to the URL, signed as Standard Webhooks has it. The secret is told this once."""
    subscription, secret = api_services.subscription_service().create(caller(app), body)
    return SubscriptionWithSecret(**_facts(subscription), secret=secret)


@app.get(
    "/api/subscriptions",
    tags=["events"],
    summary="List subscriptions",
    responses={200: {"description": "All of the workspace"}, **errors(401, 403)},
    openapi_extensions=allows(Permission.READ),
)
def list_subscriptions() -> SubscriptionList:
    """A workspace has few, so there is one page."""
    found = api_services.subscription_service().page(caller(app))
    return SubscriptionList(items=[SubscriptionAnswer(**_facts(one)) for one in found], next_cursor=None)


@app.get(
    "/api/subscriptions/<subscription_id>",
    tags=["events"],
    summary="Get a subscription",
    responses={200: {"description": "The subscription"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def get(subscription_id: IdInPath) -> SubscriptionAnswer:
    """Without its secret."""
    return SubscriptionAnswer(**_facts(api_services.subscription_service().get(caller(app), subscription_id)))


@app.patch(
    "/api/subscriptions/<subscription_id>",
    tags=["events"],
    summary="Change a subscription",
    responses={200: {"description": "As it is now"}, **errors(400, 401, 403, 404, 413, 415)},
    openapi_extensions=allows(Permission.CONNECT),
)
def change(subscription_id: IdInPath, body: SubscriptionChange) -> SubscriptionAnswer:
    """Only what is given; one that was disabled is enabled by `is_enabled`."""
    return SubscriptionAnswer(**_facts(api_services.subscription_service().change(caller(app), subscription_id, body)))


@app.delete(
    "/api/subscriptions/<subscription_id>",
    status_code=204,
    tags=["events"],
    summary="Delete a subscription",
    responses={204: {"description": "Deleted", "content": {}}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.CONNECT),
)
def delete(subscription_id: IdInPath) -> Response[None]:
    """Nothing more is sent."""
    api_services.subscription_service().delete(caller(app), subscription_id)
    return Response(204)


@app.post(
    "/api/subscriptions/<subscription_id>/rotate",
    tags=["events"],
    summary="Change the secret",
    responses={200: {"description": "With the new secret"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.CONNECT),
)
def rotate(subscription_id: IdInPath) -> SubscriptionWithSecret:
    """For a day all is signed with the old secret as well."""
    subscription, secret = api_services.subscription_service().rotate(caller(app), subscription_id)
    return SubscriptionWithSecret(**_facts(subscription), secret=secret)


@app.post(
    "/api/subscriptions/<subscription_id>/ping",
    status_code=202,
    tags=["events"],
    summary="Try a subscription",
    responses={202: {"description": "The delivery"}, **errors(401, 403, 404, 409)},
    openapi_extensions=allows(Permission.EXECUTE),
)
def ping(subscription_id: IdInPath) -> DeliverySummary:
    """Sends an event of type `ping`."""
    return DeliverySummary(**_delivery(api_services.subscription_service().ping(caller(app), subscription_id)))


@app.get(
    "/api/subscriptions/<subscription_id>/deliveries",
    tags=["events"],
    summary="Read the delivery log",
    responses={200: {"description": "A page of deliveries"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def deliveries(subscription_id: IdInPath, limit: Limit = limits.PAGE_SIZE, cursor: Cursor = None) -> DeliveryList:
    """The newest first, with each attempt, for 30 days."""
    page = api_services.subscription_service().deliveries(caller(app), subscription_id, cursor, limit)
    return DeliveryList(items=[DeliverySummary(**_delivery(one)) for one in page.items], next_cursor=page.next_cursor)


@app.get(
    "/api/subscriptions/<subscription_id>/deliveries/<delivery_id>",
    tags=["events"],
    summary="Get a delivery",
    responses={200: {"description": "With what was sent"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def delivery(subscription_id: IdInPath, delivery_id: IdInPath) -> DeliveryAnswer:
    """Its id is the event's, and the `webhook-id` that is sent."""
    found = api_services.subscription_service().delivery(caller(app), subscription_id, delivery_id)
    return DeliveryAnswer(**_delivery(found), body=found.body)


@app.post(
    "/api/subscriptions/<subscription_id>/deliveries/<delivery_id>/replay",
    status_code=202,
    tags=["events"],
    summary="Send a delivery again",
    responses={202: {"description": "It is being sent"}, **errors(401, 403, 404, 409)},
    openapi_extensions=allows(Permission.EXECUTE),
)
def replay(subscription_id: IdInPath, delivery_id: IdInPath) -> DeliverySummary:
    """With the same id and body, and all attempts anew."""
    found = api_services.subscription_service().replay(caller(app), subscription_id, delivery_id)
    return DeliverySummary(**_delivery(found))


def _facts(subscription: Subscription) -> dict[str, Any]:
    names = SubscriptionAnswer.model_fields
    return {**{name: getattr(subscription, name) for name in names}, "events": list(subscription.events)}


def _delivery(found: OutgoingDelivery) -> dict[str, Any]:
    return {
        "id": found.id,
        "type": found.type,
        "status": found.status,
        "created_at": found.created_at,
        "next_at": found.next_at if found.status is DeliveryStatus.PENDING else None,
        "attempts": [AttemptAnswer(**asdict(attempt)) for attempt in found.attempts],
    }


handler = make_handler(app)
