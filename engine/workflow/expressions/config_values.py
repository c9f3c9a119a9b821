"""Fits the values of templates to the fields of a node's config.

JSONata returns the item itself if a search finds one, and nothing if it finds none; and it returns a number where an id
is one. A list field accepts all three, and a text field accepts a number, in every node alike: a value that pydantic
refuses for its type is converted once and validated again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from engine.validation_messages import sentence
from engine.workflow.expressions.templates import NOTHING, Notes, as_text

Config = TypeVar("Config", bound=BaseModel)
Steps = tuple[str | int, ...]
_LISTS = frozenset({"list_type", "tuple_type", "set_type", "frozen_set_type"})
_ROUNDS = 8  # a list in a list in a list …


class Misfit(Exception):
    """Values do not fit the model; `problems` tells where and why."""

    def __init__(self, problems: list[dict[str, str]]) -> None:
        super().__init__(f"{problems[0]['field']}: {problems[0]['message']}")
        self.problems = problems


def fitted(model: type[Config], values: Mapping[str, Any], notes: Notes | None = None, root: str = "config") -> Config:
    """Return the config for `values`, about which `notes` were taken; `root` is the name of the config in problems.

    Raises:
        Misfit: they do not fit.
        ExpressionError: an expression found nothing for a required value.
    """
    fitting = _Fitting(model, values, notes or Notes(), root)
    for _ in range(_ROUNDS):
        try:
            config = model.model_validate(fitting.values)
        except ValidationError as error:
            found = error.errors(include_url=False)
            if not fitting.change(found):
                raise fitting.misfit(found) from None
        else:
            fitting.raise_if_nothing_is_left()
            return config
    raise fitting.misfit(found)


class _Fitting:
    """Values being fitted to a model. Data that they share with an execution is never changed."""

    def __init__(self, model: type[BaseModel], values: Mapping[str, Any], notes: Notes, root: str) -> None:
        self.values = dict(values)
        self._root = root
        self._copied = {id(self.values)}
        self._notes = notes
        self._left = dict(notes.nothing)
        self._lists_only: frozenset[str] = getattr(model, "lists_only", frozenset())
        self._wrapped: dict[Steps, str] = {}

    def change(self, errors: Sequence[Mapping[str, Any]]) -> bool:
        """Convert what can be converted; return whether anything was. Text is tried first if a field accepts both."""
        changed: set[Steps] = set()
        for error in sorted(errors, key=lambda one: one["type"] != "string_type"):
            steps, value = _resolve(self.values, error["loc"])
            if steps in changed or steps in self._wrapped:
                continue
            if error["type"] == "string_type" and isinstance(value, bool | int | float):
                self._put(steps, as_text(value))
            elif error["type"] in _LISTS and self._may_be_list(steps, value):
                self._wrapped[steps] = sentence(error)
                self._left.pop(self._noted(steps), None)
                self._put(steps, [] if value is NOTHING or value is None else [value])
            else:
                continue
            changed.add(steps)
        return bool(changed)

    def _may_be_list(self, steps: Steps, value: Any) -> bool:
        is_scalar = isinstance(value, str | bool | int | float)
        only_lists = len(steps) == 1 and steps[0] in self._lists_only
        return not (is_scalar and only_lists) or self._noted(steps) in self._notes.searched

    def _put(self, steps: Steps, value: Any) -> None:
        at: Any = self.values
        for step in steps[:-1]:
            inner = at[step]
            if id(inner) not in self._copied:
                inner = at[step] = inner.copy()
                self._copied.add(id(inner))
            at = inner
        at[steps[-1]] = value

    def misfit(self, errors: Sequence[Mapping[str, Any]]) -> Exception:
        """Return the problem to report: for a value that was made a list in vain, that it is not a list."""
        problems: dict[str, str] = {}
        for error in errors[:20]:
            steps, value = _resolve(self.values, error["loc"])
            if value is NOTHING:
                return self._notes.nothing[self._noted(steps)]
            wrapped = next((one for one in self._wrapped if steps[: len(one)] == one), None)
            if wrapped is not None and len(_at(self.values, wrapped)) == 1:
                problems.setdefault(self._field(wrapped), self._wrapped[wrapped])
            else:
                problems.setdefault(self._field(error["loc"]), self._message(error, value))
        return Misfit([{"field": field, "message": message} for field, message in problems.items()])

    def _message(self, error: Mapping[str, Any], value: Any) -> str:
        if error["type"] in _LISTS and isinstance(value, str):
            return f"it is the text {value[:40]!r}, not a list; `$split(…)` makes one, or a `json` node that parses it"
        if error["type"] in _LISTS and isinstance(value, int | float):
            return f"it is {as_text(value)}, not a list; `[1..n]` makes one of numbers"
        if error["type"] == "string_type" and isinstance(value, dict | list):
            return f"{sentence(error)}; `$string(…)` writes a list or an object as JSON"
        return sentence(error)

    def _field(self, location: Sequence[str | int]) -> str:
        return ".".join([self._root, *map(str, location)])

    def _noted(self, steps: Steps) -> str:
        return self._root + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)

    def raise_if_nothing_is_left(self) -> None:
        """Refuse an expression's nothing as a value, even if the field accepts any value."""
        for error in self._left.values():
            raise error


def _resolve(values: Any, location: Sequence[str | int]) -> tuple[Steps, Any]:
    """Return where in `values` an error is, and the value there.

    Pydantic names branches of unions, which are not steps.
    """
    steps: list[Any] = []
    at: Any = values
    for part in location:
        is_step = (
            part in at if isinstance(at, dict) else isinstance(at, list) and isinstance(part, int) and part < len(at)
        )
        if is_step:
            steps.append(part)
            at = at[part]
    return tuple(steps), at


def _at(values: Any, steps: Steps) -> Any:
    for step in steps:
        values = values[step]
    return values
