"""Webhooks, for real: the senders' own signatures, bytes as they were sent, hostile input."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.e2e.conftest import Caller
from tests.e2e.triggers import hook, live, runs_of, trigger

BINARY = Random(3).randbytes(100_000) + bytes(range(256)) + b"\r\n--\r\n\x00\xff"


def echoed(who: Caller, answer: httpx2.Response) -> dict[str, Any]:
    """What `trigger` was in the execution of a delivery that was accepted."""
    assert answer.status_code == 202, answer.text
    return who.wait(answer.json()["execution_id"])["result"]["echo"]


SECRET = "a secret of the sender's: ünïcode"


BODY = b'{"event":"order.created","n":1.50,"text":"\\u00e9 \xc3\xa9"}'


def sha256_hex(key: bytes, message: bytes) -> str:
    """HMAC as RFC 2104 has it, without the library that the product uses."""
    key = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in key) + message).digest()
    return hashlib.sha256(bytes(b ^ 0x5C for b in key) + inner).hexdigest()


def signed_by(sender: str, body: bytes, secret: str, at: int) -> dict[str, str]:
    """The headers of a delivery, as the sender's documentation says."""
    key = secret.encode()
    if sender == "github":
        return {"x-hub-signature-256": "sha256=" + sha256_hex(key, body), "x-github-delivery": str(uuid4())}
    if sender == "stripe":
        return {"stripe-signature": f"t={at},v1={sha256_hex(key, f'{at}.'.encode() + body)},v0=ignored"}
    if sender == "slack":
        signature = "v0=" + sha256_hex(key, f"v0:{at}:".encode() + body)
        return {"x-slack-signature": signature, "x-slack-request-timestamp": str(at)}
    digest = bytes.fromhex(sha256_hex(key, body))
    return {"x-shopify-hmac-sha256": base64.b64encode(digest).decode(), "x-shopify-webhook-id": str(uuid4())}


@pytest.mark.parametrize("sender", ["github", "stripe", "slack", "shopify"])
def test_a_senders_signature_is_checked_over_the_raw_bytes(admin: Caller, sender: str):
    workflow_id = live(admin, [{"id": "in", "type": "webhook", "config": {"auth": {"type": sender}}}])
    url = trigger(admin, workflow_id)["url"]
    now = int(time.time())
    headers = {"content-type": "application/json", **signed_by(sender, BODY, SECRET, now)}

    assert httpx2.post(url, content=BODY, headers=headers).status_code == 401  # no secret is set yet
    assert trigger(admin, workflow_id)["has_secret"] is False
    admin.ok("PUT", f"/api/workflows/{workflow_id}/triggers/in/secret", json={"secret": SECRET})

    assert echoed(admin, httpx2.post(url, content=BODY, headers=headers))["body"]["n"] == 1.5
    refused = [
        httpx2.post(url, content=BODY + b" ", headers=headers),
        httpx2.post(url, content=BODY, headers={"content-type": "application/json"}),
        httpx2.post(url, content=BODY, headers={**headers, **signed_by(sender, BODY, "another", now)}),
    ]
    if sender in ("stripe", "slack"):  # those that sign the time
        refused.append(
            httpx2.post(url, content=BODY, headers={**headers, **signed_by(sender, BODY, SECRET, now - 600)})
        )
    assert {answer.status_code for answer in refused} == {401}
    assert {answer.json()["error"]["code"] for answer in refused} == {"not_verified"}
    told = trigger(admin, workflow_id)
    assert (told["fired"], told["refused"]) == (1, 1 + len(refused))
    assert told["last_refusal"]
    assert SECRET not in json.dumps([told, admin.ok("GET", f"/api/workflows/{workflow_id}")])


@pytest.mark.parametrize(
    ("auth", "headers", "secret"),
    [
        (
            {"type": "basic", "username": "shop"},
            {"authorization": "Basic " + base64.b64encode(b"shop:pw").decode()},
            "pw",
        ),
        ({"type": "header", "header": "X-Token"}, {"x-token": "pw"}, "pw"),
        (
            {"type": "hmac", "header": "X-Sig", "algorithm": "sha512", "encoding": "base64", "prefix": "v1 "},
            {"x-sig": "v1 " + base64.b64encode(hmac.digest(b"pw", BODY, "sha512")).decode()},
            "pw",
        ),
    ],
    ids=["basic", "header", "hmac"],
)
def test_other_authentication_schemes_of_webhooks_are_checked(
    admin: Caller, auth: dict[str, Any], headers: dict[str, str], secret: str
):
    url = hook(admin, {"auth": auth}, secret=secret)
    sent = {"content-type": "application/json", "cookie": "a=b", **headers}

    seen = echoed(admin, httpx2.post(url, content=BODY, headers=sent))
    assert not {"authorization", "cookie", "x-token"} & seen["headers"].keys()  # proofs are not kept
    assert httpx2.post(url, content=BODY, headers={"content-type": "application/json"}).status_code == 401


