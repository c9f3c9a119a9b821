"""The one stack: it only wires the constructs together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from functions.openapi import routes_of
from infrastructure.acknowledge import acknowledge
from infrastructure.api import Api
from infrastructure.eventing import FIRING_SECONDS, Eventing
from infrastructure.execution import ExecutionMachines, MachineNames
from infrastructure.functions import ADVANCE_SECONDS, CONDUCTOR_SECONDS, RECONCILER_SECONDS, Code, Function, Grants
from infrastructure.reach import Reach
from infrastructure.sandbox import Sandbox
from infrastructure.storage import Storage

_ITEMS = ("GetItem", "PutItem", "UpdateItem", "Query")


@dataclass(frozen=True)
class Options:
    """The deployer's choices, from CDK context.

    `local_api_id` and `api_url` are for the local stack: the emulator's API has a fixed id and another address.
    """

    layer: Path
    node_layer: Path
    functions: Path
    sandbox: Path
    extension_layer: Path | None = None
    open_registration: bool = False
    allowed_networks: str = ""
    retention_days: int = 90
    resources: Sequence[str] = ()
    local_api_id: str | None = None
    api_url: str | None = None


class PlatformStack(Stack):
    """Mainspring in one AWS account and region."""

    def __init__(self, scope: Construct, construct_id: str, options: Options, **kwargs: object) -> None:
        super().__init__(scope, construct_id, **kwargs)  # type: ignore[arg-type]
        storage = Storage(
            self, "Storage", retention_days=options.retention_days, plain_http=options.local_api_id is not None
        )
        self._is_local = options.local_api_id is not None
        runtime, architecture = lambda_.Runtime.PYTHON_3_13, lambda_.Architecture.ARM_64
        layer = self._layer("Engine", options.layer, "Mainspring's engine and its dependencies")
        node_layers = [self._layer("Nodes", options.node_layer, "What Mainspring's nodes need to run")]
        extensions = self._extensions(options)
        self._code = Code(lambda_.Code.from_asset(str(options.functions)), layer, architecture, runtime)
        identity = {"MAINSPRING_IDENTITY_TABLE": storage.identity.table_name}
        automation = {"MAINSPRING_AUTOMATION_TABLE": storage.automation.table_name}
        signing = {"MAINSPRING_SIGNING_SECRET": storage.signing_secret_arn}
        payloads = {
            "MAINSPRING_PAYLOAD_BUCKET": storage.payloads.bucket_name,
            "MAINSPRING_RETENTION_DAYS": str(options.retention_days),
        }
        registration = {"MAINSPRING_OPEN_REGISTRATION": "true" if options.open_registration else "false"}

        key = {"MAINSPRING_KEY_ID": storage.key.key_id}
        eventing = Eventing(self, "Eventing", is_local=self._is_local)
        bus = {"MAINSPRING_EVENT_BUS": eventing.bus.event_bus_name}
        deliveries = Function(
            self,
            "deliveries",
            code=self._code,
            grants=eventing.publishes(
                Grants(storage)
                .table(storage.automation, "GetItem", "BatchGetItem", "PutItem", "UpdateItem", indexes=["by-workspace"])
                .secrets("subscription")
            ),
            environment={**automation, **bus, **key, "MAINSPRING_ALLOWED_NETWORKS": options.allowed_networks},
            timeout=CONDUCTOR_SECONDS,
        )
        sending = {"MAINSPRING_DELIVERIES_FUNCTION": deliveries.function.function_name}

        names = MachineNames(self)
        machines = {
            "MAINSPRING_STATE_MACHINE_ARN": names.machine_arn(names.execution),
            "MAINSPRING_FAN_OUT_MACHINE_ARN": names.machine_arn(names.fan_out),
        }
        conductor = Function(
            self,
            "conductor",
            code=self._code,
            grants=self._driving(storage, names)
            .table(storage.automation, *_ITEMS, "BatchGetItem", "DeleteItem", indexes=["by-look", "by-workspace"])
            .on(deliveries.function.function_arn, "lambda:InvokeFunction")
            .on(eventing.bus.event_bus_arn, "events:PutEvents")
            .on(names.machine_arn(names.fan_out), "states:StartExecution")
            .on(names.executions_arn(names.execution), "states:DescribeExecution")
            .on(names.executions_arn(names.fan_out), "states:DescribeExecution"),
            environment={**automation, **payloads, **machines, **bus, **sending},
            timeout=CONDUCTOR_SECONDS,
        )
        sandbox = Sandbox(self, "Sandbox", content=options.sandbox)
        advance = Function(
            self,
            "advance",
            code=self._code,
            grants=Grants(storage)
            .table(storage.automation, *_ITEMS, "BatchGetItem", "DeleteItem")
            .payloads("GetObject", "PutObject")
            .files()
            .secrets("integration")
            .on_all([conductor.function.function_arn, sandbox.function.function_arn], "lambda:InvokeFunction"),
            environment={
                **automation,
                **payloads,
                "MAINSPRING_ALLOWED_NETWORKS": options.allowed_networks,
                **key,
                "MAINSPRING_CONDUCTOR_FUNCTION": conductor.function.function_name,
                "MAINSPRING_SANDBOX_FUNCTION": sandbox.function.function_name,
            },
            memory=1024,
            timeout=ADVANCE_SECONDS,
            layers=[*node_layers, *extensions],
        )
        ExecutionMachines(
            self,
            "Execution",
            names=names,
            advance=advance.function,
            conductor=conductor.function,
            automation=storage.automation,
            key=storage.key,
        )
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
            layers=extensions,
        )
        executions = Function(
            self,
            "executions",
            code=self._code,
            grants=self._driving(storage, names).table(
                storage.automation,
                *_ITEMS,
                "BatchGetItem",
                "DeleteItem",
                indexes=["by-workspace", "by-workflow"],
            ),
            environment={**automation, **payloads, **machines},
            layers=extensions,
        )
        webhooks = Function(
            self,
            "webhooks",
            code=self._code,
            grants=self._starting(storage, names)
            .table(storage.automation, "BatchGetItem")
            .secrets("trigger")
            .on(advance.function.function_arn, "lambda:InvokeFunction"),
            environment={
                **automation,
                **payloads,
                **machines,
                **key,
                "MAINSPRING_ADVANCE_FUNCTION": advance.function.function_name,
            },
        )
        triggers = Function(
            self,
            "triggers",
            code=self._code,
            grants=self._starting(storage, names)
            .table(storage.automation, "BatchGetItem", indexes=["by-workspace"])
            .secrets("trigger"),
            environment={**automation, **payloads, **machines, **key},
        )
        api_events = Function(
            self,
            "events",
            code=self._code,
            grants=eventing.publishes(
                Grants(storage)
                .table(storage.automation, *_ITEMS, "BatchGetItem", "DeleteItem", indexes=["by-workspace"])
                .secrets("subscription")
            ).on(deliveries.function.function_arn, "lambda:InvokeFunction"),
            environment={**automation, **bus, **key, **sending},
        )
        integrations = Function(
            self,
            "integrations",
            code=self._code,
            grants=Grants(storage)
            .table(
                storage.automation,
                "GetItem",
                "PutItem",
                "UpdateItem",
                "DeleteItem",
                "BatchGetItem",
                indexes=["by-workspace"],
            )
            .secrets("integration"),
            environment={**automation, **key, "MAINSPRING_ALLOWED_NETWORKS": options.allowed_networks},
            layers=[*node_layers, *extensions],
        )
        reach = Reach(
            self,
            "Reach",
            resources=options.resources,
            used_by=[advance, integrations],
            is_local=self._is_local,
        )
        firing = Function(
            self,
            "firing",
            code=self._code,
            grants=self._starting(storage, names)
            .on(eventing.default_bus_arn(), "events:PutEvents")
            .on(eventing.dead_letters.queue_arn, "sqs:SendMessage")
            .on(eventing.inbox.queue_arn, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
            environment={**automation, **payloads, **machines},
            timeout=FIRING_SECONDS,
        )
        reconciler = Function(
            self,
            "reconciler",
            code=self._code,
            grants=eventing.reconciles(
                eventing.reads_stream(
                    Grants(storage).table(
                        storage.automation, "GetItem", "Query", "UpdateItem", "DeleteItem", indexes=["by-look"]
                    ),
                    storage.automation,
                )
            ),
            environment={
                **automation,
                **bus,
                "MAINSPRING_SCHEDULE_GROUP": eventing.group_name,
                "MAINSPRING_SCHEDULER_ROLE_ARN": eventing.scheduler_role.role_arn,
                "MAINSPRING_RULE_PREFIX": eventing.rule_prefix,
                "MAINSPRING_DEAD_LETTERS_ARN": eventing.dead_letters.queue_arn,
                "MAINSPRING_FIRING_FUNCTION_ARN": firing.function.function_arn,
                "MAINSPRING_SCHEDULER_HAS_ZONES": "false" if self._is_local else "true",
            },
            timeout=RECONCILER_SECONDS,
        )
        eventing.acknowledge_reconciler(reconciler)
        announcer = Function(
            self,
            "announcer",
            code=self._code,
            grants=eventing.publishes(
                eventing.reads_stream(
                    Grants(storage)
                    .table(
                        storage.automation, "GetItem", "BatchGetItem", "PutItem", "UpdateItem", indexes=["by-workspace"]
                    )
                    .payloads("GetObject"),
                    storage.automation,
                )
            ).on(deliveries.function.function_arn, "lambda:InvokeFunction"),
            environment={**automation, **payloads, **bus, **sending},
            timeout=CONDUCTOR_SECONDS,
        )
        eventing.connect(table=storage.automation, firing=firing, reconciler=reconciler, announcer=announcer)
        for function in (webhooks, triggers, firing):
            self._acknowledge_executions(function, names, names.execution)
        for function in (conductor, executions):
            acknowledge(
                function,
                f"AwsSolutions-IAM5[Resource::{names.lanes_finding()}]",
                "The children of a Map are executions of a machine that Step Functions names after the Map.",
            )
            self._acknowledge_executions(function, names, names.execution)
            self._acknowledge_executions(function, names, names.fan_out)
        platform = Function(
            self, "platform", code=self._code, grants=Grants(storage), environment={}, memory=256, layers=extensions
        )
        functions = {
            "auth": auth,
            "users": users,
            "workflows": workflows,
            "executions": executions,
            "triggers": triggers,
            "events": api_events,
            "webhooks": webhooks,
            "integrations": integrations,
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
        for function in (advance, executions, conductor, triggers, webhooks, integrations):
            function.function.add_environment("MAINSPRING_API_URL", options.api_url or api.url)
        outputs = {
            "ApiUrl": api.url,
            "StateMachineArn": names.machine_arn(names.execution),
            "ConductorFunction": conductor.function.function_name,
            "ReconcilerFunction": reconciler.function.function_name,
            "EventBusName": eventing.bus.event_bus_name,
            "InboxUrl": eventing.inbox.queue_url,
            "AutomationTable": storage.automation.table_name,
            "ReachRoleArn": reach.role.role_arn,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)

    def _layer(self, construct_id: str, content: Path, description: str) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            construct_id,
            code=lambda_.Code.from_asset(str(content)),
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
            compatible_architectures=[lambda_.Architecture.ARM_64],
            description=description,
        )

    def _extensions(self, options: Options) -> list[lambda_.LayerVersion]:
        if options.extension_layer is None:
            return []
        return [self._layer("Extensions", options.extension_layer, "Types of the company's own")]

    @staticmethod
    def _acknowledge_executions(function: Function, names: MachineNames, machine: str) -> None:
        acknowledge(
            function,
            f"AwsSolutions-IAM5[Resource::{names.executions_finding(machine)}]",
            "It asks for and stops any execution of this machine; their names are ids of executions.",
        )

    def _starting(self, storage: Storage, names: MachineNames) -> Grants:
        """What starting executions takes, also where that stops another one."""
        return (
            Grants(storage)
            .table(storage.automation, *_ITEMS, "DeleteItem")
            .payloads("GetObject", "PutObject")
            .on(names.machine_arn(names.execution), "states:StartExecution")
            .on(names.executions_arn(names.execution), "states:StopExecution")
        )

    def _driving(self, storage: Storage, names: MachineNames) -> Grants:
        """What starting, stopping and waking executions takes."""
        # AWS finds the machine behind a task token and checks its ARN; the emulator knows no resource of this action.
        # The children of a Map are executions of a machine that is named after the Map.
        machines = [names.machine_arn(names.execution), names.machine_arn(names.fan_out), names.lanes_arn()]
        woken = ["*"] if self._is_local else machines
        grants = Grants(storage)
        for arn in woken:
            grants.on(arn, "states:SendTaskSuccess")
        return (
            grants.payloads("GetObject", "PutObject")
            .on(names.machine_arn(names.execution), "states:StartExecution")
            .on(names.executions_arn(names.execution), "states:StopExecution")
            .on(names.executions_arn(names.fan_out), "states:StopExecution")
        )
