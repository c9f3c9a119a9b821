"""`{{ JSONata }}` templates: compiling them, checking their references, and evaluating them within bounds.

A string that is one single `{{ … }}` keeps the value's type; otherwise values are inserted into the text. Only
templates of a definition are ever compiled; text that arrives as data stays data. A plain path such as
`nodes.fetch.body.items[0].id` does not need JSONata and is evaluated a hundred times faster. The bounds on JSONata
itself are in `engine.workflow.expressions.jsonata.bounds`, imported on the first use.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine import limits
from engine.errors import ExpressionError
from engine.workflow.expressions.scope import Scope, expression_error
from engine.workflow.expressions.template_scanner import find_end
from engine.workflow.expressions.text_cache import cached_by_length

if TYPE_CHECKING:
    from engine.workflow.expressions.jsonata.bounds import Compiled

ROOTS = frozenset({"trigger", "nodes", "vars", "execution", "item", "index"})
"""The names that an expression may start from."""

_WORDS = frozenset({"and", "or", "in", "true", "false", "null"})
_PLAIN_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[\d{1,9}\])*", re.ASCII)
_STEP = re.compile(r"\.?([A-Za-z_]\w*)|\[(\d+)\]", re.ASCII)
_EXACT_FLOAT = 2**53
_MISSING = object()
_NEEDS_JSONATA = object()


class _Nothing:
    """Represents in a rendered value that an expression has searched and found nothing."""


NOTHING = _Nothing()


@dataclass(slots=True)
class Notes:
    """Notes about rendered values, by field, such as `config.items`."""

    nothing: dict[str, ExpressionError] = field(default_factory=dict)
    """The fields with `NOTHING`, with the error to raise if the field needs a value."""
    searched: set[str] = field(default_factory=set)
    """The fields whose value was found among the items of a list, so that it may represent a list of one."""
    allows_skipped: bool = False
    """Whether the missing output of a skipped or failed node counts as nothing too, as it does in a result."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One compiled `{{ … }}`. `path` holds the steps of a plain path, else None."""

    source: str
    path: tuple[str | int, ...] | None

    def evaluate(self, scope: Scope, where: str, notes: Notes | None = None) -> Any:
        """Return the value over `scope`; with `notes`, it may be `NOTHING`.

        Raises:
            ExpressionError: it has no value, a bound was hit, or JSONata refused it; names `where`.
        """
        if self.path is not None:
            value = _walk(scope.data, self.path)
            if value is _MISSING:
                error = expression_error(_describe_missing(scope.data, self.path), where, self.source)
                return _nothing(notes, where, error, is_skipped=_gave_nothing(scope.data, self.path))
            if value is not _NEEDS_JSONATA:
                return value
        compiled = _compiled(self.source)
        begin = time.thread_time()
        value, run = compiled.run(scope, where)
        scope.charge(where, seconds=time.thread_time() - begin)
        if notes is not None and run.distributed:
            notes.searched.add(where)
        if value is not _undefined():
            return value
        missing = self._first_missing(scope)
        reason = (
            _describe_missing(scope.data, missing) if missing else "it has no value here; give it one with `?? default`"
        )
        error = expression_error(reason, where, self.source)
        if notes is not None and not missing and run.found_nothing:
            notes.nothing[where] = error
            return NOTHING
        return _nothing(notes, where, error, is_skipped=missing is not None and _gave_nothing(scope.data, missing))

    def references(self) -> Iterator[tuple[str | int, ...]]:
        """Return the paths from a root that the expression reads, as far as is known without running it."""
        if self.path is not None:
            yield self.path
        else:
            yield from _compiled(self.source).references()

    def _first_missing(self, scope: Scope) -> tuple[str | int, ...] | None:
        return next((path for path in self.references() if _walk(scope.data, path) is _MISSING), None)


