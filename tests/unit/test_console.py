"""The console's handler: what it serves, below which paths, compressed how, and with which policy."""

from __future__ import annotations

import base64
import gzip
import re
from pathlib import Path
from typing import Any

import pytest

from functions.console import handler as console
from tests.unit.invoked import event

PAGE = """<meta name="console-base" content="" /><meta name="console-nonce" content="" />
<link rel="icon" href="./icon.svg" /><script type="module" src="./assets/index-1.js"></script>"""
SCRIPT = b"console.log('mainspring')"
API = "http://127.0.0.1:4566/_aws/execute-api/a5c0de00"


@pytest.fixture(autouse=True)
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "console" / "web"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "assets" / "index-1.js").write_bytes(SCRIPT)
    (folder / "assets" / "index-1.js.gz").write_bytes(gzip.compress(SCRIPT))
    (folder / "assets" / "index-1.js.br").write_bytes(b"brotli")
    (folder / "assets" / "plain.css").write_text("a{}")
    (folder.parent / "handler.py").write_text("SECRET = 1")
    monkeypatch.setattr(console, "_WEB", folder)
    monkeypatch.setenv("MAINSPRING_API_URL", API)
    return folder


def get(path: str, *, host: str = "127.0.0.1:4566", encoding: str | None = None) -> dict[str, Any]:
    key = {"/": "GET /", "/console": "GET /console"}.get(path, "GET /console/{path+}")
    headers = {"Host": host} | ({"Accept-Encoding": encoding} if encoding else {})
    return console.handler({"rawPath": path, "routeKey": key, "headers": headers}, None)


def test_the_sample_event_is_answered_with_the_page():
    answer = console.handler(event("console/page"), None)

    assert (answer["statusCode"], answer["headers"]["content-type"]) == (200, "text/html; charset=utf-8")
    assert 'src="/console/assets/index-1.js"' in answer["body"]


@pytest.mark.parametrize("path", ["/console", "/console/", "/console/runs/0192", "/console/workflows"])
def test_every_path_that_is_no_file_serves_the_page(path: str):
    answer = get(path)

    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"].startswith("text/html")
    assert answer["headers"]["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("host", "path", "prefix"),
    [
        ("127.0.0.1:4566", "/console/runs", "/_aws/execute-api/a5c0de00"),
        ("a5c0de00.execute-api.localhost:4566", "/console/runs", ""),
        ("automation.example.com", "/console", ""),
        ("automation.example.com", "/flows/console/runs", "/flows"),
    ],
)
def test_the_page_names_absolute_paths_below_where_the_browser_is(host: str, path: str, prefix: str):
    page = get(path, host=host)["body"]

    assert f'src="{prefix}/console/assets/index-1.js"' in page
    assert f'href="{prefix}/console/icon.svg"' in page
    assert f'name="console-base" content="{prefix}"' in page


def test_api_gateway_url_has_no_path_prefix(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAINSPRING_API_URL", "https://a1b2.execute-api.eu-central-1.amazonaws.com")

    page = get("/console/runs", host="a1b2.execute-api.eu-central-1.amazonaws.com")["body"]

    assert 'src="/console/assets/index-1.js"' in page


@pytest.mark.parametrize("path", ['/"><script>/console', "//evil.example/console", "/a b/console", "/%22/console"])
def test_path_is_never_written_into_the_page(path: str):
    page = get(path, host="evil.example")["body"]

    assert 'name="console-base" content=""' in page
    assert "evil" not in page
    assert "<script>" not in page


def test_the_root_leads_to_the_console():
    assert get("/")["headers"]["location"] == "/_aws/execute-api/a5c0de00/console"
    assert get("/", host="a5c0de00.execute-api.localhost:4566")["headers"]["location"] == "/console"
    assert get("/")["statusCode"] == 302


def test_the_policy_lets_scripts_come_from_here_only_and_styles_with_this_pages_nonce():
    first, second = get("/console"), get("/console")
    policy = first["headers"]["content-security-policy"]
    (nonce,) = re.findall(r"'nonce-([\w-]+)'", policy)

    assert f'name="console-nonce" content="{nonce}"' in first["body"]
    assert first["headers"]["content-security-policy"] != second["headers"]["content-security-policy"]
    directives = dict(one.strip().split(" ", 1) for one in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert directives["connect-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"
    assert directives["base-uri"] == "'none'"
    assert directives["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://files.s3.eu-central-1.amazonaws.com", "'self' https://files.s3.eu-central-1.amazonaws.com"),
        ("http://127.0.0.1:4566", "'self' http://127.0.0.1:4566"),
        ("https://files; script-src *", "'self'"),
        ("", "'self'"),
    ],
)
def test_the_page_may_reach_the_bucket_of_files_and_nothing_else(
    origin: str, allowed: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MAINSPRING_FILES_ORIGIN", origin)

    (policy,) = re.findall("connect-src ([^;]*);", get("/console")["headers"]["content-security-policy"])

    assert policy == allowed


@pytest.mark.parametrize("path", ["/console", "/console/assets/index-1.js", "/console/assets/gone.js"])
def test_every_answer_has_the_headers_of_security(path: str):
    headers = get(path)["headers"]

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["strict-transport-security"]


@pytest.mark.parametrize(
    ("accepted", "encoding", "content"),
    [
        ("gzip, deflate, br, zstd", "br", b"brotli"),
        ("gzip", "gzip", SCRIPT),
        ("br;q=0, gzip;q=0.5", "gzip", SCRIPT),
        ("br; q=0.0", None, SCRIPT),
        ("", None, SCRIPT),
        ("brotli, xgzip", None, SCRIPT),
    ],
)
def test_a_file_is_sent_as_the_browser_takes_it(accepted: str, encoding: str | None, content: bytes):
    answer = get("/console/assets/index-1.js", encoding=accepted)
    sent = base64.b64decode(answer["body"])

    assert answer["isBase64Encoded"] is True
    assert answer["headers"].get("content-encoding") == encoding
    assert answer["headers"]["vary"] == "accept-encoding"
    assert (gzip.decompress(sent) if encoding == "gzip" else sent) == content


def test_a_file_without_a_compressed_form_is_sent_as_it_is():
    answer = get("/console/assets/plain.css", encoding="br, gzip")

    assert base64.b64decode(answer["body"]) == b"a{}"
    assert "content-encoding" not in answer["headers"]
    assert answer["headers"]["content-type"].startswith("text/css")


def test_files_that_are_named_by_their_content_are_kept_forever_and_others_are_not():
    assert "immutable" in get("/console/assets/index-1.js")["headers"]["cache-control"]
    assert "immutable" not in get("/console/icon.svg")["headers"]["cache-control"]


def test_a_file_of_an_older_version_is_missing_and_that_is_not_kept():
    answer = get("/console/assets/index-0.js")

    assert answer["statusCode"] == 404
    assert answer["headers"]["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/console/../handler.py",
        "/console/assets/../../handler.py",
        "/console/%2e%2e/handler.py",
        "/console/..%2fhandler.py",
        "/console//etc/passwd",
        "/console/assets/index-1.js.br",
        "/console/./index.html",
    ],
)
def test_nothing_but_the_consoles_files_is_read(path: str):
    answer = get(path, encoding="br")

    assert "SECRET" not in answer["body"]
    assert "root:" not in answer["body"]
    assert answer["statusCode"] == 404 or 'name="console-base"' in answer["body"]


def test_the_handler_imports_nothing_but_the_standard_library():
    source = Path(console.__file__).read_text()

    assert not re.findall(r"^(?:from|import) (?:engine|boto3|aws_lambda_powertools|functions)", source, re.MULTILINE)