def test_webhook_body_arrives_byte_for_byte(admin: Caller):
    raw = hook(admin, {"body": "base64", "methods": ["PUT"]})
    answer = httpx2.put(raw, content=BINARY, headers={"content-type": "application/octet-stream"})
    assert base64.b64decode(echoed(admin, answer)["body"]) == BINARY

    url = hook(admin, {"body": "multipart"})
    files = [("doc", ("übung.bin", BINARY, "application/x-thing")), ("doc", ("b.txt", b"two\r\nlines\n", "text/plain"))]
    answer = httpx2.post(url, data={"name": "Zoë", "n": "1"}, files=files)
    body = echoed(admin, answer)["body"]
    assert (body["name"], body["n"]) == ("Zoë", "1")
    assert [(file["filename"], file["bytes"]) for file in body["doc"]] == [("übung.bin", len(BINARY)), ("b.txt", 11)]
    address = f"/api/executions/{answer.json()['execution_id']}/files"
    for file, content in zip(body["doc"], (BINARY, b"two\r\nlines\n"), strict=True):
        found = admin.request("GET", f"{address}/{file['sha256']}")
        assert found.content == content
        assert found.headers["content-disposition"] == "attachment"
    assert admin.request("GET", f"{address}/{'0' * 64}").status_code == 404

    form = hook(admin, {"body": "form"})
    assert echoed(admin, httpx2.post(form, data={"a": ["1", "2"], "b": "ü"}))["body"] == {"a": ["1", "2"], "b": "ü"}
    text = hook(admin, {"body": "text"})
    assert echoed(admin, httpx2.post(text, content="héllo".encode()))["body"] == "héllo"


def test_webhook_allows_cors_and_head_if_configured(admin: Caller):
    page = {"origin": "https://app.example"}
    url = hook(admin, {"methods": ["POST", "HEAD"], "cors_origins": ["https://app.example"]})
    asked = httpx2.options(url, headers={**page, "access-control-request-method": "POST"})
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, page["origin"])
    sent = httpx2.post(url, content=b'{"a": 1}', headers={**page, "content-type": "text/plain"})
    assert (sent.status_code, sent.headers["access-control-allow-origin"]) == (202, page["origin"])
    assert echoed(admin, sent)["body"] == {"a": 1}
    assert httpx2.head(url).status_code == 200
    assert httpx2.post(f"{url}/", content=b"{}").status_code == 404
    closed = hook(admin, {})
    assert httpx2.options(closed, headers={**page, "access-control-request-method": "POST"}).status_code == 404
    assert httpx2.head(closed).status_code == 404


def test_twenty_deliveries_with_one_id_are_one_execution(admin: Caller):
    workflow_id = live(admin, [{"id": "in", "type": "webhook", "config": {"delivery_id_header": "X-Id"}}])
    url = trigger(admin, workflow_id)["url"]
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(lambda _: httpx2.post(url, json={"x": 1}, headers={"x-id": "d-1"}, timeout=60), range(20))
        )

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["execution_id"] for answer in answers}) == 1
    assert len(runs_of(admin, workflow_id)) == 1
    assert httpx2.post(url, json={"x": 1}, headers={"x-id": "d-2"}).json()["execution_id"] not in answers[0].text


def test_the_address_is_known_before_anything_is_published(admin: Caller):
    workflow_id = admin.ok("POST", "/api/workflows", json={"name": "Not there yet"})["id"]
    path = f"/api/workflows/{workflow_id}"
    url = admin.ok("GET", f"{path}/triggers/in/address")["url"]
    assert httpx2.post(url, json={}).status_code == 404
    assert admin.request("GET", f"{path}/triggers/in").status_code == 404

    definition = {
        "nodes": [{"id": "a", "type": "transform", "config": {"value": 1}}],
        "triggers": [{"id": "in", "type": "webhook"}],
    }
    admin.ok("PUT", path, json={"definition": definition, "publish": True}, headers={"if-match": "*"})
    admin.ok("POST", f"{path}/activate")
    assert admin.ok("GET", f"{path}/triggers/in")["url"] == url
    assert httpx2.post(url, json={}).status_code == 202


