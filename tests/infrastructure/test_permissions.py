"""Who may do what, by the template: policies, keys, secrets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.ids import FIRST_WORKSPACE
from infrastructure.stack.named_resources import ResourceError, by_workspace
from tests.infrastructure.template import listed, resources, statements

if TYPE_CHECKING:
    import aws_cdk
    from aws_cdk.assertions import Template


def policy_of(template: Template, function: str) -> str:
    return json.dumps([statement for name, statement in statements(template) if name.startswith(function)])


def test_no_policy_has_a_wildcard_action_or_an_unnamed_resource(template: Template):
    for name, statement in statements(template):
        actions = listed(statement["Action"])
        assert not [action for action in actions if "*" in action], name
        if "*" in listed(statement["Resource"]):
            free = {"scheduler:ListSchedules", "events:ListRules", "dynamodb:ListStreams"}  # lists have no resources
            assert all(action.startswith("xray:") or action in free for action in actions), (name, actions)


def test_only_retention_may_remove_payloads_and_it_may_not_read_them(template: Template):
    def does(action: str, place: str) -> set[str]:
        return {
            name.partition("Policy")[0]
            for name, statement in statements(template)
            if action in listed(statement["Action"]) and place in json.dumps(statement["Resource"])
        }

    assert does("s3:DeleteObject", "/payloads/") == {"Retention"}
    assert "Retention" not in does("s3:GetObject", "")
    assert does("dynamodb:BatchWriteItem", "") == {"Retention"}
    lists = [one for name, one in statements(template) if name.startswith("Retention") and "ListBucket" in str(one)]
    assert [one["Condition"] for one in lists] == [{"StringLike": {"s3:prefix": ["payloads/*", "drafts/*"]}}]


def test_only_rules_of_the_platform_may_invoke_dispatch(template: Template):
    permissions = [
        one
        for one in resources(template, "AWS::Lambda::Permission").values()
        if "Dispatch" in json.dumps(one["FunctionName"])
    ]
    heard, of_account = sorted(json.dumps(one["SourceArn"]) for one in permissions)
    assert "EventingHeard" in heard
    assert ":rule/ms" in of_account


def test_functions_that_run_nodes_cannot_see_identities_or_signing_keys(template: Template):
    identity = next(name for name in resources(template, "AWS::DynamoDB::Table") if "Identity" in name)
    secret = next(iter(resources(template, "AWS::SecretsManager::Secret")))
    eventing = ("Webhooks", "Triggers", "Events", "Dispatch", "Reconciler", "Publisher")
    for function in ("Advance", "Supervisor", "Workflows", "Platform", *eventing):
        assert identity not in policy_of(template, function), function
    for function in ("Advance", "Supervisor", "Workflows", "Platform", "Executions", "Deliveries", *eventing):
        assert secret not in policy_of(template, function), function
    for function in ("Executions", "Deliveries"):  # they look up to whom an approval was mailed, and change nothing
        own = [one for name, one in statements(template) if name.startswith(f"{function}Policy")]
        granted = [one for one in own if identity in json.dumps(one["Resource"])]
        actions = {action for one in granted for action in listed(one["Action"])}
        assert actions <= {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}, function
    for function in ("Auth", "Authorizer", "Users"):
        assert "Automation" not in policy_of(template, function)
    assert "states:" not in policy_of(template, "Advance")
    assert "iam:PassRole" in policy_of(template, "Reconciler")
    for function in ("Webhooks", "Dispatch", "Deliveries", "Publisher"):
        assert "iam:PassRole" not in policy_of(template, function)
        assert "scheduler:" not in policy_of(template, function)
    assert "dynamodb:PutItem" not in policy_of(template, "Authorizer")


def key_use(template: Template, function: str) -> list[dict[str, Any]]:
    """Under which conditions a function may use the key."""
    found = [statement for name, statement in statements(template) if name.startswith(function)]
    return [one["Condition"] for one in found if any("kms:" in action for action in listed(one["Action"]))]


def test_the_key_is_used_through_services_or_for_secrets_of_one_kind(template: Template):
    """What runs nodes decrypts integrations, and neither the secrets of webhooks nor those of subscriptions."""
    kinds = {"Advance": ["integration"], "Integrations": ["integration"], "Webhooks": ["trigger"],
             "Triggers": ["trigger"], "Events": ["subscription"], "Workspaces": ["mail"],
             "Deliveries": ["subscription", "integration", "mail"]}  # fmt: skip
    functions = {name.partition("Function")[0] for name in resources(template, "AWS::Lambda::Function")}
    for function in functions - {"Sandbox", "Console"}:
        direct = [one["StringLike"] for one in key_use(template, f"{function}Policy") if "StringLike" in one]
        through = [
            json.dumps(one["StringEquals"]["kms:ViaService"])
            for one in key_use(template, f"{function}Policy")
            if "StringEquals" in one
        ]
        wanted = [
            {"kms:EncryptionContext:workspace": "*", f"kms:EncryptionContext:{kind}": "*"}
            for kind in kinds.get(function, [])
        ]
        assert direct == wanted, function
        assert len(through) == 1
        assert ("secretsmanager" in through[0]) == (function in ("Auth", "Authorizer"))
    for machine in ("ExecutionMachinePolicy", "ExecutionDistributedMapPolicy"):
        assert [list(one) for one in key_use(template, machine)] == [["StringEquals"]]


def test_no_environment_variable_holds_a_secret(template: Template):
    for name, function in resources(template, "AWS::Lambda::Function").items():
        variables = function.get("Environment", {"Variables": {}})["Variables"]
        assert variables or name.startswith("Sandbox")
        for key in variables:
            assert key.startswith(("MAINSPRING_", "POWERTOOLS_")), (name, key)
        assert "resolve:secretsmanager" not in json.dumps(variables)


def test_sandbox_has_no_permissions_and_no_environment(template: Template):
    (sandbox,) = [
        one for name, one in resources(template, "AWS::Lambda::Function").items() if name.startswith("Sandbox")
    ]
    (role,) = [one for name, one in resources(template, "AWS::IAM::Role").items() if name.startswith("Sandbox")]

    assert not {"Environment", "Layers", "TracingConfig", "VpcConfig"} & sandbox.keys()
    assert not {"ManagedPolicyArns", "Policies"} & role.keys()
    assert "SandboxRole" not in json.dumps(resources(template, "AWS::IAM::Policy"))


def test_the_console_has_no_layer_and_may_only_write_its_log(template: Template):
    (console,) = [
        one for name, one in resources(template, "AWS::Lambda::Function").items() if name.startswith("Console")
    ]
    granted = [statement for name, statement in statements(template) if name.startswith("Console")]

    assert "Layers" not in console
    assert console["Environment"]["Variables"].keys() == {"MAINSPRING_API_URL", "MAINSPRING_FILES_ORIGIN"}
    origin = console["Environment"]["Variables"]["MAINSPRING_FILES_ORIGIN"]["Fn::Join"][1]
    assert origin[0] == "https://"
    assert origin[1]["Fn::GetAtt"][1] == "RegionalDomainName"
    assert [sorted(one["Action"]) for one in granted] == [["logs:CreateLogStream", "logs:PutLogEvents"]]
    assert "ConsoleLogs" in json.dumps(granted[0]["Resource"])


def test_functions_that_make_addresses_know_the_one_of_the_api(template: Template):
    folder = Path(__file__).parents[2] / "functions"
    making = {path.parent.name for path in folder.glob("*/*.py") if "settings.api_url" in path.read_text()}
    told = [
        name.lower()
        for name, one in resources(template, "AWS::Lambda::Function").items()
        if "MAINSPRING_API_URL" in one.get("Environment", {}).get("Variables", {})
    ]

    assert {"auth", "workspaces"} <= making
    assert [name for name in making if not any(one.startswith(name) for one in told)] == []


def test_nodes_may_use_only_named_aws_resources(synthesized: Callable[[dict[str, str]], aws_cdk.Stack]):
    from aws_cdk.assertions import Template

    queue = "arn:aws:sqs:eu-central-1:111122223333:orders"
    role = "arn:aws:iam::111122223333:role/mainspring"
    other = "01920000-0000-7000-8000-000000000009"
    chosen = {"resources": f"{queue}, {role} {other}={queue},{other}={queue}"}
    named = Template.from_stack(synthesized(chosen))

    granted = {
        json.dumps(policy["Roles"]): [(one["Action"], one["Resource"]) for one in policy["PolicyDocument"]["Statement"]]
        for name, policy in resources(named, "AWS::IAM::Policy").items()
        if name.startswith("NodeRoles")
    }
    assert sorted(granted.values()) == [
        [("sqs:SendMessage", queue)],
        [("sqs:SendMessage", queue), ("sts:AssumeRole", role)],
    ]
    names = [
        one["RoleName"] for name, one in resources(named, "AWS::IAM::Role").items() if name.startswith("NodeRoles")
    ]
    assert sorted(name["Fn::Join"][1][-1] for name in names) == [f"-{FIRST_WORKSPACE}", f"-{other}"]
    trusted = json.dumps(
        [one for name, one in resources(named, "AWS::IAM::Role").items() if name.startswith("NodeRoles")]
    )
    assert "AdvanceRole" in trusted
    assert "IntegrationsRole" in trusted
    assert '"Service"' not in trusted
    assert "sqs:" not in policy_of(named, "Advance")


@pytest.mark.parametrize(
    ("arn", "says"),
    [
        ("orders", "is no ARN"),
        ("arn:aws:sqs:eu-central-1:111122223333:*", "stands for many"),
        ("arn:aws:s3:::bucket", "no node uses resources of 's3'"),
        ("*", "is no ARN"),
        ("shop=arn:aws:sqs:eu-central-1:111122223333:orders", "'shop' in .* is no workspace's id"),
    ],
)
def test_unsupported_resource_arn_is_reported(arn: str, says: str):
    with pytest.raises(ResourceError, match=says):
        by_workspace([arn])
