"""Every error code that the source can give, found by reading the source (`ast`), and whatever could hide one.

A code gets into an error as the argument `code`, by keyword or by position, as a class's `default_code`, as the key
`"code"` of a dict, or by an assignment to a name that says so. Expressions are followed through conditions, `or`,
f-strings, tables and names. What is left is passed on from another error (`error.code`, `stored["code"]`, a parameter
`code`), or is unknown: then it has to be looked at by a person.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("engine", "functions")
_PROBLEM = 3
_CODE = re.compile(r"[a-z][a-z0-9_]*\*?")

Scope = dict[str, list[ast.expr]]
Positions = dict[str, int | None]
"""At which position a function or class takes its `code`; None for one that takes none, or not everywhere the same."""


@dataclass
class Found:
    """Codes, and where each is; expressions that no rule understands, and where."""

    codes: dict[str, list[str]] = field(default_factory=dict)
    unknown: dict[str, list[str]] = field(default_factory=dict)


def find_codes(root: Path = ROOT) -> Found:
    """What all of the source gives."""
    trees = {
        path.relative_to(root).as_posix(): ast.parse(path.read_text())
        for folder in FOLDERS
        for path in sorted((root / folder).rglob("*.py"))
    }
    everywhere: Positions = {}
    for tree in trees.values():
        for name, position in _positions(tree).items():
            everywhere[name] = position if everywhere.get(name, position) == position else None
    found = Found()
    for path, tree in trees.items():
        _Module(path, tree, {**everywhere, **_positions(tree)}, found).visit(tree)
    return found


def _positions(tree: ast.Module) -> Positions:
    positions: Positions = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [one.arg for one in node.args.posonlyargs + node.args.args]
            if names[:1] in (["self"], ["cls"]):
                names = names[1:]
        elif isinstance(node, ast.ClassDef):
            names = [
                one.target.id
                for one in node.body
                if isinstance(one, ast.AnnAssign)
                and isinstance(one.target, ast.Name)
                and "ClassVar" not in ast.unparse(one.annotation)
            ]
        else:
            continue
        positions[node.name] = names.index("code") if "code" in names else None
    return positions


class _Module(ast.NodeVisitor):
    def __init__(self, path: str, tree: ast.Module, positions: Positions, found: Found) -> None:
        self._path, self._positions, self._found = path, positions, found
        self._scopes = [_assigned(tree.body)]

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Names are those of the function, then those of the module."""
        self._scopes.append(_assigned(ast.walk(node)))
        self.generic_visit(node)
        self._scopes.pop()

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Call(self, node: ast.Call) -> None:
        for keyword in node.keywords:
            if keyword.arg == "code":
                self._take(keyword.value)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        position = self._positions.get(name)
        if position is not None and position < len(node.args):
            self._take(node.args[position])
        self.generic_visit(node)

    def visit_Yield(self, node: ast.Yield) -> None:
        """Problems are told as `path, code, sentence`."""
        if isinstance(node.value, ast.Tuple) and len(node.value.elts) == _PROBLEM:
            for one in _leaves(node.value.elts[1]):
                if isinstance(one, ast.Constant):
                    self._take(one)
        self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "code":
                self._take(value)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if isinstance(node.target, ast.Name) and node.target.id == "default_code" and node.value is not None:
            self._take(node.value)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        names = {one.id for one in node.targets if isinstance(one, ast.Name)}
        if "default_code" in names:
            self._take(node.value)
        if "_CODES" in names:  # a table or a set of codes, which is looked into elsewhere
            for value in node.value.values if isinstance(node.value, ast.Dict) else ast.walk(node.value):
                if isinstance(value, ast.Constant):
                    self._take(value)
        self.generic_visit(node)

    def _take(self, value: ast.expr, seen: tuple[ast.expr, ...] = ()) -> None:
        for one in _leaves(value):
            place = f"{self._path}:{one.lineno}"
            if isinstance(one, ast.Constant | ast.JoinedStr):
                code = _text_of(one)
                if code is not None and _CODE.fullmatch(code):
                    self._found.codes.setdefault(code, []).append(place)
            elif _is_of_another_error(one) or one in seen:
                continue
            elif values := self._codes_of(one):
                for found in values:
                    self._take(found, (*seen, one))
            elif not (isinstance(one, ast.Name) and one.id == "code"):
                self._found.unknown.setdefault(ast.unparse(one), []).append(place)

    def _codes_of(self, value: ast.expr) -> list[ast.expr]:
        """As `_values`; of `*TABLE.get(key)` the code is the first of what is unpacked."""
        if isinstance(value, ast.Starred):
            return [found.elts[0] for found in self._values(value.value) if isinstance(found, ast.Tuple)]
        return self._values(value)

    def _values(self, value: ast.expr) -> list[ast.expr]:
        """What a name has been assigned, or what `TABLE.get(key, default)` and `TABLE[key]` may give."""
        if isinstance(value, ast.Name):
            return next((scope[value.id] for scope in reversed(self._scopes) if value.id in scope), [])
        table: ast.expr | None = None
        if isinstance(value, ast.Subscript):
            table, more = value.value, []
        elif isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "get":
            table, more = value.func.value, value.args[1:]
        if not isinstance(table, ast.Name):
            return []
        return [one for found in self._values(table) if isinstance(found, ast.Dict) for one in [*found.values, *more]]


def _assigned(nodes: Iterable[ast.AST]) -> Scope:
    found: Scope = {}
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                _assign(found, target, node.value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            _assign(found, node.target, node.value)
    return found


def _assign(found: Scope, target: ast.expr, value: ast.expr) -> None:
    if isinstance(target, ast.Name):
        found.setdefault(target.id, []).append(value)
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for inner, given in zip(target.elts, value.elts, strict=True):
            _assign(found, inner, given)


def _leaves(value: ast.expr) -> Iterator[ast.expr]:
    if isinstance(value, ast.IfExp):
        yield from _leaves(value.body)
        yield from _leaves(value.orelse)
    elif isinstance(value, ast.BoolOp):
        for one in value.values:
            yield from _leaves(one)
    elif isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "str" and value.args:
        yield from _leaves(value.args[0])
    elif isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Slice):
        yield from _leaves(value.value)
    else:
        yield value
        if isinstance(value, ast.Call):  # `stored.get("code", "a_default")`
            yield from (one for one in value.args[1:] if isinstance(one, ast.Constant))


def _text_of(value: ast.Constant | ast.JoinedStr) -> str | None:
    if isinstance(value, ast.Constant):
        return value.value if isinstance(value.value, str) else None
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in value.values)


def _is_of_another_error(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return False
    if isinstance(value, ast.Attribute):
        return value.attr in ("code", "default_code")
    if isinstance(value, ast.Subscript):
        return isinstance(value.slice, ast.Constant) and value.slice.value == "code"
    if (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Attribute)
        and value.func.attr == "get"
        and value.args
    ):
        return isinstance(value.args[0], ast.Constant) and value.args[0].value == "code"
    return False