@dataclass(frozen=True, slots=True)
class Text:
    """Text with expressions: alternating literal pieces and expressions."""

    parts: tuple[str | Expression, ...]

    def evaluate(self, scope: Scope, where: str, notes: Notes | None = None) -> str:
        """Return the text with each expression's value inserted.

        Strings as they are, nothing as "", all else as JSON.
        """
        lenient = Notes(allows_skipped=True) if notes is not None and notes.allows_skipped else None
        pieces: list[str] = []
        length = 0
        for part in self.parts:
            value = part if isinstance(part, str) else part.evaluate(scope, where, lenient)
            piece = "" if value is NOTHING else as_text(value)
            length += len(piece)
            if length > limits.MAX_TEXT_LENGTH:
                raise scope.hit(f"the text grew over {limits.MAX_TEXT_LENGTH} characters", where)
            scope.charge(where, characters=len(piece))
            pieces.append(piece)
        return "".join(pieces)


def compile_text(text: str) -> str | Expression | Text:
    """Compile a string of a definition: itself without `{{`, one expression, or text with expressions.

    Raises:
        ExpressionError: an expression cannot be parsed, is too long or is not closed.
    """
    return _compile_template(text) if "{{" in text else text


@cached_by_length(2 * 1024 * 1024)
def _compile_template(text: str) -> Expression | Text:
    parts: list[str | Expression] = []
    position = 0
    while (start := text.find("{{", position)) >= 0:
        if start > position:
            parts.append(text[position:start])
        end = find_end(text, start + 2)
        parts.append(_parse(text[start + 2 : end].strip()))
        position = end + 2
    if position < len(text):
        parts.append(text[position:])
    expressions = [part for part in parts if isinstance(part, Expression)]
    if len(expressions) == 1 and not "".join(p for p in parts if isinstance(p, str)).strip():
        return expressions[0]
    return Text(tuple(parts))


def render(value: Any, scope: Scope, where: str = "", notes: Notes | None = None) -> Any:
    """Return `value`, any JSON of a definition, with all its templates evaluated.

    Args:
        value: the template; object keys are never templates.
        scope: what the expressions see.
        where: the field's name for error messages, such as `config.url`.
        notes: records how values were found; with it, a value may be `NOTHING`.

    Raises:
        ExpressionError: a template cannot be evaluated, or all together hit a bound.
    """
    try:
        return _render(value, scope, where, notes)
    except MemoryError:
        raise scope.hit("the values need too much memory", where) from None
    except RecursionError:
        raise scope.hit("the values are nested too deep", where) from None


def _render(value: Any, scope: Scope, where: str, notes: Notes | None) -> Any:
    if isinstance(value, str):
        compiled = compile_text(value)
        if isinstance(compiled, Expression):
            return compiled.evaluate(scope, where, notes)
        return compiled if isinstance(compiled, str) else compiled.evaluate(scope, where, notes)
    if isinstance(value, dict):
        return {key: _render(item, scope, f"{where}.{key}" if where else key, notes) for key, item in value.items()}
    if isinstance(value, list):
        return [_render(item, scope, f"{where}[{i}]", notes) for i, item in enumerate(value)]
    return value


def render_result(value: Any, scope: Scope, where: str) -> Any:
    """Return `value` as a result: null if an expression found nothing, or is about a skipped or failed node.

    A result that misses a part does not undo what has happened. A wrong name is still an error.

    Raises:
        ExpressionError: a template cannot be evaluated, or all together hit a bound.
    """
    notes = Notes(allows_skipped=True)
    rendered = render(value, scope, where, notes)
    return _nulls(rendered, value) if notes.nothing else rendered


def _nulls(rendered: Any, template: Any) -> Any:
    """Return a rendered value with null for nothing, which occurs only where the template has a text."""
    if rendered is NOTHING:
        return None
    if isinstance(template, dict):
        return {key: _nulls(rendered[key], item) for key, item in template.items()}
    if isinstance(template, list):
        return [_nulls(one, item) for one, item in zip(rendered, template, strict=True)]
    return rendered


