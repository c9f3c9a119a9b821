"""Approvals by several people, by mailed links, with reminders and forms; whatever happens at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import pytest

from engine.errors import Conflict, Forbidden, InvalidInput, MainspringError, NotFound
from engine.ids import new_id
from engine.json_value import dumps
from engine.nodes.approval import ApprovalConfig, ApprovalNode
from engine.schemas.executions import SignalBody
from engine.security.permissions import Role
from engine.services.approval_notices import ApprovalNotices
from engine.services.executions.approval_links import Link, make_link_token
from engine.services.executions.start import Request
from engine.services.link_answers import LinkAnswers
from engine.services.mail.outbox import Outbox
from engine.services.people import People
from engine.services.principal import Principal
from engine.storage.approvals import Approval, ApprovalRepository
from engine.storage.mails import PARTITION, MailRepository
from engine.storage.users import User
from engine.storage.workspaces import Member, Workspace, joining
from tests.crash import Died
from tests.unit.conftest import Aws
from tests.unit.invoked import AT, HASH, called
from tests.unit.test_approvals import listed, rows, service
from tests.world import WORKSPACE, World

YES, NO = SignalBody(decision="approved"), SignalBody(decision="rejected")
THREE = ["ann@x.example", "bob@x.example", "cleo@x.example"]
FORM = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}
_REFUSED = ("already_answered", "already_finished", "not_waiting")


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


@pytest.fixture
def office(aws: Aws) -> Office:
    return Office(aws)


def test_as_many_people_as_are_needed_approve(office: Office):
    office.person("bob", None)
    one = office.ask(approvers=THREE, needs=2)
    assert office.answer(one, "bob") is False
    (row,) = service(office.world).page(office.caller("ann"), None, 10).items
    assert (row.terms.needs, [one["email"] for one in row.answers]) == (2, ["bob@x.example"])
    assert listed(office.world, office.caller("bob"), mine=True) == []
    with pytest.raises(Conflict, match="you have answered"):
        office.answer(one, "bob", NO)
    with pytest.raises(Forbidden):
        office.answer(one, "mallory")
    assert office.answer(one, "cleo", SignalBody(decision="approved", comment="fine")) is True

    told = office.result(one)
    assert (told["decision"], told["by"], told["comment"], told["proof"]) == (
        "approved", "cleo@x.example", "fine", "session",
    )  # fmt: skip
    assert [one["by"] for one in told["answers"]] == [office.ids["bob"], "cleo@x.example"]
    (done,) = service(office.world).page(office.caller("ann"), None, 10, is_decided=True).items
    assert (done.decision, len(done.answers)) == ("approved", 2)
    assert rows(office.world) == ["DECIDED"]


def test_one_rejection_rejects(office: Office):
    one = office.ask(approvers=THREE, needs=3)
    assert office.answer(one, "bob") is False
    assert office.answer(one, "cleo", NO) is True
    assert office.result(one)["decision"] == "rejected"
    with pytest.raises(Conflict):
        office.answer(one, "ann")


@pytest.mark.parametrize("seed", range(6))
def test_answers_at_the_same_moment_have_one_end(office: Office, monkeypatch: pytest.MonkeyPatch, seed: int):
    """Each answer may come between the read and the write of another; those that were taken say how it ends."""
    random = Random(seed)
    needs = random.randint(2, 3)
    one = office.ask(approvers=[f"p{n}@x.example" for n in range(5)], needs=needs)
    left = [(f"p{random.randrange(5)}", random.choice([YES, YES, YES, NO])) for _ in range(7)]
    taken: list[tuple[str, str | None, bool]] = []
    real = ApprovalRepository.row

    def give() -> None:
        if not left:
            return
        name, body = left.pop()
        try:
            taken.append((name, body.decision, office.answer(one, name, body)))
        except MainspringError as refused:
            if refused.code not in _REFUSED:
                raise

    def row(store: ApprovalRepository, *arguments: Any) -> Approval | None:
        found = real(store, *arguments)
        if random.random() < 0.5:
            give()
        return found

    monkeypatch.setattr(ApprovalRepository, "row", row)
    while left:
        give()

    assert len({name for name, _, _ in taken}) == len(taken)
    assert sum(decides for _, _, decides in taken) <= 1
    approvals = sum(said == "approved" for _, said, _ in taken)
    if any(said == "rejected" for _, said, _ in taken):
        assert office.result(one)["decision"] == "rejected"
        assert approvals < needs
    elif approvals >= needs:
        assert approvals == needs
        assert {by["by"] for by in office.result(one)["answers"]} == {f"{name}@x.example" for name, _, _ in taken}
    else:
        assert not office.world.get(one).status.is_final


@pytest.mark.parametrize("body", [YES, NO])
def test_answer_at_the_moment_of_the_deadline_counts_or_is_refused(
    office: Office, monkeypatch: pytest.MonkeyPatch, body: SignalBody
):
    one = office.ask(approvers=THREE, needs=2)
    office.meanwhile(monkeypatch, lambda: office.world.pass_time(700))
    with pytest.raises(Conflict):
        office.answer(one, "ann", body)
    assert office.world.get(one).result["ask"]["decision"] == "timeout"


def test_process_that_dies_at_an_answer_leaves_it_whole_or_not_at_all(office: Office):
    world = office.world
    for nth in range(1, 5):
        one = office.ask(approvers=THREE, needs=2)
        for name in ("ann", "bob"):
            world.fate.points, world.fate.at = 0, nth
            try:
                office.answer(one, name)
            except Died:
                world.fate.revive()
                try:
                    office.answer(one, name)
                except Conflict as refused:
                    if refused.code not in _REFUSED:
                        raise
            world.fate.revive()
        world.pass_time(120)
        world.recovery.run(lambda: 100.0)  # it wakes what nobody has
        assert [a["voter"] for a in office.result(one)["answers"]] == ["ann@x.example", "bob@x.example"]


def test_whoever_started_it_may_not_answer(office: Office):
    office.person("bob", Role.EDITOR)
    one = office.ask("bob", not_the_starter=True, mail=True)
    with pytest.raises(Forbidden, match="started"):
        office.answer(one, "bob")
    assert listed(office.world, office.caller("bob"), mine=True) == []
    assert office.told() == ["ann: Please decide: Pay 17?"]
    assert office.answer(one, "ann") is True


def test_form_is_checked_and_its_values_are_in_the_output(office: Office):
    one = office.ask(form=FORM)
    for values, told in ((None, "amount"), ({"amount": "x"}, "integer")):
        with pytest.raises(InvalidInput, match=told) as refused:
            office.answer(one, "ann", SignalBody(decision="approved", values=values))
        assert refused.value.details[0]["path"].startswith("values")
    assert office.answer(one, "ann", SignalBody(decision="approved", values={"amount": 7}))
    assert office.result(one)["values"] == {"amount": 7}

    plain = office.ask()
    with pytest.raises(InvalidInput, match="no form"):
        office.answer(plain, "ann", SignalBody(decision="approved", values={}))
    assert office.answer(office.ask(form=FORM), "ann", NO) is True
    broken = office.ask(form={"type": "object", "properties": {"a": {"type": "nothing"}}})
    assert (office.world.get(broken).error or {})["code"] == "config"


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"needs": 2, "approvers": ["a@x.example"]}, "only 1 approvers"),
        ({"escalate_to": ["owner"]}, "escalate_after"),
        ({"escalate_to": ["owner"], "escalate_after": 60}, "approvers"),
        ({"remind_after": 60}, "set `mail`"),
        ({"form": {"type": "string"}}, "describes an object"),
        ({"needs": 0}, "needs"),
    ],
)
def test_options_that_do_not_fit_are_told(config: dict[str, Any], told: str):
    problems = ApprovalNode.validate_config({"message": "?", **config})
    assert any(told in f"{one.path} {one.message}" for one in problems), problems


def test_pending_signal_of_plain_options_records_what_it_always_did():
    config = ApprovalConfig(message="Pay?", approvers=["a@x.example"])
    assert config.terms().recorded() == {"message": "Pay?", "approvers": ["a@x.example"]}


def test_link_is_good_once_and_looking_decides_nothing(office: Office):
    one = office.ask(approvers=THREE, mail=True)
    assert office.told() == [f"{name}: Please decide: Pay 17?" for name in ("ann", "bob", "cleo")]
    token = office.token("bob")
    before = dumps([str(item) for item in office.aws.automation.query(f"EXECUTION#{one}")])
    for _ in range(3):  # a mail scanner
        shown = office.links.show(token)
        assert (shown.state, shown.terms.message, shown.link.address) == ("open", "Pay 17?", "bob@x.example")
    assert dumps([str(item) for item in office.aws.automation.query(f"EXECUTION#{one}")]) == before

    assert office.links.answer(token, SignalBody(decision="approved", comment="ok")).is_decided
    told = office.result(one)
    assert (told["by"], told["proof"], told["comment"]) == ("bob@x.example", "link", "ok")
    assert (office.links.show(token).state, office.links.show(token).decision) == ("decided", "approved")
    for other in (token, office.token("ann")):
        with pytest.raises(Conflict):
            office.links.answer(other, NO)


def test_link_and_session_of_one_person_count_once(office: Office):
    one = office.ask(approvers=THREE, needs=2, mail=True)
    office.told()
    token = office.token("ann")
    assert office.links.answer(token, YES).is_decided is False
    assert (office.links.show(token).state, office.links.show(token).approved) == ("answered", 1)
    for again in (lambda: office.links.answer(token, YES), lambda: office.answer(one, "ann")):
        with pytest.raises(Conflict, match="answered"):
            again()


def test_link_ends_with_the_deadline_and_the_execution(office: Office):
    late = office.ask(approvers=["bob@x.example"], mail=True)
    office.told()
    token = office.token("bob")
    office.world.pass_time(601)
    assert office.links.show(token).state == "late"
    with pytest.raises(Conflict):
        office.links.answer(token, YES)
    assert office.world.get(late).result["ask"]["decision"] == "timeout"

    cancelled = office.ask(approvers=["cleo@x.example"], mail=True)
    office.told()
    office.world.cancel(cancelled)
    assert office.links.show(office.token("cleo")).state == "over"
    with pytest.raises(Conflict):
        office.links.answer(office.token("cleo"), YES)


def test_links_of_others_and_forged_ones_are_good_for_nothing(office: Office):
    one, other = office.ask(approvers=THREE), office.ask(approvers=THREE)
    secret = office.world.get(one).secret
    good = make_link_token(secret, Link(one, "ask", 1, "bob@x.example"))
    assert office.links.show(good).state == "open"
    forged = (
        "", "x", f"{one}.", good[:-1], good.replace(one, other), good + "A",
        make_link_token("another", Link(one, "ask", 1, "bob@x.example")),
        make_link_token(secret, Link(one, "ask", 1, "mallory@x.example")),
        make_link_token(secret, Link(one, "ask", 2, "bob@x.example")),
        make_link_token(secret, Link(new_id(), "ask", 1, "bob@x.example")),
    )  # fmt: skip
    for token in forged:
        with pytest.raises(NotFound):
            office.links.show(token)
        with pytest.raises((NotFound, Conflict)):
            office.links.answer(token, YES)
    assert not office.world.get(one).status.is_final


def test_link_of_a_member_who_is_out_is_good_for_nothing(office: Office):
    office.person("bob", Role.OPERATOR)
    office.person("cleo", Role.OPERATOR)
    office.person("dan", None)
    one = office.ask(approvers=["operator", "dan@x.example"], mail=True)
    assert [line.partition(":")[0] for line in office.told()] == ["bob", "cleo", "dan"]
    removed = office.aws.workspaces.member(WORKSPACE, office.ids["bob"])
    demoted = office.aws.workspaces.member(WORKSPACE, office.ids["cleo"])
    assert removed is not None
    assert demoted is not None
    office.aws.workspaces.remove(removed)
    office.aws.workspaces.set_role(demoted, Role.VIEWER, office.ids["ann"])
    office.aws.users.set_active(office.ids["dan"], active=False)
    for name in ("bob", "cleo", "dan"):
        with pytest.raises(NotFound):
            office.links.show(office.token(name))
        with pytest.raises(NotFound):
            office.links.answer(office.token(name), YES)
    office.aws.users.set_active(office.ids["dan"], active=True)
    assert office.links.answer(office.token("dan"), YES).is_decided
    assert office.result(one)["by"] == office.ids["dan"]


def test_reminders_and_escalation_come_in_their_time(office: Office):
    config: dict[str, Any] = {"approvers": THREE, "needs": 2, "mail": True, "remind_after": 120, "escalate_after": 300}
    one = office.ask(**config, escalate_to=["boss@x.example"])
    sent: list[tuple[str, str]] = []
    assert len(office.told()) == 3
    assert office.told() == []
    office.answer(one, "ann")
    assert office.world.recovery.send_due(sent.extend) == 0
    with pytest.raises(Forbidden):
        office.answer(one, "boss")
    office.world.pass_time(119)
    assert office.world.recovery.send_due(sent.extend) > 0  # it is the recovery that finds what is due
    assert (f"APPROVALS#{WORKSPACE}", office.row()) in sent
    assert office.told() == ["bob: Reminder: Pay 17?", "cleo: Reminder: Pay 17?"]
    office.world.pass_time(120)
    assert len(office.told()) == 2
    office.world.pass_time(60)
    assert office.told() == ["boss: Please decide, as nobody has so far: Pay 17?"]
    assert office.answer(one, "boss") is True


def test_mails_of_a_process_that_dies_are_recorded_once_and_late_ones_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    office.ask(approvers=THREE, mail=True, remind_after=60)
    real = MailRepository.queue
    calls: list[Any] = []

    def queue(store: MailRepository, *arguments: Any) -> bool:
        calls.append(arguments)
        if len(calls) == 2:
            raise SystemError("killed")
        return real(store, *arguments)

    monkeypatch.setattr(MailRepository, "queue", queue)
    with pytest.raises(SystemError):
        office.told()
    assert [line.partition(":")[0] for line in office.told()] == ["bob", "cleo"]
    office.world.pass_time(310)  # five reminders are due
    assert len(office.told()) == 3
    item = office.aws.automation.get(f"APPROVALS#{WORKSPACE}", office.row())
    assert item is not None
    assert item["next_check_at"] > item["told_until"]
    office.world.pass_time(300)
    open_rows = [one for one in rows(office.world) if one == "OPEN"]
    assert len(open_rows) <= 1


def test_expired_approval_is_looked_at_no_more(office: Office):
    office.ask(approvers=["bob@x.example"], mail=True, remind_after=60)
    row = office.row()
    office.told()
    office.world.pass_time(601)
    assert office.notices.tell(WORKSPACE, row) == []
    item = office.aws.automation.get(f"APPROVALS#{WORKSPACE}", row)
    assert item is None or "next_check_at" not in item


def test_approval_without_mail_is_never_looked_at(office: Office):
    office.ask(approvers=THREE, needs=2, escalate_to=["boss@x.example"], escalate_after=60)
    item = office.aws.automation.get(f"APPROVALS#{WORKSPACE}", office.row())
    assert item is not None
    assert {"next_check_at", "check_shard"} & item.keys() == set()


def test_routes_of_links_need_no_sign_in(seeded: Aws):
    del seeded
    unknown = f"{new_id()}.{'A' * 60}"
    for method, body in (("GET", None), ("POST", {"decision": "approved"})):
        for token in ("x", unknown):
            status, answer = called("executions", method, f"/api/approvals/links/{token}", {}, body)
            assert (status, answer["error"]["code"]) == (404, "not_found")
    status, answer = called("executions", "POST", "/api/approvals/links/x", {}, {"decision": "maybe"})
    assert (status, answer["error"]["details"][0]["path"]) == (422, "decision")
