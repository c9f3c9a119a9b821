"""Secrets are found in whatever form they have taken on their way."""

from __future__ import annotations

import base64
import json
import logging
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.security.hosts import Binding
from engine.security.redaction import MARK, PROCESS, RedactingFormatter, Redactor

SECRET = "pä55 wörd/+='\"\\x"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        json.dumps({"a": SECRET}),
        json.dumps(json.dumps({"a": SECRET})),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        SECRET.encode().hex(),
        *(base64.b64encode(b"x" * before + SECRET.encode() + b"after").decode() for before in range(5)),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
    ],
)
def test_every_form_is_found(form: str):
    redactor = Redactor()
    redactor.add(SECRET)
    done = redactor.scrub({"deep": [{"x": f"before {form} after", form: 1}]})
    assert form not in json.dumps(done, ensure_ascii=False)
    assert MARK in done["deep"][0]["x"]


@given(st.text(min_size=4, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_whatever_it_is_and_wherever_it_stands(secret: str, before: str, after: str):
    redactor = Redactor()
    redactor.add(secret)
    assert secret not in redactor.text(before + secret + after).replace(MARK, "\0")


def test_what_is_no_secret_stays_as_it_is():
    redactor = Redactor()
    value = {"a": ["text", 1, None, True]}
    assert redactor.scrub(value) is value
    redactor.add("abc")
    assert redactor.scrub({"x": "abc", "y": "abcd"}) == {"x": MARK, "y": "abcd"}
    redactor.add("longer secret")
    assert redactor.content(b"\xff\x00longer secret\x80") == b"\xff\x00" + MARK.encode() + b"\x80"


def test_logs_hold_no_secret():
    PROCESS.add("a secret of this process")
    record = logging.LogRecord("x", logging.INFO, "", 0, "it is %s", ("a secret of this process",), None)
    assert RedactingFormatter(logging.Formatter("%(message)s")).format(record) == f"it is {MARK}"


@pytest.mark.parametrize(
    ("pattern", "plain", "url", "allowed"),
    [
        ("api.example.com", False, "https://api.example.com/x", True),
        ("api.example.com", False, "https://API.example.com:443/x", True),
        ("api.example.com", False, "https://api.example.com./x", True),
        ("api.example.com", False, "https://api.example.com:8443/x", False),
        ("api.example.com", False, "http://api.example.com/x", False),
        ("api.example.com", True, "http://api.example.com/x", True),
        ("api.example.com", False, "https://evil.com/api.example.com", False),
        ("api.example.com", False, "https://api.example.com@evil.com/", False),
        ("api.example.com", False, "https://api.example.com.evil.com/", False),
        ("*.example.com", False, "https://a.b.example.com/", True),
        ("*.example.com", False, "https://example.com/", False),
        ("*.example.com", False, "https://badexample.com/", False),
        ("api.example.com:8443", False, "https://api.example.com:8443/", True),
        ("[2001:db8::1]:8443", False, "https://[2001:db8::1]:8443/", True),
        ("api.example.com", False, "ftp://api.example.com/", False),
        ("api.example.com", False, "https://api.example.com:99999/", False),
    ],
)
def test_a_secret_is_for_its_hosts(pattern: str, plain: bool, url: str, allowed: bool):
    assert Binding((pattern,), plain).allows(url) is allowed


def test_a_secret_may_go_where_it_could_go_before_and_nowhere_else():
    before = Binding(("db.example:5432", "b.example"), trust="our CA")
    assert Binding(("db.example:5432",), trust="our CA").is_within(before)
    for other in (
        Binding(("evil.example",), trust="our CA"),
        Binding(("db.example:5432",), plain_http=True, trust="our CA"),
        Binding(("db.example:5432",), trust="a CA of somebody who may not know the password"),
        Binding(("db.example:5432",)),
    ):
        assert not other.is_within(before)
