"""Event patterns: what EventBridge takes passes, what it refuses is refused with the place of the mistake."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ministack.services import eventbridge as emulator

from engine.triggers.patterns import BadPattern, check_pattern

GOOD: list[dict[str, Any]] = [
    {"source": ["shop"]},
    {"source": [{"prefix": "shop."}], "detail-type": [{"anything-but": ["x", "y"]}]},
    {"detail": {"n": [1, 1.5, None, True, "x"]}},
    {"detail": {"a": {"b": {"c": [{"exists": False}]}}}},
    {"detail": {"n": [{"numeric": [">", 0, "<=", 5]}], "m": [{"numeric": ["=", 300]}]}},
    {"detail": {"ip": [{"cidr": "10.0.0.0/24"}]}},
    {"detail": {"f": [{"suffix": ".csv"}, {"wildcard": "a*b*c"}, {"equals-ignore-case": "ABC"}]}},
    {
        "detail": {
            "f": [{"anything-but": {"prefix": "a"}}, {"anything-but": 5}, {"anything-but": {"suffix": ["a", "b"]}}]
        }
    },
    {"detail": {"f": [{"prefix": {"equals-ignore-case": "a"}}]}},
    {"source": ["a"], "$or": [{"detail": {"x": [1]}}, {"detail": {"y": [2]}}]},
    {"detail": {"$or": [{"x": [1]}, {"y": [{"exists": True}]}]}},
    {"detail": {"ü": ["ß"]}},
]
BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "the pattern"),
    ({"sauce": ["shop"]}, "sauce"),
    ({"source": "shop"}, "source"),
    ({"source": []}, "source"),
    ({"source": {"a": ["b"]}}, "source"),
    ({"detail": {}}, "detail"),
    ({"detail": {"n": 5}}, "detail.n"),
    ({"detail": {"n": [["a"]]}}, "detail.n[0]"),
    ({"detail": {"n": ["a", {"pre": "a"}]}}, "detail.n[1].pre"),
    ({"detail": {"n": [{"prefix": "a", "suffix": "b"}]}}, "detail.n[0]"),
    ({"detail": {"n": [{"numeric": [">"]}]}}, "detail.n[0].numeric"),
    ({"detail": {"n": [{"numeric": [">", "a"]}]}}, "detail.n[0].numeric"),
    ({"detail": {"n": [{"numeric": [">", 5, "<", 1]}]}}, "detail.n[0].numeric"),
    ({"detail": {"n": [{"numeric": ["<", 5, ">", 1]}]}}, "detail.n[0].numeric"),
    ({"detail": {"n": [{"exists": "yes"}]}}, "detail.n[0].exists"),
    ({"detail": {"n": [{"cidr": "10.0.0.0/99"}]}}, "detail.n[0].cidr"),
    ({"detail": {"n": [{"anything-but": [1, "a"]}]}}, "detail.n[0].anything-but"),
    ({"detail": {"n": [{"anything-but": []}]}}, "detail.n[0].anything-but"),
    ({"detail": {"n": [{"wildcard": "a**b"}]}}, "detail.n[0].wildcard"),
    ({"$or": [{"source": ["a"]}]}, "$or"),
    ({"$or": [{"source": ["a"]}, {"sauce": ["b"]}]}, "$or[1].sauce"),
    ({"detail": {"n": ["x" * 3000]}}, "the pattern"),
    ({"detail": {"n": list(range(101))}}, "the pattern"),
]


@pytest.mark.parametrize("pattern", GOOD, ids=json.dumps)
def test_patterns_that_eventbridge_accepts_are_accepted(pattern: dict[str, Any]):
    check_pattern(pattern)
    assert emulator._event_pattern_error(json.dumps(pattern)) is None


@pytest.mark.parametrize(("pattern", "where"), BAD, ids=lambda part: part if isinstance(part, str) else "")
def test_patterns_that_eventbridge_refuses_are_refused_with_their_path(pattern: dict[str, Any], where: str):
    with pytest.raises(BadPattern) as refused:
        check_pattern(pattern)
    assert str(refused.value).startswith(f"{where}: ")
