"""The emulator's own side: clients with all rights, to look behind the API and to break things."""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import suppress
from typing import Any

import boto3

from infrastructure.local.stack import LocalStack


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


def driver_arn(stack: LocalStack, execution_id: str, driver_attempt: int = 1) -> str:
    """The Step Functions execution that drives an execution of ours."""
    return f"{machine_arn(stack).replace(':stateMachine:', ':execution:')}:{execution_id}-{driver_attempt}"


def call(stack: LocalStack, function: str, payload: Any) -> Any:
    """What one of the stack's functions gives when it is called; None where it failed."""
    functions = client_of(stack, "lambda")
    names = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
    name = next(one for one in names if f"-{function}Function" in one)
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(payload))
    told = json.loads(answer["Payload"].read())
    return None if "FunctionError" in answer else told


def run_recovery(stack: LocalStack, *, ahead_seconds: float = 0) -> dict[str, int]:
    """One run of the recovery, as the rule makes one each minute; what it did, empty if it could not."""
    return call(stack, "Supervisor", {"recover": {"ahead_seconds": ahead_seconds}}) or {}


def output_of(stack: LocalStack, name: str) -> str:
    """An output of the deployed stack."""
    outputs = client_of(stack, "cloudformation").describe_stacks(StackName="Mainspring")["Stacks"][0]["Outputs"]
    return next(one["OutputValue"] for one in outputs if one["OutputKey"] == name)


HANDLER = """def handler(event, context):
    if event == 'bad':
        raise ValueError('it is bad')
    return {'got': event}
"""


def make_things(stack: LocalStack) -> dict[str, str]:
    """What the deployer of the tests' stack has named, and as much again that nobody has; what is there stays."""
    iam, queues, topics, buses = (client_of(stack, name) for name in ("iam", "sqs", "sns", "events"))
    functions, machines, tables = (client_of(stack, name) for name in ("lambda", "stepfunctions", "dynamodb"))
    who = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = "arn:aws:iam::000000000000:role/reach-things"
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName="reach-things", AssumeRolePolicyDocument=json.dumps({"Statement": [who]}))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("main.py", HANDLER)
    definition = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
    found: dict[str, str] = {}
    for name in ("reach", "unnamed"):
        found[f"queue {name}"] = queues.create_queue(QueueName=name)["QueueUrl"]
        found[f"topic {name}"] = topics.create_topic(Name=name)["TopicArn"]
        machine = machines.create_state_machine(name=name, definition=definition, roleArn=role)
        found[f"machine {name}"] = machine["stateMachineArn"]
        with suppress(buses.exceptions.ResourceAlreadyExistsException):
            buses.create_event_bus(Name=name)
        with suppress(functions.exceptions.ResourceConflictException):
            functions.create_function(
                FunctionName=name, Runtime="python3.13", Role=role, Handler="main.handler",
                Code={"ZipFile": content.getvalue()},
            )  # fmt: skip
        with suppress(tables.exceptions.ResourceInUseException):
            tables.create_table(
                TableName=name,
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
                AttributeDefinitions=[
                    {"AttributeName": "id", "AttributeType": "S"},
                    {"AttributeName": "n", "AttributeType": "N"},
                ],
                BillingMode="PAY_PER_REQUEST",
            )
    return found
