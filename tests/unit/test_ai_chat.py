"""`ai_chat` against an OpenAI-compatible server, and Bedrock's Converse as botocore knows it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.session import Session
from botocore.validate import ParamValidator

from engine.errors import NodeError
from engine.history.usage import Bill
from engine.nodes.context import NodeServices, ToolCall
from engine.testing import MemoryFiles, NodeRun, run_node
from tests.opened import Bench
from tests.peers import Answer, as_json, peer

KEY = "sk-the-key-of-the-models"
INVOICE = {
    "type": "object",
    "required": ["number", "total"],
    "properties": {"number": {"type": "string"}, "total": {"type": "number"}},
}
PNG = b"\x89PNG\r\n\x1a\n0000"
LOOK_UP = {
    "name": "price",
    "description": "The price of a product",
    "workflow": "01920000-0000-7000-8000-0000000000aa",
    "input_schema": {"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string"}}},
}


def said(
    text: str | None = None, *, calls: list[tuple[str, str]] | None = None, finish: str = "stop"
) -> dict[str, Any]:
    """An answer as OpenAI's API has it."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {"id": f"c{i}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for i, (name, arguments) in enumerate(calls)
        ]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else finish}
    return {"id": "1", "choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": 10}}


@dataclass
class Tools:
    """Workflows that answer at once."""

    calls: list[ToolCall] = field(default_factory=list)

    async def __call__(self, call: ToolCall) -> Any:
        self.calls.append(call)
        if call.input["sku"] == "none":
            raise NodeError("there is no such product", code="tool_failed")
        return {"price": 12}


def chat(
    answers: list[dict[str, Any] | Answer], workflows: Tools | None = None, **config: Any
) -> tuple[NodeRun, list[Any], Bill]:
    """A conversation: how the node ended, what the endpoint was asked, and what is on the bill."""
    asked: list[Any] = []
    spent: list[Bill] = []
    left = iter(answers)

    def respond(request: dict[str, Any]) -> Answer:
        assert request["headers"]["authorization"] == f"Bearer {KEY}"
        assert request["path"] == "/v1/chat/completions"
        asked.append(json.loads(request["body"]))
        answer = next(left)
        return as_json(answer) if isinstance(answer, dict) else answer

    with peer(respond) as server:
        endpoint = {
            "base_url": f"{server.url}/v1",
            "api_key": KEY,
            "dollars_per_million_input": 2,
            "dollars_per_million_output": 8,
        }
        bench = Bench("openai", endpoint, files=MemoryFiles({"a.png": PNG}))
        run = run_node(
            "ai_chat", {"integration": "bench", "model": "m", "prompt": "Hi", **config}, files=bench.files,
            integrations={"bench": ("openai", bench.opened())}, run=bench.runner.run,
            services=NodeServices(tool=workflows, spend=spent.append),
        )  # fmt: skip
    return run, asked, sum(spent, Bill())


def test_a_question_is_answered_and_billed():
    run, asked, bill = chat(
        [said("Hello")], system="Be kind.", temperature=0, messages=[{"role": "assistant", "text": "?"}]
    )
    usage = {"input_tokens": 100, "output_tokens": 10, "dollars": 0.00028}
    assert run.output == {"text": "Hello", "model": "m", "stop": "end", "usage": usage, "tool_calls": []}
    assert asked[0] == {
        "model": "m", "max_tokens": 2000, "temperature": 0,
        "messages": [
            {"role": "system", "content": "Be kind."}, {"role": "assistant", "content": "?"},
            {"role": "user", "content": "Hi"},
        ],
    }  # fmt: skip
    assert (bill.ai_input_tokens, bill.ai_output_tokens, bill.ai_micro_dollars) == (100, 10, 280)
    assert bill.dollars == pytest.approx(0.00028)


def test_answer_that_violates_the_schema_is_sent_back():
    run, asked, bill = chat(
        [
            said("The total is 12."),
            said('{"number": 7, "total": 12}'),
            said('```json\n{"number": "A-7", "total": 12}\n```'),
        ],
        schema=INVOICE,
    )
    assert run.output["json"] == {"number": "A-7", "total": 12}
    assert "JSON Schema" in asked[0]["messages"][0]["content"]
    assert "number" in asked[2]["messages"][-1]["content"]
    assert bill.ai_input_tokens == 300
    assert [line.level for line in run.lines] == ["warning", "warning"]
    never, _, _ = chat([said("no")] * 2, schema=INVOICE, repairs=1)
    assert never.error is not None
    assert (never.error.code, never.error.details) == ("answer_does_not_fit", {"answer": "no"})


def test_a_tool_is_a_workflow_and_its_failure_is_told_to_the_model():
    tools, unfit = Tools(), [("price", "{}"), ("nope", "{}"), ("price", "{broken")]
    run, asked, _ = chat(
        [
            said(calls=[("price", '{"sku": "A"}'), ("price", '{"sku": "none"}'), *unfit]),
            said(calls=[("price", '{"sku": "A"}')]),
            said("12 euros"),
        ],
        tools,
        tools=[LOOK_UP],
    )  # fmt: skip
    assert run.output["text"] == "12 euros"
    assert asked[0]["tools"][0]["function"]["parameters"] == LOOK_UP["input_schema"]
    results = [json.loads(one["content"]) for one in asked[1]["messages"][-5:]]
    assert results[0] == {"price": 12}
    assert [("error" in one) for one in results] == [False, True, True, True, True]
    assert sorted(call.input["sku"] for call in tools.calls) == ["A", "A", "none"]  # side by side
    assert len({call.key for call in tools.calls}) == 3  # asked for twice, it runs twice
    again = Tools()
    chat([said(calls=[("price", '{"sku": "A"}')]), said("x")], again, tools=[LOOK_UP])
    assert again.calls[0].key == next(
        call.key for call in tools.calls if call.input == {"sku": "A"}
    )  # but an attempt that is made again finds what it has started
    endless, _, _ = chat([said(calls=[("price", '{"sku": "A"}')])] * 3, Tools(), tools=[LOOK_UP], max_rounds=2)
    assert endless.error is not None
    assert endless.error.code == "too_many_rounds"


