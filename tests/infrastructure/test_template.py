"""The synthesized template: what is granted, kept, encrypted and watched; and that the linters have no complaint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import aws_cdk
import pytest
from aws_cdk.assertions import Match, Template
from cdk_nag import AwsSolutionsChecks
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from statelint.config import Config
from statelint.linter import Linter

from engine import limits
from engine.ids import FIRST_WORKSPACE
from functions.sandbox.machine import PULLEY_TARGET, load
from infrastructure.guests.build import GUESTS
from infrastructure.stack.app import STACK_NAME, build_app
from infrastructure.stack.console_build import CONSOLE, build_console
from infrastructure.stack.named_resources import ResourceError, by_workspace
from infrastructure.stack.packaging import EXPORT, GROUPS, REQUIREMENTS, ROOT, build_extension_layer, build_sandbox
from infrastructure.stack.state_machines import DEFINITION, MAP_DEFINITION
from infrastructure.stack.uv_command import PackagingError, uv_binary


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> aws_cdk.Stack:
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = build_app(context=context, outdir=tmp_path_factory.mktemp("cdk"))
    found = app.node.find_child(STACK_NAME)
    assert isinstance(found, aws_cdk.Stack)
    return found


@pytest.fixture(scope="session")
def template(stack: aws_cdk.Stack) -> Template:
    return Template.from_stack(stack)


def resources(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    return {name: found["Properties"] for name, found in template.find_resources(kind).items()}


def statements(template: Template) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name, policy in resources(template, "AWS::IAM::Policy").items():
        found += [(name, statement) for statement in policy["PolicyDocument"]["Statement"]]
    return found


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def policy_of(template: Template, function: str) -> str:
    return json.dumps([statement for name, statement in statements(template) if name.startswith(function)])


def test_cdk_nag_has_no_finding_without_a_reason(stack: aws_cdk.Stack):
    report = AwsSolutionsChecks(stack).validate_scope(stack)
    found = sorted((v.rule_name, c.construct_path) for v in report.violations for c in v.violating_resources)

    assert found == []


def test_every_acknowledgement_has_its_reason(stack: aws_cdk.Stack):
    key = aws_cdk.Validations.ACKNOWLEDGED_RULES_METADATA_KEY
    reasons = [
        reason
        for construct in stack.node.find_all()
        for entry in construct.node.metadata
        if entry.type == key
        for reason in entry.data.values()
    ]

    assert reasons
    assert all(len(str(reason)) > 20 for reason in reasons)


def test_cfn_lint_has_no_complaint(template: Template):
    found = lint(json.dumps(template.to_json()), config=ManualArgs(blocks=["us-east-1"], ignore_checks=["W3005"]))

    assert [str(match) for match in found] == []


@pytest.mark.parametrize("definition", [DEFINITION, MAP_DEFINITION], ids=lambda path: path.stem)
def test_the_state_machines_are_sound(definition: Path):
    deployed = definition.read_text()
    for resource in ("InvokeFunction", "UpdateItemAndWait"):
        deployed = deployed.replace(f'"${{{resource}}}"', '"arn:aws:states:::a:b"')
    assert Linter.validate(json.loads(deployed), Config()) == []


def test_advance_is_retried_on_everything_and_caught():
    states = json.loads(DEFINITION.read_text())["States"]
    for task in ("Advance", "SuspendOnSignal", "ContinueAsNew", "GiveUp"):
        assert states[task]["Retry"][-1]["ErrorEquals"] == ["States.ALL"]

    assert states["Advance"]["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "GiveUp"}]
    assert states["SuspendOnSignal"]["Resource"] == "${UpdateItemAndWait}"
    assert states["SuspendOnSignal"]["TimeoutSecondsPath"] == "$.decision.wait_seconds"
    assert states["Next?"]["Default"] == "Fail"
    assert states["SuspendUntil"]["TimestampPath"] == "$.decision.until"


def test_no_policy_has_a_wildcard_action_or_an_unnamed_resource(template: Template):
    for name, statement in statements(template):
        actions = listed(statement["Action"])
        assert not [action for action in actions if "*" in action], name
        if "*" in listed(statement["Resource"]):
            free = {"scheduler:ListSchedules", "events:ListRules", "dynamodb:ListStreams"}  # lists have no resources
            assert all(action.startswith("xray:") or action in free for action in actions), (name, actions)


def test_both_machines_drive_alike():
    """The map workers of a big loop take turns, wait and park as an execution does."""
    states = json.loads(DEFINITION.read_text())["States"]
    map_worker = json.loads(MAP_DEFINITION.read_text())["States"]["Lanes"]["ItemProcessor"]["States"]
    for name in ("Advance", "SuspendOnSignal"):
        assert map_worker[name]["Retry"] == states[name]["Retry"]
        assert map_worker[name]["Resource"] == states[name]["Resource"]
    assert map_worker["SuspendUntil"] == states["SuspendUntil"]
    assert json.loads(MAP_DEFINITION.read_text())["States"]["Lanes"]["ToleratedFailurePercentage"] == 100


def test_what_runs_by_itself_is_the_sweeper_reconciliation_and_retention(template: Template):
    rules = resources(template, "AWS::Events::Rule").values()
    scheduled = sorted(
        (rule["ScheduleExpression"], *json.loads(rule["Targets"][0]["Input"]))
        for rule in rules
        if "ScheduleExpression" in rule
    )

    assert scheduled == [
        ("rate(1 day)", "orphans"),
        ("rate(1 day)", "reconcile"),
        ("rate(1 minute)", "recover"),
        ("rate(15 minutes)", "purge"),
    ]


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
    assert [one["Condition"] for one in lists] == [{"StringLike": {"s3:prefix": "payloads/*"}}]


def test_streams_are_filtered_retried_and_have_dead_letters(template: Template):
    mappings = resources(template, "AWS::Lambda::EventSourceMapping").values()
    streams = [one for one in mappings if "StartingPosition" in one]
    patterns = [json.loads(one["FilterCriteria"]["Filters"][0]["Pattern"])["dynamodb"] for one in streams]

    assert len(streams) == 2
    for one in streams:
        assert (one["StartingPosition"], one["BisectBatchOnFunctionError"]) == ("TRIM_HORIZON", True)
        assert one["MaximumRetryAttempts"] == (20 if "Reconciler" in json.dumps(one["FunctionName"]) else 1_000)
        assert one["FunctionResponseTypes"] == ["ReportBatchItemFailures"]  # one bad record keeps no other waiting
        assert one["MaximumRecordAgeInSeconds"] == 43_200
        assert one["BatchSize"] <= 100  # each record may be told to many, and a batch has a minute
        assert one["ParallelizationFactor"] == (1 if "Reconciler" in json.dumps(one["FunctionName"]) else 4)
        assert "Payloads" in json.dumps(one["DestinationConfig"])  # a queue would get numbers, not records
    prefixes = sorted(pattern["Keys"]["PK"]["S"][0]["prefix"] for pattern in patterns)
    assert prefixes == ["EXECUTION#", "WORKFLOW#"]  # a history's writes call nobody
    assert all(pattern["Keys"]["SK"]["S"] == ["META"] for pattern in patterns)
    (messages,) = [one for one in mappings if "StartingPosition" not in one]
    assert messages["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("function", ["Reconciler", "Publisher"])
def test_what_a_reader_of_the_stream_cannot_take_is_kept_with_its_records(template: Template, function: str):
    """Lambda writes it with the function's role: AWS asks for both rights, and for a data key of the bucket's key."""
    (policy,) = [one for name, one in resources(template, "AWS::IAM::Policy").items() if name.startswith(function)]
    statements = policy["PolicyDocument"]["Statement"]
    puts, lists = (
        json.dumps([one["Resource"] for one in statements if action in json.dumps(one["Action"])])
        for action in ("s3:PutObject", "s3:ListBucket")
    )
    bucket = next(one for name, one in resources(template, "AWS::S3::Bucket").items() if "Payloads" in name)
    rules = {rule.get("Prefix"): rule.get("ExpirationInDays") for rule in bucket["LifecycleConfiguration"]["Rules"]}

    assert "/aws/lambda/*" in puts
    assert "Payloads" in lists
    assert rules["aws/lambda/"] == 30
    assert any("kms:GenerateDataKey" in one["Action"] for one in statements)


def test_what_cannot_be_fired_goes_to_the_dead_letters(template: Template):
    (retries,) = resources(template, "AWS::Lambda::EventInvokeConfig").values()
    queues = resources(template, "AWS::SQS::Queue")

    assert retries["MaximumRetryAttempts"] == 2
    assert "DeadLetters" in json.dumps(retries["DestinationConfig"])
    assert len(queues) == 2
    assert all(queue["SqsManagedSseEnabled"] for queue in queues.values())
    inbox = next(queue for name, queue in queues.items() if "Inbox" in name)
    assert inbox["RedrivePolicy"]["maxReceiveCount"] == 10
    policy = json.dumps(resources(template, "AWS::SQS::QueuePolicy"))
    assert '"aws:SecureTransport": "false"' in policy
    assert '"aws:SourceArn"' in policy


def test_only_rules_of_ours_may_fire(template: Template):
    permissions = [
        one
        for one in resources(template, "AWS::Lambda::Permission").values()
        if "Dispatch" in json.dumps(one["FunctionName"])
    ]
    heard, of_account = sorted(json.dumps(one["SourceArn"]) for one in permissions)
    assert "EventingHeard" in heard
    assert ":rule/ms" in of_account


def test_the_platforms_bus_has_one_rule_however_many_triggers_there_are(template: Template):
    ((name, rule),) = (
        (name, rule) for name, rule in resources(template, "AWS::Events::Rule").items() if "EventBusName" in rule
    )
    assert rule["EventPattern"] == {"resources": ["mainspring:heard/yes"]}
    (target,) = rule["Targets"]
    assert "DeadLetters" in json.dumps(target["DeadLetterConfig"])
    assert "Dispatch" in json.dumps(target["Arn"])
    assert "Input" not in target
    writes = [
        statement
        for owner, statement in statements(template)
        if "events:PutRule" in listed(statement["Action"]) and owner.startswith("Reconciler")
    ]
    (made,) = writes
    assert ":rule/ms" in json.dumps(made["Resource"])
    assert "Bus" not in json.dumps(made["Resource"])  # it may make none on the platform's, nor change this one
    assert name not in json.dumps(made["Resource"])


def test_functions_that_run_nodes_cannot_see_identities_or_signing_keys(template: Template):
    identity = next(name for name in resources(template, "AWS::DynamoDB::Table") if "Identity" in name)
    secret = next(iter(resources(template, "AWS::SecretsManager::Secret")))
    eventing = ("Webhooks", "Triggers", "Events", "Dispatch", "Reconciler", "Publisher", "Deliveries")
    for function in ("Advance", "Supervisor", "Workflows", "Executions", "Platform", *eventing):
        assert identity not in policy_of(template, function), function
        assert secret not in policy_of(template, function), function
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
    kinds = {"Advance": "integration", "Integrations": "integration", "Webhooks": "trigger", "Triggers": "trigger",
             "Events": "subscription", "Deliveries": "subscription"}  # fmt: skip
    functions = {name.partition("Function")[0] for name in resources(template, "AWS::Lambda::Function")}
    for function in functions - {"Sandbox", "Console"}:
        direct = [one["StringLike"] for one in key_use(template, f"{function}Policy") if "StringLike" in one]
        through = [
            json.dumps(one["StringEquals"]["kms:ViaService"])
            for one in key_use(template, f"{function}Policy")
            if "StringEquals" in one
        ]
        wanted = (
            [{"kms:EncryptionContext:workspace": "*", f"kms:EncryptionContext:{kinds[function]}": "*"}]
            if function in kinds
            else []
        )
        assert direct == wanted, function
        assert len(through) == 1
        assert ("secretsmanager" in through[0]) == (function in ("Auth", "Authorizer"))
    for machine in ("ExecutionMachinePolicy", "ExecutionFanOutPolicy"):
        assert [list(one) for one in key_use(template, machine)] == [["StringEquals"]]


def test_no_function_is_told_a_secret(template: Template):
    for name, function in resources(template, "AWS::Lambda::Function").items():
        variables = function.get("Environment", {"Variables": {}})["Variables"]
        assert variables or name.startswith("Sandbox")
        for key in variables:
            assert key.startswith(("MAINSPRING_", "POWERTOOLS_")), (name, key)
        assert "resolve:secretsmanager" not in json.dumps(variables)


def test_functions_are_arm_on_python_313_traced_and_have_their_own_logs(template: Template):
    functions = resources(template, "AWS::Lambda::Function")

    assert len(functions) == 19
    assert len({json.dumps(function["Role"]) for function in functions.values()}) == 19
    assert len({json.dumps(function["LoggingConfig"]) for function in functions.values()}) == 19
    for function in functions.values():
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    ours = {name: function for name, function in functions.items() if not name.startswith(("Sandbox", "Console"))}
    assert all(function["TracingConfig"] == {"Mode": "Active"} for function in ours.values())
    two = {name for name, function in ours.items() if len(function["Layers"]) == 2}
    assert {name.partition("Function")[0] for name in two} == {"Advance", "Integrations"}
    for group in resources(template, "AWS::Logs::LogGroup").values():
        assert group["RetentionInDays"] == 90


def test_the_sandbox_has_nothing_and_may_do_nothing(template: Template):
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
    assert console["Environment"]["Variables"].keys() == {"MAINSPRING_API_URL"}
    assert [sorted(one["Action"]) for one in granted] == [["logs:CreateLogStream", "logs:PutLogEvents"]]
    assert "ConsoleLogs" in json.dumps(granted[0]["Resource"])


def test_the_consoles_package_is_its_handler_and_what_browsers_load(tmp_path: Path):
    code = build_console(tmp_path)
    place = code / "functions" / "console"
    names = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}

    assert {"handler.py", "web/index.html"} <= names
    assert not [name for name in names if name.endswith((".ts", ".tsx", ".map")) or "node_modules" in name]
    scripts = {name for name in names if name.endswith(".js")}
    assert any(f"{name}.br" in names and f"{name}.gz" in names for name in scripts)
    assert "://" not in (code / "functions" / "console" / "web" / "index.html").read_text()


def test_the_consoles_lock_file_names_no_host():
    assert "://" not in _without_funding((CONSOLE / "web" / "package-lock.json").read_text())


def _without_funding(lock: str) -> str:
    packages = json.loads(lock)["packages"]
    return json.dumps([{**package, "funding": None} for package in packages.values()])


def test_what_nodes_may_do_in_aws_is_what_was_named(tmp_path_factory: pytest.TempPathFactory):
    queue = "arn:aws:sqs:eu-central-1:111122223333:orders"
    role = "arn:aws:iam::111122223333:role/mainspring"
    other = "01920000-0000-7000-8000-000000000009"
    chosen = {"resources": f"{queue}, {role} {other}={queue},{other}={queue}"}
    context = json.loads((ROOT / "cdk.json").read_text())["context"] | chosen
    stack = build_app(context=context, outdir=tmp_path_factory.mktemp("cdk")).node.find_child(STACK_NAME)
    assert isinstance(stack, aws_cdk.Stack)
    named = Template.from_stack(stack)

    granted = {
        json.dumps(policy["Roles"]): [(one["Action"], one["Resource"]) for one in policy["PolicyDocument"]["Statement"]]
        for name, policy in resources(named, "AWS::IAM::Policy").items()
        if name.startswith("Reach")
    }
    assert sorted(granted.values()) == [
        [("sqs:SendMessage", queue)],
        [("sqs:SendMessage", queue), ("sts:AssumeRole", role)],
    ]
    names = [one["RoleName"] for name, one in resources(named, "AWS::IAM::Role").items() if name.startswith("Reach")]
    assert sorted(name["Fn::Join"][1][-1] for name in names) == [f"-{FIRST_WORKSPACE}", f"-{other}"]
    trusted = json.dumps([one for name, one in resources(named, "AWS::IAM::Role").items() if name.startswith("Reach")])
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
def test_a_resource_that_cannot_be_named_is_said(arn: str, says: str):
    with pytest.raises(ResourceError, match=says):
        by_workspace([arn])


def test_tables_are_kept_encrypted_recoverable_and_forget(template: Template):
    tables = template.find_resources("AWS::DynamoDB::Table")
    streams = [table["Properties"].get("StreamSpecification") for table in tables.values()]

    assert len(tables) == 2
    assert [one for one in streams if one] == [{"StreamViewType": "NEW_AND_OLD_IMAGES"}]  # that of Automation
    for table in tables.values():
        properties = table["Properties"]
        assert table["DeletionPolicy"] == "Retain"
        assert properties["DeletionProtectionEnabled"] is True
        assert properties["BillingMode"] == "PAY_PER_REQUEST"
        assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert properties["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
        assert properties["SSESpecification"]["SSEType"] == "KMS"
        for index in properties["GlobalSecondaryIndexes"]:
            assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def test_the_bucket_is_closed_and_encrypted_and_insists_on_tls(template: Template):
    template.has_resource_properties(
        "AWS::S3::Bucket",
        {
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            "LifecycleConfiguration": {
                "Rules": [
                    {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}, "Status": "Enabled"},
                    {"ExpirationInDays": 30, "Prefix": "aws/lambda/", "Status": "Enabled"},
                ]
            },
        },
    )
    policy = json.dumps(resources(template, "AWS::S3::BucketPolicy"))
    assert '"aws:SecureTransport": "false"' in policy


def test_exactly_the_public_routes_have_no_authorizer(template: Template):
    routes = resources(template, "AWS::ApiGatewayV2::Route").values()
    public = {route["RouteKey"] for route in routes if route.get("AuthorizationType", "NONE") == "NONE"}

    assert public == {
        "GET /",
        "GET /console",  # the files of the console; what it shows comes from the API
        "GET /console/{path+}",
        "POST /api/auth/register",
        "POST /api/auth/login",
        "POST /api/auth/refresh",
        "GET /api/health",
        "GET /api/openapi.json",
        "POST /api/callbacks/{execution_id}/{token}",  # its URL proves itself
        "GET /api/answers/{execution_id}/{token}",  # this one too
        "GET /api/oauth/callback",  # its state proves itself, once, in one browser
        "GET /api/oauth/go",
        "GET /api/oauth/start",
        "ANY /hooks/{token}",
        "ANY /hooks/{token}/{path+}",
    }
    assert "$default" in {route["RouteKey"] for route in routes}


def test_the_route_of_unknown_addresses_may_call_its_function(template: Template):
    """A call of `$default` has an ARN with two parts behind the API's id, that of any other route one with three."""
    parts = []
    for permission in resources(template, "AWS::Lambda::Permission").values():
        if permission["Principal"] == "apigateway.amazonaws.com" and "Platform" in json.dumps(permission):
            (*_, path) = permission["SourceArn"]["Fn::Join"][1]
            parts.append(path.strip("/").count("/") + 1)

    assert sorted(parts) == [2, 3]


