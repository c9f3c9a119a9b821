"""Numbers in expressions: integers of any size are exact; a result that cannot be exact is refused, not rounded.

JSONata comes from JavaScript, where each number is a float: two different 64-bit ids may be equal there.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from jsonata.jexception import JException
from jsonata.utils import Utils

from engine.workflow.expressions.jsonata.budget import Refusal, TooMuch

Number = int | float
EXACT_FLOAT = 2**53
"""Floats represent every integer up to here."""
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_BASES = {"0x": 16, "0o": 8, "0b": 2}
_MAX_DIGITS = 330
_MAX_BITS = 1_100
_SIGNIFICANT = 15  # digits that JSONata writes for a number with a fraction
_ROUNDING = Context(prec=3 * _MAX_DIGITS, rounding=ROUND_HALF_EVEN)


def _read_decimal(text: str) -> Number:
    value = settled(float(text))
    if abs(value) < EXACT_FLOAT:
        return _number(value)
    exact = Decimal(text)
    if exact != exact.to_integral_value(context=_ROUNDING):
        raise Refusal(f"{_short(text)} has more digits than a number with a fraction can keep; keep it a text")
    return int(exact)


def is_number(value: Any) -> bool:
    """Whether it is a number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def settled(value: Any) -> Any:
    """Normalize a result: a float that is an integer becomes one, in the range in which floats are exact.

    Raises:
        Refusal: it is not finite.
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Refusal("the number is out of range")
        return int(value) if value.is_integer() and abs(value) < EXACT_FLOAT else value
    return value


def read(text: str) -> Number:
    """Return the number that a text contains, as `$number` reads it.

    Raises:
        Refusal: it contains none.
    """
    stripped = text.strip()
    if len(stripped) > _MAX_DIGITS:
        raise Refusal("the text has too many digits for a number")
    base = _BASES.get(stripped[:2].lower())
    try:
        if base is not None:
            return int(stripped[2:], base)
        if _WHOLE.fullmatch(stripped):
            return int(stripped)
        if _DECIMAL.fullmatch(stripped):
            return _read_decimal(stripped)
    except ValueError:
        pass
    raise Refusal(f"{_short(text)} is not a number")


def _number(value: Any) -> Number:
    if not isinstance(value, int | float):
        raise TypeError("a number is expected")
    return value


def written(value: Number) -> str:
    """Return a number as `$string` and `&` write it: all digits of an integer, fifteen of another."""
    if isinstance(value, int):
        return str(value)
    value = settled(value)
    if isinstance(value, int):
        return str(value)
    rounded = float(f"{value:.{_SIGNIFICANT}g}")
    whole = settled(rounded)
    return str(whole) if isinstance(whole, int) else json.dumps(rounded)


def calculate(operator: str, left: Any, right: Any) -> Number | None:
    """Calculate `left operator right`; nothing if either is nothing.

    Raises:
        JException: one is not a number.
        Refusal: integers would give an inexact result, or there is no result.
    """
    for code, value in (("T2001", left), ("T2002", right)):
        if value is not None and not is_number(value):
            raise JException(code, -1, operator, value)
    if left is None or right is None:
        return None
    left, right = _alike(left, right, operator)
    if right == 0 and operator in "/%":
        raise Refusal("division by zero")
    return _number(settled(_OPERATORS[operator](left, right)))


def _product(left: Number, right: Number) -> Number:
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > _MAX_BITS:
        raise TooMuch("the number is too large")
    return left * right


def _quotient(left: Number, right: Number) -> Number:
    if isinstance(left, int) and isinstance(right, int) and left % right == 0:
        return left // right
    return left / right


def _remainder(left: Number, right: Number) -> Number:
    """Return the remainder, with the sign of `left`."""
    if isinstance(left, int) and isinstance(right, int):
        return abs(left) % abs(right) * (-1 if left < 0 else 1)
    return math.fmod(left, right)


_OPERATORS: dict[str, Callable[[Number, Number], Number]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": _product,
    "/": _quotient,
    "%": _remainder,
}


def _alike(left: Number, right: Number, operator: str) -> tuple[Number, Number]:
    """Return two integers, or two floats, of the same values."""
    if isinstance(left, int) and isinstance(right, int):
        return left, right
    if _fits_float(left) and _fits_float(right):
        return float(left), float(right)
    wholes = [int(value) if float(value).is_integer() else None for value in (left, right)]
    if wholes[0] is not None and wholes[1] is not None:
        return wholes[0], wholes[1]
    if operator in "*/":
        return float(left), float(right)
    big = left if isinstance(left, int) else right
    raise Refusal(f"{big} and a fraction cannot be combined exactly; round the fraction, or use texts")


def _fits_float(value: Number) -> bool:
    return isinstance(value, float) or abs(value) <= EXACT_FLOAT


def negative(value: Any) -> Number | None:
    """Return `-value`.

    Raises:
        JException: it is not a number.
    """
    if value is None:
        return None
    if not is_number(value):
        raise JException("D1002", -1, "-", value)
    return _number(settled(-value))


def total(values: Sequence[Number]) -> Number:
    """Return the sum. Fractions are added without intermediate rounding.

    Raises:
        Refusal: there are large integers among fractions.
    """
    whole = sum(value for value in values if isinstance(value, int))
    fractions = [value for value in values if isinstance(value, float)]
    if not fractions:
        return whole
    return calculate("+", whole, settled(math.fsum(fractions))) or 0


def mean(values: Sequence[Number] | None) -> Number | None:
    """Return the average; nothing for no values."""
    return calculate("/", total(values), len(values)) if values else None


def rounded(value: Number | None, digits: Any = None) -> Number | None:
    """Round half to even, as JSONata does; a negative number of digits rounds before the decimal point."""
    if value is None:
        return None
    places = int(digits or 0)
    if isinstance(value, int) and places >= 0:
        return value
    if abs(places) > _MAX_DIGITS:
        raise Refusal(f"$round takes at most {_MAX_DIGITS} digits")
    result = _ROUNDING.quantize(Decimal(str(value)), Decimal(1).scaleb(-places))
    return int(result) if result == result.to_integral_value() else float(result)


def floor(value: Number | None) -> Number | None:
    """Return the largest integer that is not greater."""
    return None if value is None else math.floor(value)


def ceil(value: Number | None) -> Number | None:
    """Return the smallest integer that is not less."""
    return None if value is None else math.ceil(value)


def absolute(value: Number | None) -> Number | None:
    """Return the absolute value."""
    return None if value is None else abs(value)


def root(value: Number | None) -> Number | None:
    """Return the square root; exact if it is an integer.

    Raises:
        Refusal: there is no such number.
    """
    if value is None:
        return None
    if value < 0:
        raise Refusal(f"{written(value)} is negative and has no square root")
    if isinstance(value, int) and math.isqrt(value) ** 2 == value:
        return math.isqrt(value)
    return _number(settled(math.sqrt(value)))


def power(base: Number | None, exponent: Number | None) -> Number | None:
    """Return `base` to the power of `exponent`; exact for integers.

    Raises:
        Refusal: there is no such number.
        TooMuch: it is too large.
    """
    if base is None or exponent is None:
        return None
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        if max(base.bit_length(), 1) * exponent > _MAX_BITS and abs(base) > 1:
            raise TooMuch("the number is too large")
        return int(base**exponent if abs(base) > 1 else base ** (exponent % 2 + 2 if exponent else 0))
    try:
        result = float(base) ** float(exponent)
    except (OverflowError, ZeroDivisionError):
        result = math.inf
    if isinstance(result, complex):
        raise Refusal("that power of a negative number is not a real number")
    return _number(settled(result))


def is_equal(left: Any, right: Any) -> bool:
    """Whether two values are equal: numbers by value, true and false not as 1 and 0, lists and objects by parts."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(is_equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(is_equal(left[key], right[key]) for key in left)
    return isinstance(left, bool) == isinstance(right, bool) and (left == right or (is_null(left) and is_null(right)))


def is_null(value: Any) -> bool:
    """Whether it is null, which the library represents in two ways.

    Outside of lists and objects None is *undefined*.
    """
    return value is None or value is Utils.NULL_VALUE


def identity(value: Any) -> Any:
    """Return a hashable value that is equal for two values if, and only if, these are equal."""
    if isinstance(value, list):
        return ("list", *map(identity, value))
    if isinstance(value, dict):
        return frozenset((key, identity(item)) for key, item in value.items())
    return (isinstance(value, bool), None if is_null(value) else value)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")  # noqa: PLR2004
