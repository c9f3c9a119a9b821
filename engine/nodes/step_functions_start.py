"""`step_functions_start`: starts a state machine of AWS Step Functions."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, ClassVar

from pydantic import Field, JsonValue

from engine.errors import NodeError
from engine.json_value import dumps
from engine.nodes.aws_call import AwsConfig, AwsNode
from engine.nodes.base import Completed, NodeResult
from engine.nodes.context import NodeContext


class StepFunctionsStartConfig(AwsConfig):
    """The state machine and its input."""

    state_machine_arn: str = Field(
        pattern=r"^arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:stateMachine:[A-Za-z0-9_.:-]+$",
        description="ARN of the state machine.",
    )
    input: JsonValue = Field(default_factory=dict, description="Of its execution.")


class StepFunctionsStartNode(AwsNode):
    """Starts a state machine, and does not wait for it; gives `{execution_arn}`.

    A standard one is started once, however often an attempt is made again; an express one may be started again.

    To wait for its end, have it call the URL of a `wait_for_callback` node.
    """

    Config = StepFunctionsStartConfig
    title: ClassVar[str] = "Step Functions"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "state_machine_arn": "arn:aws:states:eu-central-1:111122223333:stateMachine:billing",
            "input": {"order": "{{ trigger.body.id }}"},
        },
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Start it. Raises NodeError as AWS calls do."""
        config = context.config(StepFunctionsStartConfig, self.raw_config)
        name = f"mainspring-{sha256(context.idempotency_key.encode()).hexdigest()[:48]}"
        params = {"stateMachineArn": config.state_machine_arn, "name": name, "input": dumps(config.input)}
        try:
            answer = await self.call(context, config, "stepfunctions", "start_execution", params)
        except NodeError as error:
            if error.code != "aws_ExecutionAlreadyExists":
                raise
            # An attempt before this one has started it, and it has ended since.
            arn = config.state_machine_arn.replace(":stateMachine:", ":execution:", 1)
            return Completed({"execution_arn": f"{arn}:{name}"})
        return Completed({"execution_arn": answer["executionArn"]})
