"""`sub_workflow`: runs another workflow of the workspace."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, JsonValue

from engine import limits
from engine.errors import NodeError
from engine.history.events import Signal, WaitKind
from engine.ids import is_id
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult, WaitForSignal
from engine.nodes.context import NodeContext
from engine.workflow.definition import WorkflowName


class SubWorkflowConfig(NodeConfig):
    """The workflow and its input."""

    workflow: WorkflowName
    version: int | None = Field(default=None, ge=1, le=limits.MAX_VERSIONS, description="Default: the published one.")
    input: JsonValue = Field(default=None, description="`trigger.body` over there.")
    wait: bool = Field(default=True, description="Whether to wait for its result.")


class SubWorkflowNode(BaseNode):
    """Starts another workflow. The output is its result, or without `wait` `{execution_id}`.

    One that is waited for runs in the concurrency slot of the execution that waits, and is cancelled with it.
    """

    Config = SubWorkflowConfig
    title: ClassVar[str] = "Run a workflow"
    group: ClassVar[str] = "Flow"
    icon: ClassVar[str] = "workflow"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"workflow": "01920000-0000-7000-8000-000000000001", "input": {"order": "{{ trigger.body }}"}},
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Asks for the start, and waits until it has happened or the execution has ended."""
        config = context.config(SubWorkflowConfig, self.raw_config)
        if not is_id(config.workflow):
            message = "config.workflow: a template gives a workflow's id; its name can stand there only as it is"
            raise NodeError(message, code="config")
        return WaitForSignal(WaitKind.CHILD, None, config.model_dump(mode="json"))

    def answered(self, signal: Signal) -> Completed:
        """With what became of it: `{execution_id, status, result, error}`; only `execution_id` if not waited for."""
        told = signal.output
        status = told.get("status")
        if status is None and "error" not in told:
            return Completed({"execution_id": told["execution_id"]})
        if status == "succeeded":
            return Completed(told.get("result"))
        error = told.get("error") or {}
        reason = error.get("message") or f"it has {status}"
        raise NodeError(
            f"the workflow did not succeed: {reason}",
            code="child_failed" if status else error.get("code", "child_failed"),
            details={"execution_id": told.get("execution_id"), "status": status, "error": error or None},
        )
