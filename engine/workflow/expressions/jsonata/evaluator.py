"""JSONata's evaluator: the library's, with each step counted, exact integers, and null as absent for `??`."""

from __future__ import annotations

from typing import Any

from jsonata.functions import Functions
from jsonata.jexception import JException
from jsonata.jsonata import Jsonata
from jsonata.utils import Utils

from engine import limits
from engine.workflow.expressions.jsonata import numbers
from engine.workflow.expressions.jsonata.budget import Refusal, Run, TooMuch, check_size
from engine.workflow.expressions.jsonata.functions import functions, text_of
from engine.workflow.expressions.jsonata.parser import thread_parser

_ARITHMETIC = frozenset("+-*/%")
_COMPARISONS = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_MAKERS = frozenset({"binary", "unary"})  # expressions that create values; a path only finds them


class Evaluator(Jsonata):  # type: ignore[misc]
    """One parsed expression. A copy of it evaluates, with a `run` of its own."""

    run: Run

    def __init__(self, source: str) -> None:
        # Not the library's, which takes its own parser and prepares its own bounds.
        self.parser = thread_parser()
        self.ast = self.parser.parse(source)
        self.errors = None
        self.environment = self.create_frame(functions())
        self.input = None

    def of(self, run: Run) -> Evaluator:
        """Return a copy for one evaluation."""
        copied = Evaluator.__new__(Evaluator)
        copied.__dict__.update(self.__dict__)
        copied.run = run
        copied.parser = thread_parser()  # partial application parses
        return copied

    def result(self, data: dict[str, Any]) -> Any:
        """Return the value over `data` in the library's representation."""
        Jsonata.CURRENT.jsonata = self
        self.environment = self.create_frame(self.environment)
        self.environment.bind("$", data)
        return self.eval(self.ast, data, self.environment)

    def eval(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002 - the library's signature
        """Return the value of one node of the tree."""
        run = self.run
        run.enter()
        work = _WORK.get(expr.type)
        result = work(self, expr, input, environment) if work is not None else None
        if expr.predicate is not None:
            for item in expr.predicate:
                result = self.evaluate_filter(item.expr, result, environment)
        if expr.group is not None and expr.type != "path":
            result = self.evaluate_group_expression(expr.group, result, environment)
        run.depth -= 1
        if expr.type in _MAKERS:
            run.charge(result)
        if isinstance(result, Utils.JList) and result.sequence and not result.tuple_stream:
            if expr.keep_array:
                result.keep_singleton = True
            if not result:
                return None
            if len(result) == 1 and not result.keep_singleton:
                return result[0]
        return result

    # -- operators ---------------------------------------------------------------------------------------------

    def evaluate_binary(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """Return the value of `left operator right`."""
        operator = expr.value
        left = self.eval(expr.lhs, input, environment)
        if operator in ("and", "or"):
            is_or = operator == "or"
            decided = Jsonata.boolize(left) == is_or
            return is_or if decided else Jsonata.boolize(self.eval(expr.rhs, input, environment))
        right = self.eval(expr.rhs, input, environment)
        if operator in _ARITHMETIC:
            return numbers.calculate(operator, left, right)
        if operator in _COMPARISONS:
            return self.evaluate_comparison_expression(left, right, operator)
        return _BINARY[operator](self, left, right)

    def evaluate_comparison_expression(self, lhs: Any, rhs: Any, op: str) -> Any:
        """Compare numbers with numbers, and texts with texts; nothing if either is nothing."""
        for value in (lhs, rhs):
            if value is not None and not isinstance(value, str) and not numbers.is_number(value):
                raise JException("T2010", 0, op, value)
        if lhs is None or rhs is None:
            return None
        if isinstance(lhs, str) != isinstance(rhs, str):
            raise Refusal(f"{_shown(lhs)} {op} {_shown(rhs)}: a text and a number cannot be compared; `$number(…)`")
        return _COMPARISONS[op](lhs, rhs)

    def evaluate_range_expression(self, lhs: Any, rhs: Any) -> Any:
        """Return `[first..last]`, of integers."""
        lhs, rhs = numbers.settled(lhs), numbers.settled(rhs)
        for code, value in (("T2003", lhs), ("T2004", rhs)):
            if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
                raise JException(code, -1, value)
        if lhs is None or rhs is None or lhs > rhs:
            return None
        if rhs - lhs >= limits.MAX_RANGE_ITEMS:
            raise TooMuch(f"a range has at most {limits.MAX_RANGE_ITEMS} items")
        return list(range(lhs, rhs + 1))

    def evaluate_unary(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """Return a negative number, a list or an object."""
        if expr.value == "-":
            return numbers.negative(self.eval(expr.expression, input, environment))
        return super().evaluate_unary(expr, input, environment)

    def evaluate_fallback(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """Evaluate `a ?? b`: b if a is absent or null; and `a ?: b`: b if a counts as false."""
        value = self.eval(expr.lhs, input, environment)
        is_there = not numbers.is_null(value) if expr.value == "??" else Jsonata.boolize(value)
        return value if is_there else self.eval(expr.rhs, input, environment)

    # -- paths -------------------------------------------------------------------------------------------------

    def evaluate_step(self, expr: Any, input: Any, environment: Any, last_step: bool) -> Any:  # noqa: A002, FBT001
        """Return the result of a step for each of `input`.

        Note whether it is nothing because there was nothing to search.
        """
        if expr.type == "sort":
            return super().evaluate_step(expr, input, environment, last_step)
        found, has_found = [], False
        for item in input:
            value = self.eval(expr, item, environment)
            has_found = has_found or value is not None
            for stage in expr.stages or ():
                value = self.evaluate_filter(stage.expr, value, environment)
            if value is not None:
                found.append(value)
        if len(input) > 1:
            self.run.distributed = True
        if last_step and len(found) == 1 and isinstance(found[0], list) and not Utils.is_sequence(found[0]):
            result = found[0]
        else:
            result = Utils.create_sequence()
            for value in found:
                if not isinstance(value, list) or (isinstance(value, Utils.JList) and value.cons):
                    result.append(value)
                else:
                    self.run.distributed = True
                    result.extend(value)
        if not result and (has_found or expr.type == "name"):
            self.run.found_nothing = has_found or not input
        return result

    def evaluate_filter(self, predicate: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """Return those of `input` that match a predicate, or whose index it is."""
        if predicate.type == "number" or (isinstance(input, Utils.JList) and input.tuple_stream):
            return super().evaluate_filter(predicate, input, environment)
        items = input if isinstance(input, list) else [] if input is None else [input]
        is_relative = predicate.type == "path" and predicate.steps[0].type != "variable"
        results = Utils.create_sequence()
        for index, item in enumerate(Utils.NULL_VALUE if one is None else one for one in items):
            chosen = self.eval(predicate, item, environment)
            if isinstance(chosen, str) and not is_relative:
                raise Refusal(
                    "a text in `[…]` selects nothing, as `[…]` filters a list; `$lookup(object, name)` finds a member"
                )
            places = chosen if isinstance(chosen, list) else [chosen]
            if places and all(map(numbers.is_number, places)):
                results.extend([item] * sum(_place(place, len(items)) == index for place in places))
            elif Jsonata.boolize(chosen):
                results.append(item)
        return results

    def evaluate_transform_expression(self, expr: Any, _input: Any, environment: Any) -> Any:
        """Return the function of `|where|changes|`, which changes a copy."""
        return Jsonata.JFunction(_Transformer(self, expr, environment), "<(oa):o>")

    def evaluate_partial_application(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """Evaluate `$f(?, 1)`. The library looks up the function's environment here."""
        before, self.environment = self.environment, environment
        try:
            return super().evaluate_partial_application(expr, input, environment)
        finally:
            self.environment = before


class _Transformer(Jsonata.Transformer):  # type: ignore[misc]
    def call(self, input: Any, args: Any) -> Any:  # noqa: A002
        check_size(args[0])
        try:
            return super().call(input, args)
        except TypeError:
            raise Refusal("`|…|…|` changes objects, but something else was found") from None


def _place(number: Any, length: int) -> int:
    place = int(number // 1)
    return place + length if place < 0 else place


def _shown(value: Any) -> str:
    shown = text_of(value) or ""
    shown = shown if len(shown) <= 40 else shown[:39] + "…"  # noqa: PLR2004
    return f"'{shown}'" if isinstance(value, str) else shown


def _is_equal(left: Any, right: Any) -> bool | None:
    """Compare; None if either is absent, which is neither equal nor different."""
    return None if left is None or right is None else numbers.is_equal(left, right)


def _concatenated(left: Any, right: Any) -> str:
    check_size(left)
    check_size(right)
    return (text_of(left) or "") + (text_of(right) or "")


def _is_in(left: Any, right: Any) -> bool:
    items = right if isinstance(right, list) else [right]
    return left is not None and right is not None and any(numbers.is_equal(item, left) for item in items)


def _name(_: Evaluator, expr: Any, input: Any, _environment: Any) -> Any:  # noqa: A002
    return Functions.lookup(input, str(expr.value))


_BINARY: dict[str, Any] = {
    "=": lambda _, left, right: _is_equal(left, right) is True,
    "!=": lambda _, left, right: _is_equal(left, right) is False,
    "&": lambda _, left, right: _concatenated(left, right),
    "in": lambda _, left, right: _is_in(left, right),
    "..": Evaluator.evaluate_range_expression,
}
_WORK: dict[str, Any] = {
    "path": Evaluator.evaluate_path,
    "binary": Evaluator.evaluate_binary,
    "unary": Evaluator.evaluate_unary,
    "fallback": Evaluator.evaluate_fallback,
    "name": _name,
    "string": lambda self, expr, *_: self.evaluate_literal(expr),
    "number": lambda self, expr, *_: self.evaluate_literal(expr),
    "value": lambda self, expr, *_: self.evaluate_literal(expr),
    "wildcard": lambda self, expr, data, _: self.evaluate_wildcard(expr, data),
    "descendant": lambda self, expr, data, _: self.evaluate_descendants(expr, data),
    "parent": lambda _self, expr, _data, environment: environment.lookup(expr.slot.label),
    "condition": Evaluator.evaluate_condition,
    "block": Evaluator.evaluate_block,
    "bind": Evaluator.evaluate_bind_expression,
    "regex": lambda self, expr, *_: self.evaluate_regex(expr),
    "function": lambda self, expr, data, environment: self.evaluate_function(expr, data, environment, Utils.NONE),
    "variable": Evaluator.evaluate_variable,
    "lambda": Evaluator.evaluate_lambda,
    "partial": Evaluator.evaluate_partial_application,
    "apply": Evaluator.evaluate_apply_expression,
    "transform": Evaluator.evaluate_transform_expression,
}
