"""The API's representation of executions and their nodes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engine.clock import format_time
from engine.execution.callbacks import callback_url
from engine.execution.node_states import NodeState
from engine.history import prices
from engine.history.events import PendingSignal, WaitKind
from engine.history.model import Execution
from engine.history.usage import Bill
from engine.schemas.executions import (
    BillAnswer,
    BriefError,
    ExecutionAnswer,
    ExecutionSummary,
    ProgressAnswer,
    SignalAnswer,
    WaitAnswer,
)
from engine.security.permissions import Permission
from engine.services.executions.api import shown
from engine.services.executions.finalization import child_id
from engine.services.executions.signals import Given
from functions import container
from functions.executions.app import app
from functions.http_api import caller


def shown_answer(execution: Execution) -> ExecutionAnswer:
    """An execution without its nodes, which may be one of long ago with a large result."""
    view = shown(execution)
    return ExecutionAnswer(**answer_parts(view.execution), omitted=view.omitted)


def summary(execution: Execution) -> ExecutionSummary:
    """An execution in a list."""
    error = BriefError(**execution.error) if execution.error else None
    return ExecutionSummary(**_facts(execution), error=error)


def _facts(execution: Execution) -> dict[str, Any]:
    return {
        "id": execution.id,
        "workflow_id": execution.workflow_id,
        "workflow_name": execution.workflow_name,
        "workflow_version": None if execution.is_of_draft else execution.workflow_version,
        "draft": execution.is_of_draft,
        "test": execution.is_test,
        "status": execution.status,
        "trigger_type": execution.trigger_type,
        "triggered_by": execution.triggered_by,
        "queued": execution.queue_position is not None
        and execution.queue_position.slot is None
        and not execution.status.is_final,
        "retry_of": execution.retry_of,
        "trigger_id": execution.trigger_id,
        "started_from": execution.caller.ref.execution_id if execution.caller else None,
        "created_at": format_time(execution.created_at),
        "started_at": time_of(execution.started_at),
        "completed_at": time_of(execution.completed_at),
        "duration_ms": execution.duration_ms,
        "dollars": round(execution.bill.dollars, 9),
    }


def answer_parts(execution: Execution) -> dict[str, Any]:
    """The fields of `ExecutionAnswer`, but for what is omitted."""
    return {
        **_facts(execution),
        "input": execution.trigger.get("body"),
        "result": execution.result,
        "error": execution.error,
        "bill": _bill(execution.bill),
    }


def _bill(bill: Bill) -> BillAnswer:
    return BillAnswer(
        dollars=round(bill.dollars, 9),
        prices_as_of=prices.AS_OF,
        lambda_ms=bill.lambda_ms,
        transitions=bill.transitions,
        write_units=bill.write_units,
        read_units=bill.read_units,
        s3_calls=bill.s3_puts + bill.s3_gets,
        ai_input_tokens=bill.ai_input_tokens,
        ai_output_tokens=bill.ai_output_tokens,
        ai_dollars=bill.ai_micro_dollars / 1_000_000,
    )


def _wait(execution: Execution, wait: PendingSignal) -> WaitAnswer:
    told = wait.output if isinstance(wait.output, dict) else {}
    url = started = None
    if wait.kind is WaitKind.CALLBACK and caller(app).may(Permission.EXECUTE):  # who has the URL can answer
        url = callback_url(container.settings.api_url, execution.id, execution.secret, wait.path)
    elif wait.kind is WaitKind.CHILD:
        started = child_id(execution.ref, wait)
    return WaitAnswer(
        kind=wait.kind,
        attempt=wait.attempt,
        deadline=time_of(wait.deadline),
        message=told.get("message"),
        approvers=told.get("approvers") or None,
        needs=told.get("needs", 1) if wait.kind is WaitKind.APPROVAL else None,
        form=told.get("form"),
        url=url,
        execution_id=started,
    )


def node_parts(execution: Execution, node: NodeState) -> dict[str, Any]:
    """The fields of `NodeAnswer`."""
    return {
        "id": node.id,
        "type": node.type,
        "status": node.status,
        "attempts": node.attempts,
        "started_at": time_of(node.started_at),
        "completed_at": time_of(node.completed_at),
        "output": node.output,
        "error": node.error,
        "port": node.port,
        "wait": _wait(execution, node.wait) if node.wait else None,
        "progress": ProgressAnswer.model_validate(node.progress) if node.progress else None,
        "pinned": node.is_pinned,
        "dollars": None if node.dollars is None else round(node.dollars, 9),
    }


def given_answer(execution_id: str, given: Given) -> SignalAnswer:
    """An answer that was taken."""
    return SignalAnswer(
        execution_id=execution_id,
        node=given.path,
        attempt=given.attempt,
        at=format_time(given.at),
        decided=given.is_decided,
    )


def time_of(moment: datetime | None) -> str | None:
    """A time as it is told, null where there is none."""
    return format_time(moment) if moment else None
