"""The handlers of the other Lambda functions, called with sample events."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from engine.history.model import Execution, Status
from engine.ids import new_id
from tests.sandboxes import runner
from tests.stored import publish_version, set_active
from tests.unit.conftest import NOW, Aws
from tests.unit.invoked import API, EVENTS, EXECUTION, USER, WORKFLOW, WORKSPACE, event, invoke


def test_every_sample_event_is_tried():
    assert {path.stem for path in (EVENTS / "api").glob("*.json")} == {*API, "authorizer"}


def test_advance_runs_to_the_end(seeded: Aws):
    answer = invoke("advance", event("states/advance"))
    done = seeded.executions.get(WORKSPACE, EXECUTION)

    assert answer["next"] == "succeeded"
    assert (done.status, done.result) == (Status.SUCCEEDED, {"a": "Hello Ada"})


def test_a_quick_run_takes_four_writes(seeded: Aws, monkeypatch: pytest.MonkeyPatch):
    """The record, the history, the log, the end: what a run of any number of quick nodes costs."""
    from functions import container

    calls: list[str] = []
    hook = lambda model, **_: calls.append(model.name)  # noqa: E731
    container.client("dynamodb").meta.events.register("before-call.dynamodb", hook)
    try:
        invoke("executions", event("api/executions_list"))
        calls.clear()
        invoke("advance", event("states/advance"))
    finally:
        container.client("dynamodb").meta.events.unregister("before-call.dynamodb", hook)

    assert sorted(call for call in calls if call not in ("Query", "GetItem")) == ["PutItem", "PutItem", "UpdateItem"]


def test_an_execution_that_runs_ahead_ends_without_a_state_machine(seeded: Aws, monkeypatch: pytest.MonkeyPatch):
    from functions.advance import handler as advance

    told: list[Any] = []
    monkeypatch.setattr(advance, "_tell_supervisor", told.append)
    assert invoke("advance", event("states/ahead")) == {"next": "succeeded"}
    assert told == []
    bill = json.loads(invoke("executions", event("api/executions_get"))["body"])["bill"]
    assert bill["transitions"] == 0
    assert bill["lambda_ms"] >= 0

    nodes = [{"id": "a", "type": "delay", "config": {"seconds": 3600}}]
    publish_version(seeded.workflows, seeded.workflows.get(WORKSPACE, WORKFLOW), {"nodes": nodes})
    waiting = Execution(new_id(), WORKSPACE, WORKFLOW, 2, "webhook", None, {"body": None}, NOW)
    seeded.executions.create(waiting, None, "")
    assert invoke("advance", {**event("states/ahead"), "execution_id": waiting.id}) == {"next": "suspend_until"}
    assert [one["drive"] for one in told] == [waiting.id]
    for _ in range(2):
        invoke("supervisor", told[0])
    assert drivers() == [f"{waiting.id}-1"]


def drivers() -> list[str]:
    states = boto3.client("stepfunctions")
    arn = states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    return [one["name"] for one in states.list_executions(stateMachineArn=arn)["executions"]]


def test_repeated_schedules_events_and_stream_records_are_handled_once(seeded: Aws):
    """Schedules, rules, queues and streams; each twice, since that is how they tell."""
    workflow = seeded.workflows.get(WORKSPACE, WORKFLOW)
    set_active(seeded.workflows, workflow, active=True)
    assert [invoke("dispatch", event("dispatch/schedule"))["done"] for _ in range(2)] == ["started", "known"]
    assert [invoke("dispatch", event("dispatch/event"))["done"] for _ in range(2)] == [{"started": 1}, {"known": 1}]
    assert [invoke("dispatch", event("dispatch/rule"))["done"] for _ in range(2)] == [{"started": 1}, {"known": 1}]
    assert invoke("dispatch", event("dispatch/message")) == {"batchItemFailures": []}
    assert invoke("reconciler", event("reconciler/changed")) == {"batchItemFailures": []}
    assert invoke("reconciler", event("reconciler/unheard")) == {"batchItemFailures": []}
    assert invoke("reconciler", event("reconciler/daily")) == {}


def test_retention_with_nothing_expired_purges_nothing(seeded: Aws):
    assert invoke("retention", event("retention/purge")) == {}
    assert invoke("retention", event("retention/orphans")) == {"drafts": 0, "orphans": 0}
    assert invoke("publisher", event("publisher/ended")) == {"batchItemFailures": []}
    assert invoke("publisher", {"tell": [EXECUTION]}) == {"again": []}  # it has not ended, so nothing is told
    assert invoke("deliveries", event("deliveries/deliver")) == {"tried": 1}


def test_a_workflow_that_cannot_be_reconciled_keeps_no_other_waiting(seeded: Aws, monkeypatch: pytest.MonkeyPatch):
    from functions.reconciler import handler as reconciler

    done: list[str] = []

    def workflow(workflow_id: str) -> dict[str, int]:
        if workflow_id == WORKFLOW:
            raise RuntimeError("broken")
        done.append(workflow_id)
        return {}

    monkeypatch.setattr(reconciler._reconciler, "workflow", workflow)
    records = event("reconciler/changed")["Records"]
    number = records[0]["dynamodb"]["SequenceNumber"]
    other = json.loads(json.dumps(records).replace(WORKFLOW, "other").replace(number, "999"))
    answer = reconciler.handler({"Records": records + other}, None)
    assert done == ["other"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": number}]}


def test_a_driver_that_gives_up_is_followed_by_one_that_waits_first(seeded: Aws):
    invoke("supervisor", event("supervisor/gave_up"))
    invoke("supervisor", event("supervisor/gave_up"))
    states = boto3.client("stepfunctions")
    machine = states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    (started,) = states.list_executions(stateMachineArn=machine)["executions"]
    told = json.loads(states.describe_execution(executionArn=started["executionArn"])["input"])
    first = invoke("advance", {**told, "retries": 0})
    driven = seeded.executions.get(WORKSPACE, EXECUTION)

    assert (driven.driver_attempt, driven.status.is_final) == (2, False)
    assert (first["next"], first["until"], first["invocations"]) == ("suspend_until", told["decision"]["not_before"], 0)
    assert invoke("advance", {**told, "retries": 0, "decision": first})["next"] == "succeeded"


@pytest.mark.parametrize(
    "name", ["supervisor/gave_up", "eventbridge/driver_died", "supervisor/notify", "supervisor/continue_as_new"]
)
def test_supervisor_ignores_finished_and_missing_executions(seeded: Aws, name: str):
    seeded.executions.finish(EXECUTION, Status.SUCCEEDED, NOW, started_at=NOW, result=1)
    done = seeded.executions.get(WORKSPACE, EXECUTION)
    invoke("supervisor", event(name))
    invoke("supervisor", json.loads(json.dumps(event(name)).replace(EXECUTION, new_id())))

    assert seeded.executions.get(WORKSPACE, EXECUTION) == done


def test_a_workflow_that_a_model_calls_is_started_once(seeded: Aws):
    asked = event("supervisor/tool")
    asked["tool"]["workflow_id"] = WORKFLOW
    first, again = invoke("supervisor", asked), invoke("supervisor", asked)
    other = invoke("supervisor", {"tool": {**asked["tool"], "key": "another call"}})
    nowhere = invoke("supervisor", {"tool": {**asked["tool"], "workflow_id": new_id()}})

    assert first == again
    assert other["execution_id"] != first["execution_id"]
    started = seeded.executions.find(first["execution_id"], payloads=True)
    assert started is not None
    assert (started.execution.trigger["body"], started.execution.depth) == ({"sku": "A"}, 1)
    assert nowhere["error"]["code"] == "not_found"
    seeded.executions.finish(EXECUTION, Status.CANCELLED, NOW)
    assert invoke("supervisor", {"tool": {**asked["tool"], "key": "late"}})["error"]["code"] == "execution_over"


def test_the_sandbox_answers_its_sample(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("functions.sandbox.handler._runner", runner())
    answer = invoke("sandbox", event("sandbox/run"))

    assert (round(answer["result"], 3), answer["lines"]) == (12.566, ["radius 2"])


def test_a_driver_that_died_is_followed_by_another(seeded: Aws):
    invoke("supervisor", event("eventbridge/driver_died"))
    invoke("supervisor", event("eventbridge/driver_died"))
    states = boto3.client("stepfunctions")
    started = states.list_executions(
        stateMachineArn=states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    )

    assert [one["name"] for one in started["executions"]] == [f"{EXECUTION}-2"]
    assert seeded.executions.get(WORKSPACE, EXECUTION).driver_attempt == 2


def test_recovery_returns_its_counts(seeded: Aws):
    assert invoke("supervisor", event("supervisor/recover")) == {"recovered": 1}
    assert invoke("supervisor", event("supervisor/recover")) == {}


def test_driver_continues_as_new_before_its_history_is_full(seeded: Aws):
    """In its last invocation it hands on to the next generation, which the old one then makes room for."""
    nodes = [{"id": "a", "type": "delay", "config": {"seconds": 3600}}]
    publish_version(seeded.workflows, seeded.workflows.get(WORKSPACE, WORKFLOW), {"nodes": nodes})
    waiting = Execution(new_id(), WORKSPACE, WORKFLOW, 2, "manual", USER, {"body": None}, NOW)
    seeded.executions.create(waiting, None, "")
    asked = {**event("states/advance"), "execution_id": waiting.id}
    invocations = {
        invocation: invoke("advance", {**asked, "decision": {"invocations": invocation, "bill": {}}})
        for invocation in (0, 248, 249)
    }
    invoke("supervisor", {**event("supervisor/continue_as_new"), "continue_as_new": waiting.id})
    invoke("supervisor", {**event("supervisor/continue_as_new"), "continue_as_new": waiting.id})
    states = boto3.client("stepfunctions")
    started = states.list_executions(
        stateMachineArn=states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    )
    late = invoke("advance", asked)
    following = invoke("advance", {**asked, "driver_attempt": 2})

    assert [invocations[invocation]["next"] for invocation in (0, 248, 249)] == [
        "suspend_until",
        "suspend_until",
        "continue_as_new",
    ]
    assert [one["name"] for one in started["executions"]] == [f"{waiting.id}-2"]
    assert (late["next"], following["next"]) == ("superseded", "suspend_until")
    assert following["until"] == invocations[0]["until"], "the wait goes on from where it began"


def test_usage_is_added_to_the_bill(seeded: Aws):
    started = {**event("states/advance"), "retries": 2, "decision": {"invocations": 3, "bill": {"write_units": 5.0}}}
    invoke("advance", started)
    bill = json.loads(invoke("executions", event("api/executions_get"))["body"])["bill"]

    assert bill["transitions"] == 2 + 2 + 1, "Advance and its two retries, Next?, Succeed"
    assert bill["write_units"] >= 5 + 2
    assert bill["read_units"] > 0
    assert bill["dollars"] > bill["transitions"] * 0.000025
    assert bill["prices_as_of"]


def test_a_start_that_step_functions_refuses_is_said_and_leaves_nothing_pending(seeded: Aws):
    states = boto3.client("stepfunctions")
    states.delete_state_machine(stateMachineArn=states.list_state_machines()["stateMachines"][0]["stateMachineArn"])
    asked = event("api/executions_start")
    with_key = invoke("executions", asked)
    del asked["headers"]["idempotency-key"]
    without_key = invoke("executions", asked)
    listed = json.loads(invoke("executions", event("api/executions_list"))["body"])["items"]

    assert with_key["statusCode"] == without_key["statusCode"] == 503
    assert len(listed) == 1, "the one without a key is failed; the other waits for the same request again"


def test_a_start_that_was_interrupted_is_completed_by_the_same_request(seeded: Aws, monkeypatch: pytest.MonkeyPatch):
    from engine.aws.step_functions import StateMachine

    started: list[str] = []

    def start(_self: StateMachine, execution_id: str, _generation: int = 1) -> None:
        """The first time the process dies after the record and before Step Functions."""
        started.append(execution_id)
        if len(started) == 1:
            raise SystemExit

    monkeypatch.setattr(StateMachine, "start", start)
    with pytest.raises(SystemExit):
        invoke("executions", event("api/executions_start"))
    again = invoke("executions", event("api/executions_start"))

    assert json.loads(again["body"])["id"] == started[0] == started[1]
