"""JSONata with bounds: time, depth, sizes, no `$eval`, and a clock and chance that the engine controls.

jsonata-python bounds its own loop (`set_runtime_bounds`) by the clock on the wall, and does not stop what runs inside
one call of Python or C: a `$pad` of a billion, a number with a billion digits. Here the processor time of the
evaluating thread is bounded, by a look at each step and by a timer signal, and each step's result has a size limit.
Attacks tried are in `tests/unit/test_expressions.py`.
"""

from __future__ import annotations

import copy
import io
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from jsonata.functions import Functions
from jsonata.jexception import JException
from jsonata.jsonata import Jsonata
from jsonata.parser import Parser
from jsonata.utils import Utils

from engine import limits
from engine.errors import ExpressionError

if TYPE_CHECKING:
    from engine.expressions import Scope

UNDEFINED = object()
"""JSONata's *undefined*: no value, as opposed to `null`."""

_RING_AGAIN = 0.02
"""Seconds of the whole process's processor time between two looks at what the evaluating thread itself has used."""
_STEPS_BETWEEN_LOOKS = 32
_MAX_INTEGER_BITS = 1_100
_TOO_DEEP = "it is nested or recurses too deep"
_MAKERS = frozenset({"binary", "unary"})  # expressions that make values; a path only finds them
_MOST_CHARACTERS, _MOST_ITEMS = 32 * 1024 * 1024, 2_000_000  # made by one evaluation in all


class _Nowhere(io.TextIOBase):
    """JSONata prints data that it stumbles over; it belongs in nobody's log."""

    def write(self, text: str) -> int:
        return len(text)


_nowhere = _Nowhere()


class _TooMuch(BaseException):
    """A bound was hit; the text says which. No `except Exception` of the library may take it for something else."""


class _Bounded(Jsonata):  # type: ignore[misc]
    def evaluate_range_expression(self, lhs: Any, rhs: Any) -> Any:
        if isinstance(lhs, int) and isinstance(rhs, int) and rhs - lhs >= limits.MAX_RANGE_ITEMS:
            raise _TooMuch(f"a range has at most {limits.MAX_RANGE_ITEMS} items")
        return super().evaluate_range_expression(lhs, rhs)

    def evaluate_string_concat(self, lhs: Any, rhs: Any) -> Any:
        _check_size(lhs)
        _check_size(rhs)
        return super().evaluate_string_concat(lhs, rhs)


