"""JSONata with bounds: time, depth, sizes, no `$eval`, and a clock and randomness that the engine controls.

jsonata-python bounds its own loop by wall-clock time, and does not stop what runs inside one call of Python or C: a
`$pad` of a billion, a number with a billion digits. Here the processor time of the evaluating thread is bounded, by a
check every few steps and by a timer signal, and each step's result has a size limit. Known attacks are in
`tests/unit/test_expressions.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from types import ModuleType
from typing import TYPE_CHECKING, Any

import jsonata.functions
import jsonata.jsonata
import jsonata.parser
from jsonata.jexception import JException
from jsonata.parser import Parser
from jsonata.utils import Utils

from engine import limits
from engine.errors import ExpressionError
from engine.workflow.expressions.jsonata import numbers
from engine.workflow.expressions.jsonata.budget import TOO_DEEP, Refusal, Run, TooMuch, bounded_time, current
from engine.workflow.expressions.jsonata.evaluator import Evaluator

if TYPE_CHECKING:
    from engine.workflow.expressions.scope import Scope

UNDEFINED = object()
"""JSONata's *undefined*: no value, as opposed to `null`."""


def _silence(module: ModuleType) -> None:
    """Silence the library, which prints data that must not get into a log."""
    vars(module)["print"] = lambda *_: None


for _module in (jsonata.functions, jsonata.jsonata, jsonata.parser):
    _silence(_module)


class Compiled:
    """One parsed JSONata expression, which may be evaluated any number of times.

    Raises:
        ExpressionError: it cannot be parsed.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        try:
            self._evaluator = Evaluator(source)
        except Exception as error:  # noqa: BLE001 - the parser answers some text with a bare Python error
            reason = str(error) if isinstance(error, JException | ValueError | Refusal) else "it cannot be parsed"
            message = f"`{_short(source)}` is not a JSONata expression: {reason}"
            raise ExpressionError(message, details={"expression": source, "reason": reason}) from None

    def evaluate(self, scope: Scope, where: str) -> Any:
        """Return the value as plain JSON, or UNDEFINED.

        Raises:
            ExpressionError: a bound was hit, or the expression cannot be evaluated over this data.
        """
        return self.run(scope, where)[0]

    def run(self, scope: Scope, where: str) -> tuple[Any, Run]:
        """Return the value, and how it was found.

        Raises:
            ExpressionError: as `evaluate`.
        """
        run = Run(scope)
        current.run = run
        try:
            with bounded_time():
                result = self._evaluator.of(run).result(dict(scope.data))
                return UNDEFINED if result is None else _plain(result), run
        except (Exception, TooMuch) as error:  # noqa: BLE001 - JSONata answers some data with a bare Python error
            # The library turns some errors into others, so any failure may stem from a bound, which another driver need
            # not hit.
            scope.nondeterministic = True
            reason = _reason(error)
        raise ExpressionError(
            f"{where or 'the template'}: {reason} in `{_short(self.source)}`",
            details={"field": where, "expression": self.source, "reason": reason},
        )

    def references(self) -> Iterator[tuple[str | int, ...]]:
        """Return the root paths that it reads. What a predicate or a later step reads is relative and not included."""
        yield from _references(self._evaluator.ast)


def _plain(value: Any, depth: int = 0) -> Any:
    """Convert JSONata's result to plain JSON: its list and null types replaced, whole floats as integers.

    Raises:
        TooMuch: it is nested too deep.
        Refusal: it holds what JSON cannot: a function, an infinite number.
    """
    if depth > limits.MAX_JSON_DEPTH:
        raise TooMuch(f"the value is nested more than {limits.MAX_JSON_DEPTH} deep")
    if value is Utils.NULL_VALUE or value is None:
        return None
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return numbers.settled(value)
    if isinstance(value, dict):
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(item, depth + 1) for item in value]
    raise Refusal("the result is a function; call it")


def _reason(error: BaseException) -> str:
    if isinstance(error, TooMuch | Refusal):
        return str(error)[:500]
    if isinstance(error, JException):
        return _in_words(str(error))[:500]
    if isinstance(error, RecursionError):
        return TOO_DEEP
    if isinstance(error, OverflowError):
        return "the number is too large"
    return "it needs too much memory" if isinstance(error, MemoryError) else "JSONata cannot evaluate it over this data"


def _in_words(message: str) -> str:
    """Rewrite the library's message, in which a function is an Object and a list of numbers an array of n."""
    message = message.replace(" of Object ", " of $", 1)
    for letter, kind in (("n", "numbers"), ("s", "texts"), ("o", "objects")):
        message = message.removesuffix(f"array of {letter}") + (
            f"list of {kind}" if message.endswith(f"array of {letter}") else ""
        )
    return message


def _references(symbol: Any) -> Iterator[tuple[str | int, ...]]:
    if isinstance(symbol, list | tuple):
        for item in symbol:
            yield from _references(item)
        return
    if not isinstance(symbol, Parser.Symbol):
        return
    if getattr(symbol, "type", None) == "path":
        yield from _path_references(symbol.steps)
        return
    for name, value in vars(symbol).items():
        if not name.startswith("_") or name == "_else":
            yield from _references(value)


def _path_references(steps: list[Any]) -> Iterator[tuple[str | int, ...]]:
    first, rest = steps[0], steps[1:]
    if first.type == "variable" and first.value in ("", "$"):
        if first.value == "" or not rest:
            return  # `$` is the current item, which need not be the root
        first, rest = rest[0], rest[1:]
    if first.type != "name":
        yield from _references(first)
        return
    path: list[str | int] = [first.value]
    for previous, step in pairwise([first, *rest]):
        if step.type != "name" or getattr(previous, "stages", None):
            break
        path.append(step.value)
    yield tuple(path)


def _short(source: str) -> str:
    return source if len(source) <= 120 else source[:119] + "…"  # noqa: PLR2004
