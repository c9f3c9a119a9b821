"""The documents say what is there: links, files, tests, commands, workflows and programs in them are checked."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
import typer
import yaml

from engine.nodes.registry import NodeExecutorFactory
from engine.workflow.validator import validate
from infrastructure.cli.main import app
from tests.documents import DOCUMENTS, ROOT, anchors, blocks, links, named, prose

FILES = re.compile(r"(?:\.\./)?(?:engine|functions|infrastructure|events|tests)/[\w./*-]+")
every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def test_all_documents_are_checked():
    skipped = {".venv", ".mainspring", "node_modules", "cdk.out", "build"}
    found = {path for path in ROOT.rglob("README.md") if not skipped & set(path.relative_to(ROOT).parts)}

    assert {path for path in found if "extensions" not in path.parts and ".pytest_cache" not in path.parts} == set(
        DOCUMENTS
    )


@every_document
def test_every_link_leads_to_something(document: Path):
    for link in links(document):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target), link


@every_document
def test_every_named_file_and_test_exists(document: Path):
    for text in named(document):
        file, _, test = text.partition("::")
        if not FILES.fullmatch(file):
            continue
        path = ROOT / file.removeprefix("../")
        assert path.exists() or list(ROOT.glob(str(path.relative_to(ROOT)))), text
        if test:
            functions = {one.name for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.FunctionDef)}
            assert test in functions, text


@every_document
def test_every_bare_file_name_is_that_of_a_file(document: Path):
    names = {path.name for folder in (document.parent, ROOT / "engine") for path in folder.rglob("*.*")}
    for text in named(document):
        if re.fullmatch(r"\w+\.(py|json|toml|md)", text):
            assert text in names or (ROOT / text).exists(), text


def test_every_guarantee_names_its_tests():
    text = prose(ROOT / "engine" / "README.md")
    section = text[text.index("## Guarantees") : text.index("### What is not guaranteed")]
    guarantees = [part for part in section.split("\n\n") if part.startswith("**")]

    assert len(guarantees) >= 24
    for guarantee in guarantees:
        assert re.search(r"`tests/(unit|property|e2e)/test_\w+\.py(::test_\w+)?`", guarantee), guarantee


@every_document
def test_every_command_is_one_of_the_command_line(document: Path):
    texts = [*named(document), *(one.text for one in blocks(document) if one.language == "bash")]
    group = typer.main.get_command(app)
    for text in texts:
        for words in re.findall(r"\bmainspring ((?:[a-z][a-z_-]* ?)+)", text):
            first, *rest = words.split()
            assert first in group.commands, text  # type: ignore[attr-defined]
            inner = group.commands[first]  # type: ignore[attr-defined]
            if hasattr(inner, "commands") and rest:
                assert rest[0] in inner.commands, text


@every_document
def test_every_option_of_a_command_exists(document: Path):
    group = typer.main.get_command(app)
    for block in blocks(document):
        for line in block.text.splitlines() if block.language == "bash" else ():
            found = re.search(r"\bmainspring ([a-z]+) ([^#|)]*)", line)
            command = found and group.commands[found[1]]  # type: ignore[attr-defined]
            if command and not hasattr(command, "commands"):
                known = {option for one in command.params for option in one.opts}
                assert set(re.findall(r"(?<= )--[a-z-]+", f" {found[2]}")) <= known, line


@every_document
def test_every_json_block_is_valid_and_workflows_are_runnable(document: Path):
    for block in blocks(document):
        if block.language == "json":
            value = json.loads(block.text)
            definition = value.get("definition", value)
            if "nodes" in definition:
                _, problems = validate(definition, NodeExecutorFactory())
                assert not problems


@every_document
def test_every_yaml_block_is_a_file_of_cases(document: Path):
    for block in blocks(document):
        if block.language == "yaml":
            assert all({"name", "expect"} <= set(case) for case in yaml.safe_load(block.text)["cases"])


@every_document
def test_python_blocks_run_one_after_the_other(document: Path):
    names: dict[str, object] = {}
    for block in blocks(document):
        if block.language == "python":
            exec(compile(block.text, str(document), "exec"), names)  # noqa: S102 - our own documents


def test_every_example_is_among_the_recipes():
    said = set(links(ROOT / "events" / "README.md"))

    assert {f"workflows/{path.name}" for path in (ROOT / "events" / "workflows").glob("*.json")} <= said


def test_every_test_file_is_on_the_map():
    said = set(links(ROOT / "tests" / "README.md"))
    folders = ("unit", "property", "infrastructure", "e2e")

    assert {f"{f}/{path.name}" for f in folders for path in (ROOT / "tests" / f).glob("test_*.py")} <= said


def test_every_function_has_a_row():
    text = prose(ROOT / "functions" / "README.md")

    for folder in (ROOT / "functions").iterdir():
        if (folder / "handler.py").exists():
            assert f"`{folder.name}`" in text, folder.name
