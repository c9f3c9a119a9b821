"""The one stack: it only connects the constructs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from functions.console.handler import ROUTE_KEYS as CONSOLE_ROUTES
from functions.openapi import routes_of
from infrastructure.stack.api import Api
from infrastructure.stack.console import Console
from infrastructure.stack.eventing import Eventing
from infrastructure.stack.function_factory import Layers
from infrastructure.stack.functions import Code
from infrastructure.stack.machine_names import MachineNames
from infrastructure.stack.nag_findings import acknowledge
from infrastructure.stack.node_roles import NodeRoles
from infrastructure.stack.platform_functions import PlatformFunctions
from infrastructure.stack.retention import Retention
from infrastructure.stack.state_machines import ExecutionMachines
from infrastructure.stack.storage import Storage


@dataclass(frozen=True)
class Options:
    """The deployer's options, from CDK context.

    `local_api_id` and `api_url` are for the local stack: the emulator's API has a fixed id and another address.
    """

    layer: Path
    node_layer: Path
    functions: Path
    sandbox: Path
    console: Path
    extension_layer: Path | None = None
    open_registration: bool = False
    allowed_networks: str = ""
    retention_days: int = 90
    mail_sender: str = ""
    resources: Mapping[str, Sequence[str]] = field(default_factory=dict)
    local_api_id: str | None = None
    api_url: str | None = None


class PlatformStack(Stack):
    """Mainspring in one AWS account and region."""

    def __init__(self, scope: Construct, construct_id: str, options: Options, **kwargs: object) -> None:
        super().__init__(scope, construct_id, **kwargs)  # type: ignore[arg-type]
        storage = Storage(self, "Storage", plain_http=options.local_api_id is not None)
        self._is_local = options.local_api_id is not None
        eventing = Eventing(self, "Eventing", is_local=self._is_local)
        names = MachineNames(self)
        layer = self._layer("Engine", options.layer, "Mainspring's engine and its dependencies")
        nodes = self._layer("Nodes", options.node_layer, "What Mainspring's nodes need to run")
        code = lambda_.Code.from_asset(str(options.functions))
        shared = Code(code, layer, lambda_.Architecture.ARM_64, lambda_.Runtime.PYTHON_3_13)
        functions = PlatformFunctions(
            self,
            storage=storage,
            eventing=eventing,
            names=names,
            code=shared,
            sandbox=options.sandbox,
            layers=Layers(nodes, self._extensions(options)),
            allowed_networks=options.allowed_networks,
            open_registration=options.open_registration,
            retention_days=options.retention_days,
            mail_sender=options.mail_sender,
            is_local=self._is_local,
        )
        ExecutionMachines(
            self,
            "Execution",
            names=names,
            advance=functions.advance.function,
            supervisor=functions.supervisor.function,
            automation=storage.automation,
            key=storage.key,
        )
        node_roles = NodeRoles(
            self,
            "NodeRoles",
            resources=options.resources,
            used_by=[functions.advance, functions.integrations],
            is_local=self._is_local,
        )
        Retention(self, "Forgetting", storage=storage, code=shared)
        eventing.acknowledge_reconciler(functions.reconciler)
        eventing.connect(
            storage=storage,
            dispatcher=functions.dispatcher,
            reconciler=functions.reconciler,
            publisher=functions.publisher,
        )
        self._acknowledge_executions(functions, names)
        api_url = self._api(functions, storage, options)
        outputs = {
            "ApiUrl": api_url,
            "ConsoleUrl": f"{api_url}/console",
            "StateMachineArn": names.machine_arn(names.execution),
            "SupervisorFunction": functions.supervisor.function.function_name,
            "ReconcilerFunction": functions.reconciler.function.function_name,
            "EventBusName": eventing.bus.event_bus_name,
            "InboxUrl": eventing.inbox.queue_url,
            "AutomationTable": storage.automation.table_name,
            "NodeRolePrefix": node_roles.role_prefix,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)

    def _api(self, functions: PlatformFunctions, storage: Storage, options: Options) -> str:
        """Create the API, and pass its address to the functions that need it."""
        console = Console(self, "Console", content=options.console)
        handlers: dict[lambda_.IFunction, list[str]] = {
            construct.function: routes_of(name) for name, construct in functions.of_api.items()
        }
        api = Api(
            self,
            "Api",
            handlers=handlers | {console.function: list(CONSOLE_ROUTES)},
            fallback=functions.platform.function,
            authorizer=functions.authorizer.function,
            local_id=options.local_api_id,
        )
        # Where browsers reach the bucket: on AWS at its own address in its region, locally where the emulator listens.
        bucket = f"https://{storage.payloads.bucket_regional_domain_name}"
        local = urlsplit(options.api_url or "")
        origin = f"{local.scheme}://{local.netloc}" if options.api_url else bucket
        console.function.add_environment("MAINSPRING_FILES_ORIGIN", origin)
        told = [
            "auth",
            "users",
            "workspaces",
            "deliveries",
            "advance",
            "executions",
            "supervisor",
            "triggers",
            "webhooks",
            "integrations",
        ]
        for function in (console.function, *(getattr(functions, name).function for name in told)):
            function.add_environment("MAINSPRING_API_URL", options.api_url or api.url)
        return api.url

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
    def _acknowledge_executions(functions: PlatformFunctions, names: MachineNames) -> None:
        of_execution = (functions.webhooks, functions.triggers, functions.dispatcher)
        of_both = (functions.supervisor, functions.executions)
        for function in of_both:
            acknowledge(
                function,
                f"AwsSolutions-IAM5[Resource::{names.map_workers_finding()}]",
                "The children of a Map are executions of a machine that Step Functions names after the Map.",
            )
        for machine, users in ((names.execution, (*of_execution, *of_both)), (names.distributed_map, of_both)):
            for function in users:
                acknowledge(
                    function,
                    f"AwsSolutions-IAM5[Resource::{names.executions_finding(machine)}]",
                    "It asks for and stops any execution of this machine; their names are ids of executions.",
                )
