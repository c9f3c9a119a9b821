"""Mails through a real server; Slack, Telegram and GitHub against servers that check what they are asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.errors import NodeError
from engine.nodes.email import EmailNode
from engine.testing import MemoryFiles
from tests.opened import Bench
from tests.peers import Answer, as_json, peer
from tests.servers import PASSWORD, USER, MailServer, mail_server

TOKEN = "xoxb-1234-the-token-of-the-bot"


# -- mails ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["starttls", "tls"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    with mail_server(tmp_path_factory.mktemp("mail"), security=request.param) as found:
        yield found


def smtp(server: MailServer, **change: Any) -> Bench:
    config = {
        "host": "localhost", "port": server.port, "security": server.security, "username": USER, "password": PASSWORD,
        "from_address": "Reports <reports@shop.example>", "ca_certificate": server.ca_pem, **change,
    }  # fmt: skip
    return Bench("smtp", config, files=MemoryFiles({"reports/may.csv": "id,total\r\n1,2\r\n"}))


def test_a_mail_with_texts_and_attachments(server: MailServer):
    bench = smtp(server)
    done = bench.node(
        "email", trigger="ann@shop.example", to=["{{ trigger.body }}", "Bob Ü <bob@shop.example>"],
        bcc=["audit@shop.example"],
        subject="Bericht für May 🦄", text="Plain", html="<b>Rich</b>", reply_to="help@shop.example",
        attachments=[{"source": {"file": "reports/may.csv"}}, {"name": "ü.txt", "source": {"text": "hé"}}],
    )  # fmt: skip
    assert done.output["recipients"] == ["ann@shop.example", "bob@shop.example", "audit@shop.example"]
    mail = server.mails[-1]
    assert server.recipients[-1] == done.output["recipients"]
    assert (mail["Subject"], mail["From"]) == ("Bericht für May 🦄", "Reports <reports@shop.example>")
    assert "audit" not in str(mail)
    assert mail["Message-ID"] == done.output["message_id"]
    body = mail.get_body(("html",))
    assert body is not None
    assert body.get_content().strip() == "<b>Rich</b>"
    assert [(one.get_filename(), one.get_content()) for one in mail.iter_attachments()] == [
        ("may.csv", "id,total\r\n1,2\r\n"), ("ü.txt", "hé"),
    ] or [one.get_filename() for one in mail.iter_attachments()] == ["may.csv", "ü.txt"]  # fmt: skip
    again = bench.node("email", to=["ann@shop.example"], subject="x", text="x")
    assert again.output["message_id"] == done.output["message_id"]  # the same node is the same mail
    assert bench.trial().startswith("signed in")


def test_a_mail_that_was_taken_is_sent_whatever_the_server_says_then(server: MailServer):
    server.farewell = "421 too busy"
    try:
        assert smtp(server).node("email", to=["ann@shop.example"], subject="x", text="x").output["recipients"]
    finally:
        server.farewell = "221 Bye"


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"to": ["nobody"]}, "to[0]"),
        ({"to": ["ann@shop.example\r\nBcc: all@shop.example"]}, "to[0]"),
        ({"to": ["ann@shop.example"], "subject": "x\r\nBcc: all@shop.example"}, "subject"),
        (
            {"to": ["ann@shop.example"], "attachments": [{"name": "x\r\ny", "source": {"text": "x"}}]},
            "attachments[0].name",
        ),
        ({}, ""),
        ({"to": ["ann@shop.example"] * 51}, "to"),
    ],
)
def test_invalid_mail_config_is_refused_when_saved(config: dict[str, Any], path: str):
    given = {"integration": "x", "subject": "s", "text": "t", **config}
    assert path in [problem.path for problem in EmailNode.validate_config(given)]


def test_headers_cannot_be_smuggled_in_by_data(server: MailServer):
    for field in ("subject", "reply_to"):
        config = {"to": ["ann@shop.example"], "subject": "s", "text": "t", field: "{{ trigger.body }}"}
        done = smtp(server).node("email", trigger="a@b.example\r\nBcc: all@shop.example", **config)
        assert done.error is not None
        assert done.error.message.startswith(f"config.{field}")


@pytest.mark.parametrize(
    ("change", "to", "code", "retryable"),
    [
        ({"password": "wrong-password"}, "ann", "credentials_refused", False),
        ({"ca_certificate": None}, "ann", "connection_failed", False),
        ({"port": 1}, "ann", "connection_failed", True),
        ({"host": "no-such-host.invalid"}, "ann", "connection_failed", True),
        ({}, "nobody", "mail_refused", False),
        ({}, "later", "mail_refused", True),
    ],
)
def test_what_a_server_refuses_is_said(server: MailServer, change: dict[str, Any], to: str, code: str, retryable: bool):
    before = len(server.mails)
    done = smtp(server, **change).node("email", to=[f"{to}@shop.example"], subject="s", text="t")
    assert done.error is not None
    assert (done.error.code, done.error.retryable) == (code, retryable), done.error
    assert PASSWORD not in done.error.message
    assert len(server.mails) == before


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_mail_passes_the_egress_guard(server: MailServer, host: str):
    bench = smtp(server, host=host)
    bench.allowed = ""
    with pytest.raises(NodeError) as caught:
        bench.trial()
    assert caught.value.code == "egress_refused"


def test_attachments_within_bounds(server: MailServer):
    bench = smtp(server)
    bench.files.content["big"] = b"x" * (26 * 1024 * 1024)
    done = bench.node("email", to=["a@b.example"], subject="s", text="t", attachments=[{"source": {"file": "big"}}])
    assert done.error is not None
    assert done.error.code == "file_too_large"


# -- Slack ---------------------------------------------------------------------------------------------------


def slack_server(answer: Callable[[str, dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
    """Checks that a request is as Slack's documentation of its Web API says."""

    def respond(request: dict[str, Any]) -> Answer:
        method = request["path"].removeprefix("/api/")
        if request["headers"].get("authorization") != f"Bearer {TOKEN}":
            return as_json({"ok": False, "error": "invalid_auth"})
        if request["method"] == "POST":
            assert request["headers"]["content-type"] == "application/json; charset=utf-8"
            return answer(method, json.loads(request["body"]))
        return answer(method, request["query"])

    return respond


