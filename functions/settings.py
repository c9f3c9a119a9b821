"""The settings of the deployment, read from environment variables. No secret is ever among them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Names of the resources, and the deployer's choices. A function is told only what it needs."""

    identity_table: str = ""
    automation_table: str = ""
    payload_bucket: str = ""
    signing_secret: str = ""
    state_machine_arn: str = ""
    map_machine_arn: str = ""
    supervisor_function: str = ""
    advance_function: str = ""
    deliveries_function: str = ""
    sandbox_function: str = ""
    node_role_prefix: str = ""
    dispatch_function_arn: str = ""
    key_id: str = ""
    event_bus: str = ""
    schedule_group: str = ""
    scheduler_role_arn: str = ""
    rule_prefix: str = ""
    dead_letters_arn: str = ""
    dead_letters_url: str = ""
    scheduler_has_zones: bool = True
    open_registration: bool = False
    allowed_networks: str = ""
    retention_days: int = 90
    api_url: str = ""
    mail_sender: str = ""
    memory_mb: int = 0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read `MAINSPRING_*`.

        Raises:
            ValueError: a number is not one.
        """
        values = os.environ if environment is None else environment
        return cls(
            identity_table=values.get("MAINSPRING_IDENTITY_TABLE", ""),
            automation_table=values.get("MAINSPRING_AUTOMATION_TABLE", ""),
            payload_bucket=values.get("MAINSPRING_PAYLOAD_BUCKET", ""),
            signing_secret=values.get("MAINSPRING_SIGNING_SECRET", ""),
            state_machine_arn=values.get("MAINSPRING_STATE_MACHINE_ARN", ""),
            map_machine_arn=values.get("MAINSPRING_MAP_MACHINE_ARN", ""),
            supervisor_function=values.get("MAINSPRING_SUPERVISOR_FUNCTION", ""),
            advance_function=values.get("MAINSPRING_ADVANCE_FUNCTION", ""),
            deliveries_function=values.get("MAINSPRING_DELIVERIES_FUNCTION", ""),
            sandbox_function=values.get("MAINSPRING_SANDBOX_FUNCTION", ""),
            node_role_prefix=values.get("MAINSPRING_NODE_ROLE_PREFIX", ""),
            dispatch_function_arn=values.get("MAINSPRING_DISPATCH_FUNCTION_ARN", ""),
            key_id=values.get("MAINSPRING_KEY_ID", ""),
            event_bus=values.get("MAINSPRING_EVENT_BUS", ""),
            schedule_group=values.get("MAINSPRING_SCHEDULE_GROUP", ""),
            scheduler_role_arn=values.get("MAINSPRING_SCHEDULER_ROLE_ARN", ""),
            rule_prefix=values.get("MAINSPRING_RULE_PREFIX", ""),
            dead_letters_arn=values.get("MAINSPRING_DEAD_LETTERS_ARN", ""),
            dead_letters_url=values.get("MAINSPRING_DEAD_LETTERS_URL", ""),
            scheduler_has_zones=values.get("MAINSPRING_SCHEDULER_HAS_ZONES", "true") == "true",
            open_registration=values.get("MAINSPRING_OPEN_REGISTRATION", "") == "true",
            allowed_networks=values.get("MAINSPRING_ALLOWED_NETWORKS", ""),
            api_url=values.get("MAINSPRING_API_URL", ""),
            mail_sender=values.get("MAINSPRING_MAIL_SENDER", ""),
            memory_mb=int(values.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "0")),
            retention_days=int(values.get("MAINSPRING_RETENTION_DAYS", "90")),
        )
