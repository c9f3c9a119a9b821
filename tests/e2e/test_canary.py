"""A secret that is planted in every integration type is found nowhere: not in what the API says, nor in what is kept.

The other side tells back all that it is told, in its answers and in its errors; what nodes make of that is looked at in
every form that a secret takes on its way.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from engine.integrations.registry import BUILT_IN, IntegrationRegistry
from infrastructure.local.stack import LocalStack
from tests.e2e.aws import client_of
from tests.e2e.conftest import Caller
from tests.peers import Answer, Peer, as_json, peer
from tests.servers import listening

REGISTRY = IntegrationRegistry()


PARAMS: dict[str, Any] = {
    "send": {"to": ["a@b.example"], "subject": "s", "text": "t"},
    "query": {"query": "SELECT 1"},
    "post_message": {"channel": "c", "text": "t"},
    "update_message": {"channel": "c", "ts": "1", "text": "fail"},
    "find_user": {"email": "fail@b.example"},
    "react": {"channel": "c", "ts": "1", "name": "x"},
    "send_message": {"chat_id": 1, "text": "t"},
    "delete_message": {"chat_id": 1, "message_id": 1},
    "create_issue": {"repository": "a/fail", "title": "t"},
    "update_issue": {"repository": "a/b", "number": 1},
    "comment": {"repository": "a/b", "number": 1, "body": "x"},
    "list_issues": {"repository": "a/b"},
    "dispatch_workflow": {"repository": "a/b", "workflow": "w.yml"},
    "get_file": {"repository": "a/b", "path": "p"},
    "complete": {"model": "m", "messages": [{"role": "user", "content": "x"}]},
    "put_object": {"bucket": "bkt", "key": "fail", "text": "x"},
    "get_object": {"bucket": "bkt", "key": "k", "save_as": "canary/s3.bin"},
    "list_objects": {"bucket": "bkt"},
    "delete_object": {"bucket": "bkt", "key": "k"},
}
"""What actions take, as far as it gets them to ask the other side."""


def canary(kind: str, field: str) -> str:
    """What is planted: of characters that are written otherwise in URLs, JSON and base64."""
    if kind == "telegram":  # a token that stands in a URL
        return "canary:telegram_token-Zx9"
    odd = 'ü"\\' if kind in ("postgresql", "mysql", "smtp", "http_basic", "secret") else "~"
    return f"canary/{kind}+{field}{odd}=Zx9&q?"


def forms(secret: str) -> set[str]:
    """The secret as it may stand anywhere."""
    raw = secret.encode()
    found = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(raw, safe=""),
        quote_plus(raw),
    }
    for before in range(3):  # wherever in what is encoded it begins
        text = base64.b64encode(b"\0" * before + raw).decode()
        found.add(text[(0, 2, 3)[before] :].rstrip("=")[:-1])
    return found


class Garden:
    """One integration of each type, all with the same other side."""

    def __init__(self, admin: Caller, other_side: Peer, hangs_up: int) -> None:
        self.admin, self.side = admin, other_side
        self.secrets: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        self.answers: list[str] = []
        self.executions: list[str] = []
        web = {"hosts": [other_side.netloc], "plain_http": True}
        place = {"host": "127.0.0.1", "port": hangs_up}
        configs: dict[str, dict[str, Any]] = {
            "http_basic": {**web, "username": "u"},
            "http_bearer": web,
            "http_api_key": {**web, "place": "query", "name": "key"},
            "oauth2_client_credentials": {**web, "token_url": f"{other_side.url}/token", "client_id": "c"},
            "oauth2_authorization_code": {
                **web, "authorize_url": f"{other_side.url}/authorize", "token_url": f"{other_side.url}/token",
                "client_id": "c",
            },
            "postgresql": {**place, "database": "d", "username": "u", "tls": "off"},
            "mysql": {**place, "database": "d", "username": "u", "tls": "off"},
            "smtp": {**place, "security": "off", "username": "u", "from_address": "a@b.example"},
            "slack": {"base_url": other_side.url},
            "telegram": {"base_url": other_side.url},
            "github": {"base_url": other_side.url},
            "openai": {"base_url": other_side.url},
            "s3": {"endpoint_url": other_side.url, "access_key_id": "A"},
            "secret": {},
            "aws_role": {"role_arn": "arn:aws:iam::000000000000:role/nobody"},
        }  # fmt: skip
        assert set(configs) == set(BUILT_IN), "each type has its canary"
        for kind, config in configs.items():
            planted = {field: canary(kind, field) for field in REGISTRY.integration_class(kind).Config.secret_fields()}
            self.secrets |= {f"{kind}.{field}": secret for field, secret in planted.items()}
            made = self.call(
                "POST", "/api/integrations", {"name": f"canary {kind}", "type": kind, "config": {**config, **planted}}
            )
            self.ids[kind] = made["id"]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Any call, whose answer is kept."""
        answer = self.admin.request(method, path, **({"json": body} if body is not None else {}))
        self.answers.append(f"{path} {answer.text} {dict(answer.headers)}")
        return answer.json() if answer.content else None

    def run(self, *nodes: dict[str, Any], value: Any = None) -> dict[str, Any]:
        """A workflow whose nodes follow each other, whatever becomes of them."""
        edges = [{"from": one["id"], "to": other["id"]} for one, other in pairwise(nodes)]
        given = [{**one, "on_error": "continue"} for one in nodes]
        made = self.call("POST", "/api/workflows", {"name": "canary", "definition": {"nodes": given, "edges": edges}})
        execution = self.call("POST", "/api/executions", {"workflow_id": made["id"], "input": value})
        done = self.admin.wait(execution["id"])
        self.executions.append(execution["id"])
        for path in (
            f"/api/executions/{done['id']}",
            f"/api/executions/{done['id']}/logs?limit=100",
            f"/api/workflows/{made['id']}/versions/1",
        ):
            self.call("GET", path)
        return done