def test_slack_actions_send_the_right_requests():
    said: list[tuple[str, dict[str, Any]]] = []

    def answer(method: str, body: dict[str, Any]) -> Answer:
        said.append((method, body))
        match method:
            case "chat.postMessage":
                assert set(body) <= {"channel", "text", "blocks", "thread_ts", "unfurl_links"}
                return as_json({"ok": True, "channel": "C1", "ts": "1.2", "message": {}})
            case "chat.update":
                return as_json({"ok": True, "channel": "C1", "ts": body["ts"], "text": body["text"]})
            case "users.lookupByEmail":
                return as_json({"ok": True, "user": {"id": "U1", "name": "ann", "real_name": "Ann"}})
            case "reactions.add":
                return as_json({"ok": False, "error": "already_reacted"})
            case "auth.test":
                return as_json({"ok": True, "team": "Shop", "user": "bot"})
        return as_json({"ok": False, "error": "unknown_method"})

    with peer(slack_server(answer)) as server:
        bench = Bench("slack", {"token": TOKEN, "base_url": f"{server.url}/api"})
        sent = bench.node("slack", trigger="A-1", channel="#orders", text="Order {{ trigger.body }} 🦄")
        assert sent.output == {"channel": "C1", "ts": "1.2"}
        assert said[-1] == ("chat.postMessage", {"channel": "#orders", "text": "Order A-1 🦄", "unfurl_links": False})
        assert bench.act("update_message", channel="C1", ts="1.2", text="x")["ts"] == "1.2"
        assert bench.act("find_user", email="ann@shop.example")["id"] == "U1"
        assert bench.act("react", channel="C1", ts="1.2", name="thumbsup") == {"channel": "C1", "ts": "1.2"}
        assert bench.trial() == "signed in to Shop as bot"
        wrong = Bench("slack", {"token": "xoxb-wrong", "base_url": f"{server.url}/api"})
        error = wrong.fails("post_message", channel="C1", text="x")
        assert (error.code, error.retryable) == ("slack_invalid_auth", False)


@pytest.mark.parametrize(
    ("answer", "code", "retryable", "wait"),
    [
        (as_json({"ok": False, "error": "channel_not_found"}), "slack_channel_not_found", False, None),
        (as_json({"ok": False, "error": "ratelimited"}), "slack_ratelimited", True, None),
        (as_json({"ok": False, "error": "ratelimited"}, 429, **{"retry-after": "7"}), "http_status", True, 7.0),
        ((200, {}, b"<html>"), "bad_response", False, None),
        (as_json([1]), "bad_response", False, None),
        ((302, {"location": "http://127.0.0.1:1/"}, b""), "http_status", False, None),
    ],
)
def test_slack_errors_become_node_errors(answer: Answer, code: str, retryable: bool, wait: float | None):
    with peer(lambda _: answer) as server:
        error = Bench("slack", {"token": TOKEN, "base_url": server.url}).fails("post_message", channel="C", text="x")
        assert (error.code, error.retryable, error.retry_after) == (code, retryable, wait)
        assert TOKEN not in json.dumps(error.as_dict())


# -- Telegram and GitHub -------------------------------------------------------------------------------------

BOT = "123456:AAbbCCddEEffGGhh"


