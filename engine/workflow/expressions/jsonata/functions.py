"""JSONata's functions: the library's, each charged for what it creates, and our own where those are not good enough.

Ours are exact with integers, bounded in what they create, report to the engine when they read time or randomness, keep
text unchanged, and explain errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from jsonata.functions import Functions
from jsonata.jexception import JException
from jsonata.jsonata import Jsonata
from jsonata.parser import Parser
from jsonata.utils import Utils

from engine import limits
from engine.workflow.expressions.jsonata import numbers, times
from engine.workflow.expressions.jsonata.budget import Refusal, TooMuch, check_length, check_size, current

_SHOWN = 40  # characters of an argument in an error
_REFERENCE = re.compile(r"\$(\$|\d+)")
_MAX_ROMAN, _MAX_WORDS = 100_000, 10**15


class _Function(Jsonata.JNativeFunction):  # type: ignore[misc]
    """A library function with its signature; it calls `check`, then `work`."""

    def __init__(self, original: Any, work: Callable[..., Any], check: Callable[..., None] | None) -> None:
        self.__dict__.update(vars(original))
        self._work, self._check = work, check

    def call(self, _input: Any, args: Any) -> Any:
        """Return the result over `args`; missing ones are undefined."""
        arguments = [*args, *[None] * (self.nargs - len(args))]
        if self._check is not None:
            self._check(*arguments)
        try:
            result = self._work(*arguments)
        except JException:
            raise
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise Refusal(self._complaint(args, error)) from None
        run = current.run
        if isinstance(result, float):
            result = numbers.settled(result)
        elif isinstance(result, list):
            run.distributed = True
            if not result and arguments[0] is not None:
                run.found_nothing = True
        run.charge(result)
        return result

    def _complaint(self, args: Any, error: Exception) -> str:
        """Return a message in place of Python's; messages of the library's own errors are kept."""
        if any(value is Utils.NULL_VALUE for value in args):
            return f"${self.function_name} does not take null here; `??` gives a default"
        if type(error) is RuntimeError:
            return f"${self.function_name}: {error}"
        given = ", ".join(_kind(value) for value in args)
        return f"${self.function_name} cannot work with this: {given}"


def _kind(value: Any) -> str:
    name = {"string": "text", "array": "a list", "undefined": "nothing"}.get(
        found := Functions.type(value) or "undefined"
    )
    if isinstance(value, str | int | float) and len(str(value)) <= _SHOWN:
        return repr(value) if isinstance(value, str) else text_of(value) or ""
    return name or f"a {found}"


@cache
def functions() -> Any:
    """Return the library's environment with all functions."""
    frame = Jsonata.Frame(Jsonata.static_frame)
    for name, function in list(Jsonata.static_frame.bindings.items()):
        if isinstance(function, Jsonata.JNativeFunction):
            frame.bind(name, _Function(function, _OWN.get(name, function.method), _CHECKS.get(name)))
    return frame


# -- numbers ---------------------------------------------------------------------------------------------------


def _sum(values: Any) -> Any:
    """Sum values. An empty search result sums to 0; a misspelled name is still an error."""
    if values is None:
        return 0 if current.run.found_nothing else None
    return numbers.total(values)


def _number(value: Any) -> Any:
    if value is Utils.NULL_VALUE:
        raise Refusal("null is not a number; use `?? 0`")
    if isinstance(value, bool):
        return int(value)
    return numbers.read(value) if isinstance(value, str) else value


def _format_integer(value: Any, picture: Any) -> Any:
    if value is None:
        return None
    primary = str(picture).rpartition(";")[0] or str(picture)
    most = {"i": _MAX_ROMAN, "w": _MAX_WORDS}.get(primary.lower()[:1], 10**300)
    if abs(value) > most:
        raise Refusal(f"$formatInteger takes at most {most} with `{picture}`")
    return Functions.format_integer(value, picture)


def _format_base(value: Any, radix: Any) -> Any:
    if value is None:
        return None
    base = 10 if radix is None else int(radix)
    if not 2 <= base <= 36:  # noqa: PLR2004 - the digits and letters that there are
        raise JException("D3100", -1, radix)
    return Functions.base_repr(int(numbers.rounded(value) or 0), base).lower()


def _number_functions() -> dict[str, Callable[..., Any]]:
    return {
        "sum": _sum,
        "average": numbers.mean,
        "number": _number,
        "floor": numbers.floor,
        "ceil": numbers.ceil,
        "round": numbers.rounded,
        "abs": numbers.absolute,
        "power": numbers.power,
        "sqrt": numbers.root,
        "formatBase": _format_base,
        "formatInteger": _format_integer,
    }


# -- texts -----------------------------------------------------------------------------------------------------


