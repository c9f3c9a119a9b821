"""Approvals by several people, by mailed links, with reminders and forms; whatever happens at the same moment."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from engine.errors import Conflict, Forbidden, InvalidInput, MainspringError
from engine.nodes.approval import ApprovalConfig, ApprovalNode
from engine.schemas.executions import SignalBody
from engine.security.permissions import Permission, Role
from engine.storage.approvals import Approval, ApprovalRepository
from tests.crash import Died
from tests.unit.conftest import Aws
from tests.unit.office import FORM, NO, THREE, YES, Office
from tests.unit.test_approvals import listed, rows, service

_REFUSED = ("already_answered", "already_finished", "not_waiting")


@pytest.fixture
def office(aws: Aws) -> Office:
    return Office(aws)


def test_what_answers_with_a_key_is_told_apart_from_who_is_signed_in(office: Office):
    one = office.ask(approvers=THREE)
    key = replace(office.caller("ann"), key_id="k1", own_grants=frozenset({Permission.ANSWER}))
    assert office.world.signals.answer(key, one, "ask", YES).is_decided

    assert office.result(one)["proof"] == "key"


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
    (row,) = service(office.world).page(office.caller("bob"), None, 50).items
    assert service(office.world).refusal(office.caller("bob"), row) == "is_the_starter"
    assert service(office.world).refusal(office.caller("ann"), row) is None
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