class Compiled:
    """One parsed JSONata expression, which may be evaluated any number of times.

    Raises:
        ExpressionError: it does not parse.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        try:
            self._jsonata = _Bounded(source)
        except Exception as error:  # noqa: BLE001 - the parser answers some text with a bare Python error
            reason = str(error) if isinstance(error, JException | ValueError) else "it cannot be parsed"
            message = f"`{_short(source)}` is not a JSONata expression: {reason}"
            raise ExpressionError(message, details={"expression": source, "reason": reason}) from None
        self._jsonata.environment = self._jsonata.create_frame(_functions())
        self._jsonata.set_validate_input(False)
        self._jsonata.set_output_convert_nulls(False)

    def evaluate(self, scope: Scope, where: str) -> Any:
        """The value as plain JSON, or UNDEFINED.

        Raises:
            ExpressionError: a bound was hit, or the expression cannot be evaluated over this data.
        """
        frame = self._jsonata.create_frame(None)
        Jsonata.CURRENT.jsonata = self._jsonata
        _current.begin(scope)
        frame.set_evaluate_entry_callback(_current.enter)
        frame.set_evaluate_exit_callback(_current.leave)
        try:
            with redirect_stdout(_nowhere), _bounded_time():
                result = self._jsonata.evaluate(dict(scope.data), frame)
                return UNDEFINED if result is None else _plain(result)
        except (Exception, _TooMuch) as error:  # noqa: BLE001 - JSONata answers some data with a bare Python error
            # The library turns some errors into others, so that any failure may be that of a bound, which another
            # driver need not hit.
            scope.volatile = True
            reason = _reason(error)
        raise ExpressionError(
            f"{where or 'the template'}: {reason} in `{_short(self.source)}`",
            details={"field": where, "expression": self.source, "reason": reason},
        )

    def references(self) -> Iterator[tuple[str | int, ...]]:
        """The root paths that it reads. What a predicate or a later step reads is relative, so not told."""
        yield from _references(self._jsonata.ast)


class _Budget:
    """What one evaluation has made so far."""

    def __init__(self) -> None:
        self.characters = 0
        self.items = 0

    def charge(self, value: Any) -> None:
        """Count a value that was made.

        Raises:
            _TooMuch: it is too large, or all together are.
        """
        if isinstance(value, str):
            self.characters += len(value)
            if len(value) > limits.MAX_TEXT_LENGTH or self.characters > _MOST_CHARACTERS:
                raise _TooMuch(f"text made here has at most {limits.MAX_TEXT_LENGTH} characters")
        elif isinstance(value, list):
            self.items += len(value)
            if len(value) > limits.MAX_RANGE_ITEMS or self.items > _MOST_ITEMS:
                raise _TooMuch(f"a list made here has at most {limits.MAX_RANGE_ITEMS} items")
        elif isinstance(value, int) and value.bit_length() > _MAX_INTEGER_BITS:
            raise _TooMuch("the number is too large")


class _Current(threading.local):
    """The evaluation that this thread is in."""

    scope: Scope
    budget: _Budget
    depth: int
    steps: int
    deadline: float = math.inf
    """By `time.thread_time()`."""

    def begin(self, scope: Scope) -> None:
        """Start counting anew."""
        self.scope, self.budget = scope, _Budget()
        self.depth = self.steps = 0

    def enter(self, _expression: Any, _input: Any, _environment: Any) -> None:
        """Count one step.

        Raises:
            _TooMuch: it is nested too deep, or this thread has worked too long on the expression.
        """
        self.depth += 1
        self.steps += 1
        if self.depth > limits.MAX_EXPRESSION_DEPTH:
            raise _TooMuch(_TOO_DEEP)
        if self.steps % _STEPS_BETWEEN_LOOKS == 0:
            self.look()

    def leave(self, expression: Any, _input: Any, _environment: Any, result: Any) -> None:
        """Count what a step has made."""
        self.depth -= 1
        if getattr(expression, "type", None) in _MAKERS:
            self.budget.charge(result)

    def look(self) -> None:
        """Whether this thread's own time is used up."""
        if time.thread_time() >= self.deadline:
            raise _TooMuch(f"it took longer than {limits.MAX_EXPRESSION_MILLISECONDS} ms")


_current = _Current()


@contextmanager
def _bounded_time() -> Iterator[None]:
    """Bound the processor time that this thread spends on the block, whatever Python code it then is in.

    Time on the clock, or that of other threads, would make an expression fail because the machine was busy with
    something else. The timer counts the processor time of the whole process, so each time it rings the thread's own
    is looked at. Signals reach the main thread only, which is where Lambda runs a handler; in other threads each few
    steps look.
    """
    seconds = limits.MAX_EXPRESSION_MILLISECONDS / 1000
    has_timer = threading.current_thread() is threading.main_thread()
    _current.deadline = time.thread_time() + seconds
    if has_timer:
        if signal.getsignal(signal.SIGPROF) is not _ring:
            signal.signal(signal.SIGPROF, _ring)
        signal.setitimer(signal.ITIMER_PROF, seconds, _RING_AGAIN)
    try:
        yield
    finally:
        _current.deadline = math.inf
        if has_timer:
            signal.setitimer(signal.ITIMER_PROF, 0)


def _ring(_number: int, _frame: Any) -> None:
    _current.look()


@cache
def _functions() -> Any:
    """JSONata's functions, each charged for what it makes, and our own in place of those that are not safe.

    These read the time or chance, which the engine has to know of, or could multiply sizes, or evaluate text.
    """
    frame = Jsonata.Frame(Jsonata.static_frame)
    checks = {
        "eval": _no_eval,
        "pad": _check_pad,
        "replace": _check_replace,
        "join": _check_join,
        "string": lambda value, *_: _check_size(value),
        "clone": lambda value, *_: _check_size(value),
    }
    own = {"millis": _millis, "now": _now, "random": _random, "shuffle": _shuffled}
    for name, function in list(Jsonata.static_frame.bindings.items()):
        if isinstance(function, Jsonata.JNativeFunction):
            frame.bind(name, _charged(function, own.get(name, function.method), checks.get(name)))
    return frame


