"""The resources of AWS that a deployer may name for nodes, and what nodes may then do with each."""

from __future__ import annotations

import re
from collections.abc import Sequence

ACTIONS = {
    "bedrock": ("bedrock:InvokeModel",),
    "dynamodb": (
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:Query",
    ),
    "events": ("events:PutEvents",),
    "iam": ("sts:AssumeRole",),
    "kms": ("kms:Decrypt", "kms:GenerateDataKey"),
    "lambda": ("lambda:InvokeFunction",),
    "ses": ("ses:SendEmail", "ses:SendRawEmail"),
    "sns": ("sns:Publish",),
    "sqs": ("sqs:SendMessage",),
    "states": ("states:StartExecution",),
}
"""What a node may do with a resource that the deployer has named, by its service."""
_ARN = re.compile(r"arn:aws[a-z-]*:(?P<service>[a-z0-9-]+):[a-z0-9-]*:\d{0,12}:(?P<resource>\S+)")


class ResourceError(Exception):
    """A resource that cannot be named so; the message says what would be right."""


def service_of(arn: str) -> str:
    """The service of a resource that was checked."""
    return arn.split(":")[2]


def actions_on(arn: str) -> Sequence[str]:
    """What nodes may do with a resource.

    Raises:
        ResourceError: it is no ARN, not one resource, or of a service that no node uses.
    """
    found = _ARN.fullmatch(arn)
    if found is None:
        raise ResourceError(f"the resource {arn!r} is no ARN, such as arn:aws:sqs:eu-central-1:111122223333:orders")
    if "*" in arn or "?" in arn:
        raise ResourceError(f"the resource {arn!r} stands for many; name each of them")
    if found["service"] not in ACTIONS:
        known = ", ".join(sorted(ACTIONS))
        raise ResourceError(f"no node uses resources of {found['service']!r} ({arn}); there are {known}")
    return ACTIONS[found["service"]]
