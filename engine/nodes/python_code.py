"""`python_code`: runs the author's own Python in a sandbox."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field, field_validator

from engine.nodes.base import BaseNode, NodeResult
from engine.nodes.code import MAX_CODE, MAX_SECONDS, CodeConfig, run_code
from engine.nodes.context import NodeContext
from engine.type_catalogue import Effect

MODULES = frozenset(
    """
    __future__ abc base64 bisect calendar cmath collections collections.abc colorsys copy csv dataclasses datetime
    decimal difflib email.message email.policy enum fractions functools hashlib heapq hmac html html.parser io
    ipaddress itertools json math numbers operator pprint random re secrets statistics string struct textwrap time
    typing unicodedata urllib.parse uuid xml.etree.ElementTree zlib zoneinfo
    """.split()  # noqa: SIM905 - to be read by people
)
"""The part of Python's standard library that computes. Nothing else can be imported."""


class PythonCodeConfig(CodeConfig):
    """The code and its input."""

    code: str = Field(
        min_length=1,
        max_length=MAX_CODE,
        description="Defines `main(input)`, whose result is the output.",
        json_schema_extra={"x-mainspring": {"widget": "code", "language": "python"}},
    )

    @field_validator("code")
    @classmethod
    def _check_code(cls, code: str) -> str:
        check_code(code)
        return code


class PythonCodeNode(BaseNode):
    """Runs a function of Python, `main(input)`; gives what it returns. What it prints is in the execution's log.

    It runs in an interpreter of its own, without network, files, secrets or other processes, with the computing part of
    the standard library of Python 3.12. An error names the code's own line.
    """

    Config = PythonCodeConfig
    title: ClassVar[str] = "Python code"
    group: ClassVar[str] = "Code"
    icon: ClassVar[str] = "file-code"
    effect: ClassVar[Effect] = "idempotent"
    default_timeout: ClassVar[float] = MAX_SECONDS + 30.0
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "code": "def main(input):\n    return sorted(input, key=lambda order: -order['total'])[:3]",
            "input": "{{ nodes.orders.rows }}",
        },
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Run it.

        Raises:
            NodeError: as `run_code`.
        """
        return await run_code(context, context.config(PythonCodeConfig, self.raw_config), "python")


def check_code(code: str) -> None:
    """Look whether code can run at all, without running it.

    Raises:
        ValueError: it is no Python, defines no `main`, or imports what there is not.
    """
    try:
        tree = ast.parse(code)
    except SyntaxError as error:
        raise ValueError(f"line {error.lineno}: {error.msg}") from None
    except (ValueError, MemoryError, RecursionError):
        raise ValueError("the code cannot be read: it holds a NUL character, or is nested too deep") from None
    for name in _modules_of(tree):
        if name not in MODULES:
            raise ValueError(f"the module {name!r} is not there; there are {', '.join(sorted(MODULES))}")
    if not any(isinstance(one, ast.FunctionDef) and one.name == "main" for one in tree.body):
        raise ValueError("the code defines no function `main(input)`")


def _modules_of(tree: ast.Module) -> Iterator[str]:
    for one in ast.walk(tree):
        if isinstance(one, ast.Import):
            yield from (alias.name for alias in one.names)
        elif isinstance(one, ast.ImportFrom):
            module = "." * one.level + (one.module or "")
            for alias in one.names:
                inner = f"{module}.{alias.name}"
                yield inner if inner in MODULES else module
