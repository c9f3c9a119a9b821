"""The emulator's own side: clients with all rights, to look behind the API and to break things."""

from __future__ import annotations

from typing import Any

import boto3

from infrastructure.local import LocalStack


def client_of(stack: LocalStack, service: str) -> Any:
    """A client that may do everything."""
    running = stack.running()
    assert running is not None
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=f"http://127.0.0.1:{running.port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def machine_arn(stack: LocalStack) -> str:
    """The state machine that drives executions."""
    machines = client_of(stack, "stepfunctions").list_state_machines()["stateMachines"]
    return next(machine["stateMachineArn"] for machine in machines if "Execution" in machine["name"])


def driver_arn(stack: LocalStack, execution_id: str, generation: int = 1) -> str:
    """The Step Functions execution that drives an execution of ours."""
    return f"{machine_arn(stack).replace(':stateMachine:', ':execution:')}:{execution_id}-{generation}"
