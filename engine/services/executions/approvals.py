"""The approvals of a workspace: open ones with the data that a decision needs, and decided ones."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

from engine.clock import Clock
from engine.errors import Forbidden, NodeError, NotFound
from engine.execution.inspection import settle_block
from engine.history.approval_terms import voter
from engine.history.events import Stored
from engine.history.execution_ref import ExecutionRef
from engine.history.model import Execution
from engine.services.executions.approval_answers import check_may_answer
from engine.services.executions.node_details import NodeInspector
from engine.services.principal import Principal
from engine.storage.approvals import Approval
from engine.storage.dynamodb.table import Page, id_cursor
from engine.storage.payloads import OMITTED
from engine.storage.repositories import Repositories
from engine.workflow.definition import NodeDefinition

MOST_COUNTED = 100
_LOOKED_THROUGH = 1_000
"""Rows of one call."""
_HISTORY = 20
_SHOWN_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class NodeBefore:
    """A node from which an approval was reached, and its output."""

    node: NodeDefinition
    output: Any
    omitted: bool


@dataclass(frozen=True, slots=True)
class ApprovalContext:
    """The data that a decision needs. `history` are decisions of the same node, or in the same execution."""

    approval: Approval
    execution: Execution | None
    node: NodeDefinition | None
    before: list[NodeBefore]
    history: list[Approval]


class ApprovalService:
    """Reads approvals, for one caller at a time; `SignalService` answers them."""

    def __init__(self, repositories: Repositories, inspector: NodeInspector, clock: Clock) -> None:
        self._approvals = repositories.approvals
        self._inspector = inspector
        self._clock = clock

    def may_answer(self, principal: Principal, approval: Approval) -> bool:
        """Return whether the caller is among the people who may decide, and has not answered."""
        return self.refusal(principal, approval) is None

    def refusal(self, principal: Principal, approval: Approval) -> str | None:
        """Return the error code that an answer of the caller would get; None: they may answer."""
        try:
            check_may_answer(approval.terms, principal, approval.asked_at, self._clock.now(), approval.starter)
        except Forbidden as error:
            return error.code
        return "already_answered" if approval.has_answered(voter(principal.user_id, principal.email)) else None

    def page(
        self,
        principal: Principal,
        cursor: str | None,
        limit: int,
        *,
        is_decided: bool = False,
        mine: bool = False,
        workflow_id: str | None = None,
        execution_id: str | None = None,
    ) -> Page:
        """Return a page of open or decided approvals; `mine` are those that the caller may decide, or has decided.

        A page may have fewer than `limit` though more follow.
        """
        before = id_cursor(cursor)
        workspace = principal.workspace_id
        rows = (
            self._approvals.decisions(workspace, before)
            if is_decided
            else self._approvals.open(workspace, self._clock.now(), before)
        )
        found: list[Approval] = []
        pending: list[Approval] = []
        last: str | None = None
        for number, row in enumerate(rows):
            if number == _LOOKED_THROUGH or len(found) > limit:
                break
            last = row.id
            is_mine = (row.decided_by == principal.user_id) if is_decided else self.may_answer(principal, row)
            fits = workflow_id in (None, row.workflow_id) and execution_id in (None, row.execution_id)
            if fits and (is_mine or not mine):
                pending.append(row)
            if len(found) + len(pending) > limit:
                found += pending if is_decided else self._approvals.still_open(pending)
                pending = []
        else:
            last = None
        found += pending if is_decided else self._approvals.still_open(pending)
        if len(found) > limit:
            return Page(found[:limit], found[limit - 1].id)
        return Page(found, last)

    def count(self, principal: Principal, *, mine: bool) -> tuple[int, bool]:
        """Return the number of open approvals, up to a bound; and whether there may be more."""
        page = self.page(principal, None, MOST_COUNTED, mine=mine)
        return len(page.items), page.next_cursor is not None

    def context(self, principal: Principal, approval_id: str) -> ApprovalContext:
        """Return one approval, with the data that a decision needs. Raises NotFound."""
        approval = self._approvals.find(principal.workspace_id, approval_id)
        if approval is None or (approval.decision is None and not self._approvals.still_open([approval])):
            raise NotFound("there is no such approval, or nobody waits for it any more")
        history = self._history(principal, approval)
        try:
            place = self._inspector.place(principal.workspace_id, approval.execution_id, approval.path)
        except NotFound:  # the execution's retention is over; the decision is still known
            return ApprovalContext(approval, None, None, [], history)
        context, around = self._inspector.context(place, approval.path)
        progress = settle_block(context, *around, place.history)
        node_id = approval.path.rpartition(".")[2]
        before = [
            self._before(place.ref, around[0].nodes[source], context.nodes.get(source))
            for source in progress.came_from.get(node_id, ())
        ]
        return ApprovalContext(approval, place.execution, around[0].nodes.get(node_id), before, history)

    def _before(self, ref: ExecutionRef, node: NodeDefinition, output: Any) -> NodeBefore:
        if isinstance(output, Stored) and int(output.reference.get("bytes", 0)) > _SHOWN_BYTES:
            return NodeBefore(node, None, omitted=True)
        try:
            value = self._inspector.load(ref, output)
        except NodeError:
            value = OMITTED
        is_omitted = value is OMITTED
        return NodeBefore(node, None if is_omitted else value, omitted=is_omitted)

    def _history(self, principal: Principal, approval: Approval) -> list[Approval]:
        rows = islice(self._approvals.decisions(principal.workspace_id), _LOOKED_THROUGH)
        related = (
            row
            for row in rows
            if row.id != approval.id
            and (
                row.execution_id == approval.execution_id
                or (row.workflow_id == approval.workflow_id and row.path == approval.path)
            )
        )
        return list(islice(related, _HISTORY))
