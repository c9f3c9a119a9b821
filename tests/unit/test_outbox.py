"""Mail of workspaces to people: recorded before it is sent, sent at least once, by what the workspace has chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from engine import limits
from engine.clock import format_time
from engine.ids import new_id
from engine.integrations.opener import Opener
from engine.integrations.registry import IntegrationRegistry
from engine.json_value import dumps
from engine.security.egress import checked_addresses, guarded_client, parse_networks
from engine.security.secrets import SecretBox, integration_context
from engine.services.mail.outbox import Outbox
from engine.services.mail.sending import MailSender
from engine.storage.integrations import Integration
from engine.storage.mails import PARTITION, Mail, MailRepository
from tests.opened import LOOPBACK
from tests.servers import PASSWORD, USER, MailServer, free_port, mail_server
from tests.unit.conftest import NOW, Aws
from tests.unit.invoked import called
from tests.unit.test_workspaces import Person, ann, team
from tests.world import WORKSPACE, World

__all__ = ["ann", "team"]
LINK = "https://flows.example/console/answer#secret-token-of-a-link"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    with mail_server(tmp_path_factory.mktemp("mail")) as found:
        yield found


@dataclass
class Post:
    """The outbox of a workspace, and what sends its mail."""

    aws: Aws
    server: MailServer
    has_sender: bool = False
    ses: Any = None
    box: SecretBox = field(init=False)

    def __post_init__(self) -> None:
        kms = boto3.client("kms")
        self.box = SecretBox(lambda: kms, kms.create_key()["KeyMetadata"]["KeyId"])
        self.server.mails.clear()
        self.mails = self.aws.repositories.mails

    def chooses(self, port: int) -> None:
        """The workspace sends its mail by a server on this port."""
        made, at = new_id(), format_time(NOW)
        config = {
            "host": "localhost", "port": port, "from_address": "flows@shop.example", "username": USER,
            "ca_certificate": self.server.ca_pem,
        }  # fmt: skip
        sealed = self.box.seal(dumps({"password": PASSWORD}), integration_context(WORKSPACE, made))
        self.aws.repositories.integrations.create(
            Integration(made, WORKSPACE, f"mail {port}", "smtp", None, config, ("password",), sealed, 1, at, at)
        )
        self.aws.repositories.workspace_settings.set_mail_integration(WORKSPACE, made)

    def record(self, to: str = "ann@shop.example", mail_id: str | None = None) -> str:
        """Record a mail with a link."""
        outbox = Outbox(self.aws.repositories, self.box, self.aws.clock, has_sender=self.has_sender)
        found = mail_id or new_id()
        outbox.send(WORKSPACE, found, to, "Please look", "Here: {{link}}\n", LINK)
        return found

    def send(self, *mails: str) -> None:
        """Make an attempt for each that is due, as a process that was just started."""

        async def http(**_: Any) -> Any:
            return guarded_client(parse_networks(LOOPBACK))

        async def addresses(host: str, port: int) -> Any:
            return await checked_addresses(host, port, parse_networks(LOOPBACK))

        opener = Opener(
            self.aws.repositories.integrations, IntegrationRegistry(), self.box, http, addresses, self.aws.clock
        )
        sender = "Flows <flows@platform.example>" if self.has_sender else ""
        sending = MailSender(self.aws.repositories, self.box, lambda: opener, lambda: self.ses, sender, self.aws.clock)
        asyncio.run(sending.send([(WORKSPACE, one) for one in mails]))

    def item(self, mail_id: str) -> dict[str, Any]:
        """The row as it is stored."""
        found = self.aws.automation.get(f"{PARTITION}{WORKSPACE}", mail_id)
        assert found is not None
        return found


@pytest.fixture
def world(aws: Aws) -> World:
    return World(aws)


@pytest.fixture
def post(aws: Aws, server: MailServer) -> Post:
    return Post(aws, server)


def test_recorded_mail_is_sent_once_by_the_workspaces_integration(post: Post):
    post.chooses(post.server.port)
    mail = post.record()
    assert post.record(mail_id=mail) == mail
    assert LINK.encode() not in bytes(post.item(mail)["link"])
    post.send(mail, mail)
    post.send(mail)

    (found,) = post.server.mails
    assert (found["To"], found["From"], found["Subject"]) == ("ann@shop.example", "flows@shop.example", "Please look")
    assert LINK in found.get_content()
    row = post.item(mail)
    assert (row["status"], row["message_id"]) == ("sent", found["Message-ID"])
    assert {"link", "next_check_at", "check_shard", "next_at"} & row.keys() == set()


def test_mail_whose_sending_was_never_begun_is_found_by_recovery(world: World, server: MailServer):
    clock: Any = world.clock
    post = Post(replace(world.aws, clock=clock), server)
    post.chooses(server.port)
    mail = post.record()
    sent: list[tuple[str, str]] = []
    assert world.recovery.send_due(sent.extend) == 0  # the stream has its time first
    world.pass_time(limits.OUTGOING_LEASE)
    assert world.recovery.send_due(sent.extend) == 1
    assert sent == [(f"{PARTITION}{WORKSPACE}", mail)]
    post.send(mail)
    assert len(server.mails) == 1
    world.pass_time(86_400)
    assert world.recovery.send_due(sent.extend) == 0


def test_mail_of_a_process_that_dies_before_it_records_is_sent_again(post: Post, monkeypatch: pytest.MonkeyPatch):
    post.chooses(post.server.port)
    mail = post.record()

    def dies(_self: MailRepository, _mail: Mail, _message_id: str) -> None:
        raise SystemError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(MailRepository, "sent", dies)
        post.send(mail)
    post.send(mail)
    assert len(post.server.mails) == 1  # the lease of the process that died
    post.aws.clock.pass_time(seconds=limits.OUTGOING_LEASE)
    post.send(mail)
    assert len(post.server.mails) == 2
    assert len({one["Message-ID"] for one in post.server.mails}) == 1
    assert post.item(mail)["status"] == "sent"


def test_mail_is_retried_until_a_server_takes_it(post: Post):
    mail = post.record()
    post.send(mail)
    assert "no way to send mail" in post.item(mail)["error"]
    post.chooses(free_port())
    post.aws.clock.pass_time(seconds=limits.OUTGOING_BACKOFF[0])
    post.send(mail)
    assert "did not answer" in post.item(mail)["error"]
    post.chooses(post.server.port)
    post.send(mail)
    assert post.server.mails == []  # it is not its time
    post.aws.clock.pass_time(seconds=limits.OUTGOING_BACKOFF[1])
    post.send(mail)
    assert (len(post.server.mails), post.item(mail)["status"]) == (1, "sent")


def test_mail_is_given_up_when_it_is_refused_or_after_a_day(post: Post):
    post.chooses(post.server.port)
    refused = post.record("nobody@shop.example")
    late = post.record("later@shop.example")
    post.send(refused, late)
    assert (post.item(refused)["status"], post.item(late)["status"]) == ("failed", "pending")
    assert "no such mailbox" in post.item(refused)["error"]
    assert "link" not in post.item(refused)
    for seconds in limits.OUTGOING_BACKOFF:
        post.aws.clock.pass_time(seconds=seconds)
        post.send(late)
    assert (post.item(late)["status"], post.item(late)["made"]) == ("failed", len(limits.OUTGOING_BACKOFF) + 1)


def test_deployments_own_sender_sends_where_the_workspace_has_chosen_none(post: Post):
    post.has_sender, post.ses = True, boto3.client("sesv2")
    wanted = {
        "FromEmailAddress": "flows@platform.example",
        "Destination": {"ToAddresses": ["ann@shop.example"]},
        "Content": {"Raw": {"Data": ANY}},
    }
    with Stubber(post.ses) as stub:
        stub.add_client_error("send_email", "TooManyRequestsException", "slow down")
        stub.add_response("send_email", {"MessageId": "m-1"}, wanted)
        stub.add_client_error("send_email", "MessageRejected", "Email address is not verified")
        first, second = post.record(), post.record()
        post.send(first)
        assert post.item(first)["status"] == "pending"
        post.aws.clock.pass_time(seconds=limits.OUTGOING_BACKOFF[0])
        post.send(first)
        post.send(second)
    assert (post.item(first)["status"], post.item(first)["message_id"]) == ("sent", "m-1")
    assert (post.item(second)["status"], post.item(second)["error"]) == (
        "failed",
        "Amazon SES refused: Email address is not verified",
    )


def test_workspace_chooses_what_sends_its_mail(ann: Person):
    smtp = {"name": "our mail", "type": "smtp", "config": {"host": "mail.example", "from_address": "a@shop.example"}}
    token = {"name": "token", "type": "secret", "config": {"value": "x"}}
    made = {}
    for body in (smtp, token):
        status, answer = called("integrations", "POST", "/api/integrations", ann.context(), body)
        assert status == 201, answer
        made[body["name"]] = answer["id"]
    assert ann.ok("GET", ann.at())["can_send_mail"] is False
    for wrong, told in (("nothing", "no integration 'nothing'"), ("token", "sends no mail"), ("", "")):
        message = ann.refused(422, "invalid_input", "PATCH", ann.at(), {"mail_integration": wrong})
        assert told in message
    for named in ("our mail", made["our mail"]):
        changed = ann.ok("PATCH", ann.at(), {"mail_integration": named})
        assert (changed["mail_integration"], changed["can_send_mail"]) == ("our mail", True)
    assert ann.ok("PATCH", ann.at(), {"name": "Home"})["mail_integration"] == "our mail"
    path = f"/api/integrations/{made['our mail']}"
    status, answer = called("integrations", "DELETE", path, ann.context())
    assert (status, answer["error"]["code"]) == (409, "in_use")
    assert ann.ok("PATCH", ann.at(), {"mail_integration": None})["mail_integration"] is None
    assert called("integrations", "DELETE", path, ann.context())[0] == 204
