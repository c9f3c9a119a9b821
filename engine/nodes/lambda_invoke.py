"""`lambda_invoke`: calls an AWS Lambda function."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue

from engine.errors import NodeError
from engine.json_value import dumps
from engine.nodes.aws_call import AwsConfig, AwsNode
from engine.nodes.base import Completed, NodeResult
from engine.nodes.context import NodeContext
from engine.parsing.json_text import read_json


class LambdaInvokeConfig(AwsConfig):
    """The function and its input."""

    function: str = Field(min_length=1, max_length=256, description="ARN of the function, or its name in this account.")
    payload: JsonValue = Field(default=None, description="The input of the function.")
    invocation: Literal["wait", "event"] = Field(default="wait", description="`event` does not wait for the answer.")


class LambdaInvokeNode(AwsNode):
    """Calls a Lambda function; gives what it answers, or `{accepted}` where it is not waited for."""

    Config = LambdaInvokeConfig
    title: ClassVar[str] = "Lambda function"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"function": "arn:aws:lambda:eu-central-1:111122223333:function:price", "payload": {"sku": "{{ item }}"}},
    )
    default_timeout: ClassVar[float] = 60.0

    async def execute(self, context: NodeContext) -> NodeResult:
        """Call it.

        Raises:
            NodeError: `function_failed`: it raised; and those of AWS.
        """
        config = context.config(LambdaInvokeConfig, self.raw_config)
        kind = "RequestResponse" if config.invocation == "wait" else "Event"
        params = {"FunctionName": config.function, "InvocationType": kind, "Payload": dumps(config.payload).encode()}
        answer = await self.call(context, config, "lambda", "invoke", params)
        raw: bytes = answer.get("Payload", b"")
        if config.invocation == "event":
            return Completed({"accepted": True})
        try:
            told = read_json((raw or b"null").decode(), "the function's answer", "bad_response")
        except UnicodeDecodeError:
            raise NodeError("the function's answer is not JSON", code="bad_response") from None
        if "FunctionError" in answer:
            message = told.get("errorMessage") if isinstance(told, dict) else None
            details = {"type": told.get("errorType")} if isinstance(told, dict) else None
            shown = context.redactor.shown(f"the function failed: {message}", 2_000)
            raise NodeError(shown, code="function_failed", details=details)
        return Completed(told)
