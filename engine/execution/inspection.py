"""What the templates of a node saw, and what they give over it: worked out again from the history, for people.

Nothing is recorded of what a node was given, which would cost a write for each. But all that it was made of is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from engine.errors import ExpressionError, NodeError
from engine.execution.context import ExecutionContext
from engine.history.events import History, Stored
from engine.nodes.context import without_literals
from engine.workflow.compiled import CompiledBlock
from engine.workflow.expressions.scope import Scope
from engine.workflow.expressions.templates import NOTHING, Notes, render
from engine.workflow.expressions.url_templates import render_url
from engine.workflow.graph import Progress

HIDDEN = "•••"
_SECRET_NAME = re.compile(
    r"authorization|passw(?:or)?d|passphrase|secret|token|api[-_ ]?key|credential|cookie|private[-_ ]?key|signature",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """A template that has no value here: its field, what is wrong, and the expression."""

    path: str
    message: str
    expression: str


@dataclass(slots=True)
class Evaluated:
    """A config with its templates evaluated; what has no value is null, and a problem tells why."""

    value: Any
    problems: list[ConfigProblem] = field(default_factory=list)


def settle_block(context: ExecutionContext, block: CompiledBlock, prefix: str, history: History) -> Progress:
    """Make the outcomes of a block visible in a context, and give how far it has come."""
    progress = Progress(block.graph)
    while progress.ready:
        node_id = progress.ready.popleft()
        outcome = history.outcomes.get(prefix + node_id)
        if outcome is not None:
            progress.settle(node_id, outcome.port)
            context.settle(node_id, outcome)
    return progress


def load_needed(context: ExecutionContext, names: frozenset[str] | None, load: Callable[[Stored], Any]) -> None:
    """Load those outputs that are still `Stored` and are wanted; all of them for None."""
    for name in sorted(context.stored if names is None else context.stored & names):
        context.replace(name, load(context.nodes[name]))


def evaluate_config(model: type[Any], config: Mapping[str, Any], scope: Scope) -> Evaluated:
    """A node's config over what it saw, text by text, so that one problem hides nothing else."""
    result = Evaluated({})
    templated = without_literals(model, dict(config))
    urls: frozenset[str] = getattr(model, "urls", frozenset())
    for name, value in config.items():
        if name not in templated:
            result.value[name] = value
        elif name in urls and isinstance(value, str):
            where = f"config.{name}"
            result.value[name] = _tried(partial(render_url, value, scope, where), where, result)
        else:
            result.value[name] = _evaluated(value, f"config.{name}", scope, result)
    return result


def evaluate_value(value: Any, scope: Scope) -> Evaluated:
    """Any JSON with its templates evaluated, text by text."""
    result = Evaluated(None)
    result.value = _evaluated(value, "", scope, result)
    return result


def _evaluated(value: Any, where: str, scope: Scope, result: Evaluated) -> Any:
    if isinstance(value, str):
        return _tried(partial(render, value, scope, where, Notes()), where, result)
    if isinstance(value, dict):
        return {key: _evaluated(one, f"{where}.{key}" if where else key, scope, result) for key, one in value.items()}
    if isinstance(value, list):
        return [_evaluated(one, f"{where}[{index}]", scope, result) for index, one in enumerate(value)]
    return value


def _tried(evaluate: Callable[[], Any], where: str, result: Evaluated) -> Any:
    try:
        value = evaluate()
    except NodeError as error:
        details = error.details if isinstance(error, ExpressionError) and isinstance(error.details, dict) else {}
        message = str(details.get("reason") or error.message)
        result.problems.append(ConfigProblem(where, message, str(details.get("expression", ""))))
        return None
    return None if value is NOTHING else value


def without_secrets(value: Any, name: str = "") -> Any:
    """A value of a config without what looks like a secret by the name of its field."""
    if isinstance(value, dict):
        named = value.get("name") if set(value) == {"name", "value"} else None
        if isinstance(named, str) and _SECRET_NAME.search(named):
            return {**value, "value": HIDDEN}
        return {key: without_secrets(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [without_secrets(one, name) for one in value]
    return HIDDEN if isinstance(value, str) and value and _SECRET_NAME.search(name) else value
