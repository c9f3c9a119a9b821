"""JSONata's parser, with integers of any size, and refusal of misleading syntax.

Regular expressions are Python's: the timer interrupts one that backtracks forever. (RE2 would be linear, but has no
look-around, is many times slower for each match, and cannot be interrupted where it is slow itself.)

`a ?? b` and `a ?: b` are nodes of their own here: the library evaluates, and parses, `a` twice, which doubles with each
level of nesting.
"""

from __future__ import annotations

import re
import threading
from typing import Any

from jsonata.jexception import JException
from jsonata.parser import Parser
from jsonata.regex_engine import default_regex_engine
from jsonata.tokenizer import Tokenizer

from engine.workflow.expressions.jsonata.budget import Refusal
from engine.workflow.expressions.jsonata.numbers import negative, settled

_LITERAL_END = re.compile(r"[0-9.eE+-]+$")


class _Tokenizer(Tokenizer):  # type: ignore[misc]
    def next(self, prefix: bool) -> Any:  # noqa: FBT001 - the library's signature
        begin = self.position
        found = super().next(prefix)
        if found is not None and found.type == "number":
            literal = _LITERAL_END.search(self.path[begin : self.position])
            if literal is not None:
                found.value = int(literal[0]) if literal[0].isdigit() else settled(float(literal[0]))
        return found


class ExactParser(Parser):  # type: ignore[misc]
    """The library's parser, for one expression after another; trees refer to it, so there is one per thread."""

    def __init__(self) -> None:
        super().__init__()
        for operator in ("??", "?:"):
            known = self.symbol_table[operator]
            symbol = _Fallback(self, operator)
            symbol.value, symbol.lbp = operator, known.lbp
            self.symbol_table[operator] = symbol

    def parse(self, source: str, regex_engine: Any = default_regex_engine) -> Any:
        """Return the syntax tree.

        Raises:
            JException: it is not an expression.
            Refusal: it means something different from what it seems to.
        """
        self.source = source
        self.ancestor_label = self.ancestor_index = 0
        self.ancestry: list[Any] = []
        self.lexer = _Tokenizer(source, regex_engine)
        self.advance()
        tree = self.expression(0)
        if self.node.id != "(end)":
            raise JException("S0201", self.node.position, self.node.value)
        tree = self.process_ast(tree)
        if tree.type == "parent" or tree.seeking_parent is not None:
            raise JException("S0217", tree.position, tree.type)
        return tree

    def process_ast(self, expr: Any) -> Any:
        """Return the library's processed tree of a parsed one."""
        if expr.type == "fallback":
            result = Parser.Symbol(self)
            result.type, result.value, result.position = expr.type, expr.value, expr.position
            result.lhs, result.rhs = self.process_ast(expr.lhs), self.process_ast(expr.rhs)
            self.push_ancestry(result, result.lhs)
            self.push_ancestry(result, result.rhs)
            result.keep_array = expr.keep_array
            return result
        if expr.type == "binary" and expr.value == "[":
            _refuse_text_as_index(expr.rhs)
        is_negative = expr.type == "unary" and expr.value == "-" and expr.expression.type == "number"
        literal = expr.expression.value if is_negative else None
        result = super().process_ast(expr)
        if is_negative:
            result.value = negative(literal)
        return result


class _Fallback(Parser.Infix):  # type: ignore[misc]
    def led(self, left: Any) -> Any:
        self.type = "fallback"
        self.lhs, self.rhs = left, self._outer_instance.expression(0)
        return self


def _refuse_text_as_index(inside: Any) -> None:
    """Refuse `order["id"]`: it is a filter that lets all items pass, not the member `id`."""
    if inside.type == "string":
        raise Refusal(f"`[…]` filters a list; write .`{inside.value}` for the member of that name")
    if inside.type == "binary" and inside.value == "&":
        raise Refusal("`[…]` filters a list; `$lookup(object, name)` finds the member of a name")


class _Parsers(threading.local):
    def __init__(self) -> None:
        self.parser = ExactParser()


_parsers = _Parsers()


def thread_parser() -> ExactParser:
    """Return the parser of this thread."""
    return _parsers.parser
