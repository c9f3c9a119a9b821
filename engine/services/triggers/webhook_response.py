"""Answers callers that wait for an execution: callers of synchronous webhooks, now or later.

An execution that a caller waits for is run ahead: Advance is called for it at once, without a state machine, which is
started only if the execution has to wait for something. If that call is lost, recovery drives the execution, like any
other.
"""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from engine import limits
from engine.aws.step_functions import StateMachine
from engine.errors import NotFound
from engine.execution.callbacks import make_token, read_token
from engine.history.events import NodeStatus, Outcome
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Execution, Status
from engine.json_value import dumps
from engine.storage.repositories import Repositories
from engine.workflow.definition import WorkflowDefinition

logger = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.02, 0.5, 1.25
_JSON = {"content-type": "application/json"}
_PURPOSE = {"result": "/result", "respond": "/respond"}
"""The purposes of tokens in answer URLs. No node has such a path, so none is valid for a callback."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer for the caller of a webhook."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class WebhookResponder:
    """Waits for the answers of executions.

    Args:
        repositories: keep executions.
        machine: drives an execution that could not be run ahead.
        advance: calls Advance for an execution; returns its decision.
        sleep: waits for a number of seconds.
    """

    def __init__(
        self,
        repositories: Repositories,
        machine: StateMachine,
        advance: Callable[[str], str],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._executions = repositories.executions
        self._histories = repositories.histories
        self._workflows = repositories.workflows
        self._machine = machine
        self._advance = advance
        self._sleep = sleep
        self._threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="ahead")
        self._running: dict[str, Future[str]] = {}

    def run_ahead(self, execution_id: str) -> None:
        """Run a new execution at once, concurrently with the caller."""
        self._running[execution_id] = self._threads.submit(self._ahead, execution_id)

    def _ahead(self, execution_id: str) -> str:
        try:
            return self._advance(execution_id)
        except Exception:
            logger.exception("%s could not be run ahead", execution_id)
        # If it has begun it is being run, or recovery finds it. This may be long after, in a function that was frozen
        # after its caller had been answered.
        found = self._executions.find(execution_id)
        if found is not None and found.execution.status is Status.PENDING:
            self._machine.start(execution_id)
        return "again"

    def answer(self, execution: Execution, mode: str, responds: Sequence[str], seconds: float) -> Answer | None:
        """Return the answer of an execution as soon as it exists; None if it does not in time."""
        deadline = time.monotonic() + seconds
        running = self._running.pop(execution.id, None)
        pause = _FIRST_PAUSE
        while True:
            if running is not None and mode == "result":
                self._wait(running, deadline - time.monotonic())
            found = self._now(execution.id, responds if mode == "respond" else ())
            if found is not None:
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            if running is not None and running.done():
                running = None
            self._sleep(min(pause, left))
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)

    def later(self, execution_id: str, token: str) -> tuple[Execution, Answer | None]:
        """Return the answer for a URL that was given to a caller; None while there is none.

        Raises:
            NotFound: it is not such a URL.
        """
        found = self._executions.find(execution_id)
        read = read_token(execution_id, found.execution.secret, token) if found else None
        if found is None or read is None or read not in _PURPOSE.values():
            raise NotFound("there is nothing at this address")
        execution = found.execution
        return execution, self._now(execution_id, self.responds_of(execution) if read == "/respond" else ())

    def responds_of(self, execution: Execution) -> list[str]:
        """Return the nodes of an execution's version that answer."""
        stored = self._workflows.get_version(execution.workflow_id, execution.workflow_version)
        nodes = WorkflowDefinition.model_validate(stored.definition).nodes
        return [node.id for node in nodes if node.type == "respond"]

    def _now(self, execution_id: str, responds: Sequence[str]) -> Answer | None:
        """Return the current answer, if there is one."""
        if responds:
            answer = self._responded(execution_id, responds)
            if answer is not None:
                return answer
        record = self._executions.attributes([execution_id]).get(execution_id)
        if record is None or not Status(record["status"]).is_final:
            return None
        if responds:  # it may have answered between the two reads
            answer = self._responded(execution_id, responds)
            if answer is not None:
                return answer
        return _ending(self._executions.decoded(*self._executions.with_payloads([record])))

    def _responded(self, execution_id: str, responds: Sequence[str]) -> Answer | None:
        events = self._histories.get(
            ExecutionRef(execution_id), responds
        )  # and what was written in one item with these events
        outcomes = [one for one in events if isinstance(one, Outcome) and one.path in responds]
        answered = [one for one in outcomes if one.status is NodeStatus.SUCCEEDED]
        if not answered:
            return None
        first = min(answered, key=lambda outcome: (outcome.completed_at, outcome.path))
        return _given(execution_id, self._histories.load(first.output))

    @staticmethod
    def _wait(running: Future[str], seconds: float) -> None:
        try:
            running.result(timeout=max(0.0, seconds))
        except TimeoutError:
            return
        except Exception:
            logger.exception("an execution that was to run ahead is left to recovery")


def answer_url(api_url: str, execution: Execution, mode: str) -> str:
    """Return the URL at which the answer of an execution will be."""
    token = make_token(execution.id, execution.secret, _PURPOSE[mode])
    return f"{api_url}/api/answers/{execution.id}/{token}"


def _given(execution_id: str, output: Mapping[str, Any]) -> Answer:
    """Return the answer of a `respond` node."""
    headers = {name.lower(): value for name, value in output["headers"].items()}
    if "base64" in output:
        body, kind = base64.b64decode(output["base64"]), "application/octet-stream"
    elif isinstance(output["body"], str):
        body, kind = output["body"].encode(), "text/plain; charset=utf-8"
    elif output["body"] is None:
        body, kind = b"", ""
    else:
        body, kind = dumps(output["body"]).encode(), "application/json"
    if kind:
        headers.setdefault("content-type", kind)
    return Answer(output["status"], {**headers, "mainspring-execution": execution_id}, body)


def _ending(execution: Execution) -> Answer:
    """Return the answer of an execution that ended without one of its own. A failure shows its caller no details."""
    headers = {**_JSON, "mainspring-execution": execution.id}
    if execution.status is Status.SUCCEEDED:
        body = dumps(execution.result).encode()
        if len(body) <= limits.MAX_ANSWER_BYTES:
            return Answer(200, headers, body)
        return _error(headers, "result_too_large", "the result is too large to be sent as an answer", execution)
    return _error(headers, "execution_failed", f"the execution has {execution.status}", execution)


def _error(headers: Mapping[str, str], code: str, message: str, execution: Execution) -> Answer:
    error = {"code": code, "message": message, "details": {"execution_id": execution.id}}
    return Answer(502, headers, dumps({"error": error}).encode())
