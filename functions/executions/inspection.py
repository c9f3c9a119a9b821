"""Looking into executions: nodes, definitions, samples, previews of templates."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from engine import limits
from engine.ids import ID_PATTERN
from engine.schemas.executions import (
    IterationAnswer,
    IterationsAnswer,
    NodeAttempt,
    NodeDetail,
    PinAnswer,
    RunDefinition,
    TemplateProblemAnswer,
)
from engine.schemas.previews import PreviewAnswer, PreviewBody, WorkflowSamples
from engine.security.permissions import Permission
from engine.services.executions.node_details import NodeDetails
from engine.workflow.trial import Trial
from functions import api_services
from functions.executions.answers import node_parts, time_of
from functions.executions.app import app
from functions.http_api import IdInPath, Limit, allows, caller, errors

NodePath = Annotated[str, Path(min_length=1, max_length=1_000, description="The node's id, or its path in a loop.")]


@app.get(
    "/api/executions/<execution_id>/nodes/<node>",
    tags=["executions"],
    summary="Get a node of an execution",
    responses={200: {"description": "All that is known of it"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def get_node(
    execution_id: IdInPath,
    node: NodePath,
    iterations_after: Annotated[int | None, Query(ge=0, description="The `next_after` of an answer.")] = None,
    limit: Limit = limits.PAGE_SIZE,
) -> NodeDetail:
    """What it was given, its attempts, and its output, whatever its size; of a loop its iterations."""
    found = api_services.node_inspector().details(caller(app), execution_id, unquote(node), iterations_after, limit)
    return NodeDetail(**node_parts(found.execution, found.state), **_details(found))


def _details(found: NodeDetails) -> dict[str, Any]:
    iterations = None
    if found.iterations is not None:
        items = [
            IterationAnswer(
                index=one.index,
                status=one.status,
                started_at=time_of(one.started_at),
                completed_at=time_of(one.completed_at),
            )
            for one in found.iterations
        ]
        progress = found.state.progress or {"total": None, "done": 0, "failed": 0}
        iterations = IterationsAnswer(**progress, items=items, next_after=found.next_iteration)
    return {
        "name": found.node.name,
        "config": dict(found.node.config),
        "evaluated": found.evaluated,
        "problems": [TemplateProblemAnswer(**asdict(one)) for one in found.problems],
        "history": [
            NodeAttempt(
                attempt=one.attempt,
                status=one.status,
                at=time_of(one.at),
                error=one.error,
                next_at=time_of(one.next_at),
            )
            for one in found.history
        ],
        "scope": found.scope,
        "came_from": found.came_from,
        "iterations": iterations,
        "omitted": ["output"] if found.output_url else [],
        "output_bytes": found.output_bytes,
        "output_url": found.output_url,
    }


@app.get(
    "/api/executions/<execution_id>/definition",
    tags=["executions"],
    summary="Get what an execution ran",
    responses={200: {"description": "The definition"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def get_definition(execution_id: IdInPath) -> RunDefinition:
    """Whatever has become of the workflow since; of a test run with what was pinned."""
    execution, stored = api_services.execution_service().definition(caller(app), execution_id)
    trial = execution.trial or Trial()
    return RunDefinition(
        workflow_id=execution.workflow_id,
        workflow_name=execution.workflow_name,
        version=None if execution.is_of_draft else execution.workflow_version,
        draft=execution.is_of_draft,
        definition=stored.definition,
        pins={path: PinAnswer(output=pin.output, port=pin.port) for path, pin in trial.pins.items()},
        until=trial.until,
        only=trial.only,
    )


@app.post(
    "/api/expressions",
    tags=["executions"],
    summary="Preview a template",
    responses={200: {"description": "Its value, or what is wrong"}, **errors(400, 401, 403, 404, 413, 415)},
    openapi_extensions=allows(Permission.READ),
)
def preview(body: PreviewBody) -> PreviewAnswer:
    """Evaluates it as a node would; stores nothing."""
    return api_services.previews().of(caller(app), body)


@app.get(
    "/api/workflows/<workflow_id>/samples",
    tags=["workflows"],
    summary="See what the nodes of a workflow gave last",
    responses={200: {"description": "Outputs by node"}, **errors(401, 403, 404)},
    openapi_extensions=allows(Permission.READ),
)
def samples(
    workflow_id: IdInPath,
    execution_id: Annotated[str | None, Query(pattern=ID_PATTERN, description="Only in this execution.")] = None,
) -> WorkflowSamples:
    """Of each node the newest output among the last ten executions, test runs too."""
    return api_services.samples().of(caller(app), workflow_id, execution_id)
