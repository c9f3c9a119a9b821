"""Dispatch: starts executions for schedules, events and messages.

Called by EventBridge Scheduler, rules and a queue.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from engine.aws.event_bus import Event, Marks
from engine.triggers.bodies import Unreadable, read_json
from functions import container

logger = Logger()
_dispatcher = container.dispatcher()
_messages = BatchProcessor(event_type=EventType.SQS)
QUEUE_SOURCE = "mainspring.queue"
"""The source of the events that messages of queues become, on the account's bus."""


class Refused(Exception):
    """A message that EventBridge refuses."""


def handler(event: dict[str, Any], context: Any) -> Any:
    """Start the executions that the event is for.

    A failed event is delivered again, and finally becomes a dead letter.
    """
    if "Records" in event:
        return process_partial_response(event, _message, _messages, context)
    if "schedule" in event:
        asked = event["schedule"]
        word = _dispatcher.on_time(asked["workflow_id"], asked["trigger_id"], asked["scheduled_at"])
        logger.info("fired", workflow_id=asked["workflow_id"], trigger_id=asked["trigger_id"], word=word)
        return {"done": word}
    if "rule" in event:
        heard, words = event["event"], _dispatcher.on_rule(event["rule"], event["event"])
    else:
        heard, words = event, _dispatcher.on_event(event)
    logger.info("heard", event_id=heard["id"], source=heard["source"], words=words)
    return {"done": dict(words)}


def _message(record: SQSRecord) -> None:
    """Put a message on the account's bus as an event, under its own id, however often it is delivered."""
    body = record.body
    try:
        value = read_json(body.encode())
    except Unreadable:
        value = body
    queue = record.event_source_arn.rpartition(":")[2]
    sent = datetime.fromtimestamp(int(record.attributes.sent_timestamp) / 1000, UTC)
    attributes = {name: one.get("stringValue") for name, one in record.raw_event.get("messageAttributes", {}).items()}
    data = {"queue": queue, "message_id": record.message_id, "body": value, "attributes": attributes}
    event = Event(QUEUE_SOURCE, "message", data, sent, Marks(None, record.message_id))
    for _, reason in container.account_bus().publish([event]):
        raise Refused(reason)  # it goes to the dead letters, as it is
