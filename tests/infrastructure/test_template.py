"""The template as a whole: findings of linters, the state machines, functions, tables, the API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine import limits
from engine.storage.indexes import AUTOMATION_INDEXES
from infrastructure.stack.packaging import ROOT
from tests.infrastructure.template import listed, resources, statements

if TYPE_CHECKING:
    import aws_cdk
    from aws_cdk.assertions import Template

DEFINITION, MAP_DEFINITION = (
    ROOT / "infrastructure" / "stack" / f"{name}.asl.json" for name in ("execution", "distributed_map")
)


def test_cdk_nag_has_no_finding_without_a_reason(stack: aws_cdk.Stack):
    from cdk_nag import AwsSolutionsChecks

    report = AwsSolutionsChecks(stack).validate_scope(stack)
    found = sorted((v.rule_name, c.construct_path) for v in report.violations for c in v.violating_resources)

    assert found == []


def test_every_acknowledgement_has_its_reason(stack: aws_cdk.Stack):
    import aws_cdk

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
    from cfnlint.api import lint
    from cfnlint.config import ManualArgs

    found = lint(json.dumps(template.to_json()), config=ManualArgs(blocks=["us-east-1"], ignore_checks=["W3005"]))

    assert [str(match) for match in found] == []


@pytest.mark.parametrize("definition", [DEFINITION, MAP_DEFINITION], ids=lambda path: path.stem)
def test_state_machine_definitions_are_valid(definition: Path):
    from statelint.config import Config
    from statelint.linter import Linter

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


def test_both_state_machines_drive_alike():
    """The map workers of a big loop take turns, wait and park as an execution does."""
    states = json.loads(DEFINITION.read_text())["States"]
    map_worker = json.loads(MAP_DEFINITION.read_text())["States"]["Workers"]["ItemProcessor"]["States"]
    for name in ("Advance", "SuspendOnSignal"):
        assert map_worker[name]["Retry"] == states[name]["Retry"]
        assert map_worker[name]["Resource"] == states[name]["Resource"]
    assert map_worker["SuspendUntil"] == states["SuspendUntil"]
    assert json.loads(MAP_DEFINITION.read_text())["States"]["Workers"]["ToleratedFailurePercentage"] == 100


def test_scheduled_functions_are_recovery_reconciliation_and_retention(template: Template):
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
def test_failed_stream_batches_are_kept_with_their_records(template: Template, function: str):
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


def test_failed_schedules_and_events_go_to_the_dead_letter_queue(template: Template):
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


def test_functions_are_arm_on_python_313_traced_and_have_their_own_logs(template: Template):
    functions = resources(template, "AWS::Lambda::Function")

    assert len(functions) == 21
    assert len({json.dumps(function["Role"]) for function in functions.values()}) == 21
    assert len({json.dumps(function["LoggingConfig"]) for function in functions.values()}) == 21
    for function in functions.values():
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    ours = {name: function for name, function in functions.items() if not name.startswith(("Sandbox", "Console"))}
    assert all(function["TracingConfig"] == {"Mode": "Active"} for function in ours.values())
    two = {name for name, function in ours.items() if len(function["Layers"]) == 2}
    assert {name.partition("Function")[0] for name in two} == {"Advance", "Integrations", "Deliveries", "Executions"}
    for group in resources(template, "AWS::Logs::LogGroup").values():
        assert group["RetentionInDays"] == 90


def test_tables_are_encrypted_retained_recoverable_and_have_ttl(template: Template):
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
            _, _, included = AUTOMATION_INDEXES.get(index["IndexName"], ("", "", ()))
            told = {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(included)}
            assert index["Projection"] == (told if included else {"ProjectionType": "KEYS_ONLY"})


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
        "POST /api/auth/password/reset",  # its link proves itself, once
        "GET /api/health",
        "GET /api/openapi.json",
        "POST /api/callbacks/{execution_id}/{token}",  # its URL proves itself
        "GET /api/answers/{execution_id}/{token}",  # this one too
        "GET /api/invitations/{token}",  # and this
        "GET /api/approvals/links/{token}",  # and these, as long as who got the mail may answer
        "POST /api/approvals/links/{token}",
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


def test_advance_has_enough_disk_for_the_files_of_all_nodes(template: Template):
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


def test_death_of_a_driver_is_reported_to_the_supervisor(template: Template):
    from aws_cdk.assertions import Match

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


def test_api_url_is_an_output(template: Template):
    assert "ApiUrl" in template.find_outputs("*")
