"""The functions of the stack: their permissions, settings and time limits."""

from __future__ import annotations

from functools import cached_property

from aws_cdk import Size

from functions.openapi import API_FUNCTIONS
from infrastructure.stack.eventing import DISPATCH_SECONDS
from infrastructure.stack.function_factory import FunctionFactory
from infrastructure.stack.functions import (
    ADVANCE_SECONDS,
    RECONCILER_SECONDS,
    SUPERVISOR_SECONDS,
    Function,
    Grants,
)
from infrastructure.stack.sandbox import Sandbox

ADVANCE_DISK = Size.gibibytes(4)
"""For the files that its nodes use concurrently: 50 of them, each up to 64 MiB."""
_ITEMS = ("GetItem", "PutItem", "UpdateItem", "Query")


class PlatformFunctions(FunctionFactory):
    """All functions, each created on first use."""

    @property
    def of_api(self) -> dict[str, Function]:
        """The functions of the API, by name."""
        return {name: getattr(self, name) for name in API_FUNCTIONS}

    # -- execution ------------------------------------------------------------------------------------

    @cached_property
    def advance(self) -> Function:
        """Runs invocations of executions, and with them nodes."""
        return self._function(
            "advance",
            grants=Grants(self._storage)
            .table(self._storage.automation, *_ITEMS, "BatchGetItem", "DeleteItem")
            .payloads("GetObject", "PutObject")
            .files()
            .secrets("integration")
            .on_all(
                [self.supervisor.function.function_arn, self.sandbox.function.function_arn], "lambda:InvokeFunction"
            ),
            environment={
                **self._automation,
                **self._payloads,
                **self._networks,
                **self._key,
                "MAINSPRING_SUPERVISOR_FUNCTION": self.supervisor.function.function_name,
                "MAINSPRING_SANDBOX_FUNCTION": self.sandbox.function.function_name,
            },
            memory=1024,
            timeout=ADVANCE_SECONDS,
            disk=ADVANCE_DISK,
            layers=[self._layers.nodes, *self._layers.extensions],
        )

    @cached_property
    def supervisor(self) -> Function:
        """Starts, resumes and recovers executions."""
        return self._function(
            "supervisor",
            grants=Grants(self._storage)
            .driving(self._names)
            .table(
                self._storage.automation, *_ITEMS, "BatchGetItem", "DeleteItem", indexes=["by-check", "by-workspace"]
            )
            .on(self.deliveries.function.function_arn, "lambda:InvokeFunction")
            .on(self._eventing.bus.event_bus_arn, "events:PutEvents")
            .on(self._names.machine_arn(self._names.distributed_map), "states:StartExecution")
            .on(self._names.executions_arn(self._names.execution), "states:DescribeExecution")
            .on(self._names.executions_arn(self._names.distributed_map), "states:DescribeExecution"),
            environment={
                **self._automation,
                **self._payloads,
                **self._machines,
                **self._bus,
                "MAINSPRING_DELIVERIES_FUNCTION": self.deliveries.function.function_name,
            },
            timeout=SUPERVISOR_SECONDS,
        )

    @cached_property
    def sandbox(self) -> Sandbox:
        """Runs code of users."""
        return Sandbox(self._scope, "Sandbox", content=self._sandbox_code)

    # -- HTTP API -------------------------------------------------------------------------------------

    @cached_property
    def authorizer(self) -> Function:
        """Identifies and authorizes the callers of the API; it writes on which day a key was used."""
        return self._function(
            "authorizer",
            grants=Grants(self._storage).table(self._storage.identity, "BatchGetItem", "UpdateItem").signing_keys(),
            environment={**self._identity, **self._signing},
            timeout=10,
        )

    @cached_property
    def auth(self) -> Function:
        """Serves registration and sign-in."""
        return self._function(
            "auth",
            grants=Grants(self._storage)
            .table(self._storage.identity, *_ITEMS, "DeleteItem", "ConditionCheckItem")
            .signing_keys(),
            environment={**self._identity, **self._signing, **self._registration},
            memory=1024,
        )

    @cached_property
    def users(self) -> Function:
        """Serves the API of users."""
        return self._function(
            "users",
            grants=Grants(self._storage).table(
                self._storage.identity, "GetItem", "PutItem", "UpdateItem", "BatchGetItem", indexes=["by-list"]
            ),
            environment=self._identity,
            memory=1024,
        )

    @cached_property
    def workspaces(self) -> Function:
        """Serves the API of workspaces, and looks whether one is empty."""
        return self._function(
            "workspaces",
            grants=Grants(self._storage)
            .table(self._storage.identity, *_ITEMS, "DeleteItem", "BatchGetItem", "ConditionCheckItem")
            .table(
                self._storage.automation,
                "GetItem",
                "PutItem",
                "UpdateItem",
                "DeleteItem",
                "Query",
                "BatchGetItem",
                indexes=["by-workspace"],
            )
            .secrets("mail")
            .file_names(),
            environment={**self._identity, **self._automation, **self._payloads, **self._key, **self._mail},
        )

    @cached_property
    def workflows(self) -> Function:
        """Serves the API of workflows."""
        return self._function(
            "workflows",
            grants=Grants(self._storage)
            .table(self._storage.automation, *_ITEMS, "BatchGetItem", "DeleteItem", indexes=["by-workspace"])
            .drafts("GetObject", "PutObject", "DeleteObject"),
            environment={**self._automation, **self._payloads},
            layers=self._layers.extensions,
        )

    @cached_property
    def executions(self) -> Function:
        """Serves the API of executions."""
        return self._function(
            "executions",
            grants=Grants(self._storage)
            .driving(self._names)
            .drafts("GetObject")
            .table(
                self._storage.automation,
                *_ITEMS,
                "BatchGetItem",
                "ConditionCheckItem",
                "DeleteItem",
                indexes=["by-workspace", "by-workflow", "by-outcome", "by-check"],
            )
            .table(self._storage.identity, "GetItem"),
            # To whom the link of an approval was mailed has to be somebody who may answer it still.
            environment={**self._identity, **self._automation, **self._payloads, **self._machines},
            layers=[self._layers.nodes, *self._layers.extensions],  # which check what is filled into forms
        )

    @cached_property
    def data(self) -> Function:
        """Serves files and data tables, for people."""
        return self._function(
            "data",
            grants=Grants(self._storage).table(self._storage.automation, *_ITEMS, "BatchGetItem", "DeleteItem").files(),
            environment={**self._automation, **self._payloads},
        )

    @cached_property
    def triggers(self) -> Function:
        """Serves the API of triggers, for their owners."""
        return self._function(
            "triggers",
            grants=Grants(self._storage)
            .starting(self._names)
            .table(self._storage.automation, "BatchGetItem", indexes=["by-workspace"])
            .secrets("trigger"),
            environment={**self._automation, **self._payloads, **self._machines, **self._key},
        )

    @cached_property
    def events(self) -> Function:
        """Serves the events of a workspace, and subscriptions to them."""
        return self._function(
            "events",
            grants=self._eventing.publishes(
                Grants(self._storage)
                .table(self._storage.automation, *_ITEMS, "BatchGetItem", "DeleteItem", indexes=["by-workspace"])
                .secrets("subscription")
            ).on(self.deliveries.function.function_arn, "lambda:InvokeFunction"),
            environment={
                **self._automation,
                **self._bus,
                **self._key,
                "MAINSPRING_DELIVERIES_FUNCTION": self.deliveries.function.function_name,
            },
        )

    @cached_property
    def webhooks(self) -> Function:
        """Receives calls of webhooks."""
        return self._function(
            "webhooks",
            grants=Grants(self._storage)
            .starting(self._names)
            .table(self._storage.automation, "BatchGetItem")
            .secrets("trigger")
            .on(self.advance.function.function_arn, "lambda:InvokeFunction"),
            environment={
                **self._automation,
                **self._payloads,
                **self._machines,
                **self._key,
                "MAINSPRING_ADVANCE_FUNCTION": self.advance.function.function_name,
            },
        )

    @cached_property
    def integrations(self) -> Function:
        """Serves integrations, and tests of their connections."""
        return self._function(
            "integrations",
            grants=Grants(self._storage)
            .table(
                self._storage.automation,
                "GetItem",
                "PutItem",
                "UpdateItem",
                "DeleteItem",
                "BatchGetItem",
                indexes=["by-workspace"],
            )
            .secrets("integration"),
            environment={**self._automation, **self._key, **self._networks},
            layers=[self._layers.nodes, *self._layers.extensions],
        )

    @cached_property
    def platform(self) -> Function:
        """Serves health, the catalogue and the OpenAPI document."""
        return self._function(
            "platform",
            grants=Grants(self._storage),
            environment={},
            memory=256,
            layers=self._layers.extensions,
        )

    # -- triggers and domain events -------------------------------------------------------------------

    @cached_property
    def dispatcher(self) -> Function:
        """Starts executions for schedules and events."""
        return self._function(
            "dispatch",
            grants=Grants(self._storage)
            .starting(self._names)
            .on(self._eventing.default_bus_arn(), "events:PutEvents")
            .on(self._eventing.dead_letters.queue_arn, "sqs:SendMessage")
            .on(self._eventing.inbox.queue_arn, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
            environment={**self._automation, **self._payloads, **self._machines},
            timeout=DISPATCH_SECONDS,
        )

    @cached_property
    def reconciler(self) -> Function:
        """Keeps schedules, and rules on the account's bus, equal to the workflows."""
        return self._function(
            "reconciler",
            grants=self._eventing.reconciles(
                self._eventing.reads_stream(
                    Grants(self._storage).table(
                        self._storage.automation, "GetItem", "Query", "UpdateItem", "DeleteItem", indexes=["by-check"]
                    ),
                    self._storage.automation,
                )
            ),
            environment={
                **self._automation,
                "MAINSPRING_SCHEDULE_GROUP": self._eventing.group_name,
                "MAINSPRING_SCHEDULER_ROLE_ARN": self._eventing.scheduler_role.role_arn,
                "MAINSPRING_RULE_PREFIX": self._eventing.rule_prefix,
                "MAINSPRING_DEAD_LETTERS_ARN": self._eventing.dead_letters.queue_arn,
                "MAINSPRING_DISPATCH_FUNCTION_ARN": self.dispatcher.function.function_arn,
                "MAINSPRING_SCHEDULER_HAS_ZONES": "false" if self._is_local else "true",
            },
            timeout=RECONCILER_SECONDS,
        )

    @cached_property
    def publisher(self) -> Function:
        """Publishes the ends of executions."""
        return self._function(
            "publisher",
            grants=self._eventing.publishes(
                self._eventing.reads_stream(
                    Grants(self._storage)
                    .table(
                        self._storage.automation,
                        "GetItem",
                        "BatchGetItem",
                        "PutItem",
                        "UpdateItem",
                        "Query",
                        indexes=["by-workspace"],
                    )
                    .payloads("GetObject"),
                    self._storage.automation,
                )
            ).on(self.deliveries.function.function_arn, "lambda:InvokeFunction"),
            environment={
                **self._automation,
                **self._payloads,
                **self._bus,
                "MAINSPRING_DEAD_LETTERS_URL": self._eventing.dead_letters.queue_url,
                "MAINSPRING_DELIVERIES_FUNCTION": self.deliveries.function.function_name,
            },
            timeout=SUPERVISOR_SECONDS,
        )

    @cached_property
    def deliveries(self) -> Function:
        """Sends outgoing webhooks and mail."""
        return self._function(
            "deliveries",
            grants=self._eventing.publishes(
                Grants(self._storage)
                .table(
                    self._storage.automation,
                    "GetItem",
                    "BatchGetItem",
                    "PutItem",
                    "UpdateItem",
                    "Query",
                    indexes=["by-workspace"],
                )
                .table(self._storage.identity, "GetItem", "BatchGetItem", "Query")  # who is asked by mail
                .secrets("subscription")
                .secrets("integration")
                .secrets("mail")
                .mailing(self._mail_identities)
            ),
            environment={
                **self._identity,
                **self._automation,
                **self._bus,
                **self._key,
                **self._networks,
                **self._mail,
            },
            timeout=SUPERVISOR_SECONDS,
            layers=[self._layers.nodes, *self._layers.extensions],
        )
