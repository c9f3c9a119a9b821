"""What is packed for Lambda: layers, extensions, the sandbox, the console."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from functions.sandbox.machine import PULLEY_TARGET, load
from infrastructure.guests.build import GUESTS
from infrastructure.stack.console_build import CONSOLE, build_console
from infrastructure.stack.packaging import EXPORT, GROUPS, REQUIREMENTS, ROOT, build_extension_layer, build_sandbox
from infrastructure.stack.uv_command import PackagingError, uv_binary


def test_the_consoles_package_is_its_handler_and_what_browsers_load(tmp_path: Path):
    code = build_console(tmp_path)
    place = code / "functions" / "console"
    names = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}

    assert {"handler.py", "web/index.html"} <= names
    assert not [name for name in names if name.endswith((".ts", ".tsx", ".map")) or "node_modules" in name]
    scripts = {name for name in names if name.endswith(".js")}
    assert any(f"{name}.br" in names and f"{name}.gz" in names for name in scripts)
    assert "://" not in (code / "functions" / "console" / "web" / "index.html").read_text()


def test_the_consoles_lock_file_names_no_host():
    assert "://" not in _without_funding((CONSOLE / "web" / "package-lock.json").read_text())


def _without_funding(lock: str) -> str:
    packages = json.loads(lock)["packages"]
    return json.dumps([{**package, "funding": None} for package in packages.values()])


def test_the_extensions_own_tests_pass(tmp_path: Path):
    """As its author runs them: installed, with the testing helper."""
    folder = ROOT / "events" / "extensions" / "mainspring-payments"
    layer = build_extension_layer(tmp_path, [folder], local=True)
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "-p", "no:cacheprovider", str(folder / "tests")]
    paths = os.pathsep.join([str(layer / "python"), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_the_sandbox_is_its_own_code_with_guests_for_lambda(tmp_path: Path):
    """It fits into a function's 250 MB; guests are machine code for Lambda's processor, and can be interpreted too."""
    code = build_sandbox(tmp_path, local=False)
    files = [path for path in code.rglob("*") if path.is_file()]
    ours = {path.name for path in (code / "functions" / "sandbox").glob("*.py")}
    elsewhere = {path.relative_to(code).parts[0] for path in files} - {"functions"}

    assert ours == {path.name for path in (ROOT / "functions" / "sandbox").glob("*.py")}
    assert {name for name in elsewhere if not name.endswith(".dist-info")} == {"wasmtime"}
    assert sum(path.stat().st_size for path in files) < 200_000_000
    for name in GUESTS:
        guest = code / "functions" / "sandbox" / "guests" / name
        native = guest.with_suffix(".native").read_bytes()
        assert native[:4] == b"\x7fELF"
        assert native[18:20] == (183).to_bytes(2, "little")  # arm64
        assert load(guest.with_suffix(".pulley"), PULLEY_TARGET).module.exports


def test_extension_becomes_a_layer_with_its_entry_points(tmp_path: Path):
    """Also for Lambda's processor; and what is no package is said in a sentence."""
    content = build_extension_layer(tmp_path, [ROOT / "events" / "extensions" / "mainspring-payments"], local=False)
    (points,) = content.glob("python/*.dist-info/entry_points.txt")

    assert "iban_check = mainspring_payments.iban_check:IbanCheckNode" in points.read_text()
    with pytest.raises(PackagingError, match="is no Python package"):
        build_extension_layer(tmp_path, [tmp_path], local=False)


@pytest.mark.parametrize("layer", REQUIREMENTS)
def test_the_layers_requirements_are_in_step_and_host_free(layer: str):
    """`engine/requirements*.txt` are what `uv export` gives for the dependencies of `pyproject.toml`."""
    command = [uv_binary(), *EXPORT, *GROUPS[layer]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert REQUIREMENTS[layer].read_text() == done.stdout
    assert "://" not in done.stdout
