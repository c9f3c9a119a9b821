"""The two Step Functions state machines: one drives executions, the other the map workers of distributed loops."""

from __future__ import annotations

import logging
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from engine.aws.errors import translate_aws_errors
from engine.clock import format_time
from engine.errors import Unavailable
from engine.history.usage import Bill
from engine.json_value import dumps

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

logger = logging.getLogger(__name__)
_TOKEN_IS_OLD = frozenset({"TaskDoesNotExist", "TaskTimedOut", "InvalidToken"})


class StateMachine:
    """Starts and stops drivers, checks whether they are running, and resumes suspended ones.

    Args:
        client: the client of Step Functions.
        arn: the ARN of the machine that drives executions.
        map_machine_arn: the ARN of the machine that drives distributed maps.
    """

    def __init__(self, client: SFNClient, arn: str, map_machine_arn: str = "") -> None:
        self._client = client
        self._arn = arn
        self._map_machine_arn = map_machine_arn

    def start(
        self,
        execution_id: str,
        driver_attempt: int = 1,
        bill: Bill | None = None,
        *,
        not_before: datetime | None = None,
    ) -> None:
        """Start driving an execution; starting the same driver attempt again changes nothing.

        Args:
            execution_id: the execution.
            driver_attempt: the number of the driver, counted from 1.
            bill: usage that is in no record yet.
            not_before: until when the driver waits first.

        Raises:
            Unavailable: Step Functions did not accept it.
        """
        payload = {"execution_id": execution_id, "driver_attempt": driver_attempt}
        decision: dict[str, Any] = {"invocations": 0, "bill": (bill or Bill()).as_dict()}
        if not_before is not None:
            decision["not_before"] = format_time(not_before)
        self._start(self._arn, f"{execution_id}-{driver_attempt}", {**payload, "decision": decision})

    def start_distributed_map(
        self, execution_id: str, path: str, map_attempt: int, *, map_workers: int, batches: int
    ) -> bool:
        """Start the map workers of a distributed loop; return False if that attempt was started before.

        Starting the same attempt again has no effect.

        Raises:
            Unavailable: Step Functions did not accept it.
        """
        payload = {
            "execution_id": execution_id,
            "path": path,
            "map_attempt": map_attempt,
            "map_workers": list(range(map_workers)),
            "of": map_workers,
            "batches": batches,
        }
        return self._start(self._map_machine_arn, _map_name(execution_id, path, map_attempt), payload)

    def _start(self, arn: str, name: str, payload: dict[str, Any]) -> bool:
        try:
            self._client.start_execution(stateMachineArn=arn, name=name, input=dumps(payload))
        except self._client.exceptions.ExecutionAlreadyExists:
            return False
        except (ClientError, BotoCoreError) as error:
            logger.exception("StartExecution %s failed", name)
            raise Unavailable("the execution could not be started; try again") from error
        return True

    def stop(self, execution_id: str, driver_attempt: int = 1) -> None:
        """Stop a driver. A failure does no harm: the next invocation reads the record's status and ends."""
        self._stop(_execution_arn(self._arn, f"{execution_id}-{driver_attempt}"))

    def stop_distributed_map(self, execution_id: str, path: str, map_attempt: int) -> None:
        """Stop the map workers of a distributed loop; as `stop`."""
        self._stop(_execution_arn(self._map_machine_arn, _map_name(execution_id, path, map_attempt)))

    def _stop(self, arn: str) -> None:
        try:
            self._client.stop_execution(executionArn=arn, cause="cancelled")
        except (ClientError, BotoCoreError) as error:
            logger.warning("StopExecution %s failed: %s", arn, error)

    def is_driving(self, execution_id: str, driver_attempt: int) -> bool:
        """Return whether that driver is running. Raises Unavailable."""
        return self._is_running(_execution_arn(self._arn, f"{execution_id}-{driver_attempt}"))

    def is_map_running(self, execution_id: str, path: str, map_attempt: int) -> bool:
        """Return whether the map workers of that attempt are running. Raises Unavailable."""
        return self._is_running(_execution_arn(self._map_machine_arn, _map_name(execution_id, path, map_attempt)))

    def _is_running(self, arn: str) -> bool:
        with translate_aws_errors("Step Functions"):
            try:
                return self._client.describe_execution(executionArn=arn)["status"] == "RUNNING"
            except self._client.exceptions.ExecutionDoesNotExist:
                return False

    def resume(self, task_token: str) -> bool:
        """Resume a suspended driver; False if no driver is suspended with this token any more.

        Raises:
            Unavailable: Step Functions did not accept it; recovery will find it.
        """
        with translate_aws_errors("Step Functions"):
            try:
                self._client.send_task_success(taskToken=task_token, output="{}")
            except ClientError as error:
                if error.response["Error"]["Code"] in _TOKEN_IS_OLD:
                    return False
                raise
        return True


def _execution_arn(machine: str, name: str) -> str:
    return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"


def _map_name(execution_id: str, path: str, map_attempt: int) -> str:
    return f"{execution_id}-{sha256(path.encode()).hexdigest()[:16]}-{map_attempt}"