def test_telegram_actions_send_the_right_requests():
    def respond(request: dict[str, Any]) -> Answer:
        found = re.fullmatch(r"/bot(\S+)/(\w+)", request["path"])
        assert found
        if found[1] != BOT:
            return as_json({"ok": False, "error_code": 401, "description": "Unauthorized"}, 401)
        body = json.loads(request["body"])
        if found[2] == "sendMessage":
            assert set(body) <= {
                "chat_id",
                "text",
                "parse_mode",
                "disable_notification",
                "link_preview_options",
                "reply_parameters",
            }
            if body["chat_id"] == 7:
                told = {
                    "ok": False,
                    "error_code": 429,
                    "description": "Too Many Requests",
                    "parameters": {"retry_after": 9},
                }
                return as_json(told, 429)
            return as_json({"ok": True, "result": {"message_id": 3, "chat": {"id": 42}}})
        return as_json({"ok": True, "result": {"username": "shop_bot"} if found[2] == "getMe" else True})

    with peer(respond) as server:
        bench = Bench("telegram", {"token": BOT, "base_url": server.url})
        sent = bench.node("telegram", trigger=2, chat_id=42, text="{{ trigger.body }} orders", parse_mode="HTML")
        assert sent.output == {"chat_id": 42, "message_id": 3}
        assert bench.act("delete_message", chat_id=42, message_id=3) == {"deleted": True}
        assert bench.trial() == "signed in as @shop_bot"
        slow = bench.fails("send_message", chat_id=7, text="x")
        assert (slow.code, slow.retryable, slow.retry_after) == ("telegram_refused", True, 9)
        wrong = Bench("telegram", {"token": "1:wrong-token-of-nobody", "base_url": server.url}).fails(
            "send_message", chat_id=1, text="x"
        )
        assert wrong.code == "telegram_refused"
        assert "wrong-token" not in json.dumps(wrong.as_dict())
        with pytest.raises(ValueError, match="as BotFather gives it"):
            Bench("telegram", {"token": "123:a\nb", "base_url": server.url}).opened()
        lost = Bench("telegram", {"token": BOT, "base_url": "http://127.0.0.1:1"}).fails(
            "send_message", chat_id=1, text="x"
        )
        assert (lost.code, BOT in lost.message) == ("connection_failed", False)


def github_server(request: dict[str, Any]) -> Answer:  # noqa: C901, PLR0911
    """Checks that a request is as GitHub's OpenAPI description says."""
    assert request["headers"]["accept"] == "application/vnd.github+json"
    assert request["headers"]["x-github-api-version"] == "2022-11-28"
    assert request["headers"]["user-agent"]
    if request["headers"].get("authorization") != "Bearer github_pat_token":
        return as_json({"message": "Bad credentials"}, 401)
    body = json.loads(request["body"]) if request["body"] else None
    issue = {"number": 5, "html_url": "https://github.com/shop/web/issues/5", "title": "It broke", "state": "open",
             "labels": [{"name": "bug"}], "user": {"login": "ann"}}  # fmt: skip
    match request["method"], request["path"]:
        case "POST", "/repos/shop/web/issues":
            assert set(body) == {"title", "body", "labels", "assignees"}
            return as_json(issue, 201)
        case "PATCH", "/repos/shop/web/issues/5":
            assert body == {"state": "closed"}
            return as_json({**issue, "state": "closed"})
        case "POST", "/repos/shop/web/issues/5/comments":
            return as_json({"id": 9, "html_url": "https://github.com/shop/web/issues/5#9"}, 201)
        case "GET", "/repos/shop/web/issues":
            assert request["query"] == {"state": "open", "page": "1", "per_page": "30", "labels": "bug"}
            return as_json([issue])
        case "POST", "/repos/shop/web/actions/workflows/deploy.yml/dispatches":
            assert body == {"ref": "main", "inputs": {"to": "live"}}
            return 204, {}, b""
        case "GET", "/repos/shop/web/contents/docs/a b.md":
            return as_json({"path": "docs/a b.md", "sha": "1", "content": "w7wK\n"})
        case "GET", "/repos/shop/web/contents/folder":
            return as_json([{"type": "file", "path": "folder/a"}])
        case "GET", "/repos/shop/web/contents/large.bin":
            return as_json({"type": "file", "path": "large.bin", "sha": "1", "content": "", "encoding": "none"})
        case "GET", "/user":
            return as_json({"login": "ann"})
    return as_json({"message": "Not Found"}, 404)