def test_no_arn_of_the_template_names_a_partition(template: Template):
    """In China and in GovCloud the first step of each execution would fail otherwise, and nothing catches that."""
    assert "arn:aws:" not in json.dumps(template.to_json())
    for definition in (DEFINITION, MAP_DEFINITION):
        assert "arn:aws" not in definition.read_text()
    for machine in resources(template, "AWS::StepFunctions::StateMachine").values():
        told = machine["DefinitionSubstitutions"]
        assert told["InvokeFunction"]["Fn::Join"][1] == ["arn:", {"Ref": "AWS::Partition"}, ":states:::lambda:invoke"]
        assert {"Ref": "AWS::Partition"} in told["UpdateItemAndWait"]["Fn::Join"][1]


def test_what_runs_nodes_has_a_disk_for_the_files_of_all_of_them(template: Template):
    (advance,) = [
        one for name, one in resources(template, "AWS::Lambda::Function").items() if name.startswith("Advance")
    ]

    assert advance["EphemeralStorage"]["Size"] * 1024**2 >= limits.MAX_PARALLEL_NODES * limits.MAX_FILE_BYTES


def test_a_webhooks_caller_is_answered_before_the_api_gives_up():
    """With the start of the function and of the one that it calls, of which API Gateway's 30 seconds take account."""
    assert limits.ANSWER_SECONDS + 6 <= 29


