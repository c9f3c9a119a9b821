"""Webhook calls: callers are authenticated over the raw bytes, before anything parses them."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

from engine import limits
from engine.clock import Clock
from engine.errors import (
    InvalidInput,
    MainspringError,
    NotFound,
    RequestError,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnsupportedType,
)
from engine.history.model import Execution
from engine.ids import new_id
from engine.json_value import dumps
from engine.security.secrets import SecretBox, hook_context
from engine.services.executions.start import Request, Starter
from engine.services.triggers.webhook_addresses import trigger_in, workflow_in
from engine.services.triggers.webhook_response import Answer, WebhookResponder, answer_url
from engine.storage.repositories import Repositories
from engine.storage.workflow_records import Workflow
from engine.triggers.bodies import File, Unreadable, WrongType, read_body
from engine.triggers.definition import TriggerDefinition
from engine.triggers.signatures import Delivery, Refused
from engine.triggers.types import config_of
from engine.triggers.webhook import WebhookConfig

logger = logging.getLogger(__name__)
_NEVER_KEPT = frozenset({"authorization", "cookie", "proxy-authorization"})
_NOBODY = "there is nothing at this address"


@dataclass
class _Kept:
    """The files of a multipart body, which are stored once the delivery is accepted."""

    execution_id: str
    files: list[File] = field(default_factory=list)

    def keep(self, file: File) -> dict[str, Any]:
        """Return what represents the file in `trigger.body`."""
        self.files.append(file)
        digest = sha256(file.content).hexdigest()
        return {
            "filename": file.filename,
            "content_type": file.content_type,
            "bytes": len(file.content),
            "sha256": digest,
            "file": f"{self.execution_id}/{digest}",
        }


class WebhookService:
    """Accepts deliveries to webhooks."""

    def __init__(
        self,
        repositories: Repositories,
        starter: Starter,
        answering: WebhookResponder,
        box: SecretBox,
        api_url: str,
        clock: Clock,
    ) -> None:
        self._workflows = repositories.workflows
        self._triggers = repositories.triggers
        self._payloads = repositories.payloads
        self._starter = starter
        self._answering = answering
        self._box = box
        self._api_url = api_url
        self._clock = clock

    def receive(self, token: str, delivery: Delivery) -> Answer:
        """Accept a delivery, start its execution, and answer as the webhook's config says.

        Raises:
            NotFound: there is no such webhook, it is not active, or does not accept that method or path.
            TooLarge: the body or the headers are too large.
            Unauthenticated: the caller did not prove who they are.
            UnsupportedType: the webhook does not accept the content type of the body.
            InvalidInput: the body cannot be read, or does not fit the workflow's concurrency key.
            TooManyRequests: the limit of deliveries per minute is reached.
            Unavailable: nothing is lost if the sender retries.
        """
        workflow, trigger, config = self._hook(token, delivery)
        allowed = _cors(config, delivery)
        if delivery.method in ("OPTIONS", "HEAD"):
            return Answer(204 if delivery.method == "OPTIONS" else 200, allowed, b"")
        try:
            answer = self._taken(workflow, trigger, config, delivery)
        except MainspringError as error:
            error.headers |= allowed
            raise
        return replace(answer, headers={**answer.headers, **allowed})

    def _taken(
        self, workflow: Workflow, trigger: TriggerDefinition, config: WebhookConfig, delivery: Delivery
    ) -> Answer:
        """Return the answer of a webhook that exists for this call. Raises as `receive`."""
        try:
            self._verify(workflow, trigger, config, delivery)
            kept = _Kept(new_id())
            body = self._read(config, delivery, kept)
        except Refused as refused:
            self._refused(workflow, trigger, str(refused))
            raise Unauthenticated("the delivery could not be verified", code="not_verified") from None
        except RequestError as error:
            self._refused(workflow, trigger, error.message)
            raise
        if config.auth.type == "slack" and isinstance(body, dict) and body.get("type") == "url_verification":
            return Answer(
                200, {"content-type": "application/json"}, dumps({"challenge": body.get("challenge")}).encode()
            )
        now, every = self._clock.now(), config.expected_every_seconds
        expected_at = now + timedelta(seconds=every) if every else None
        try:
            self._triggers.admit(workflow.id, trigger.id, now, config.rate_per_minute, expected_at)
        except TooManyRequests as error:
            self._refused(workflow, trigger, error.message)
            raise
        execution = self._start(workflow, trigger, config, delivery, body, kept)
        if config.answer == "accepted":
            return self._accepted(execution, config)
        # A repeated delivery may belong to an older version.
        is_current = execution.workflow_version == workflow.published_version
        responds = workflow.responds if is_current else self._answering.responds_of(execution)
        answer = self._answering.answer(execution, config.answer, responds, config.answer_seconds)
        return answer or self._accepted(execution, config)

    def _hook(self, token: str, delivery: Delivery) -> tuple[Workflow, TriggerDefinition, WebhookConfig]:
        """Return the webhook, if it accepts this call. To a caller, all reasons for refusal look alike."""
        workflow_id = workflow_in(token)
        workflow = self._workflows.find(workflow_id) if workflow_id else None
        trigger = trigger_in(workflow, token) if workflow else None
        config = config_of(trigger) if trigger else None
        if workflow is None or trigger is None or not isinstance(config, WebhookConfig):
            raise NotFound(_NOBODY)
        reason = None
        if not workflow.is_active:
            reason = "the workflow is not active"
        elif delivery.method == "OPTIONS":
            if not _is_preflight(config, delivery):  # browsers ask before they call; a preflight is not a delivery
                raise NotFound(_NOBODY)
        elif delivery.method not in config.methods:
            reason = f"{delivery.method[:20]} is not one of its methods"
        elif delivery.path != "/" and not config.subpaths:
            reason = "the call goes to a path below its URL"
        if reason is not None:
            self._refused(workflow, trigger, reason)
            raise NotFound(_NOBODY)
        return workflow, trigger, config

    def _verify(
        self, workflow: Workflow, trigger: TriggerDefinition, config: WebhookConfig, delivery: Delivery
    ) -> None:
        """Authenticate a delivery. Raises Refused, TooLarge or Unavailable."""
        if len(delivery.body) > limits.MAX_HOOK_BYTES:
            raise TooLarge(f"a delivery has at most {limits.MAX_HOOK_BYTES} bytes")
        size = sum(len(name) + len(value) for name, value in delivery.headers.items())
        if size > limits.MAX_HOOK_HEADER_BYTES:
            raise TooLarge(f"the headers have at most {limits.MAX_HOOK_HEADER_BYTES} bytes in all")
        secret = ""
        if config.auth.needs_secret:
            sealed = workflow.secrets.get(trigger.id)
            if sealed is None:
                raise Refused("no secret is set for this webhook")
            secret = self._box.open(sealed, hook_context(workflow.workspace_id, workflow.id, trigger.id))
        config.auth.check(delivery, secret, self._clock.now().timestamp())

    def _read(self, config: WebhookConfig, delivery: Delivery, kept: _Kept) -> Any:
        if config.body == "base64" and delivery.may_be_damaged:
            raise UnsupportedType("its bytes are changed when it is sent as text; send it as application/octet-stream")
        try:
            return read_body(config.body, delivery.headers.get("content-type", ""), delivery.body, kept.keep)
        except WrongType as error:
            raise UnsupportedType(str(error)) from None
        except Unreadable as error:
            raise InvalidInput.at("body", str(error)) from None

    def _start(
        self,
        workflow: Workflow,
        trigger: TriggerDefinition,
        config: WebhookConfig,
        delivery: Delivery,
        body: Any,
        kept: _Kept,
    ) -> Execution:
        for file in kept.files:
            self._payloads.store_file(bytes(file.content), kept.execution_id)
        request = Request(
            workspace_id=workflow.workspace_id,
            workflow_id=workflow.id,
            workflow=workflow,
            trigger={
                "type": "webhook",
                "trigger_id": trigger.id,
                "body": body,
                "headers": _kept_headers(config, delivery.headers),
                "query": dict(delivery.query),
                "method": delivery.method,
                "path": delivery.path,
            },
            id=kept.execution_id,
        )
        name = _delivery_id(config, delivery, body)
        key = _key("hook", workflow, trigger, name) if name else None
        signature = config.auth.signature(delivery)
        try:
            started = self._starter.start(
                request,
                key,
                remember=limits.DELIVERY_SECONDS,
                other_keys=[_key("signature", workflow, trigger, signature)] if signature else [],
                runs_ahead=config.answer != "accepted",
            )
        except Unavailable:
            # If the record could be written, the delivery is recorded and recovery will start it; without an id, a
            # retry of the sender would start another execution.
            logger.warning("a delivery to %s/%s is left to recovery", workflow.id, trigger.id)
            found = self._starter.find(request) if key is None else None
            if found is None:
                raise
            return found
        except MainspringError as error:
            self._triggers.failed(workflow.id, trigger.id, self._clock.now(), error.as_dict())
            raise
        if config.answer != "accepted" and started.is_new and started.execution.queue_position is None:
            self._answering.run_ahead(started.execution.id)
        return started.execution

    def _accepted(self, execution: Execution, config: WebhookConfig) -> Answer:
        """Return that it was accepted and, for callers that get a result, the URL of the answer."""
        body = {"execution_id": execution.id}
        headers = {"content-type": "application/json", "mainspring-execution": execution.id}
        if config.answer != "accepted":
            body["url"] = headers["location"] = answer_url(self._api_url, execution, config.answer)
        return Answer(202, headers, dumps(body).encode())

    def _refused(self, workflow: Workflow, trigger: TriggerDefinition, reason: str) -> None:
        self._triggers.refused(workflow.id, trigger.id, self._clock.now(), reason)


def _key(kind: str, workflow: Workflow, trigger: TriggerDefinition, name: str) -> str:
    return sha256(f"{kind} {workflow.id} {trigger.id} {name}".encode()).hexdigest()


def _is_preflight(config: WebhookConfig, delivery: Delivery) -> bool:
    wanted = delivery.headers.get("access-control-request-method")
    return wanted in config.methods and bool(_cors(config, delivery))


def _cors(config: WebhookConfig, delivery: Delivery) -> dict[str, str]:
    """Return the headers by which a browser lets a page of an allowed origin read the answer."""
    origin = delivery.headers.get("origin", "").lower()
    is_for_all = "*" in config.cors_origins
    if not origin or not (is_for_all or origin in config.cors_origins):
        return {}
    found = {
        "access-control-allow-origin": "*" if is_for_all else delivery.headers["origin"],
        "access-control-expose-headers": "mainspring-execution, location, retry-after",
        "vary": "Origin",
    }
    if delivery.method == "OPTIONS":
        found["access-control-allow-methods"] = ", ".join(config.methods)
        found["access-control-max-age"] = "600"
        asked = delivery.headers.get("access-control-request-headers", "")
        if re.fullmatch(r"[A-Za-z0-9_, -]{1,1000}", asked):
            found["access-control-allow-headers"] = asked
    return found


def _delivery_id(config: WebhookConfig, delivery: Delivery, body: Any) -> str | None:
    if config.delivery_id_header is not None:
        return delivery.headers.get(config.delivery_id_header.lower())
    return config.auth.delivery_id(delivery, body)


def _kept_headers(config: WebhookConfig, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers without those that authenticate the caller."""
    secret = {config.auth.header.lower()} if config.auth.type == "header" else set()
    return {name: value for name, value in headers.items() if name not in _NEVER_KEPT | secret}
