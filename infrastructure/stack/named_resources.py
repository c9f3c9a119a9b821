"""The AWS resources that a deployer may name for the nodes of a workspace, and the allowed actions on each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from engine.ids import FIRST_WORKSPACE, is_id

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
"""The actions of nodes on a resource that the deployer has named, by its service."""
_ARN = re.compile(r"arn:aws[a-z-]*:(?P<service>[a-z0-9-]+):[a-z0-9-]*:\d{0,12}:(?P<resource>\S+)")


class ResourceError(Exception):
    """The resource cannot be named; the message says what would be right."""


def by_workspace(named: Iterable[str]) -> dict[str, list[str]]:
    """Return the ARNs that are named for each workspace.

    Args:
        named: each is `WORKSPACE=ARN`, with a workspace's id, or an ARN alone, for the first administrator's
            workspace.

    Raises:
        ResourceError: an item does not have this form, or its ARN cannot be named.
    """
    found: dict[str, list[str]] = {}
    for one in named:
        workspace, arn = (FIRST_WORKSPACE, one) if one.startswith("arn:") or "=" not in one else one.split("=", 1)
        if not is_id(workspace):
            raise ResourceError(f"{workspace!r} in {one!r} is no workspace's id, such as {FIRST_WORKSPACE}")
        actions_on(arn)
        arns = found.setdefault(workspace, [])
        if arn not in arns:
            arns.append(arn)
    return found


def service_of(arn: str) -> str:
    """Return the service of a checked resource."""
    return arn.split(":")[2]


def actions_on(arn: str) -> Sequence[str]:
    """Return the actions of nodes on a resource.

    Raises:
        ResourceError: the text is no ARN, does not name one resource, or names one of a service that no node uses.
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
