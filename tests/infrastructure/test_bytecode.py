"""What is deployed has its byte code with it, the same each time, for the Python that runs it."""

from __future__ import annotations

import importlib.util
import marshal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from infrastructure.stack import bytecode
from infrastructure.stack.bytecode import DEPLOYED_VERSION, compile_all, deployed_interpreter
from infrastructure.stack.packaging import DEPLOYED_PLATFORM, build_functions

UNCHECKED = 1
"""The flags of byte code that holds its source's hash, which nobody compares."""


def digests(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.pyc")}


def test_each_module_of_the_functions_is_compiled_for_who_runs_it(tmp_path: Path):
    code = build_functions(tmp_path, local=True)
    modules = list(code.rglob("*.py"))

    assert len(modules) > 20
    for module in modules:
        compiled = Path(importlib.util.cache_from_source(str(module))).read_bytes()
        assert compiled[:4] == importlib.util.MAGIC_NUMBER
        assert int.from_bytes(compiled[4:8], "little") == UNCHECKED, "packages are unpacked with other times"
        assert marshal.loads(compiled[16:]).co_filename == f"/var/task/{module.relative_to(code)}"  # noqa: S302 - ours


def test_the_same_code_gives_the_same_package(tmp_path: Path):
    first = digests(build_functions(tmp_path / "a", local=True))
    again = digests(build_functions(tmp_path / "b", local=True))

    assert first == again


def test_a_read_only_copy_is_imported_from_its_byte_code(tmp_path: Path):
    """As Lambda's layers are: with other times, and nothing can be written."""
    (tmp_path / "some.py").write_text("VALUE = 'compiled'\n")
    assert compile_all(tmp_path, seen_as="/opt/python", local=True)
    (tmp_path / "some.py").write_text("VALUE = 'read anew'\n")
    told = subprocess.run(
        [sys.executable, "-c", "import some; print(some.VALUE)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.strip() == "compiled"


def test_without_the_right_python_no_byte_code_is_packaged_and_a_warning_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "some.py").write_text("VALUE = 1\n")
    deployed_interpreter.cache_clear()
    monkeypatch.setattr(bytecode, "_candidates", lambda: iter([(sys.executable + "-gone",), (sys.executable,)]))
    monkeypatch.setattr(bytecode, "DEPLOYED_VERSION", "3.99")
    try:
        assert not compile_all(tmp_path, seen_as="/opt/python", local=False)
        assert not digests(tmp_path)
        assert "without byte code" in bytecode.NO_INTERPRETER
    finally:
        deployed_interpreter.cache_clear()


def test_what_compiles_is_the_version_that_is_deployed(tmp_path: Path):
    assert DEPLOYED_PLATFORM[-1] == DEPLOYED_VERSION
    (tmp_path / "some.py").write_text("VALUE = 1\n")
    compiled = compile_all(tmp_path, seen_as="/opt/python", local=False)

    assert compiled == (deployed_interpreter() is not None)
    tag = DEPLOYED_VERSION.replace(".", "")
    assert [Path(name).name for name in digests(tmp_path)] == ([f"some.cpython-{tag}.pyc"] if compiled else [])
