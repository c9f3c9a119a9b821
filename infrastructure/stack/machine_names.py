"""The ARNs of the state machines, from their names."""

from __future__ import annotations

from aws_cdk import ArnFormat, Stack
from constructs import Construct


class MachineNames:
    """The ARNs of the machines before these are created: the functions that they call also start them."""

    def __init__(self, scope: Construct) -> None:
        self._stack = Stack.of(scope)
        self.execution = f"{self._stack.stack_name}-execution"
        self.distributed_map = f"{self._stack.stack_name}-map"

    def machine_arn(self, name: str) -> str:
        """Return the ARN of a machine."""
        return self._arn("stateMachine", name)

    def map_workers_arn(self) -> str:
        """Return the ARN of the machine of any map worker of a distributed map, in Step Functions' form."""
        return f"{self.machine_arn(self.distributed_map)}/*"

    def map_workers_finding(self) -> str:
        """Return that ARN as it appears in cdk-nag's findings."""
        return f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:stateMachine:{self.distributed_map}/*"

    def executions_arn(self, name: str) -> str:
        """Return the ARN of any execution of a machine."""
        return self._arn("execution", f"{name}:*")

    def executions_finding(self, name: str) -> str:
        """Return that ARN as it appears in cdk-nag's findings."""
        return f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{name}:*"

    def _arn(self, resource: str, name: str) -> str:
        return self._stack.format_arn(
            service="states", resource=resource, resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