def test_truncated_tool_call_is_never_run():
    tools = Tools()
    cut = said(calls=[("price", '{"sku": "A"')])
    cut["choices"][0]["finish_reason"] = "length"
    run, _, _ = chat([cut], tools, tools=[LOOK_UP])
    assert run.error is not None
    assert (run.error.code, tools.calls) == ("answer_cut_off", [])


@pytest.mark.parametrize("answer", ["```" + "\n" * 100_000 + "x", "[" * 200_000, "", "NaN", "```"])
def test_malformed_answer_is_sent_back_at_once(answer: str):
    run, asked, _ = chat([said(answer), said('```json\n\n{"number": "1", "total": 2}\n```\n')], schema=INVOICE)
    assert run.output["json"] == {"number": "1", "total": 2}
    assert all(one["content"] for one in asked[1]["messages"])


def test_openai_endpoint_gets_max_completion_tokens():
    ours = Bench("openai", {"api_key": KEY}).opened()
    assert ours.token_limit == "max_completion_tokens"  # type: ignore[attr-defined]
    assert Bench("openai", {"api_key": KEY, "base_url": "http://127.0.0.1:1"}).opened().token_limit == "max_tokens"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("answer", "code", "retryable"),
    [
        (said("x", finish="length"), "answer_cut_off", False),
        (said("x", finish="content_filter"), "answer_filtered", False),
        (as_json({"error": {"message": "no"}}, 401), "http_status", False),
        (as_json({"error": {"message": "slow down"}}, 429), "http_status", True),
        (as_json({}), "bad_response", False),
        ((200, {}, b"<html>"), "bad_response", False),
    ],
)
def test_error_of_the_model_service_is_reported(answer: Any, code: str, retryable: bool):
    run, _, _ = chat([answer])
    assert run.error is not None
    assert (run.error.code, run.error.retryable) == (code, retryable)
    assert KEY not in json.dumps(run.error.as_dict())


def test_images_are_sent_to_the_model():
    _, asked, _ = chat([said("A cat")], images=[{"file": "a.png"}])
    assert asked[0]["messages"][0]["content"][0]["image_url"]["url"].startswith("data:image/png;base64,iVBORw")
    wrong, _, _ = chat([], images=[{"text": "no image"}])
    assert wrong.error is not None
    assert wrong.error.code == "bad_content"


# -- Bedrock -------------------------------------------------------------------------------------------------

CONVERSE = Session().get_service_model("bedrock-runtime").operation_model("Converse")


class Aws:
    """Bedrock, as far as its shapes go: each request is checked against botocore's model of Converse."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.asked: list[dict[str, Any]] = []
        self._answers = iter(answers)

    async def call(self, _workspace: str, _role: Any, service: str, operation: str, params: Any) -> dict[str, Any]:
        assert (service, operation) == ("bedrock-runtime", "converse")
        report = ParamValidator().validate(params, CONVERSE.input_shape)
        assert not report.has_errors(), report.generate_report()
        self.asked.append(params)
        return next(self._answers)


def converse(content: list[dict[str, Any]], stop: str = "end_turn") -> dict[str, Any]:
    usage = {"inputTokens": 1000, "outputTokens": 100, "totalTokens": 1100}
    return {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": stop, "usage": usage}


def bedrock(aws: Aws, **config: Any) -> tuple[NodeRun, Bill]:
    spent: list[Bill] = []
    run: Callable[..., Any] = asyncio.Runner().run
    services = NodeServices(aws=aws, tool=Tools(), spend=spent.append)  # type: ignore[arg-type]
    given = {"model": "eu.amazon.nova-lite-v1:0", "prompt": "Hi", **config}
    return run_node("ai_chat", given, services=services, files={"a.png": PNG}, run=run), sum(spent, Bill())


def test_bedrock_converse_request_has_the_right_shape():
    use = {"toolUse": {"toolUseId": "t1", "name": "price", "input": {"sku": "A"}}}
    aws = Aws(converse([{"text": "Let me see"}, use], "tool_use"), converse([{"text": '{"number": "1", "total": 2}'}]))
    run, bill = bedrock(aws, system="s", schema=INVOICE, tools=[LOOK_UP], images=[{"file": "a.png"}], temperature=0.1)
    assert run.output["json"] == {"number": "1", "total": 2}
    assert run.output["tool_calls"] == [{"name": "price", "input": {"sku": "A"}, "output": {"price": 12}}]
    result = aws.asked[1]["messages"][-1]["content"][0]["toolResult"]
    assert result == {"toolUseId": "t1", "content": [{"json": {"price": 12}}], "status": "success"}
    assert aws.asked[0]["messages"][0]["content"][0]["image"]["format"] == "png"
    assert bill.ai_micro_dollars == round(2000 * 0.06 + 200 * 0.24)
    assert run.output["usage"]["dollars"] == pytest.approx(0.000168)


@pytest.mark.parametrize(
    ("stop", "code"),
    [
        ("max_tokens", "answer_cut_off"),
        ("content_filtered", "answer_filtered"),
        ("guardrail_intervened", "answer_filtered"),
    ],
)
def test_bedrock_stop_reason_is_reported(stop: str, code: str):
    run, _ = bedrock(Aws(converse([{"text": "x"}], stop)))
    assert run.error is not None
    assert run.error.code == code
