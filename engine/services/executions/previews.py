"""Previews of templates: over a given scope, over an execution, or over the samples of a workflow."""

from __future__ import annotations

from typing import Any

from engine import limits
from engine.clock import Clock
from engine.errors import ExpressionError, InvalidInput
from engine.execution.inspection import evaluate_value, load_needed, settle_block
from engine.json_value import dumps
from engine.schemas.previews import PreviewAnswer, PreviewBody, PreviewPart, PreviewProblem
from engine.security.permissions import Permission
from engine.services.executions.node_details import NodeInspector
from engine.services.executions.samples import Samples
from engine.services.principal import Principal
from engine.workflow.compiled import CompiledBlock, find_node
from engine.workflow.expressions.preview import PreviewedExpression, TemplateProblem, preview
from engine.workflow.expressions.scope import Scope
from engine.workflow.expressions.templates import ROOTS


class Previews:
    """Evaluates templates for people."""

    def __init__(self, inspector: NodeInspector, samples: Samples, clock: Clock) -> None:
        self._inspector = inspector
        self._samples = samples
        self._clock = clock

    def of(self, principal: Principal, body: PreviewBody) -> PreviewAnswer:
        """Return the value of the template of a request.

        Raises:
            NotFound: the execution, node or workflow does not exist.
            InvalidInput: the request names too many or too few scopes.
        """
        has_value = "value" in body.model_fields_set
        if has_value == (body.text is not None):
            raise InvalidInput.at("text", "give `text` or `value`, one of both")
        scope = Scope(self._data(principal, body), self._clock.now())
        if has_value:
            evaluated = evaluate_value(body.value, scope)
            problems = [
                PreviewProblem(path=one.path, message=one.message, offset=0, length=len(one.expression))
                for one in evaluated.problems
            ]
            return _answer(evaluated.value, problems, [], found=not problems)
        shown = preview(body.text or "", scope)
        problems = [_problem(one) for one in shown.problems]
        return _answer(shown.value, problems, [_part(one) for one in shown.parts], found=shown.found)

    def _data(self, principal: Principal, body: PreviewBody) -> dict[str, Any]:
        """Return the scope of the expressions."""
        sources = [body.scope is not None, body.execution_id is not None, body.workflow_id is not None]
        if sum(sources) > 1:
            raise InvalidInput.at("scope", "give one of `scope`, `execution_id` and `workflow_id`")
        if body.path is not None and body.execution_id is None:
            raise InvalidInput.at("path", "it names a node of the execution `execution_id`, which is not given")
        empty: dict[str, Any] = {"trigger": {}, "nodes": {}, "vars": {}, "execution": {}}
        if body.execution_id is not None:
            return self._of_execution(principal, body.execution_id, body)
        if body.workflow_id is not None:
            found = self._samples.of(principal, body.workflow_id)
            nodes = {
                path: {"error": node.error} if node.status == "failed" else node.output
                for path, node in found.nodes.items()
            }
            return {**empty, "trigger": found.trigger or {}, "nodes": nodes}
        for name in body.scope or {}:
            if name not in ROOTS:
                known = ", ".join(f"`{one}`" for one in sorted(ROOTS))
                raise InvalidInput.at(f"scope.{name}", f"expressions know {known}")
            if name in empty and not isinstance((body.scope or {})[name], dict):
                raise InvalidInput.at(f"scope.{name}", "it is an object")
        return {**empty, **(body.scope or {})}

    def _of_execution(self, principal: Principal, execution_id: str, body: PreviewBody) -> dict[str, Any]:
        path = body.path or ""
        place = self._inspector.place(principal.workspace_id, execution_id, path)
        if path and find_node(place.block, path) is None:
            raise InvalidInput.at("path", f"the test run has left out `{path}`")
        shows = principal.may(Permission.EXECUTE)
        context, around = self._inspector.context(place, path, shows_callbacks=shows)
        settle_block(context, *around, place.history)
        try:
            reads = CompiledBlock.reads_in(body.value if body.text is None else body.text)
        except ExpressionError:  # the preview reports it as omitted, and then reads nothing large
            reads = frozenset()
        load_needed(context, reads, lambda one: self._inspector.load(place.ref, one))
        return dict(context.data)


def _problem(problem: TemplateProblem) -> PreviewProblem:
    return PreviewProblem(path="", message=problem.message, offset=problem.offset, length=problem.length)


def _part(part: PreviewedExpression) -> PreviewPart:
    is_shown = _fits(part.value)
    return PreviewPart(
        offset=part.offset,
        length=part.length,
        expression=part.expression,
        value=part.value if is_shown else None,
        problem=_problem(part.problem) if part.problem else None,
    )


def _answer(value: Any, problems: list[PreviewProblem], parts: list[PreviewPart], *, found: bool) -> PreviewAnswer:
    is_shown = _fits(value)
    return PreviewAnswer(
        value=value if is_shown else None, found=found, omitted=not is_shown, problems=problems, parts=parts
    )


def _fits(value: Any) -> bool:
    return len(dumps(value)) <= limits.MAX_PREVIEW_BYTES
