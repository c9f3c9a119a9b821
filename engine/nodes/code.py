"""What the node types that run an author's own program share: the bounds, and the way to the sandbox and back."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from pydantic import Field, JsonValue

from engine.errors import NodeError
from engine.json_value import dumps
from engine.nodes.base import Completed, NodeConfig
from engine.nodes.context import NodeContext

MAX_CODE = 100_000
MAX_INPUT_BYTES = 4 * 1024 * 1024
MAX_SECONDS = 60


class CodeConfig(NodeConfig):
    """A program's input, and what it may use. Into its text data is never put."""

    literal: ClassVar[frozenset[str]] = frozenset({"integration", "code"})

    input: JsonValue = Field(default=None, description="What the code is given.")
    seconds: float = Field(
        default=10, gt=0, le=MAX_SECONDS, title="Time limit (seconds)", description="How long it may take."
    )
    memory_mb: int = Field(default=128, ge=16, le=512, description="How much it may need, besides its interpreter.")


async def run_code(
    context: NodeContext, config: CodeConfig, language: str, more: Mapping[str, Any] = MappingProxyType({})
) -> Completed:
    """Run a program in the sandbox, which is told `more` than the config; its log is the execution's.

    The time in it is the context's, so that a test decides what it is.

    Raises:
        NodeError: `code_failed` (with the line), `timeout`, `memory`, `code_crashed`, `output_too_large`,
            `sandbox_unavailable`.
    """
    if context.services.sandbox is None:
        raise NodeError("this engine runs without a sandbox", code="config")
    if len(dumps({"input": config.input, **more}).encode()) > MAX_INPUT_BYTES:
        raise NodeError(f"config.input: what code is given has at most {MAX_INPUT_BYTES} bytes", code="config")
    event = {**config.model_dump(), **more, "language": language, "now": context.now.timestamp()}
    told = await context.services.sandbox(event)
    for line in told.get("lines", []):
        context.log(str(line))
    error = told.get("error")
    if error is None:
        return Completed(told.get("result"))
    where = f"line {error['line']}: " if "line" in error else ""
    details = {name: error[name] for name in ("line", "text", "trace") if name in error}
    raise NodeError(
        where + str(error["message"]),
        code=str(error["code"]),
        details=details or None,
        retryable=error["code"] == "sandbox_unavailable",
    )