def test_refused_webhook_calls_all_look_alike(admin: Caller):
    workflow_id = live(admin, [{"id": "in", "type": "webhook"}])
    url = trigger(admin, workflow_id)["url"]
    other_id = live(admin, [{"id": "in", "type": "webhook"}])
    inactive = trigger(admin, other_id)["url"]
    admin.ok("POST", f"/api/workflows/{other_id}/deactivate")
    base, _, token = url.rpartition("/")
    unknown = f"{base}/{token[:-4]}AAAA"
    answers = [
        httpx2.post(unknown, json={}),
        httpx2.post(f"{base}/x", json={}),
        httpx2.post(inactive, json={}),
        httpx2.get(url),
        httpx2.post(f"{url}/below", json={}),
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}

    rotated = admin.ok("POST", f"/api/workflows/{workflow_id}/triggers/in/rotate")["url"]
    assert httpx2.post(url, json={}).status_code == 404
    assert httpx2.post(rotated, json={}).status_code == 202
    assert trigger(admin, workflow_id)["refused"] == 2


def test_webhook_rate_is_limited(admin: Caller):
    url = hook(admin, {"rate_per_minute": 3})
    time.sleep(max(0.0, 3 - (60 - time.time() % 60)) and 60 - time.time() % 60)  # not at the turn of a minute
    answers = [httpx2.post(url, json={}) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [202, 202, 202, 429, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


def test_slack_url_verification_is_answered(admin: Caller):
    url = hook(admin, {"auth": {"type": "slack"}}, secret=SECRET)
    body = json.dumps({"type": "url_verification", "challenge": "c-1"}).encode()
    headers = {"content-type": "application/json", **signed_by("slack", body, SECRET, int(time.time()))}

    assert httpx2.post(url, content=body, headers=headers).json() == {"challenge": "c-1"}


@pytest.fixture(scope="module")
def strict(admin: Caller) -> Iterator[tuple[str, str]]:
    """A workflow and the URL of its webhook, which is never to start anything."""
    workflow_id = live(admin, [{"id": "in", "type": "webhook"}])
    yield workflow_id, trigger(admin, workflow_id)["url"]
    assert runs_of(admin, workflow_id) == []


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("arguments", "statuses"),
    [
        ({"content": b"x" * 4_300_000, "headers": JSON}, {413}),
        ({"content": b"<a/>", "headers": {"content-type": "application/xml"}}, {415, 422}),
        ({"data": {"a": "1"}}, {415}),
        ({"files": {"a": b"1"}}, {415}),
        ({"content": b'{"a":' * 70 + b"1" + b"}" * 70, "headers": JSON}, {422}),
        ({"content": b"[" * 100_000, "headers": JSON}, {422}),
        ({"content": b'{"a": NaN}', "headers": JSON}, {422}),
        ({"content": b'{"a": "\\ud800"}', "headers": JSON}, {422}),
        ({"content": b"\xff\xfe", "headers": JSON}, {422}),
        ({"json": {}, "headers": {f"x-{n}": "y" * 300 for n in range(60)}}, {413, 431}),
        ({"json": {}, "params": {f"p{n}": "1" for n in range(300)}}, {400}),
    ],
    ids=["large", "xml", "form", "multipart", "deep", "deeper", "nan", "surrogate", "not-utf8", "headers", "query"],
)
def test_unreadable_webhook_bodies_are_refused(strict: tuple[str, str], arguments: dict[str, Any], statuses: set[int]):
    answer = httpx2.post(strict[1], timeout=60, **arguments)
    assert answer.status_code in statuses, answer.text[:300]
    assert "error" in answer.json()


@pytest.mark.parametrize(
    "end", ["/../../api/workflows", "/%2e%2e/%2e%2e/api/health", "//", "%00", "/x/y", ";a=b", "%2f"]
)
def test_paths_below_a_webhook_are_not_found(strict: tuple[str, str], end: str):
    assert httpx2.post(strict[1] + end, json={}).status_code in (400, 401, 404, 405)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x\r\n",
        b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1",
        b"--x\r\nContent-Disposition: attachment\r\n\r\n1\r\n--x--\r\n",
        b"".join(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' for _ in range(300)) + b"--x--\r\n",
        b"--x\r\n" + b"A: b\r\n" * 1000 + b"\r\n1\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="a"; filename="../../etc/passwd"\r\n\r\n\xff\r\n--y--\r\n',
    ],
    ids=["empty", "begin", "unended", "nameless", "many", "header-bomb", "other-boundary"],
)
def test_broken_multipart_is_refused(admin: Caller, body: bytes):
    workflow_id = live(admin, [{"id": "in", "type": "webhook", "config": {"body": "multipart"}}])
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = httpx2.post(trigger(admin, workflow_id)["url"], content=body, headers=headers)

    if body:
        assert answer.status_code == 422, answer.text
        assert runs_of(admin, workflow_id) == []
    else:
        assert echoed(admin, answer)["body"] is None
