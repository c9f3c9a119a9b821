"""Bodies of deliveries: read by the declared type, byte for byte, or refused."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.triggers.bodies import File, Unreadable, WrongType, read_body
from engine.triggers.signatures import StandardAuth, sign_standard


def read(declared: str, content_type: str, body: bytes) -> Any:
    return read_body(declared, content_type, body, lambda file: {"name": file.filename, "content": bytes(file.content)})


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.sampled_from(["x", "----WebKitFormBoundary7MA4"]))
def test_files_of_a_multipart_body_are_what_was_sent(contents: list[bytes], boundary: str):
    parts = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="{n}.bin"\r\n\r\n'.encode() + one + b"\r\n"
        for n, one in enumerate(contents)
        if f"--{boundary}".encode() not in one
    )
    sent = [one for one in contents if f"--{boundary}".encode() not in one]
    if not sent:
        return
    found = read("multipart", f"multipart/form-data; boundary={boundary}", parts + f"--{boundary}--\r\n".encode())["f"]
    files = found if isinstance(found, list) else [found]
    assert [file["content"] for file in files] == sent


@given(st.sampled_from(["json", "form", "multipart", "text", "base64"]), st.text(max_size=60), st.binary(max_size=200))
def test_any_body_is_read_or_refused(declared: str, content_type: str, body: bytes):
    for claimed in (content_type, "multipart/form-data; boundary=x", 'multipart/form-data; boundary="€"', ""):
        with suppress(Unreadable, WrongType):
            read(declared, claimed, body)


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "text/json", "application/x-www-form-urlencoded", "application/ld+json", "x/y"]
)
def test_json_is_read_whatever_the_caller_says_it_is(content_type: str):
    assert read("json", content_type, b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    ("content_type", "error"),
    [("text/xml", Unreadable), ("application/xml", WrongType), ("application/json", Unreadable), ("", Unreadable)],
)
def test_what_is_no_json_is_refused_with_what_it_is(content_type: str, error: type[Exception]):
    with pytest.raises(error) as caught:
        read("json", content_type, b"<a/>")
    assert caught.type is error


def test_a_part_is_a_file_only_if_it_says_so():
    assert File("a", "", "").content == bytearray()


@pytest.mark.parametrize("secret", ["whsec_", "whsec_AAAA", "not base64!", ""])
def test_a_secret_that_anybody_could_sign_with_is_refused(secret: str):
    with pytest.raises(ValueError, match="whsec_"):
        StandardAuth(type="standard").check_secret(secret)


def test_the_signature_of_the_standards_own_example():
    """https://github.com/standard-webhooks/standard-webhooks: the test vector of its libraries."""
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    signature = sign_standard(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
