"""Secrets are found in whatever form they have taken on their way."""

from __future__ import annotations

import base64
import html
import json
import logging
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.security.hosts import Binding
from engine.security.redaction import MARK, PROCESS, RedactingFormatter, Redactor

SECRET = "pä55 wörd/+='\"\\<&>x"


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
        html.escape(SECRET),
        html.escape(SECRET, quote=False),
        html.escape(SECRET).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
        html.escape(SECRET).encode("ascii", "xmlcharrefreplace").decode(),
        quoteattr(SECRET),
        "".join(f"&#{ord(one)};" for one in SECRET),
        "".join(f"&#x{ord(one):X};" for one in SECRET),
    ],
)
def test_every_encoding_of_a_secret_is_redacted(form: str):
    redactor = Redactor()
    redactor.add(SECRET)
    done = redactor.scrub({"deep": [{"x": f"before {form} after", form: 1}]})
    assert form not in json.dumps(done, ensure_ascii=False)
    assert MARK in done["deep"][0]["x"]


@given(st.text(min_size=4, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_any_secret_is_redacted_anywhere(secret: str, before: str, after: str):
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


def test_a_secret_of_digits_is_found_as_a_number():
    redactor = Redactor()
    redactor.add("7615917337")
    assert redactor.scrub({"a": 7615917337, "b": [76159173370, 1.5, True], "c": 76159}) == {
        "a": MARK, "b": [MARK, 1.5, True], "c": 76159,
    }  # fmt: skip


def test_overlapping_secrets_are_redacted_as_a_whole():
    redactor = Redactor()
    for secret in ("abcd-1", "d-12345", "abcd"):
        redactor.add(secret)
    assert redactor.text("x abcd-12345 y abcd-1 abcd-12345") == f"x {MARK} y {MARK} {MARK}"


def test_a_text_is_cut_after_its_secrets_are_out():
    redactor = Redactor()
    redactor.add("a-secret-of-24-characters")
    for most in range(1, 40):
        assert "a-se" not in redactor.shown("begins: a-secret-of-24-characters", most)


def test_all_secrets_of_an_invocation_are_kept():
    redactor = Redactor()
    for number in range(600):
        redactor.add(f"secret number {number} of many")
    assert redactor.text("secret number 0 of many") == MARK
    assert redactor.text("secret number 599 of many") == MARK


def test_process_forgets_least_recently_used_secrets():
    redactor = Redactor(2)
    for secret in ("first secret", "second secret", "first secret", "third secret"):
        redactor.add(secret)
    assert redactor.text("first secret") == MARK
    assert redactor.text("third secret") == MARK
    assert redactor.text("second secret") == "second secret"


def test_threads_may_share_a_redactor():
    """They change places very often here, also while one of them goes through the secrets."""
    redactor, together = Redactor(), threading.Barrier(8)

    def work(number: int) -> None:
        together.wait()
        for step in range(20):
            secret = f"secret {number}.{step} of a thread"
            redactor.add(secret)
            assert redactor.scrub(f"-{secret}-") == f"-{MARK}-"

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            for done in [threads.submit(work, number) for number in range(8)]:
                done.result()
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize("before", range(70))
@pytest.mark.parametrize("form", [SECRET, html.escape(SECRET), SECRET.encode().hex()])
def test_content_that_ends_early_ends_in_no_part_of_a_secret(form: str, before: int):
    redactor = Redactor()
    redactor.add(SECRET)
    raw = (b"-" * before + form.encode() * 20)[:100]
    shown = redactor.beginning(raw, 90, is_whole=False)
    assert set(shown.replace(MARK, "")) <= set("-") | set(MARK)


def test_content_that_is_whole_is_shown_to_its_end():
    redactor = Redactor()
    redactor.add("a secret of nobody")
    assert redactor.beginning(b"nothing", 90, is_whole=True) == "nothing"
    assert redactor.beginning(b"nothing", 3, is_whole=True) == "not"


def test_half_a_surrogate_pair_harms_nothing():
    redactor = Redactor()
    redactor.add("the secret")
    assert redactor.text("\ud800 the secret") == f"\ud800 {MARK}"


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
    assert Binding(("db.example:5432",), trust="our CA").beyond(before) == []
    for other in (
        Binding(("evil.example",), trust="our CA"),
        Binding(("db.example:5432",), plain_http=True, trust="our CA"),
        Binding(("db.example:5432",), trust="a CA of somebody who may not know the password"),
        Binding(("db.example:5432",)),
        Binding(("db.example:5432",), trust="our CA", addresses=frozenset({"token_url=https://evil.example/"})),
    ):
        assert other.beyond(before)
