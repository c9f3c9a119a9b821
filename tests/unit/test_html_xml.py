"""Pages and XML as they come: texts as they are shown, in the encoding that they are in, and within bounds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.testing import run_node
from tests.unit.test_data_nodes import raw, refused, text
from tests.unit.test_isolation import peak


def found(page: str | bytes, selector: str, **wanted: Any) -> Any:
    source = text(page) if isinstance(page, str) else raw(page)
    return run_node("html", {**source, "extract": {"x": {"selector": selector, **wanted}}}).output["x"]


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("H<sub>2</sub>O, <b>b</b>old, 1<span>.</span>299", "H2O, bold, 1.299"),
        ("a<script>var x=1</script><style>.a{}</style><noscript>n</noscript><template>t</template> b", "a b"),
        ("one<br>two<p>three</p>four<!-- no -->", "one two three four"),
        ("<ul><li>a<li>b</ul><table><tr><td>1<td>2</table>", "a b 1 2"),
        ("&amp;lt; &nbsp;&euro; &#x41;&notanentity;", "&lt; € A¬anentity;"),
        ("<svg><title>Icon</title><text>shown</text></svg>!", "shown!"),
        ("<div>a<div>b<table><tr><td><table><tr><td>c</table>d</table></div></div>", "a b c d"),
        ("<a href=#>l</a><i>i</i><custom-tag>c</custom-tag>", "li c"),
        ("e\u0301\u00e9", "e\u0301\u00e9"),
    ],
)
def test_texts_are_as_the_page_shows_them(page: str, shown: str):
    assert found(f"<body>{page}</body>", "body") == shown


def test_an_element_that_fits_twice_is_found_once_and_a_script_where_it_is_asked_for():
    assert found("<p class='a b'>x<p class=b>y", ".a, .b", all=True) == ["x", "y"]
    assert found("<script type='application/ld+json'>{\"a\": 1}</script>", "script") == '{"a": 1}'
    assert found("<title>T</title>", "title") == "T"


@pytest.mark.parametrize(
    ("page", "encoding"),
    [
        ("<meta charset=windows-1251><p>Привет", "windows-1251"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1"><p>Größe €', "windows-1252"),
        ("<meta charset='Shift_JIS'><p>日本", "cp932"),
        ("<p>Größe", "utf-8"),
        ("<p>Größe", "windows-1252"),
        ("\ufeff<p>Größe", "utf-16-le"),
        ("\ufeff<meta charset=latin-1><p>Größe", "utf-8"),
    ],
)
def test_bytes_are_read_as_the_page_says(page: str, encoding: str):
    assert found(page.encode(encoding), "p") == page.rpartition("<p>")[2]
    assert found(page.removeprefix("\ufeff"), "p") == page.rpartition("<p>")[2]  # a text is one already


def test_an_encoding_can_be_said():
    page = {**raw("<p>ö".encode("cp850")), "extract": {"x": {"selector": "p"}}}
    assert run_node("html", {**page, "encoding": "cp850"}).output == {"x": "ö"}
    assert refused("html", {**page, "encoding": "utf-8"}).code == "bad_content"


def test_fields_that_are_empty_count():
    nested: dict[str, Any] = {"selector": "*", "all": True, "fields": {}}
    for _ in range(2):
        nested = {"selector": "*", "all": True, "fields": {"x": nested}}
    page = "<div>" * 450
    error, _, child = peak("html", {"source": {"text": page}, "extract": {"x": nested}})
    assert error["code"] in {"too_large", "output_too_large"}
    assert child < 400


# -- XML -----------------------------------------------------------------------------------------------------


def parsed(content: str | bytes, **config: Any) -> Any:
    return run_node("xml", {**(text(content) if isinstance(content, str) else raw(content)), **config}).output


def written(value: Any, **config: Any) -> str:
    output: str = run_node("xml", {"operation": "format", "value": value, **config}).output["text"]
    return output


@pytest.mark.parametrize(
    "value",
    [
        {"r": "a\x01b"}, {"r": {"1a": 1}}, {"r": {"#cdata": "x"}}, {"r": {"a b": 1}}, {"r": {"": 1}}, {"r": [1, 2]},
        {"r": {"a": [[1]]}}, {"r": {"@a": {"b": 1}}}, {"r": {"@": "x"}}, {"r": {"@1": "x"}}, {"r": {"x:y": 1}},
        {"r": "\ud800"}, {"r": "\ufffe"}, {"r": {"#comment": "a"}}, {"<": 1}, {"r": {"#text": [1]}},
        {"r": {"a:b:c": 1}},
    ],
)  # fmt: skip
def test_values_that_xml_cannot_hold_are_refused(value: Any):
    error = refused("xml", {"operation": "format", "value": value})
    assert error.code == "config"
    assert "config.value" in error.message


def test_written_content_is_read_back_unchanged():
    value = {"r": {"@id": "7", "a": ["1", None, {"@x": "y", "#text": "t"}], "ü": "<&>]]>", "n": None}}
    assert parsed(written(value)) == value
    assert parsed(written(value, pretty=True)) == value
    assert parsed(written({"r": {"a": True, "b": 7615917337495251231, "c": 1.5}})) == {
        "r": {"a": "true", "b": "7615917337495251231", "c": "1.5"}
    }
    soap = {"s:e": {"@xmlns:s": "urn:s", "s:b": "x"}}
    assert parsed(written(soap)) == soap
    assert "@xmlns:prefix" in refused("xml", {"operation": "format", "value": {"r": {"x:y": 1}}}).message


NAMES = st.from_regex(r"[a-zA-Zäß][a-zA-Z0-9äß]{0,8}", fullmatch=True)
TEXTS = st.text(
    st.characters(min_codepoint=32, exclude_categories=["Cs", "Cn", "Co", "Zs", "Zl", "Zp", "Cc"]), min_size=1
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(NAMES, st.one_of(TEXTS, st.none(), st.lists(TEXTS, min_size=2, max_size=3)), min_size=1))
def test_any_object_is_read_as_it_was_written(value: dict[str, Any]):
    assert parsed(written({"r": value})) == {"r": value}


@pytest.mark.parametrize(
    "encoding", ["windows-1252", "windows-1251", "iso-8859-15", "Shift_JIS", "GBK", "UTF-16", "utf-8"]
)
def test_xml_is_read_in_the_encoding_that_it_says(encoding: str):
    letter = {"windows-1251": "ж", "Shift_JIS": "日", "GBK": "中"}.get(encoding, "é")
    assert parsed(f"<?xml version='1.0' encoding='{encoding}'?><a>{letter}</a>".encode(encoding)) == {"a": letter}
    if encoding != "UTF-16":
        assert parsed(f"<a>{letter}</a>".encode(encoding), encoding=encoding.lower().replace("gbk", "gb18030")) == {
            "a": letter
        }


@pytest.mark.parametrize("encoding", ["iso-8859-1", "windows-1251", "Shift_JIS", "UTF-16", "utf-8", "no-encoding"])
@pytest.mark.parametrize("length", [1, 100_000])
def test_xml_that_is_a_text_is_read_whatever_encoding_it_says(encoding: str, length: int):
    letters = "é€語" * length
    run = run_node("xml", {"source": {"text": f'<?xml version="1.0" encoding="{encoding}"?><a>{letters}</a>'}})
    assert run.output == {"a": letters}


def test_xml_namespaces_cdata_comments_and_entities_are_read():
    content = "<a xmlns:n='urn:x'><!-- no --><?pi no?><n:b><![CDATA[<&]]></n:b>&amp;&#x41;</a>"
    assert parsed(content) == {"a": {"@xmlns:n": "urn:x", "n:b": "<&", "#text": "&A"}}
    assert parsed(content, namespaces=True)["a"]["urn:x:b"] == "<&"


@pytest.mark.parametrize("unit", ["<a/>", "<a b=''/>", "<a>x</a>"])
def test_xml_of_very_many_elements_is_refused_before_it_is_built(unit: str):
    make = f"config['source'] = {{'text': '<r>' + {unit!r} * (9_000_000 // {len(unit)}) + '</r>'}}"
    error, _, child = peak("xml", {}, make)
    assert error["code"] == "too_large"
    assert child < 400