def test_the_authorizer_is_asked_each_time(template: Template):
    template.has_resource_properties(
        "AWS::ApiGatewayV2::Authorizer",
        {
            "AuthorizerResultTtlInSeconds": 0,
            "IdentitySource": [],
            "EnableSimpleResponses": True,
            "AuthorizerPayloadFormatVersion": "2.0",
        },
    )


def test_the_api_is_throttled_and_logged(template: Template):
    stage = next(iter(resources(template, "AWS::ApiGatewayV2::Stage").values()))

    assert stage["DefaultRouteSettings"] == {"ThrottlingBurstLimit": 200, "ThrottlingRateLimit": 100}
    assert "request_id" in stage["AccessLogSettings"]["Format"]


def test_a_driver_that_dies_is_reported(template: Template):
    template.has_resource_properties(
        "AWS::Events::Rule",
        {
            "EventPattern": {
                "source": ["aws.states"],
                "detail-type": ["Step Functions Execution Status Change"],
                "detail": {"status": ["FAILED", "TIMED_OUT", "ABORTED"], "stateMachineArn": Match.any_value()},
            }
        },
    )


def test_the_url_is_an_output(template: Template):
    assert "ApiUrl" in template.find_outputs("*")


def test_the_extensions_own_tests_pass(tmp_path: Path):
    """As its author runs them: installed, with the testing helper."""
    folder = ROOT / "events" / "extensions" / "mainspring-payments"
    layer = build_extension_layer(tmp_path, [folder], local=True)
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "-p", "no:cacheprovider", str(folder / "tests")]
    paths = os.pathsep.join([str(layer / "python"), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_the_sandbox_is_its_own_code_with_guests_for_lambda(tmp_path: Path):
    """It fits into a function's 250 MB; guests are machine code for Lambda's processor, and can be interpreted too."""
    code = build_sandbox(tmp_path, local=False)
    files = [path for path in code.rglob("*") if path.is_file()]
    ours = {path.name for path in (code / "functions" / "sandbox").glob("*.py")}
    elsewhere = {path.relative_to(code).parts[0] for path in files} - {"functions"}

    assert ours == {path.name for path in (ROOT / "functions" / "sandbox").glob("*.py")}
    assert {name for name in elsewhere if not name.endswith(".dist-info")} == {"wasmtime"}
    assert sum(path.stat().st_size for path in files) < 200_000_000
    for name in GUESTS:
        guest = code / "functions" / "sandbox" / "guests" / name
        native = guest.with_suffix(".native").read_bytes()
        assert native[:4] == b"\x7fELF"
        assert native[18:20] == (183).to_bytes(2, "little")  # arm64
        assert load(guest.with_suffix(".pulley"), PULLEY_TARGET).module.exports


def test_an_extension_is_a_layer_of_what_knows_types(tmp_path: Path):
    """Also for Lambda's processor; and what is no package is said in a sentence."""
    content = build_extension_layer(tmp_path, [ROOT / "events" / "extensions" / "mainspring-payments"], local=False)
    (points,) = content.glob("python/*.dist-info/entry_points.txt")

    assert "iban_check = mainspring_payments.iban_check:IbanCheckNode" in points.read_text()
    with pytest.raises(PackagingError, match="is no Python package"):
        build_extension_layer(tmp_path, [tmp_path], local=False)


@pytest.mark.parametrize("layer", REQUIREMENTS)
def test_the_layers_requirements_are_in_step_and_host_free(layer: str):
    """`engine/requirements*.txt` are what `uv export` gives for the dependencies of `pyproject.toml`."""
    command = [uv_binary(), *EXPORT, *GROUPS[layer]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert REQUIREMENTS[layer].read_text() == done.stdout
    assert "://" not in done.stdout
