"""How models are asked: Amazon Bedrock's Converse and OpenAI's chat completions, behind one shape of a conversation."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from engine.errors import NodeError
from engine.json_value import dumps
from engine.security.redaction import PROCESS

if TYPE_CHECKING:
    from engine.aws.assumed_role import Role
    from engine.integrations.openai import Openai
    from engine.nodes.context import NodeContext


@dataclass(frozen=True, slots=True)
class Picture:
    """An image for a model to look at. `kind` is png, jpeg, gif or webp."""

    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that a model may call."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call that a model asks for. `is_readable` says whether its input is one: it may have been cut off."""

    id: str
    name: str
    input: Any
    is_readable: bool = True


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a call."""

    id: str
    output: Any
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation: the user's (text, pictures, answers of tools), or the model's (text, calls)."""

    role: str
    text: str = ""
    pictures: Sequence[Picture] = ()
    calls: Sequence[Wanted] = ()
    answers: Sequence[Answered] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """The model's turn, what it used, and why it stopped: `end`, `tools`, `length` or `filtered`."""

    turn: Turn
    input_tokens: int
    output_tokens: int
    stop: str


@dataclass(frozen=True, slots=True)
class Question:
    """All that a model is told."""

    model: str
    system: str | None
    turns: Sequence[Turn]
    max_tokens: int
    temperature: float | None
    tools: Sequence[Tool] = field(default_factory=tuple)


class Model(Protocol):
    """Something that answers."""

    async def ask(self, question: Question) -> Reply:
        """One request.

        Raises:
            NodeError: it cannot be had, or refuses.
        """

    def dollars(self, model: str, input_tokens: int, output_tokens: int) -> float:
        """At list price; 0 where it is not known."""


class BedrockModel:
    """Models of Amazon Bedrock, through Converse."""

    def __init__(self, context: NodeContext, role: Role | None) -> None:
        self._context = context
        self._role = role

    async def ask(self, question: Question) -> Reply:
        """See Model."""
        inference: dict[str, Any] = {"maxTokens": question.max_tokens}
        if question.temperature is not None:
            inference["temperature"] = question.temperature
        params: dict[str, Any] = {
            "modelId": question.model,
            "messages": [{"role": turn.role, "content": _converse(turn)} for turn in question.turns],
            "inferenceConfig": inference,
        }
        if question.system:
            params["system"] = [{"text": question.system}]
        if question.tools:
            specs = [
                {"toolSpec": {"name": one.name, "description": one.description, "inputSchema": {"json": one.schema}}}
                for one in question.tools
            ]
            params["toolConfig"] = {"tools": specs}
        answer = await self._context.aws("bedrock-runtime", "converse", params, self._role)
        content = answer["output"]["message"]["content"]
        calls = [
            Wanted(one["toolUse"]["toolUseId"], one["toolUse"]["name"], one["toolUse"]["input"])
            for one in content
            if "toolUse" in one
        ]
        text = "".join(one.get("text", "") for one in content)
        usage = answer.get("usage", {})
        stops = {"max_tokens": "length", "tool_use": "tools", "guardrail_intervened": "filtered"}
        stop = stops.get(
            answer.get("stopReason", ""), "filtered" if "filter" in answer.get("stopReason", "") else "end"
        )
        return Reply(
            Turn("assistant", text, calls=calls), usage.get("inputTokens", 0), usage.get("outputTokens", 0), stop
        )

    def dollars(self, model: str, input_tokens: int, output_tokens: int) -> float:
        """See Model."""
        from engine.history.prices import bedrock

        price = bedrock(model)
        return input_tokens * price[0] + output_tokens * price[1] if price else 0.0


class OpenaiModel:
    """Models behind an OpenAI-compatible endpoint."""

    def __init__(self, integration: Openai) -> None:
        self._integration = integration

    async def ask(self, question: Question) -> Reply:
        """See Model."""
        messages: list[dict[str, Any]] = [{"role": "system", "content": question.system}] if question.system else []
        for turn in question.turns:
            messages += _completion(turn)
        options: dict[str, Any] = {self._integration.token_limit: question.max_tokens}
        if question.temperature is not None:
            options["temperature"] = question.temperature
        if question.tools:
            options["tools"] = [
                {
                    "type": "function",
                    "function": {"name": one.name, "description": one.description, "parameters": dict(one.schema)},
                }
                for one in question.tools
            ]
        params = {"model": question.model, "messages": messages, "options": options}
        answer = await self._integration.execute("complete", params)
        choice = answer["choices"][0]
        message = choice.get("message") or {}
        calls = [
            Wanted(str(one.get("id")), one["function"]["name"], *_arguments(one["function"].get("arguments")))
            for one in message.get("tool_calls") or []
        ]
        usage = answer.get("usage") or {}
        stops = {"length": "length", "tool_calls": "tools", "content_filter": "filtered"}
        return Reply(
            Turn("assistant", message.get("content") or "", calls=calls),
            int(usage.get("prompt_tokens") or 0),
            int(usage.get("completion_tokens") or 0),
            stops.get(str(choice.get("finish_reason")), "tools" if calls else "end"),
        )

    def dollars(self, model: str, input_tokens: int, output_tokens: int) -> float:
        """See Model."""
        del model
        config = self._integration.config
        spent = input_tokens * config.dollars_per_million_input + output_tokens * config.dollars_per_million_output
        return float(spent) / 1_000_000


def picture_of(content: bytes) -> Picture:
    """An image, known by its first bytes.

    Raises:
        NodeError: code `bad_content`: it is none that models look at.
    """
    kinds = ((b"\x89PNG", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"))
    for begin, kind in kinds:
        if content.startswith(begin):
            return Picture(kind, content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return Picture("webp", content)
    raise NodeError("an image is PNG, JPEG, GIF or WebP", code="bad_content")


def _converse(turn: Turn) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = [
        {"image": {"format": one.kind, "source": {"bytes": one.content}}} for one in turn.pictures
    ]
    if turn.text:
        content.append({"text": turn.text})
    content += [{"toolUse": {"toolUseId": one.id, "name": one.name, "input": one.input}} for one in turn.calls]
    content += [
        {
            "toolResult": {
                "toolUseId": one.id,
                "content": [{"json": one.output} if isinstance(one.output, dict) else {"text": dumps(one.output)}],
                "status": "error" if one.is_error else "success",
            }
        }
        for one in turn.answers
    ]
    return content


def _completion(turn: Turn) -> list[dict[str, Any]]:
    if turn.answers:
        return [{"role": "tool", "tool_call_id": one.id, "content": dumps(one.output)} for one in turn.answers]
    message: dict[str, Any] = {"role": turn.role, "content": turn.text}
    if turn.pictures:
        parts = [
            {
                "type": "image_url",
                "image_url": {"url": f"data:image/{one.kind};base64,{base64.b64encode(one.content).decode()}"},
            }
            for one in turn.pictures
        ]
        message["content"] = [*parts, {"type": "text", "text": turn.text}]
    if turn.calls:
        message["tool_calls"] = [
            {"id": one.id, "type": "function", "function": {"name": one.name, "arguments": dumps(one.input)}}
            for one in turn.calls
        ]
    return [message]


def _arguments(text: Any) -> tuple[Any, bool]:
    try:
        return json.loads(text or "{}"), True
    except (ValueError, TypeError, RecursionError):
        return {"unreadable": PROCESS.shown(str(text), 1_000)}, False
