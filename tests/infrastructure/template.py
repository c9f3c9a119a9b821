"""Ways to find things in the template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aws_cdk.assertions import Template


def resources(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    return {name: found["Properties"] for name, found in template.find_resources(kind).items()}


def statements(template: Template) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name, policy in resources(template, "AWS::IAM::Policy").items():
        found += [(name, statement) for statement in policy["PolicyDocument"]["Statement"]]
    return found


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
