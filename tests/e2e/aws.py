"""The emulator's own side: clients with all rights, to look behind the API and to break things."""

from __future__ import annotations

import json
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
    return next(machine["stateMachineArn"] for machine in machines if machine["name"].endswith("-execution"))


def driver_arn(stack: LocalStack, execution_id: str, generation: int = 1) -> str:
    """The Step Functions execution that drives an execution of ours."""
    return f"{machine_arn(stack).replace(':stateMachine:', ':execution:')}:{execution_id}-{generation}"


def call(stack: LocalStack, function: str, payload: Any) -> Any:
    """What one of the stack's functions gives when it is called; None where it failed."""
    functions = client_of(stack, "lambda")
    names = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
    name = next(one for one in names if f"-{function}Function" in one)
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(payload))
    told = json.loads(answer["Payload"].read())
    return None if "FunctionError" in answer else told


def sweep(stack: LocalStack, *, ahead_seconds: float = 0) -> dict[str, int]:
    """One run of the sweeper, as the rule makes one each minute; what it did, empty if it could not."""
    return call(stack, "Conductor", {"sweep": {"ahead_seconds": ahead_seconds}}) or {}


def output_of(stack: LocalStack, name: str) -> str:
    """An output of the deployed stack."""
    outputs = client_of(stack, "cloudformation").describe_stacks(StackName="Mainspring")["Stacks"][0]["Outputs"]
    return next(one["OutputValue"] for one in outputs if one["OutputKey"] == name)