def text_of(value: Any, prettify: Any = None) -> str | None:
    """Return a value as `$string` and `&` write it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and getattr(value, "outer_wrapper", False):
        return text_of(value[0], prettify)
    if numbers.is_number(value):
        return numbers.written(value)
    if _is_function(value):
        return ""
    if prettify:
        return json.dumps(_writable(value), ensure_ascii=False, indent=2)
    return json.dumps(_writable(value), ensure_ascii=False, separators=(",", ":"))


def _writable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _writable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_writable(item) for item in value]
    if isinstance(value, float):
        return json.loads(numbers.written(value))
    if value is Utils.NULL_VALUE:
        return None
    return "" if _is_function(value) else value


def _is_function(value: Any) -> bool:
    return isinstance(value, Jsonata.JFunctionCallable | Parser.Symbol | re.Pattern)


def _lowercase(text: Any) -> Any:
    return None if text is None else text.lower()


def _join(texts: Any, separator: Any) -> Any:
    if texts is None:
        return "" if current.run.found_nothing else None
    return (separator or "").join(texts)


def _split(text: Any, pattern: Any, limit: Any) -> Any:
    if text is None:
        return None
    if limit is not None and limit < 0:
        raise JException("D3020", -1, limit)
    pieces = list(text) if pattern == "" else _pieces(text, pattern)
    return pieces if limit is None else pieces[: int(limit)]


def _pieces(text: str, pattern: Any) -> list[str]:
    """Return the pieces between the matches; groups of a pattern are not included."""
    if isinstance(pattern, str):
        return text.split(pattern)
    pieces, position = [], 0
    for found in pattern.finditer(text):
        if found.end() > found.start():
            pieces.append(text[position : found.start()])
            position = found.end()
    return [*pieces, text[position:]]


def _replace(text: Any, pattern: Any, replacement: Any, limit: Any) -> Any:
    if text is None:
        return None
    if limit is not None and limit < 0:
        raise Refusal("the fourth argument of $replace must be a number that is not negative")
    most = -1 if limit is None else int(limit)
    if isinstance(pattern, str):
        if not pattern:
            raise Refusal("the second argument of $replace must not be empty")
        if isinstance(replacement, str):
            return text.replace(pattern, replacement, most)
        pattern = _Literal(pattern)
    pieces, position, length = [], 0, 0
    for count, found in enumerate(pattern.finditer(text)):
        if count == most:
            break
        put = _put(replacement, found)
        length += len(put)
        check_length(length)
        pieces += [text[position : found.start()], put]
        position = found.end()
    return "".join([*pieces, text[position:]])


class _Literal:
    """A text that is searched literally."""

    def __init__(self, text: str) -> None:
        self._pattern = re.compile(re.escape(text))

    def finditer(self, text: str) -> Any:
        """Yield its matches."""
        return self._pattern.finditer(text)


def _put(replacement: Any, found: Any) -> str:
    """Return the replacement of a match: `$0` stands for all of it, `$1` for a group, `$$` for a dollar."""
    if isinstance(replacement, str):

        def filled(reference: re.Match[str]) -> str:
            if reference[1] == "$":
                return "$"
            count, digits = len(found.groups()), reference[1]
            while len(digits) > 1 and int(digits) > count:
                digits = digits[:-1]
            rest = reference[1][len(digits) :]
            return (found.group(int(digits)) or "" if int(digits) <= count else "") + rest

        return _REFERENCE.sub(filled, replacement)
    answer = Functions.func_apply(replacement, [Functions.to_jsonata_match(found)])
    if not isinstance(answer, str):
        raise JException("D3012", -1)
    return answer


def _check_pad(_text: Any, width: Any, *_rest: Any) -> None:
    if isinstance(width, int | float) and abs(width) > limits.MAX_TEXT_LENGTH:
        raise TooMuch(f"text has at most {limits.MAX_TEXT_LENGTH} characters")


def _check_replace(text: Any, pattern: Any, replacement: Any, *_rest: Any) -> None:
    """Refuse a replacement that could multiply when all is replaced at once; otherwise growth is counted."""
    if isinstance(text, str) and isinstance(pattern, str) and isinstance(replacement, str) and pattern:
        check_length(len(text) + text.count(pattern) * (len(replacement) - len(pattern)))


def _check_join(items: Any, separator: Any = None, *_rest: Any) -> None:
    check_size(items)
    if isinstance(items, list) and isinstance(separator, str):
        check_length(len(items) * len(separator))


# -- lists -----------------------------------------------------------------------------------------------------


def _distinct(items: Any) -> Any:
    if not isinstance(items, list):
        return items
    first: dict[Any, Any] = {}
    for item in items:
        first.setdefault(numbers.identity(item), item)
    return Utils.create_sequence_from_iter(first.values())


def _sort(items: Any, function: Any) -> Any:
    if items is None or function is not None:
        return Functions.sort(items, function)
    if not (all(isinstance(item, str) for item in items) or all(map(numbers.is_number, items))):
        raise Refusal("$sort without a function takes only texts, or only numbers; `list^(field)` sorts objects")
    return sorted(items)


def _shuffle(items: Any) -> Any:
    if not isinstance(items, list):
        return items
    current.run.scope.nondeterministic = True
    result = list(items)
    current.run.scope.random.shuffle(result)
    return result


# -- randomness, and what is left out ---------------------------------------------------------------------------


def _random() -> float:
    current.run.scope.nondeterministic = True
    return current.run.scope.random.random()


def _check_number_picture(_value: Any, picture: Any, *_rest: Any) -> None:
    if isinstance(picture, str) and len(picture) > times.MAX_PICTURE:
        raise Refusal(f"a picture has at most {times.MAX_PICTURE} characters")


def _no_eval(*_arguments: Any) -> None:
    raise Refusal("`$eval` is not available: text is never evaluated")


_CHECKS: dict[str, Callable[..., None]] = {
    "eval": _no_eval,
    "pad": _check_pad,
    "replace": _check_replace,
    "join": _check_join,
    "string": lambda value, prettify=None, *_: check_size(value, indented=bool(prettify)),
    "clone": lambda value, *_: check_size(value),
    "formatNumber": _check_number_picture,
    "formatInteger": _check_number_picture,
    "parseInteger": _check_number_picture,
}
_OWN: dict[str, Callable[..., Any]] = {
    **_number_functions(),
    "string": text_of,
    "lowercase": _lowercase,
    "join": _join,
    "split": _split,
    "replace": _replace,
    "distinct": _distinct,
    "sort": _sort,
    "shuffle": _shuffle,
    "millis": times.millis,
    "now": times.now,
    "random": _random,
    "fromMillis": times.from_millis,
    "toMillis": times.to_millis,
}
