"""Mails that mail programs read as they were meant: headers, texts, pictures, invitations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.nodes.email import EmailNode
from tests.opened import Bench
from tests.servers import PASSWORD, USER, MailServer, mail_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    with mail_server(tmp_path_factory.mktemp("mail")) as found:
        yield found


def smtp(server: MailServer) -> Bench:
    config = {
        "host": "localhost", "port": server.port, "username": USER, "password": PASSWORD,
        "from_address": "Berichte für Ü <reports@shop.example>", "ca_certificate": server.ca_pem,
    }  # fmt: skip
    return Bench("smtp", config)


LONG = "日本 太郎 🦄 with a very long name that does not fit one encoded word at all"
HARD = [
    "Jörg Müller <x@example.com>",
    "Ann Lee <o@example.com>",
    '"Ümit, Ö. \\"Z\\"" <u@example.com>',
    "Bob <b@example.com>",
    "=?utf-8?q?J=C3=B6rg?= <e@example.com>",
    f"{LONG} <j@example.com>",
    "plain@example.com",
    '"Lee, Ann (Sales)" <s@example.com>',
]


def test_addresses_are_read_as_they_were_given(server: MailServer):
    assert smtp(server).node("email", to=HARD, subject="s", text="t").output["message_id"]
    mail = server.mails[-1]
    found = [(one.display_name, one.addr_spec) for one in mail["To"].addresses]
    assert [one for _, one in found] == [one.rpartition("<")[2].rstrip(">") for one in HARD]
    assert found[0][0] == "Jörg Müller"
    assert found[2][0] == 'Ümit, Ö. "Z"'
    assert " ".join(found[5][0].split()) == LONG  # Python 3.11 reads a space too many between encoded words
    assert found[7][0] == "Lee, Ann (Sales)"
    raw = server.raw[-1].partition(b"\r\n\r\n")[0]
    assert max(map(len, raw.split(b"\r\n"))) < 100
    assert raw.isascii()


@pytest.mark.parametrize(
    "subject", ["=?utf-8?q?hi=0D=0ABcc:_x?=", "a =?utf-8?b?aGkNCkJjYzogeA==?= b", "a\x00b", "a\x0bb", "a\u2028b"]
)
def test_a_subject_with_hidden_control_characters_is_refused(server: MailServer, subject: str):
    before = len(server.mails)
    for config in ({"subject": subject}, {"subject": "s", "reply_to": f"{subject} <a@b.example>"}):
        done = smtp(server).node("email", to=["ann@shop.example"], text="t", **config)
        assert done.error is not None
        assert done.error.code == "config"
    assert len(server.mails) == before


@pytest.mark.parametrize(
    "subject", ["=?utf-8?q?hi?=", " two  spaces ", "ü" * 200, "x" * 300, "", "a\tb", "[A] 100 % ok: ?="]
)
def test_a_subject_is_read_as_it_was_given(server: MailServer, subject: str):
    assert smtp(server).node("email", to=["ann@shop.example"], subject=subject, text="t").output["message_id"]
    assert server.mails[-1]["Subject"] == subject


@pytest.mark.parametrize("text", ["Hello\nFrom Monday on\n.\n..x\n", "ü" * 2_000, "a = b\r\nc\tx ", "x" * 5_000])
def test_a_text_is_read_as_it_was_given(server: MailServer, text: str):
    assert (
        smtp(server)
        .node("email", to=["ann@shop.example"], subject="s", text=text, html=f"<p>{text}")
        .output["message_id"]
    )
    for kind, wanted in (("plain", text), ("html", f"<p>{text}")):
        body = server.mails[-1].get_body((kind,))
        assert body is not None
        assert body.get_content().replace("\r\n", "\n").rstrip("\n") == wanted.replace("\r\n", "\n").rstrip("\n")


def test_a_picture_in_the_html_and_an_invitation(server: MailServer):
    invitation = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:Größe\r\nEND:VCALENDAR\r\n"
    attachments = [
        {"name": "logo.png", "source": {"base64": "iVBORw=="}, "content_id": "logo"},
        {"name": "invite.ics", "source": {"text": invitation}, "content_type": "text/calendar; method=REQUEST"},
        {"name": "a.txt", "source": {"text": "x"}},
    ]
    for texts in ({"text": "t", "html": '<img src="cid:logo">'}, {"html": '<img src="cid:logo">'}):
        assert (
            smtp(server)
            .node("email", to=["ann@shop.example"], subject="s", attachments=attachments, **texts)
            .output["message_id"]
        )
        parts = [(one.get_content_type(), one) for one in server.mails[-1].walk()]
        kinds = [kind for kind, _ in parts]
        assert kinds[0] == "multipart/mixed"
        assert {"multipart/alternative", "multipart/related", "text/html", "image/png", "text/calendar"} <= set(kinds)
        picture, calendar = dict(parts)["image/png"], dict(parts)["text/calendar"]
        assert (picture["Content-ID"], picture.get_content_disposition()) == ("<logo>", "inline")
        assert calendar["Content-Type"].params["method"] == "REQUEST"
        assert "Größe" in calendar.get_content()
        assert [one.get_filename() for one in server.mails[-1].iter_attachments()][-1] == "a.txt"
    config = {"to": ["a@b.example"], "subject": "s", "text": "t", "integration": "x", "attachments": attachments}
    assert "content_id" in EmailNode.validate_config(config)[0].message


@pytest.mark.parametrize(
    "address", ["ann@firma.local", "ann@localhost", "ann@mail.intranet", "Ann <ann@mailhost>", "a@b.test"]
)
def test_addresses_without_a_public_domain_are_accepted(server: MailServer, address: str):
    assert smtp(server).node("email", to=[address], subject="s", text="t").output["recipients"]
