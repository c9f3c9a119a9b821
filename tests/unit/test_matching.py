"""Whether events fit patterns: as EventBridge's documentation says, and as the emulator's own matcher says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ministack.services import eventbridge as emulator

from engine.triggers.matching import Pattern
from engine.triggers.patterns import BadPattern, check_pattern
from tests.figures import FIGURES

EC2 = {
    "version": "0",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "111122223333",
    "time": "2017-12-22T18:43:48Z",
    "region": "us-west-1",
    "resources": ["arn:aws:ec2:us-west-1:123456789012:instance/i-1", "arn:2"],
    "detail": {
        "instance-id": "i-1", "state": "terminated", "count": 5, "limit": 301.8, "ip": "10.0.0.33", "nothing": None,
        "empty": "", "list": [], "flag": True, "tags": [{"key": "a", "value": 1}, {"key": "b", "value": 2}],
        "nested": [["x", "y"], [["z"]]], "big": 9_007_199_254_740_993, "star": "a*b", "path": "dir\\file",
        "object": {"leaf": 1}, "name": "STRASSE",
    },
}  # fmt: skip


def of(detail: Any) -> dict[str, Any]:
    return {"detail": detail}


FITS: list[dict[str, Any]] = [
    {"source": ["aws.ec2"], "detail-type": ["EC2 Instance State-change Notification"]},
    {"source": ["x", "aws.ec2"], **of({"state": ["terminated"]})},
    {"resources": ["arn:2"]},
    {"resources": [{"prefix": "arn:aws:"}]},
    {"time": [{"prefix": "2017-12-22"}]},
    of({"count": [5], "limit": [{"numeric": [">", 300, "<=", 301.8]}], "ip": [{"cidr": "10.0.0.0/24"}]}),
    of({"nothing": [None], "empty": [""], "flag": [True]}),
    of({"nothing": [{"exists": True}], "missing": [{"exists": False}], "object": [{"exists": False}]}),
    of({"list": [{"exists": False}]}),
    of({"far": {"below": [{"exists": False}]}, "state": {"below": [{"exists": False}]}}),
    of({"state": [{"anything-but": "running"}], "count": [{"anything-but": [1, 2]}]}),
    of({"state": [{"anything-but": {"prefix": "run"}}], "nothing": [{"anything-but": "x"}]}),
    of({"state": [{"anything-but": {"suffix": ["ing", "ed "]}}], "count": [{"anything-but": "5"}]}),
    of({"tags": {"key": ["a"], "value": [1]}}),
    of({"tags": {"value": [{"numeric": [">", 1]}]}}),
    of({"nested": ["z"]}),
    of({"nested": [{"anything-but": ["x", "y"]}]}),
    of({"state": [{"suffix": "ated"}, "running"], "instance-id": [{"wildcard": "i*"}]}),
    of({"star": [{"wildcard": "a\\*b"}], "path": [{"wildcard": "d*\\\\f*e"}]}),
    of({"name": [{"equals-ignore-case": "straße"}], "state": [{"prefix": {"equals-ignore-case": "TERM"}}]}),
    of({"state": [{"suffix": {"equals-ignore-case": "NATED"}}]}),
    {"source": ["aws.ec2"], "$or": [of({"state": ["running"]}), of({"count": [5]})]},
    of({"$or": [{"count": [1]}, {"object": {"leaf": [1]}}]}),
    of({"object.leaf": [1]}),
    of({"state": ["running"], "$or": [{"state": ["terminated"]}, {"count": [9]}]}),  # of two the later one counts
]
FITS_NOT: list[dict[str, Any]] = [
    {"source": ["aws.ec"]},
    {"source": ["aws.ec2"], **of({"state": ["running"]})},
    {"nonesuch": ["x"]},
    of({"count": ["5"], "state": ["terminated"]}),
    of({"flag": [1]}),
    of({"count": [True]}),
    of({"count": [{"numeric": ["<", 5]}]}),
    of({"empty": [None]}),
    of({"nothing": [""]}),
    of({"list": [{"exists": True}]}),
    of({"list": [{"anything-but": "x"}]}),
    of({"missing": [{"anything-but": "x"}]}),
    of({"missing": [None]}),
    of({"object": ["x", {"exists": True}]}),
    of({"state": [{"exists": False}]}),
    of({"tags": {"key": ["a"], "value": [2]}}),  # no one element is so
    of({"state": [{"anything-but": ["terminated"]}]}),
    of({"state": [{"anything-but": {"wildcard": "*min*"}}]}),
    of({"state": [{"wildcard": "t*x*d"}]}),
    of({"state": [{"wildcard": "termi*inated"}]}),
    of({"count": [{"prefix": "5"}]}),
    of({"ip": [{"cidr": "10.0.1.0/24"}]}),
    of({"state": [{"cidr": "10.0.1.0/24"}]}),
    of({"state": ["terminated"], "$or": [{"state": ["running"]}, {"count": [9]}]}),
]


@pytest.mark.parametrize("pattern", FITS, ids=json.dumps)
def test_patterns_match_as_documented(pattern: dict[str, Any]):
    check_pattern(pattern)
    assert Pattern(pattern).fits(EC2)


@pytest.mark.parametrize("pattern", FITS_NOT, ids=json.dumps)
def test_patterns_do_not_match_other_events(pattern: dict[str, Any]):
    assert not Pattern(pattern).fits(EC2)


def test_a_wildcard_takes_no_longer_for_a_text_that_just_misses():
    """One that tried each way would never end."""
    assert not Pattern(of({"a": [{"wildcard": "*a" * 40 + "b"}]})).fits(of({"a": "a" * 20_000}))


def test_branches_are_not_multiplied_without_end():
    with pytest.raises(BadPattern, match="combinations"):
        check_pattern(of({name: {"$or": [{"x": [1]}, {"y": [1]}]} for name in "abcdefghij"}))


def test_possible_matches_are_preselected_by_source_and_type():
    either = [{"source": ["a"]}, {"source": ["b"], "detail-type": [{"prefix": "x"}]}]
    pattern = Pattern({"$or": either, **of({"n": [1]})})
    found = [pattern.may_fit(*pair) for pair in (("a", "y"), ("b", "y"), ("b", "x1"), ("c", "x"))]
    assert found == [True, False, True, False]


# -- any pattern, any event, as the emulator has it ---------------------------------------------------------

NAMES = st.sampled_from(["a", "b"])
TEXTS = st.sampled_from(["a", "ab", "A", "10.0.0.1", "*", "\\", ""])
NUMBERS = st.sampled_from([1, 2, 1.5])
SCALARS = TEXTS | NUMBERS | st.sampled_from([None, True, False])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2), max_leaves=6
)
SOME_TEXT = TEXTS.filter(bool)
WILDCARDS = st.sampled_from(["*", "a*", "*b", "a*b", "*a*b*", "a\\*b", "\\*", "\\\\", "abc"])
OPERATORS = st.one_of(
    st.builds(lambda one: {"prefix": one}, SOME_TEXT | SOME_TEXT.map(lambda one: {"equals-ignore-case": one})),
    st.builds(lambda one: {"suffix": one}, SOME_TEXT | SOME_TEXT.map(lambda one: {"equals-ignore-case": one})),
    st.builds(lambda one: {"equals-ignore-case": one}, SOME_TEXT),
    st.builds(lambda one: {"exists": one}, st.booleans()),
    st.builds(lambda one: {"wildcard": one}, WILDCARDS),
    st.builds(lambda sign, one: {"numeric": [sign, one]}, st.sampled_from(["<", "<=", "=", ">=", ">"]), NUMBERS),
    st.just({"numeric": [">", 0, "<=", 2]}),
    st.just({"cidr": "10.0.0.0/24"}),
    st.builds(lambda one: {"anything-but": one}, SOME_TEXT | NUMBERS | st.lists(SOME_TEXT, min_size=1, max_size=2)),
    st.builds(lambda one: {"anything-but": {"prefix": one}}, SOME_TEXT),
    st.builds(lambda one: {"anything-but": {"wildcard": one}}, WILDCARDS),
    st.builds(lambda one: {"anything-but": {"equals-ignore-case": one}}, st.lists(SOME_TEXT, min_size=1, max_size=2)),
)
LEAVES = st.lists(SCALARS | OPERATORS, min_size=1, max_size=4)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    fields = st.dictionaries(NAMES | st.just("a.b"), inner, min_size=1, max_size=2)
    either = st.lists(fields, min_size=2, max_size=2).map(lambda branches: {"$or": branches})
    return st.one_of(fields, st.tuples(fields, either).map(lambda two: {**two[0], **two[1]}), either)


PATTERNS = objects(st.recursive(LEAVES, objects, max_leaves=2))


def like(pattern: Any, data: st.DataObject) -> Any:
    """A value that often fits a pattern."""
    if isinstance(pattern, list):
        some = data.draw(st.sampled_from(pattern))
        while isinstance(some, dict | list):
            some = next(iter(some.values())) if isinstance(some, dict) else some[-1]
        return data.draw(st.sampled_from([some, some, some, [1, some], {"a": some}]) | SCALARS)
    fields: dict[str, Any] = {}
    for name, inner in pattern.items():
        if name == "$or":
            found = like(data.draw(st.sampled_from(inner)), data)
            fields |= found if isinstance(found, dict) else found[-1]
        elif data.draw(st.integers(0, 9)):
            fields[name] = like(inner, data)
    return fields if data.draw(st.integers(0, 4)) else [data.draw(VALUES), fields]


@settings(max_examples=200, deadline=None)
@given(PATTERNS, st.data())
def test_patterns_match_like_the_emulator(pattern: dict[str, Any], data: st.DataObject):
    whole = of(pattern)
    check_pattern(whole)
    detail = like(pattern, data)
    event = {"Source": "a", "DetailType": "b", "Detail": json.dumps(detail)}
    theirs = emulator._matches_pattern(json.dumps(whole), event)
    ours = Pattern(whole).fits(of(detail))

    if not _names_a_leaf_with_fields(whole):  # which the emulator takes for one that nothing fits, unlike EventBridge
        assert ours == theirs
        FIGURES["events that fitted a pattern"] += ours
        FIGURES["events that fitted no pattern"] += not ours


def _names_a_leaf_with_fields(pattern: dict[str, Any]) -> bool:
    """Whether it says something of a path both as of a value and as of an object."""
    return any(emulator._UNSATISFIABLE in one for one in emulator._compiled_pattern(json.dumps(pattern)) or [])
