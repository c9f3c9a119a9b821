"""A workspace has an owner, whoever is promoted, demoted or removed, whatever they have seen before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.ids import new_id
from engine.security.permissions import Role
from engine.storage.workspaces import (
    Invitation,
    LastOwner,
    Member,
    MembershipChanged,
    Workspace,
    WorkspaceRepository,
    joining,
)
from tests.unit.conftest import NOW, Aws, aws_in_memory

PEOPLE = tuple(new_id() for _ in range(4))
_LATER = 4_000_000_000


def changes() -> st.SearchStrategy[list[tuple[str, int, str, int]]]:
    """What is done, to whom, with which role, and how many changes ago whoever does it has looked."""
    step = st.tuples(
        st.sampled_from(["set", "remove", "accept"]), st.integers(0, 3), st.sampled_from([*Role, "own"]),
        st.integers(0, 3),
    )  # fmt: skip
    return st.lists(step, min_size=1, max_size=12)


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """One for all examples: each has a workspace of its own."""
    with aws_in_memory() as found:
        yield found


@settings(max_examples=100, deadline=None)
@given(changes(), st.integers(1, 4))
def test_a_workspace_has_an_owner_whatever_is_done(aws: Aws, steps: Sequence[tuple[str, int, str, int]], members: int):
    workspaces, workspace = aws.workspaces, Workspace(new_id(), "W", False, "2026-05-01", PEOPLE[0])
    workspaces.create(workspace)
    for one in PEOPLE[1:members]:
        aws.identity.transact(joining(Member(workspace.id, one, Role.EDITOR, PEOPLE[0], "2026-05-01")))
    seen = [workspaces.members(workspace.id)]
    for what, number, role, ago in steps:
        before = seen[max(0, len(seen) - 1 - ago)]
        known = next((one for one in before if one.user_id == PEOPLE[number]), None)
        with suppress(LastOwner, MembershipChanged):
            _do(workspaces, workspace.id, what, PEOPLE[number], role, known)
        seen.append(workspaces.members(workspace.id))
        _check(aws, workspace.id, seen[-1])


def _do(workspaces: WorkspaceRepository, workspace: str, what: str, user: str, role: str, known: Member | None) -> None:
    if what == "accept":
        offer = Invitation(new_id(), workspace, "x@example.com", role, PEOPLE[0], "2026-05-01", "hash", _LATER)
        workspaces.invite(offer)
        workspaces.accept(offer, user, NOW)
    elif known is not None and what == "set":
        workspaces.set_role(known, role, PEOPLE[0])
    elif known is not None:
        workspaces.remove(known)


def _check(aws: Aws, workspace: str, members: list[Member]) -> None:
    owners = [one for one in members if one.role == Role.OWNER]
    found = aws.workspaces.find(workspace)

    assert owners
    assert found is not None
    assert found.owners == len(owners)
    mirrors = {user for user in PEOPLE if aws.identity.get(f"USER#{user}", f"IN#{workspace}")}
    assert mirrors == {one.user_id for one in members}, "both sides of a membership are there, or neither"


def test_of_two_owners_who_leave_at_the_same_time_one_stays(aws: Aws):
    workspace = Workspace(new_id(), "W", False, "2026-05-01", PEOPLE[0])
    aws.workspaces.create(workspace)
    first = Member(workspace.id, PEOPLE[0], Role.OWNER, PEOPLE[0], "2026-05-01")
    editor = replace(first, user_id=PEOPLE[1], role=Role.EDITOR)
    aws.identity.transact(joining(editor))
    second = aws.workspaces.set_role(editor, Role.OWNER, PEOPLE[0])
    aws.workspaces.remove(first)
    with pytest.raises(LastOwner):
        aws.workspaces.remove(second)

    assert [one.user_id for one in aws.workspaces.members(workspace.id)] == [PEOPLE[1]]