def tells_all(request: dict[str, Any]) -> Answer:
    """What was asked, whole; as an error where the path says so."""
    if request["path"] == "/token":
        return as_json(
            {"access_token": "canary-token~of=the+provider", "expires_in": 3600, "echo": request["body"].decode()}
        )
    told = {
        "headers": request["headers"],
        "url": request["raw_path"],
        "body": request["body"].decode(errors="replace"),
        "again": base64.b64encode(json.dumps(request["headers"]).encode()).decode(),
    }
    status = 500 if "fail" in request["raw_path"] else 200
    return as_json(told, status, **{"x-told": quote(json.dumps(request["headers"]))})


@pytest.fixture(scope="module")
def garden(admin: Caller) -> Iterator[Garden]:
    with peer(tells_all) as other_side, listening("127.0.0.1") as (port, _):
        yield Garden(admin, other_side, port)


def http(name: str, path: str, integration: str, **config: Any) -> dict[str, Any]:
    return {"id": name, "type": "http", "config": {"url": path, "integration": f"canary {integration}", **config}}


def keep(source: str) -> list[dict[str, Any]]:
    """Nodes that keep what another one gave, in every place and form."""
    value, text = f"{{{{ nodes.{source} }}}}", f"{{{{ $string(nodes.{source}) }}}}"
    configs: dict[str, dict[str, Any]] = {
        "file": {"operation": "write", "file": "canary/a.json", "json": value},
        "data_table": {"operation": "put", "table": "canary", "key": source, "value": value},
        "csv": {"operation": "format", "rows": [[text]], "save_as": "canary/c.csv"},
        "spreadsheet": {"operation": "write", "sheets": [{"name": "a", "rows": [[text]]}], "save_as": "canary/d.xlsx"},
        "zip": {
            "operation": "pack",
            "entries": [{"name": "a.txt", "source": {"text": text}}],
            "save_as": "canary/e.zip",
        },
        "python_code": {"code": "def main(i):\n    print(i)\n    return i", "input": value},
        "javascript_code": {"code": "console.log(input); return input", "input": value},
        "json": {"operation": "format", "value": value},
        "transform": {"value": {"kept": value}},
    }
    return [{"id": f"keep_{kind}", "type": kind, "config": config} for kind, config in configs.items()]


