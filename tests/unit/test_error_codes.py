"""The table of error codes has every code that the source can give, and no other."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from engine.reference.error_codes import GROUPS, explained
from tests.error_codes import Found, find_codes

NO_CODES = {
    "one['type']": "pydantic's own name for what is wrong with a field",
    "found.get('denied')": "the code of an error that the authorizer passes on",
    "_read(code)": "a program's text",
    "codes.get(_integer(attributes.get('numFmtId')), '')": "a number format of a workbook",
}
"""Expressions that a code may come from and that cannot be followed, and why no code is missed."""


@cache
def found() -> Found:
    return find_codes()


def test_every_code_of_the_source_is_in_the_table():
    missing = {code: places for code, places in found().codes.items() if explained(code) is None}

    assert not missing, "say in `engine/reference/error_codes` what they mean, and what to do"


def test_every_code_of_the_table_is_in_the_source():
    tables = [code for codes in GROUPS.values() for code in codes]

    assert not set(tables) - set(found().codes)
    assert len(tables) == len(set(tables)), "each is in one group"


def test_no_code_of_the_source_is_hidden_in_an_expression():
    assert set(found().unknown) == set(NO_CODES), found().unknown


@pytest.mark.parametrize("code", [code for codes in GROUPS.values() for code in codes])
def test_every_code_is_explained_in_sentences(code: str):
    said = explained(code)

    assert said is not None
    for text in said:
        assert text[0].isupper() or text[0] == "`", text
        assert text.endswith("."), text


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ("raise NodeError('x', code='by_keyword')", {"by_keyword"}),
        ("class Lost(Exception):\n    default_code = 'by_class'", {"by_class"}),
        ("class Lost(Exception):\n    default_code: str = 'by_class'", {"by_class"}),
        ("def f(a):\n    raise E('x', code='one' if a else 'two')", {"one", "two"}),
        ("def f(a):\n    code = 'by_name'\n    raise E('x', code=code)", {"by_name"}),
        ("error = {'code': 'by_key', 'message': 'x'}", {"by_key"}),
        ("def failed(code, message): ...\nfailed('by_position', 'x')", {"by_position"}),
        ("T = {1: 'a', 2: 'b'}\ndef f(n):\n    raise E('x', code=T.get(n, 'c'))", {"a", "b", "c"}),
        ("T = {1: ('a', 'x')}\ndef f(code, m): ...\nf(*T.get(1, ('b', 'y')))", {"a", "b"}),
        ("def f(e):\n    raise E('x', code=f'aws_{e}'[:100])", {"aws_*"}),
        ("def f(e):\n    raise E('x', code=e.get('code', 'fallback'))", {"fallback"}),
        ("def f(e):\n    raise E('x', code=str(e['code'] or 'fallback'))", {"fallback"}),
    ],
)
def test_codes_are_found_wherever_they_are_given(tmp_path: Path, source: str, codes: set[str]):
    (tmp_path / "engine").mkdir()
    (tmp_path / "functions").mkdir()
    (tmp_path / "engine" / "m.py").write_text(source)
    seen = find_codes(tmp_path)

    assert set(seen.codes) == codes
    assert not seen.unknown


def test_what_cannot_be_followed_is_reported(tmp_path: Path):
    (tmp_path / "engine").mkdir()
    (tmp_path / "functions").mkdir()
    (tmp_path / "engine" / "m.py").write_text("def f(e):\n    raise E('x', code=guess(e))")

    assert set(find_codes(tmp_path).unknown) == {"guess(e)"}
