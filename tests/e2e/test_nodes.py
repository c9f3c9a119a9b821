"""Files, tables, code, models and extensions on the deployed stack, with IAM on."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from infrastructure.local.stack import LocalStack
from tests.e2e.aws import client_of
from tests.e2e.conftest import Caller
from tests.peers import Answer, as_json, peer
from tests.unit.test_isolation import ENDLESS


def node(kind: str, name: str = "x", **config: Any) -> dict[str, Any]:
    return {"id": name, "type": kind, "config": config}


def run(caller: Caller, kind: str, value: Any = None, **config: Any) -> dict[str, Any]:
    return caller.run({"nodes": [node(kind, **config)]}, value)


def ok(caller: Caller, kind: str, value: Any = None, **config: Any) -> Any:
    done = run(caller, kind, value, **config)
    assert done["status"] == "succeeded", done["error"]
    return done["result"]["x"]


def test_files_belong_to_the_workspace(admin: Caller, other: Caller):
    for caller, text in ((admin, "mine"), (other, "theirs")):
        ok(caller, "file", operation="write", file="shared/ü b.txt", content={"text": text})
    assert ok(admin, "file", file="shared/ü b.txt")["text"] == "mine"
    assert ok(other, "file", file="shared/ü b.txt")["text"] == "theirs"
    url = ok(admin, "file", operation="url", file="shared/ü b.txt", expires_seconds=60)["url"]
    assert (httpx2.get(url).text, "response-content-disposition=attachment" in url) == ("mine", True)
    page = ok(admin, "file", operation="list", prefix="shared/", limit=1)
    assert [(one["file"], one["bytes"]) for one in page["items"]] == [("shared/ü b.txt", 4)]
    again = {"operation": "write", "file": "shared/ü b.txt", "content": {"text": "x"}, "if_exists": "fail"}
    assert run(admin, "file", **again)["error"]["code"] == "file_exists"
    assert ok(admin, "file", operation="delete", file="shared/ü b.txt")["deleted"] is True
    assert run(admin, "file", file="shared/ü b.txt")["error"]["code"] == "no_file"
    assert ok(other, "file", file="shared/ü b.txt")["text"] == "theirs"


def test_files_sent_to_a_webhook_can_be_read_by_nodes(admin: Caller, anonymous: httpx2.Client):
    hook = {
        "id": "in",
        "type": "webhook",
        "config": {"body": "multipart", "auth": {"type": "none"}, "answer": "result"},
    }
    parse = node("csv", operation="parse", source={"file": "{{ trigger.body.file }}"})
    made = admin.workflow({"nodes": [parse], "triggers": [hook]})
    admin.ok("POST", f"/api/workflows/{made['id']}/activate")
    url = admin.ok("GET", f"/api/workflows/{made['id']}/triggers/in")["url"]
    answer = anonymous.post(url, files={"file": ("a.csv", b"a,b\n1,2\n", "text/csv")})
    assert answer.json() == {"x": {"rows": [{"a": "1", "b": "2"}], "columns": ["a", "b"]}}, answer.text


def test_a_large_file_goes_through_and_a_larger_one_does_not(admin: Caller, stack: LocalStack):
    s3 = client_of(stack, "s3")
    bucket = next(one["Name"] for one in s3.list_buckets()["Buckets"] if "payloads" in one["Name"])
    ok(admin, "file", operation="write", file="mark.txt", content={"text": "x"})
    prefix = s3.list_objects_v2(Bucket=bucket, Prefix="files/")["Contents"]
    mine = next(one["Key"] for one in prefix if one["Key"].endswith("/mark.txt")).rpartition("/")[0]
    rows = b"id,text\n" + b"7,abcdefghijklmnopqrstuvwxyz\n" * 1_000_000
    s3.put_object(Bucket=bucket, Key=f"{mine}/large.csv", Body=rows)
    s3.put_object(Bucket=bucket, Key=f"{mine}/huge.csv", Body=b"x" * 100_000_000)
    assert len(ok(admin, "hash", source={"file": "large.csv"})["digest"]) == 64
    assert run(admin, "csv", source={"file": "large.csv"})["error"]["code"] == "too_many_rows"
    assert run(admin, "csv", source={"file": "huge.csv"})["error"]["code"] == "file_too_large"


def test_content_is_read_in_processes_that_end_with_the_timeout(admin: Caller, other: Caller):
    rows = [{"id": 7615917337495251231, "name": "ü"}]
    ok(admin, "spreadsheet", operation="write", sheets=[{"rows": rows}], save_as="a/x.xlsx")
    assert ok(admin, "spreadsheet", source={"file": "a/x.xlsx"})["rows"] == [{"id": "7615917337495251231", "name": "ü"}]
    ok(admin, "zip", operation="pack", entries=[{"source": {"file": "a/x.xlsx"}}], save_as="a/x.zip")
    entries = ok(admin, "zip", source={"file": "a/x.zip"}, into="b/")["entries"]
    assert [one["file"] for one in entries] == ["b/x.xlsx"]
    page = {"source": {"text": "<p>H<sub>2</sub>O"}, "extract": {"x": {"selector": "p"}}}
    assert ok(admin, "html", **page) == {"x": "H2O"}
    assert ok(admin, "xml", source={"text": "<r>" + "<a>1</a>" * 20_000 + "</r>"})["r"]["a"] == ["1"] * 20_000
    check = {"operation": "validate", "schema": ENDLESS, "value": 1}
    endless = [{**node("json", f"n{number}", **check), "timeout_seconds": 1} for number in range(8)]
    assert admin.run({"nodes": endless})["error"]["code"] == "timeout"
    assert ok(other, "html", **page) == {"x": "H2O"}


def test_data_table_counts_once_and_conflict_is_a_port(admin: Caller, other: Caller):
    count = {"operation": "increment", "table": "t", "key": "n"}
    each = {"id": "each", "type": "for_each", "config": {"items": list(range(25)), "concurrency": 10}}
    each["body"] = {"nodes": [node("data_table", **count)]}
    done = admin.run({"nodes": [each]})
    assert done["status"] == "succeeded", done["error"]
    assert ok(admin, "data_table", table="t", key="n")["value"] == 25
    assert ok(other, "data_table", table="t", key="n")["found"] is False
    seen = node("data_table", operation="put", table="seen", key="{{ trigger.body }}", value=True, when="absent")
    new = node("transform", "new", value="new")
    definition = {"nodes": [seen, new], "edges": [{"from": "x", "to": "new"}], "output": "{{ nodes.new ?? 'seen' }}"}
    workflow = admin.workflow(definition)["id"]
    assert [admin.wait(admin.start(workflow, "e-1")["id"])["result"] for _ in range(2)] == ["new", "seen"]


def test_javascript_runs_in_the_sandbox(admin: Caller):
    code = "console.log('sum of', input);\nreturn { sum: input.reduce((a, b) => a + b), first: $input.first().json };"
    done = run(admin, "javascript_code", [1, 2, 3], code=code, input="{{ trigger.body }}")
    assert done["result"]["x"] == {"sum": 6, "first": 1}
    lines = admin.ok("GET", f"/api/executions/{done['id']}/logs")["items"]
    assert "sum of [1,2,3]" in [line["message"] for line in lines]
    failed = run(admin, "javascript_code", code="\nreturn input.missing.name", input={})["error"]
    message = "line 2: TypeError: cannot read property 'name' of undefined"
    assert (failed["code"], failed["message"]) == ("code_failed", message)
    assert failed["details"]["text"] == "return input.missing.name"
    assert run(admin, "javascript_code", code="while (true);", seconds=0.5)["error"]["code"] == "timeout"
    reads = run(admin, "javascript_code", code="require('fs')")["error"]
    assert reads["message"].endswith("require is not defined")


def test_code_runs_in_a_function_that_may_do_nothing(admin: Caller, stack: LocalStack):
    code = "def main(input):\n    print('sum of', input)\n    return sum(input)"
    done = run(admin, "python_code", [1, 2, 3], code=code, input="{{ trigger.body }}")
    assert done["result"]["x"] == 6
    lines = admin.ok("GET", f"/api/executions/{done['id']}/logs")["items"]
    assert "sum of [1, 2, 3]" in [line["message"] for line in lines]
    failed = run(admin, "python_code", code="def main(input):\n    return input['missing']", input={})["error"]
    assert (failed["code"], failed["message"]) == ("code_failed", "line 2: KeyError: 'missing'")
    assert failed["details"]["text"] == "return input['missing']"
    endless = run(admin, "python_code", code="def main(i):\n    while True: pass", seconds=0.5)["error"]
    assert endless["code"] == "timeout"
    reads = "import csv, io\ndef main(i):\n    return io.open('/proc/self/environ').read()"
    assert "FileNotFoundError" in run(admin, "python_code", code=reads)["error"]["message"]
    body = {
        "name": "x",
        "definition": {"nodes": [node("python_code", code="import os\ndef main(i): return os.environ")]},
    }
    refused = admin.request("POST", "/api/workflows", json=body)
    assert (refused.status_code, "'os' is not there" in refused.text) == (422, True)
    iam = client_of(stack, "iam")
    role = next(one["RoleName"] for one in iam.list_roles()["Roles"] if "SandboxRole" in one["RoleName"])
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == []
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []


def test_bedrock_model_answers_and_is_billed(admin: Caller):
    done = run(admin, "ai_chat", model="amazon.nova-lite-v1:0", prompt="Hello", max_tokens=50)
    assert done["status"] == "succeeded", done["error"]
    usage = done["result"]["x"]["usage"]
    assert usage["input_tokens"] > 0
    bill = done["bill"]
    assert (bill["ai_input_tokens"], bill["ai_output_tokens"]) == (usage["input_tokens"], usage["output_tokens"])
    assert bill["dollars"] >= usage["dollars"] > 0


def test_a_models_tools_are_workflows(admin: Caller):
    value = "{{ trigger.body.sku = 'A' ? 12 : $error('no such') }}"
    price = admin.workflow({"nodes": [node("transform", value=value)]}, "price")

    def respond(request: dict[str, Any]) -> Answer:
        messages = json.loads(request["body"])["messages"]
        usage = {"prompt_tokens": 10, "completion_tokens": 5}
        if messages[-1]["role"] == "user":
            calls = [
                {
                    "id": f"c{i}",
                    "type": "function",
                    "function": {"name": "price", "arguments": json.dumps({"sku": sku})},
                }
                for i, sku in enumerate("AB")
            ]
            return as_json({"choices": [{"message": {"tool_calls": calls}}], "usage": usage})
        told = [json.loads(one["content"]) for one in messages if one["role"] == "tool"]
        return as_json(
            {"choices": [{"message": {"content": json.dumps(told)}, "finish_reason": "stop"}], "usage": usage}
        )

    with peer(respond) as server:
        config = {"base_url": server.url, "api_key": "sk-of-the-tools-test"}
        admin.ok("POST", "/api/integrations", json={"name": "tool models", "type": "openai", "config": config})
        tool = {
            "name": "price",
            "description": "The price of a product",
            "workflow": price["id"],
            "input_schema": {"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string"}}},
        }
        done = run(admin, "ai_chat", integration="tool models", model="m", prompt="How much is A?", tools=[tool])
    assert done["status"] == "succeeded", done["error"]
    good, bad = json.loads(done["result"]["x"]["text"])
    assert good == {"x": 12}
    assert "error" in bad
    runs = admin.ok("GET", "/api/executions", params={"workflow_id": price["id"]})["items"]
    assert sorted(one["status"] for one in runs) == ["failed", "succeeded"]
    assert {one["trigger_type"] for one in runs} == {"workflow"}


def test_installed_extension_is_found(admin: Caller):
    types = {one["type"]: one for one in admin.ok("GET", "/api/node-types")["items"]}
    assert types["iban_check"]["group"] == "Payments"
    kinds = {one["type"]: one for one in admin.ok("GET", "/api/integration-types")["items"]}
    assert kinds["payments"]["secrets"] == ["api_key"]
    with peer(lambda request: as_json({"id": f"P-{request['headers']['x-api-key']}"})) as bank:
        config = {"base_url": bank.url, "api_key": "k3y-of-the-bank"}
        admin.ok("POST", "/api/integrations", json={"name": "bank", "type": "payments", "config": config})
        check = node("iban_check", "check", iban="{{ trigger.body }}")
        params = {"iban": "{{ nodes.check.iban }}", "cents": 4200}
        pay = node("integration", "pay", integration="bank", action="pay", params=params)
        definition = {"nodes": [check, pay], "edges": [{"from": "check", "to": "pay"}]}
        done = admin.run(definition, "DE89 3704 0044 0532 0130 00")
        assert done["result"] == {"pay": {"payment_id": "P-[redacted]"}}
        assert bank.requests[0]["headers"]["idempotency-key"] == f"{done['id']}/pay"
        assert admin.run(definition, "DE00")["result"] is not None
        assert len(bank.requests) == 1


@pytest.mark.parametrize(
    ("kind", "config", "path"),
    [
        ("file", {"file": "../x"}, "config.file"),
        ("database_query", {"integration": "x", "query": "SELECT '{{ trigger.body }}'"}, "config.query"),
        ("csv", {"operation": "format"}, "config"),
        ("sns_publish", {"topic_arn": "x", "message": 1}, "config.topic_arn"),
        ("ai_chat", {"model": "m"}, "config.prompt"),
        ("eventbridge_put", {"bus": "b", "source": "aws.x", "detail_type": "d"}, "config.source"),
        ("data_table", {"table": "t", "operation": "put", "key": "k"}, "config"),
        ("email", {"to": ["a@b.example"], "subject": "s", "text": "t"}, "config"),
        ("slack", {"integration": "none of this name", "channel": "c", "text": "t"}, "config.integration"),
    ],
)
def test_invalid_config_is_reported_with_its_field(admin: Caller, kind: str, config: dict[str, Any], path: str):
    refused = admin.request(
        "POST", "/api/workflows", json={"name": "x", "definition": {"nodes": [node(kind, **config)]}}
    )
    assert refused.status_code == 422, refused.text
    assert refused.json()["error"]["details"][0]["path"] == f"definition.nodes[0].{path}"