def templates(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Yield every string in `value` that holds a template, with the path of its field."""
    if isinstance(value, str):
        if "{{" in value:
            yield where, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from templates(item, f"{where}.{key}" if where else key)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from templates(item, f"{where}[{i}]")


def keys_with_templates(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Yield every object in `value` with a key that looks like a template, which is not supported; with that key."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if isinstance(key, str) and "{{" in key:
            yield where, key
        inner = f"[{key}]" if isinstance(key, int) else f".{key}" if where else key
        yield from keys_with_templates(item, f"{where}{inner}")


def expressions_of(text: str) -> list[Expression]:
    """Return the compiled expressions of one template string."""
    compiled = compile_text(text)
    if isinstance(compiled, str):
        return []
    if isinstance(compiled, Expression):
        return [compiled]
    return [part for part in compiled.parts if isinstance(part, Expression)]


@cached_by_length(512 * 1024)
def _parse(source: str) -> Expression:
    if not source:
        raise ExpressionError("`{{ }}` holds no expression", details={"expression": ""})
    path = _plain_path(source)
    if path is None:
        _compiled(source)
    return Expression(source, path)


@cached_by_length(40_000)  # a tree takes one or two kilobytes for each character
def _compiled(source: str) -> Compiled:
    from engine.workflow.expressions.jsonata.bounds import Compiled

    return Compiled(source)


def _undefined() -> object:
    from engine.workflow.expressions.jsonata.bounds import UNDEFINED

    return UNDEFINED


def _plain_path(source: str) -> tuple[str | int, ...] | None:
    if not _PLAIN_PATH.fullmatch(source):
        return None
    steps = tuple(name or int(index) for name, index in _STEP.findall(source))
    return steps if steps[0] in ROOTS and not _WORDS.intersection(map(str, steps)) else None


def _walk(data: Mapping[str, Any], path: tuple[str | int, ...]) -> Any:
    """Return the value at `path`, `_MISSING`, or `_NEEDS_JSONATA` if JSONata's rules for lists apply."""
    value: Any = data
    for step in path:
        if isinstance(step, str):
            if isinstance(value, Mapping):
                value = value.get(step, _MISSING)
            elif isinstance(value, list):
                return _NEEDS_JSONATA
            else:
                return _MISSING
        elif isinstance(value, list):
            value = value[step] if step < len(value) else _MISSING
        else:
            return _NEEDS_JSONATA
        if value is _MISSING:
            return _MISSING
    return value


def _describe_missing(data: Mapping[str, Any], path: tuple[str | int, ...]) -> str:
    for length in range(1, len(path) + 1):
        if _walk(data, path[:length]) is not _MISSING:
            continue
        parent = _walk(data, path[: length - 1])
        name = _show(path[:length])
        if isinstance(path[length - 1], int):
            return f"`{name}` does not exist; the list has {len(parent)} items"
        if not isinstance(parent, Mapping):
            return f"`{name}` does not exist; `{_show(path[: length - 1])}` is {_kind(parent)}"
        from difflib import get_close_matches

        close = get_close_matches(str(path[length - 1]), [str(key) for key in parent], n=1)
        if close:
            return f"`{name}` does not exist; did you mean `{close[0]}`?"
        if path[0] == "nodes" and length == 2:  # noqa: PLR2004
            return f"`{name}` does not exist: that node has not run on this path"
        return f"`{name}` does not exist"
    return f"`{_show(path)}` has no value"


def _gave_nothing(data: Mapping[str, Any], path: tuple[str | int, ...]) -> bool:
    """Whether a path is about the output of a node that has none: it was skipped, or has failed."""
    if path[0] != "nodes" or len(path) == 1:
        return False
    given = data.get("nodes", {}).get(path[1])
    if given is None and path[1] not in data.get("nodes", {}):
        return True
    return isinstance(given, Mapping) and set(given) == {"error"} and path[2:3] != ("error",)


def _nothing(notes: Notes | None, where: str, error: ExpressionError, *, is_skipped: bool) -> Any:
    """Return nothing if the node was skipped or the field allows it; otherwise raise the error."""
    if notes is None or not notes.allows_skipped or not is_skipped:
        raise error
    notes.nothing[where] = error
    return NOTHING


def _show(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "true or false", str: "text", int: "a number", float: "a number", list: "a list"}
    return names.get(type(value), "an object")


def as_text(value: Any) -> str:
    """Return a value within text: a text as it is, all else as JSON, where 5.0 is 5."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT_FLOAT:
        value = int(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