def test_github_actions_send_the_right_requests():
    with peer(github_server) as server:
        bench = Bench("github", {"token": "github_pat_token", "base_url": server.url})
        assert bench.act("create_issue", repository="shop/web", title="It broke", labels=["bug"])["number"] == 5
        assert bench.act("update_issue", repository="shop/web", number=5, state="closed")["state"] == "closed"
        assert bench.act("comment", repository="shop/web", number=5, body="x")["id"] == 9
        assert bench.act("list_issues", repository="shop/web", labels=["bug"])[0]["author"] == "ann"
        assert bench.act("dispatch_workflow", repository="shop/web", workflow="deploy.yml", inputs={"to": "live"})[
            "started"
        ]
        assert bench.act("get_file", repository="shop/web", path="docs/a b.md")["text"] == "ü\n"
        assert bench.trial() == "signed in as ann"
        assert bench.fails("get_file", repository="shop/web", path="folder").code == "not_a_file"
        assert bench.fails("get_file", repository="shop/web", path="large.bin").code == "file_too_large"
        for path in ("../../../other/private/contents/.env", "docs/../../x", "./x"):
            assert bench.fails("get_file", repository="shop/web", path=path).code == "config"
        assert bench.fails("get_file", repository="shop/..", path="x").code == "config"
        assert bench.fails("dispatch_workflow", repository="shop/web", workflow="..").code == "config"
        missing = bench.fails("get_file", repository="shop/web", path="none")
        assert (missing.code, missing.details["status"]) == ("http_status", 404)
        for wrong in (
            {"repository": "../x", "title": "x"},
            {"repository": "shop/web"},
            {"repository": "a/b", "title": "x", "y": 1},
        ):
            assert bench.fails("create_issue", **wrong).code == "config"
        assert "has no action `no_such`" in bench.fails("no_such").message


# -- S3 and models -------------------------------------------------------------------------------------------


def test_what_is_sent_to_storage_is_signed():
    """The signature is made again by botocore, as a server does."""
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    kept: dict[str, bytes] = {}

    def respond(request: dict[str, Any]) -> Answer:
        headers = request["headers"]
        signed = re.search(r"SignedHeaders=([^,]+)", headers["authorization"])
        assert signed
        url = f"{server.url}{request['raw_path']}"
        names = [name for name in signed[1].split(";") if name not in ("host", "x-amz-date", "x-amz-content-sha256")]
        again = AWSRequest(request["method"], url, headers={n: headers[n] for n in names}, data=request["body"])
        again.context["timestamp"] = headers["x-amz-date"]
        signer = S3SigV4Auth(Credentials("AKIAEXAMPLE", "the-secret-key"), "s3", "us-east-1")
        again.headers["X-Amz-Content-SHA256"] = signer.payload(again)
        again.headers["X-Amz-Date"] = headers["x-amz-date"]
        assert (
            signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
            in headers["authorization"]
        )
        if request["method"] == "PUT":
            kept[request["path"]] = request["body"]
        if request["method"] == "GET" and request["query"].get("list-type"):
            items = "".join(
                f"<Contents><Key>{path[3:]}</Key><Size>{len(one)}</Size></Contents>" for path, one in kept.items()
            )
            return 200, {}, f'<R xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{items}</R>'.encode()
        if request["method"] == "GET":
            found = kept.get(request["path"])
            return (
                (200, {"content-type": "text/plain"}, found)
                if found is not None
                else (404, {}, b"<Code>NoSuchKey</Code>")
            )
        return 204, {}, b""

    with peer(respond) as server:
        config = {"endpoint_url": server.url, "access_key_id": "AKIAEXAMPLE", "secret_access_key": "the-secret-key"}
        bench = Bench("s3", config, files=MemoryFiles({"a.txt": "hello"}))
        assert bench.act("put_object", bucket="bkt", key="d/ü b+c.txt", file="a.txt")["bytes"] == 5
        assert bench.act("get_object", bucket="bkt", key="d/ü b+c.txt", save_as="back.txt")["file"] == "back.txt"
        assert bench.files.content["back.txt"] == b"hello"
        assert bench.act("get_object", bucket="bkt", key="d/ü b+c.txt")["base64"] == "aGVsbG8="
        listed = bench.act("list_objects", bucket="bkt", prefix="d/")
        assert listed["items"][0]["bytes"] == 5
        assert bench.act("delete_object", bucket="bkt", key="x")["deleted"]
        assert bench.fails("get_object", bucket="bkt", key="none").code == "http_status"


@pytest.mark.parametrize("kind", ["slack", "telegram", "github", "openai", "s3"])
def test_every_base_url_is_checked(kind: str):
    from engine.integrations.registry import IntegrationRegistry

    model = IntegrationRegistry().integration_class(kind).Config
    field = "endpoint_url" if kind == "s3" else "base_url"
    for wrong in ("ftp://x", "https://", "https://u:p@x", "https://x?y", "https://x y", "x", "https://x:99999"):
        with pytest.raises(ValueError, match=field):
            model.model_validate({"token": "x", "api_key": "x", field: wrong})
