"""The tasks of isolated processes by name: functions of `engine/parsing`.

Each takes the arguments (any JSON), the content to read and the file to write (either may be missing), and returns
JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import IO, Any

Task = Callable[[dict[str, Any], IO[bytes] | None, IO[bytes] | None], Any]

TASKS: Mapping[str, str] = {
    "check_schema": "engine.parsing.json_schema:check",
    "read_csv": "engine.parsing.csv_text:read",
    "read_workbook": "engine.parsing.sheet:read",
    "write_workbook": "engine.parsing.workbook_writing:write",
    "list_zip": "engine.parsing.archive:list_entries",
    "unpack_zip": "engine.parsing.archive:unpack",
    "search_html": "engine.parsing.html_page:search",
    "read_xml": "engine.parsing.xml_text:read",
    "write_xml": "engine.parsing.xml_text:written",
}
NUMBERS: Mapping[str, int] = {name: number for number, name in enumerate(TASKS)}


def task(name: str) -> Task:
    """Return the function of a task; its module is imported on first use."""
    module, _, function = TASKS[name].partition(":")
    found: Task = getattr(import_module(module), function)
    return found
