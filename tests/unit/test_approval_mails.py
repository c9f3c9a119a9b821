"""Mailed links of approvals, their reminders and escalations."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import Conflict, Forbidden, NotFound
from engine.ids import new_id
from engine.json_value import dumps
from engine.schemas.executions import SignalBody
from engine.security.permissions import Role
from engine.services.executions.approval_links import Link, make_link_token
from engine.storage.mails import MailRepository
from tests.unit.conftest import Aws
from tests.unit.invoked import called
from tests.unit.office import NO, THREE, YES, Office
from tests.unit.test_approvals import rows
from tests.world import WORKSPACE


@pytest.fixture
def office(aws: Aws) -> Office:
    return Office(aws)


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
