"""The one stack: it only wires the constructs together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from functions.openapi import routes_of
from infrastructure.acknowledge import acknowledge
from infrastructure.api import Api
from infrastructure.execution import ExecutionMachine
from infrastructure.functions import ADVANCE_SECONDS, Code, Function, Grants
from infrastructure.storage import Storage

_ITEMS = ("GetItem", "PutItem", "UpdateItem", "Query")


@dataclass(frozen=True)
class Options:
    """The deployer's choices, from CDK context.

    `local_api_id` and `api_url` are for the local stack: the emulator's API has a fixed id and another address.
    """

    layer: Path
    functions: Path
    open_registration: bool = False
    allowed_networks: str = ""
    retention_days: int = 90
    local_api_id: str | None = None
    api_url: str | None = None


class PlatformStack(Stack):
    """Mainspring in one AWS account and region."""

    def __init__(self, scope: Construct, construct_id: str, options: Options, **kwargs: object) -> None:
        super().__init__(scope, construct_id, **kwargs)  # type: ignore[arg-type]
        storage = Storage(
            self, "Storage", retention_days=options.retention_days, plain_http=options.local_api_id is not None
        )
        runtime, architecture = lambda_.Runtime.PYTHON_3_13, lambda_.Architecture.ARM_64
        layer = lambda_.LayerVersion(
            self,
            "Engine",
            code=lambda_.Code.from_asset(str(options.layer)),
            compatible_runtimes=[runtime],
            compatible_architectures=[architecture],
            description="Mainspring's engine and its dependencies",
        )
        self._code = Code(lambda_.Code.from_asset(str(options.functions)), layer, architecture, runtime)
        identity = {"MAINSPRING_IDENTITY_TABLE": storage.identity.table_name}
        automation = {"MAINSPRING_AUTOMATION_TABLE": storage.automation.table_name}
        signing = {"MAINSPRING_SIGNING_SECRET": storage.signing_secret_arn}
        payloads = {
            "MAINSPRING_PAYLOAD_BUCKET": storage.payloads.bucket_name,
            "MAINSPRING_RETENTION_DAYS": str(options.retention_days),
        }
        registration = {"MAINSPRING_OPEN_REGISTRATION": "true" if options.open_registration else "false"}

        abort = Function(
            self,
            "abort",
            code=self._code,
            grants=Grants(storage).table(storage.automation, "UpdateItem", "PutItem"),
            environment={**automation, **payloads},
            timeout=30,
        )
        advance_environment = {
            **automation,
            **payloads,
            "MAINSPRING_ALLOWED_NETWORKS": options.allowed_networks,
        }
        advance = Function(
            self,
            "advance",
            code=self._code,
            grants=Grants(storage).table(storage.automation, *_ITEMS).payloads("GetObject", "PutObject"),
            environment=advance_environment,
            memory=1024,
            timeout=ADVANCE_SECONDS,
        )
        machine = ExecutionMachine(self, "Execution", advance=advance.function, abort=abort.function)
        authorizer = Function(
            self,
            "authorizer",
            code=self._code,
            grants=Grants(storage).table(storage.identity, "BatchGetItem").signing_keys(),
            environment={**identity, **signing},
            timeout=10,
        )
        auth = Function(
            self,
            "auth",
            code=self._code,
            grants=Grants(storage)
            .table(storage.identity, "GetItem", "PutItem", "UpdateItem", "DeleteItem")
            .signing_keys(),
            environment={**identity, **signing, **registration},
            memory=1024,
        )
        users = Function(
            self,
            "users",
            code=self._code,
            grants=Grants(storage).table(
                storage.identity, "PutItem", "UpdateItem", "BatchGetItem", indexes=["by-list"]
            ),
            environment=identity,
            memory=1024,
        )
        workflows = Function(
            self,
            "workflows",
            code=self._code,
            grants=Grants(storage).table(storage.automation, *_ITEMS, "BatchGetItem", indexes=["by-workspace"]),
            environment=automation,
        )
        executions = Function(
            self,
            "executions",
            code=self._code,
            grants=Grants(storage)
            .table(storage.automation, *_ITEMS, "BatchGetItem", indexes=["by-workspace", "by-workflow"])
            .payloads("GetObject", "PutObject")
            .on(machine.machine.state_machine_arn, "states:StartExecution")
            .on(machine.executions_arn(), "states:StopExecution"),
            environment={
                **automation,
                **payloads,
                "MAINSPRING_STATE_MACHINE_ARN": machine.machine.state_machine_arn,
            },
        )
        acknowledge(
            executions,
            f"AwsSolutions-IAM5[Resource::{machine.executions_finding()}]",
            "It stops any execution of this one state machine; their names are the ids of executions.",
        )
        platform = Function(self, "platform", code=self._code, grants=Grants(storage), environment={}, memory=256)
        functions = {
            "auth": auth,
            "users": users,
            "workflows": workflows,
            "executions": executions,
            "platform": platform,
        }
        api = Api(
            self,
            "Api",
            handlers={construct.function: routes_of(name) for name, construct in functions.items()},
            fallback=platform.function,
            authorizer=authorizer.function,
            local_id=options.local_api_id,
        )
        advance.function.add_environment("MAINSPRING_API_URL", options.api_url or api.url)
        CfnOutput(self, "ApiUrl", value=api.url, description="Where the API answers")
        CfnOutput(self, "StateMachineArn", value=machine.machine.state_machine_arn)
        CfnOutput(self, "AutomationTable", value=storage.automation.table_name)
