"""How nodes call AWS: what is refused, what is tried again, and what a name that is known again means."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from engine.aws.node_role import NodeAws, _failed
from engine.errors import NodeError
from engine.nodes.context import NodeServices
from engine.testing import NodeRun, run_node
from tests.unit.conftest import FixedClock

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:billing"


class Says:
    """AWS that says one thing."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Mapping[str, Any]] = []

    async def call(self, _workspace: str, _role: Any, _service: str, _operation: str, params: Mapping[str, Any]) -> Any:
        self.asked.append(params)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def node(says: Says, kind: str, **config: Any) -> NodeRun:
    return run_node(kind, config, services=NodeServices(aws=says))  # type: ignore[arg-type]


def test_a_machine_that_was_started_before_the_crash_is_started():
    first = Says({"executionArn": "x"})
    node(first, "step_functions_start", state_machine_arn=MACHINE)
    again = Says(NodeError("it is there", code="aws_ExecutionAlreadyExists"))
    told = node(again, "step_functions_start", state_machine_arn=MACHINE).output["execution_arn"]
    assert told == f"arn:aws:states:us-east-1:123456789012:execution:billing:{first.asked[0]['name']}"
    assert again.asked[0]["name"] == first.asked[0]["name"]


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("dynamodb", {"operation": "put", "table": "tab", "item": {"id": 1e200}}),
        ("dynamodb", {"operation": "put", "table": "tab", "item": {"id": 10**40}}),
        ("lambda_invoke", {"function": "f"}),
    ],
)
def test_unserializable_aws_parameters_and_answers_are_reported(kind: str, config: dict[str, Any]):
    run = node(Says({"Payload": b"[" * 200_000}), kind, **config)
    assert run.error is not None
    assert run.error.code in ("config", "bad_response")


@pytest.mark.parametrize(
    ("code", "status", "expected", "retryable"),
    [
        ("AccessDenied", 403, "not_granted", False),
        ("AccessDeniedException", 400, "not_granted", False),
        ("ThrottlingException", 400, "aws_ThrottlingException", True),
        ("ValidationException", 400, "aws_ValidationException", False),
        ("Whatever", 503, "aws_Whatever", True),
    ],
)
def test_aws_errors_become_node_errors(code: str, status: int, expected: str, retryable: bool):
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error = _failed(ClientError(answer, "SendMessage"), "sqs", "send_message")
    assert (error.code, error.retryable) == (expected, retryable)


def test_credentials_are_assumed_once_for_each_workspace_and_renewed_before_their_end():
    clock, asked = FixedClock(), []
    with mock_aws():
        import boto3

        sts = boto3.client("sts")
        boto3.client("sqs").create_queue(QueueName="q")

        class Counting:
            def assume_role(self, **arguments: Any) -> Any:
                asked.append(arguments["RoleSessionName"])
                if arguments["RoleArn"].endswith("-stranger"):
                    raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "AssumeRole")
                told = sts.assume_role(**arguments)
                told["Credentials"]["Expiration"] = clock.moment.replace(hour=clock.moment.hour + 1)
                return told

        aws = NodeAws(Counting, "arn:aws:iam::123456789012:role/reach-", clock)

        def call(workspace: str) -> Any:
            return asyncio.run(aws.call(workspace, None, "sqs", "list_queues", {}))

        assert call("w-1")["QueueUrls"]
        call("w-1")
        call("w/2")
        assert asked == ["mainspring-w-1", "mainspring-w-2"]
        clock.pass_time(minutes=59)
        call("w-1")
        assert asked == ["mainspring-w-1", "mainspring-w-2", "mainspring-w-1"]
        with pytest.raises(NodeError) as caught:
            asyncio.run(aws.call("w-1", None, "sqs", "send_message", {"QueueUrl": 7}))
        assert caught.value.code == "config"
        with pytest.raises(NodeError, match="the workspace stranger may use no resources of AWS") as refused:
            call("stranger")
        assert refused.value.code == "not_granted"
    with pytest.raises(NodeError, match="has named no resources"):
        asyncio.run(NodeAws(lambda: None, "", clock).call("w", None, "sqs", "list_queues", {}))
