"""`wait_for_callback`: waits until another system calls a URL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from pydantic import Field

from engine import limits
from engine.errors import NodeError
from engine.history.events import Signal, SignalStatus, WaitKind
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult, WaitForSignal
from engine.nodes.context import NodeContext


class WaitForCallbackConfig(NodeConfig):
    """The deadline."""

    timeout_seconds: float = Field(
        default=limits.DEFAULT_SIGNAL_SECONDS,
        gt=0,
        le=limits.MAX_DELAY,
        description="Seconds to wait; then the node fails with `timeout`, which can be retried.",
    )


class WaitForCallbackNode(BaseNode):
    """Waits for a `POST` of JSON to its URL, which accepts one call: `{{ execution.callbacks.<id> }}`.

    Nodes before it can hand the URL on, and the call may come before this node is reached. The output is `{body, at}`.
    """

    Config = WaitForCallbackConfig
    title: ClassVar[str] = "Wait for a callback"
    group: ClassVar[str] = "Flow"
    icon: ClassVar[str] = "webhook"
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"timeout_seconds": 86400},)
    has_callback: ClassVar[bool] = True

    async def execute(self, context: NodeContext) -> NodeResult:
        """Waits for the call."""
        config = context.config(WaitForCallbackConfig, self.raw_config)
        return WaitForSignal(WaitKind.CALLBACK, context.now + timedelta(seconds=config.timeout_seconds))

    def answered(self, signal: Signal) -> Completed:
        """With what was sent."""
        if signal.status is SignalStatus.EXPIRED:
            raise NodeError("nobody called back in time", code="timeout", retryable=True)
        return Completed(signal.output)