def test_planted_secret_is_found_nowhere(garden: Garden, stack: LocalStack):
    url = garden.side.url
    for kind in ("http_basic", "http_bearer", "http_api_key", "oauth2_client_credentials"):
        done = garden.run(http("ask", f"{url}/echo?a=1", kind, text="x"), *keep("ask"))
        assert done["nodes"][0]["status"] == "succeeded", done["nodes"][0]
        garden.run(
            http("ask", f"{url}/fail", kind),
            http("elsewhere", "http://127.0.0.1:1/x", kind),
            http("again", f"{url}/echo", kind, response="base64"),
        )
    garden.run(http("ask", f"{url}/echo", "oauth2_authorization_code"))
    for kind in BUILT_IN:
        actions = [*REGISTRY.integration_class(kind).actions(), "no_such_action"]
        calls = [
            {
                "id": f"a{number}",
                "type": "integration",
                "config": {"integration": f"canary {kind}", "action": action, "params": PARAMS.get(action, {})},
            }
            for number, action in enumerate(actions)
        ]
        garden.run(*calls)
        garden.call("POST", f"/api/integrations/{garden.ids[kind]}/test")
        garden.call("GET", f"/api/integrations/{garden.ids[kind]}")
        garden.call("GET", f"/api/integrations/{garden.ids[kind]}/usages")
    mail = {"to": ["a@b.example"], "subject": "s", "text": "t"}
    garden.run(
        {"id": "mail", "type": "email", "config": {"integration": "canary smtp", **mail}},
        {"id": "slack", "type": "slack", "config": {"integration": "canary slack", "channel": "c", "text": "t"}},
        {"id": "telegram", "type": "telegram", "config": {"integration": "canary telegram", "chat_id": 1, "text": "t"}},
        {"id": "chat", "type": "ai_chat", "config": {"integration": "canary openai", "model": "m", "prompt": "p"}},
        {"id": "rows", "type": "database_query", "config": {"integration": "canary postgresql", "query": "SELECT 1"}},
        {"id": "more", "type": "database_query", "config": {"integration": "canary mysql", "query": "SELECT 1"}},
        {"id": "sign", "type": "hash", "config": {"integration": "canary secret", "source": {"text": "x"}}},
        {
            "id": "queue",
            "type": "sqs_send",
            "config": {"integration": "canary aws_role", "queue_url": "q", "message": "m"},
        },
    )
    garden.call("GET", "/api/integrations")
    wrong = {"name": "x", "type": "http_bearer", "config": {"hosts": [1], "token": canary("http_bearer", "token")}}
    garden.call("POST", "/api/integrations", wrong)
    assert (
        sum("canary" in json.dumps(one["headers"]) or "canary" in one["raw_path"] for one in garden.side.requests) > 10
    )

    looked_at = 0
    for where, text in everything(garden, stack):
        looked_at += 1
        for planted, secret in {**garden.secrets, "token": "canary-token~of=the+provider"}.items():
            for form in forms(secret):
                assert form not in text, (
                    f"{planted} as {form} in {where}: …{text[max(0, text.find(form) - 200) :][:400]}"
                )
    assert looked_at > 200


def everything(garden: Garden, stack: LocalStack) -> Iterator[tuple[str, str]]:
    """All that was told, and all that is kept: the table, the bucket, the logs."""
    for number, answer in enumerate(garden.answers):
        yield f"answer {number}", answer
    tables = client_of(stack, "dynamodb")
    name = next(one for one in tables.list_tables()["TableNames"] if "Automation" in one)
    for page in tables.get_paginator("scan").paginate(TableName=name):
        for item in page["Items"]:
            item.pop("sealed", None)  # what KMS has encrypted; the emulator only pretends to
            item.pop("connection", None)
            yield f"item {item['PK']} {item['SK']}", _readable(item)
    s3 = client_of(stack, "s3")
    bucket = next(one["Name"] for one in s3.list_buckets()["Buckets"] if "payloads" in one["Name"])
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for one in page.get("Contents", []):
            if one["Size"] < 5_000_000:
                content = s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
                yield f"object {one['Key']}", _unpacked(content)
    logs = client_of(stack, "logs")
    for group in logs.describe_log_groups()["logGroups"]:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
            for event in page["events"]:
                yield f"log {group['logGroupName']}", event["message"]
    yield "the emulator's log", (Path(stack.data) / "emulator.log").read_text(errors="replace")


def _readable(item: dict[str, Any]) -> str:
    """An item, with what is compressed in it."""
    import zlib

    found = [json.dumps(item, default=str, ensure_ascii=False)]
    for value in item.values():
        if "B" in value:
            try:
                found.append(zlib.decompress(value["B"]).decode(errors="replace"))
            except zlib.error:
                found.append(value["B"].decode(errors="replace"))
    return " ".join(found)


def _unpacked(content: bytes) -> str:
    import io
    import zipfile

    if not content.startswith(b"PK"):
        return content.decode(errors="replace")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return " ".join(archive.read(name).decode(errors="replace") for name in archive.namelist())
