"""A workspace with people in it, for tests of approvals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from engine.ids import new_id
from engine.schemas.executions import SignalBody
from engine.security.permissions import Role
from engine.services.approval_notices import ApprovalNotices
from engine.services.executions.start import Request
from engine.services.link_answers import LinkAnswers
from engine.services.mail.outbox import Outbox
from engine.services.people import People
from engine.services.principal import Principal
from engine.storage.approvals import Approval, ApprovalRepository
from engine.storage.mails import PARTITION
from engine.storage.users import User
from engine.storage.workspaces import Member, Workspace, joining
from tests.unit.conftest import Aws
from tests.unit.invoked import AT, HASH
from tests.world import WORKSPACE, World

YES, NO = SignalBody(decision="approved"), SignalBody(decision="rejected")
THREE = ["ann@x.example", "bob@x.example", "cleo@x.example"]
FORM = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}


class PlainBox:
    """Encrypts nothing, so that a test can follow links."""

    def seal(self, text: str, context: Mapping[str, str]) -> bytes:
        assert context["workspace"] == WORKSPACE
        return text.encode()


class Office:
    """A workspace with an owner, whom approvals ask; and what records their mails."""

    def __init__(self, aws: Aws) -> None:
        self.aws, self.world = aws, World(aws)
        self.ids: dict[str, str] = {}
        self.person("ann", Role.OWNER)
        self.people = People(aws.users, aws.workspaces)
        repositories, clock = self.world.repositories, self.world.clock
        box: Any = PlainBox()
        outbox = Outbox(repositories, box, clock, has_sender=True)
        self.notices = ApprovalNotices(repositories, outbox, self.people, "https://flows.example", clock)
        self.links = LinkAnswers(repositories, self.world.signals, self.people, clock)

    def person(self, name: str, role: str | None) -> None:
        """Add a user, and as a member if they have a role."""
        user = self.ids[name] = new_id()
        address = f"{name}@x.example"
        first = len(self.ids) == 1
        self.aws.users.create(User(user, address, name, HASH, first, True, new_id(), AT), first=first)
        if first:
            self.aws.workspaces.create(Workspace(WORKSPACE, "Office", False, AT, user))
        elif role is not None:
            self.aws.identity.transact(joining(Member(WORKSPACE, user, role, user, AT)))

    def caller(self, name: str) -> Principal:
        """Somebody who is signed in."""
        found = self.people.principal(WORKSPACE, f"{name}@x.example")
        assert found is not None
        return found

    def ask(self, starter: str | None = None, **config: Any) -> str:
        """An execution that waits for an approval."""
        node = {"id": "ask", "type": "approval", "config": {"message": "Pay 17?", "timeout_seconds": 600, **config}}
        workflow = self.world.workflow({"nodes": [node]})
        trigger = {"type": "manual", "body": None}
        by = self.ids[starter] if starter else None
        request = Request(WORKSPACE, workflow, trigger, id=new_id(), triggered_by=by)
        self.world.starter.start(request)
        self.world.pass_time(1)
        return str(request.id)

    def answer(self, execution_id: str, name: str, body: SignalBody = YES) -> bool:
        """Whether the answer decides."""
        return self.world.signals.answer(self.caller(name), execution_id, "ask", body).is_decided

    def result(self, execution_id: str) -> Any:
        """The output of the approval, once the execution has ended."""
        self.world.pass_time(1)
        found = self.world.get(execution_id)
        assert found.status.is_final
        return found.result["ask"]

    def row(self) -> str:
        """The sort key of the newest approval that is open."""
        *_, found = self.aws.automation.query(f"APPROVALS#{WORKSPACE}", after="OPEN#", before="OPEN$")
        return str(found["SK"])

    def told(self) -> list[str]:
        """To whom mails were recorded since the last call, and how their subjects begin."""
        new = []
        for pk, mail_id in self.notices.tell(WORKSPACE, self.row()):
            mail = self.world.repositories.mails.find(pk.removeprefix(PARTITION), mail_id, self.world.clock.now())
            assert mail is not None
            new.append(f"{mail.to.partition('@')[0]}: {mail.subject}")
        return sorted(new)

    def token(self, name: str) -> str:
        """The token of the link that was mailed to somebody."""
        items = self.aws.automation.query(f"{PARTITION}{WORKSPACE}")
        (link, *_) = [bytes(one["link"]).decode() for one in items if one["to"] == f"{name}@x.example"]
        assert link.startswith("https://flows.example/console/answer#")
        return str(link.partition("#")[2])

    def meanwhile(self, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
        """Let something happen once, after the answers so far are read and before the next one is written."""
        real, left = ApprovalRepository.row, [happens]

        def row(store: ApprovalRepository, *arguments: Any) -> Approval | None:
            found = real(store, *arguments)
            if left:
                left.pop()()
            return found

        monkeypatch.setattr(ApprovalRepository, "row", row)