def _charged(function: Any, method: Callable[..., Any], check: Callable[..., None] | None) -> Any:
    """The library's function, with its signature, doing `method` after `check`."""

    def checked(*arguments: Any) -> Any:
        if check is not None:
            check(*arguments)
        result = method(*arguments)
        _current.budget.charge(result)
        return result

    replacement = copy.copy(function)
    replacement.method = checked
    return replacement


def _millis() -> int:
    _current.scope.volatile = True
    return round(_current.scope.now.timestamp() * 1000)


def _now(picture: Any, zone: Any) -> Any:
    return Functions.datetime_from_millis(_millis(), picture, zone)


def _random() -> float:
    _current.scope.volatile = True
    return _current.scope.random.random()


def _shuffled(items: Any) -> Any:
    if not isinstance(items, list):
        return items
    _current.scope.volatile = True
    result = list(items)
    _current.scope.random.shuffle(result)
    return result


def _no_eval(*_arguments: Any) -> None:
    raise _TooMuch("`$eval` is not available: text is never evaluated")


def _check_pad(_text: Any, width: Any, *_rest: Any) -> None:
    if isinstance(width, int | float) and abs(width) > limits.MAX_TEXT_LENGTH:
        raise _TooMuch(f"text has at most {limits.MAX_TEXT_LENGTH} characters")


def _check_replace(text: Any, pattern: Any, replacement: Any, *_rest: Any) -> None:
    """Refuse what could multiply: the text's length times the replacement's, for as many matches as can be."""
    if not isinstance(text, str):
        return
    shortest_match = len(pattern) if isinstance(pattern, str) and pattern else 1
    matches = len(text) // shortest_match + 1
    # A function's answers may hold the whole text each time.
    longest = len(text) + matches * (len(replacement) if isinstance(replacement, str) else len(text))
    if longest > 4 * limits.MAX_TEXT_LENGTH:
        raise _TooMuch("`$replace` could make too long a text here")


def _check_join(items: Any, separator: Any = None, *_rest: Any) -> None:
    _check_size(items)
    if isinstance(items, list) and isinstance(separator, str):
        _check_length(len(items) * len(separator))


def _check_size(*values: Any) -> None:
    """Refuse values that are over the text bound when written out, counting shared parts each time."""
    total = 0
    stack: list[Any] = list(values)
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            total += len(value)
        elif isinstance(value, dict):
            total += len(value) + sum(map(len, value))
            stack.extend(value.values())
        elif isinstance(value, list):
            total += len(value)
            if len(value) <= limits.MAX_RANGE_ITEMS:
                stack.extend(value)
        else:
            total += 1
        _check_length(total)


def _check_length(length: int) -> None:
    if length > limits.MAX_TEXT_LENGTH:
        raise _TooMuch(f"the values hold over {limits.MAX_TEXT_LENGTH} characters")


def _plain(value: Any, depth: int = 0) -> Any:
    """JSONata's result as plain JSON: its list and null types replaced, whole floats as integers.

    Raises:
        _TooMuch: it is nested too deep, or holds what JSON cannot (a function, an infinite number).
    """
    if depth > limits.MAX_JSON_DEPTH:
        raise _TooMuch(f"the value is nested more than {limits.MAX_JSON_DEPTH} deep")
    if value is Utils.NULL_VALUE or value is None:
        return None
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124
            raise _TooMuch("the number is not finite")
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, dict):
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(item, depth + 1) for item in value]
    raise _TooMuch("the result is a function; call it")


def _reason(error: BaseException) -> str:
    if isinstance(error, _TooMuch):
        return str(error)
    if isinstance(error, RecursionError):
        return _TOO_DEEP
    if isinstance(error, JException):
        return str(error)[:500]
    return "it needs too much memory" if isinstance(error, MemoryError) else "JSONata cannot evaluate it over this data"


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
