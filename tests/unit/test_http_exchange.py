"""What the `http` node sends, and what it makes of the answers of odd servers."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from functools import partial
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response
from werkzeug.datastructures import MultiDict

from engine.nodes.context import NodeServices
from engine.security.egress import guarded_client, parse_networks
from engine.testing import MemoryFiles, NodeRun, run_node
from tests.opened import LOOPBACK, Bench
from tests.peers import Answer, as_json, echo, peer


def attempt(files: MemoryFiles | None = None, trigger: Any = None, **config: Any) -> NodeRun:
    """One attempt over real connections."""
    with asyncio.Runner() as runner:

        async def http(ca_certificate: str | None = None) -> Any:
            return guarded_client(parse_networks(LOOPBACK), ca_certificate=ca_certificate)

        return run_node("http", config, trigger=trigger, files=files, services=NodeServices(http), run=runner.run)


def answered(content: bytes, **headers: str) -> Any:
    """What the node gives of an answer."""
    config: dict[str, Any] = {name: headers.pop(name) for name in ("response", "encoding") if name in headers}
    with peer(lambda _: (200, {name.replace("_", "-"): value for name, value in headers.items()}, content)) as server:
        return attempt(url=server.url, **config)


# -- URLs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "asked"),
    [
        ("/orders/{{ trigger.body }}", "../admin?all=1#x", "/orders/..%2Fadmin%3Fall%3D1%23x"),
        ("/orders/{{ trigger.body }}/lines", 7, "/orders/7/lines"),
        ("/orders/x{{ trigger.body }}", "..", "/orders/x.."),
        ("/orders?q={{ trigger.body }}", "a b&c=d#e", "/orders?q=a%20b%26c%3Dd%23e"),
        ("/orders?q={{ trigger.body }}&b=1", "ü", "/orders?q=%C3%BC&b=1"),
        ("/{{ trigger.body }}", "100%", "/100%25"),
        ("/{{ trigger.body }}", "a/b", "/a%2Fb"),
    ],
)
def test_template_value_stays_in_its_part_of_the_url(path: str, value: Any, asked: str):
    with peer() as server:
        output = attempt(trigger=value, url=server.url + path).output
    assert output["body"]["raw_path"].removeprefix(server.url) == asked


@pytest.mark.parametrize("template", ["{{ trigger.body }}", " {{ trigger.body }}", "{{ trigger.body }}?b=2"])
def test_a_template_at_the_beginning_is_a_url(template: str):
    with peer() as server:
        output = attempt(trigger=f"{server.url}/a/b", url=template).output
    assert output["body"]["path"] == "/a/b"


@pytest.mark.parametrize(
    ("url", "value"),
    [
        ("http://shop.example/orders/{{ trigger.body }}", ".."),
        ("http://shop.example/orders/{{ trigger.body }}/x", "."),
        ("http://shop.example/orders/.{{ trigger.body }}/x", "."),
        ("http://{{ trigger.body }}.shop.example/", "evil.example/?"),
        ("http://{{ trigger.body }}", "user@evil.example"),
        ("http://shop.example{{ trigger.body }}/x", "@evil.example"),
        ("{{ trigger.body }}", "file:///etc/passwd"),
        ("{{ trigger.body }}", "http://127.0.0.1:99999/"),
        ("{{ trigger.body }}", "http://127.0.0.1:0/"),
        ("{{ trigger.body }}", "http://127.0.0.1:-1/"),
        ("{{ trigger.body }}", "http://[::1/"),
        ("{{ trigger.body }}", "http://exa mple.com/"),
        ("{{ trigger.body }}", "http://example.com\x00/"),
        ("{{ trigger.body }}", "http:///x"),
        ("{{ trigger.body }}", ""),
        ("{{ trigger.body }}", "http://" + "a" * 300 + ".example/"),
        ("{{ trigger.body }}", "http://\ud800/"),
        ("{{ trigger.body }}", "http://a/" + "b" * 20_000),
    ],
)
def test_invalid_url_is_a_config_error(url: str, value: str):
    error = attempt(trigger=value, url=url).error
    assert error is not None
    assert (error.code, error.retryable, "config.url" in error.message) == ("config", False, True), error.message


@pytest.mark.parametrize("before", [" ", "\t", "\n"])
def test_space_around_a_url_does_no_harm(before: str):
    with peer() as server:
        assert attempt(trigger=f"{before}{server.url}/x{before}", url="{{ trigger.body }}").output["status"] == 200


# -- headers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["Host", "host", "Connection", "Transfer-Encoding", "Content-Length", "Upgrade", "TE", "Keep-Alive"]
)
def test_headers_of_the_connection_cannot_be_given(name: str):
    with peer() as server:
        error = attempt(url=server.url, headers={name: "evil.example"}).error
        assert error is not None
        assert (error.code, server.requests) == ("config", [])
        with pytest.raises(ValueError, match="cannot be given"):
            Bench("http_api_key", {"hosts": [server.netloc], "plain_http": True, "name": name, "key": "k"}).opened()


@pytest.mark.parametrize("value", ["ü", "a\x01", "a\x7f", "a\nb"])
def test_a_header_that_cannot_be_sent_is_named(value: str):
    error = attempt(trigger=value, url="http://127.0.0.1:1/", headers={"X-Name": "{{ trigger.body }}"}).error
    assert error is not None
    assert (error.code, "X-Name" in error.message) == ("config", True)


def test_cookies_are_a_list():
    first, second = "a=1; Expires=Thu, 01 Jan 2099 00:00:00 GMT", "b=2"
    with HTTPServer(host="127.0.0.1") as server:
        cookies = MultiDict([("Set-Cookie", first), ("Set-Cookie", second), ("X-A", "1"), ("X-A", "2")])
        server.expect_request("/").respond_with_data("", headers=cookies)
        headers = attempt(url=server.url_for("/")).output["headers"]
    assert headers["set-cookie"] == [first, second]
    assert headers["x-a"] == "1, 2"


def shop(request: dict[str, Any]) -> Answer:
    """Wants a cookie that a redirect sets."""
    match request["path"]:
        case "/login":
            return 302, {"location": "/hop", "set-cookie": "session=abc; Path=/"}, b""
        case "/hop":
            return 307, {"location": "/page", "set-cookie": "step=2; Path=/page"}, b""
        case "/gone":
            return 302, {"location": "/page", "set-cookie": "session=; Max-Age=0; Path=/"}, b""
    return echo(request)


def test_cookies_are_sent_along_redirects_of_one_request():
    with peer(shop) as server:
        assert attempt(url=f"{server.url}/login").output["body"]["headers"]["cookie"] in (
            "session=abc; step=2",
            "step=2; session=abc",
        )
        both = attempt(url=f"{server.url}/login", headers={"Cookie": "mine=1; session=old"}).output["body"]
        assert sorted(both["headers"]["cookie"].split("; ")) == ["mine=1", "session=abc", "step=2"]
        assert "cookie" not in attempt(url=f"{server.url}/page").output["body"]["headers"]


def test_cookies_go_to_no_other_host():
    with peer() as other:

        def elsewhere(_: dict[str, Any]) -> Answer:
            return 302, {"location": f"http://localhost:{other.port}/", "set-cookie": "session=abc; Path=/"}, b""

        with peer(elsewhere) as server:
            seen = attempt(url=server.url, headers={"Cookie": "mine=1"}).output["body"]["headers"]
    assert "cookie" not in seen


# -- bodies that are sent ----------------------------------------------------------------------------------


def form_of(request: Request) -> Response:
    files = [[name, one.filename, one.content_type, one.read().hex()] for name, one in request.files.items(multi=True)]
    return Response(json.dumps({"form": request.form.to_dict(flat=False), "files": files}), mimetype="application/json")


def test_a_multipart_body():
    files = MemoryFiles({"reports/mäy.pdf": b"%PDF\x00\xff"})
    multipart = {
        "title": "{{ trigger.body }}",
        "count": 3,
        "tags": ["a", "b"],
        "file": {"file": "reports/mäy.pdf"},
        "more": [{"text": "hi", "filename": "a.txt"}, {"base64": "AAE=", "filename": 'q"\r\nX: y.bin'}],
        "meta": {"text": '{"a": 1}', "content_type": "application/json"},
    }
    with HTTPServer(host="127.0.0.1") as server:
        server.expect_request("/").respond_with_handler(form_of)
        seen = attempt(files, "Ärger", method="POST", url=server.url_for("/"), multipart=multipart).output["body"]
    assert seen["form"] == {"title": ["Ärger"], "count": ["3"], "tags": ["a", "b"], "meta": ['{"a": 1}']}
    assert seen["files"] == [
        ["file", "mäy.pdf", "application/pdf", b"%PDF\x00\xff".hex()],
        ["more", "a.txt", "text/plain", b"hi".hex()],
        ["more", 'q"%0D%0AX: y.bin', "application/octet-stream", "0001"],
    ]


@pytest.mark.parametrize(
    "config",
    [
        {"multipart": {"a": "1"}, "json": 1},
        {"multipart": {"a": {"file": "x", "text": "y"}}},
        {"multipart": {"a": "1"}, "headers": {"content-type": "application/json"}},
        {"multipart": {"a": ["1"] * 101}},
        {"multipart": {"a": {"file": "../x"}}},
        {"multipart": {"a": {"text": "x", "content_type": "text/plain\r\nx: y"}}},
    ],
)
def test_a_multipart_body_that_is_none(config: dict[str, Any]):
    error = attempt(method="POST", url="http://127.0.0.1:1/", **config).error
    assert error is not None
    assert error.code == "config", error.message


def test_a_multipart_body_has_bounds_and_needs_its_files():
    big = MemoryFiles({f"{n}.bin": bytes(30 * 1024 * 1024) for n in range(3)})
    parts = {"f": [{"file": f"{n}.bin"} for n in range(3)]}
    for files, code in ((big, "file_too_large"), (None, "no_file")):
        error = attempt(files, method="POST", url="http://127.0.0.1:1/", multipart=parts).error
        assert error is not None
        assert error.code == code


# -- bodies that come --------------------------------------------------------------------------------------


def test_an_answer_can_be_kept_as_a_file():
    content = bytes(range(256)) * 50_000  # 12.8 MB: more than an output may have
    files = MemoryFiles()
    with peer(
        lambda _: (200, {"content-type": "image/png", "content-encoding": "gzip"}, gzip.compress(content))
    ) as server:
        output = attempt(files, url=server.url, save_as="in/picture.png").output
    assert (output["file"], output["bytes"], "body" in output) == ("in/picture.png", len(content), False)
    assert files.content["in/picture.png"] == content


def _always(answer: Answer, _request: dict[str, Any]) -> Answer:
    return answer


def test_a_file_is_kept_only_of_a_success_and_whole():
    for answer, code in (
        ((404, {}, b"nothing here"), "http_status"),
        ((200, {"content-encoding": "gzip"}, gzip.compress(b"x" * 90_000)[:-9]), "connection_failed"),
        ((200, {}, b"x" * 2_000), "response_too_large"),
    ):
        files = MemoryFiles({"a": b"before"})
        with peer(partial(_always, answer)) as server:
            error = attempt(
                files, url=server.url, save_as="a", max_response_bytes=1_500 if code[0] == "r" else None
            ).error
        assert error is not None
        assert (error.code, files.content["a"]) == (code, b"before")
    with peer(lambda _: as_json({"no": "order"}, 404)) as server:
        output = attempt(files, url=server.url, save_as="a", accept_statuses=[404]).output
    assert (output["body"], files.content["a"]) == ({"no": "order"}, b"before")


TEXT = ("Grüße " * 3_000).encode()
RAW = zlib.compressobj(wbits=-15)


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("x-gzip", gzip.compress(TEXT, mtime=0)),
        ("GZIP", gzip.compress(TEXT, mtime=0)),
        ("gzip", gzip.compress(TEXT[:100], mtime=0) + gzip.compress(TEXT[100:], mtime=0)),
        ("gzip", gzip.compress(TEXT, mtime=0) + bytes(20)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", RAW.compress(TEXT) + RAW.flush()),
        ("gzip, deflate", zlib.compress(gzip.compress(TEXT, mtime=0))),
        ("identity", TEXT),
        ("utf-8", TEXT),
        ("gzip", b""),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_an_encoding_that_is_read(encoding: str, content: bytes):
    done = answered(content, content_type="text/plain; charset=utf-8", content_encoding=encoding)
    assert done.output["body"] == (TEXT.decode() if content else "")


@pytest.mark.parametrize("cut", [1, 8, 100, 15])
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_whose_end_is_missing_is_tried_again(encoding: str, cut: int):
    whole = gzip.compress(TEXT) if encoding == "gzip" else zlib.compress(TEXT)
    error = answered(whole[: min(cut, len(whole) - 1)] if cut > 8 else whole[:-cut], content_encoding=encoding).error
    assert (error.code, error.retryable) == ("connection_failed", True)


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, br"])
def test_an_encoding_that_is_not_read_is_named(encoding: str):
    error = answered(b"\x1b\x0e\x00", content_encoding=encoding).error
    assert error.code == "bad_response"
    assert encoding.rpartition(" ")[2] in error.message
    assert "Accept-Encoding" in error.message


def test_nested_compression_bomb_is_stopped():
    bomb = gzip.compress(gzip.compress(bytes(50_000_000)))
    error = answered(bomb, content_encoding="gzip, gzip").error
    assert error.code == "response_too_large"


@pytest.mark.parametrize(
    ("content", "kind", "config", "body"),
    [
        ('{"a": "10 €"}'.encode("iso-8859-15"), "application/json;charset=ISO-8859-15", {}, {"a": "10 €"}),
        ('{"a": "ü"}'.encode("utf-16"), "application/json", {}, {"a": "ü"}),
        ('{"a": "ü"}'.encode("utf-8-sig"), "application/json; charset=utf-8", {}, {"a": "ü"}),
        ('{"a": "ü"}'.encode("cp1252"), "application/json", {"encoding": "windows-1252"}, {"a": "ü"}),
        ("größe".encode("cp1252"), "text/html", {"encoding": "windows-1252"}, "größe"),
        ('<meta charset="latin1"><p>Größe'.encode("latin-1"), "text/html", {}, '<meta charset="latin1"><p>Größe'),
        (
            "<META http-equiv='Content-Type' content='text/html; charset=windows-1251'>Привет".encode("cp1251"),
            "text/html", {}, "<META http-equiv='Content-Type' content='text/html; charset=windows-1251'>Привет",
        ),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><a>ü</a>'.encode("latin-1"), "application/xml", {}, None),
        ("größe".encode("utf-8-sig"), "text/plain", {}, "größe"),
        ("größe".encode("utf-16"), "text/csv", {}, "größe"),
        ("größe".encode("shift-jis", "ignore"), "text/plain; charset=Shift_JIS", {}, None),
        (b'{"a": 1}', "text/json", {}, {"a": 1}),
        (b"a: 1", "application/yaml", {}, "a: 1"),
    ],
)  # fmt: skip
def test_the_charset_that_is_said_is_used(content: bytes, kind: str, config: dict[str, Any], body: Any):
    done = answered(content, content_type=kind, **config).output["body"]
    if body is None:
        assert isinstance(done, str)
        assert done.encode("latin-1" if "xml" in kind else "shift-jis") == content
    else:
        assert done == body


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("größe".encode("latin-1"), "text/html"),
        (b"\xff\xfe\xff", "text/plain; charset=utf-8"),
        (b'"\xe4"', "application/json"),
    ],
)
def test_what_is_not_its_charset_says_what_to_set(content: bytes, kind: str):
    error = answered(content, content_type=kind).error
    assert error.code == "bad_response"
    assert "set `encoding`" in error.message


@pytest.mark.parametrize(("content", "said"), [(b'{"a": 1e400}', "1e400"), (b'{"a": -1e999}', "-1e999")])
def test_a_number_that_is_too_large_is_named(content: bytes, said: str):
    error = answered(content, content_type="application/json").error
    assert error.code == "bad_response"
    assert said in error.message


def test_json_of_very_many_values_is_refused_before_it_fills_the_memory():
    error = answered(b"[" + b'{"a":[]},' * 1_100_000 + b"1]", content_type="application/json").error
    assert (error.code, "save_as" in error.message) == ("response_too_large", True)
