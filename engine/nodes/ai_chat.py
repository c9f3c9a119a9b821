"""`ai_chat`: asks a language model, optionally for an answer of a fixed shape, or with workflows as tools."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from engine.errors import NodeError
from engine.history.usage import Bill
from engine.integrations.aws_role import AwsRole
from engine.integrations.openai import Openai
from engine.json_value import dumps
from engine.nodes.ai_models import (
    Answered,
    BedrockModel,
    Model,
    OpenaiModel,
    Picture,
    Question,
    Reply,
    Tool,
    Turn,
    Wanted,
    picture_of,
)
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import IntegrationName, NodeContext, ToolCall
from engine.nodes.json import problems_of
from engine.nodes.sources import Source, in_thread
from engine.parsing.json_text import read_json
from engine.workflow.definition import WorkflowName

MAX_PICTURE_BYTES = 5 * 1024 * 1024


class ChatMessage(NodeConfig):
    """One earlier message of the conversation."""

    role: Literal["user", "assistant"] = Field(description="Who says it.")
    text: str = Field(min_length=1, max_length=500_000, description="What is said.")


class ChatTool(NodeConfig):
    """A workflow that the model may call with the input in `trigger.body`."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9_]{0,63}$")] = Field(
        description="Name of the tool for the model."
    )
    description: str = Field(min_length=1, max_length=2_000, description="What the tool does; the model reads it.")
    workflow: WorkflowName
    input_schema: dict[str, JsonValue] = Field(description="JSON Schema of the tool's input, which is an object.")


class AiChatConfig(NodeConfig):
    """The model and its prompt."""

    integration: IntegrationName | None = Field(
        default=None,
        description="An OpenAI-compatible endpoint, or an AWS role. Default: Bedrock models of the deployer.",
    )
    model: str = Field(min_length=1, max_length=300, description="Name or id of the model at the endpoint.")
    system: str | None = Field(
        default=None, max_length=200_000, description="Instructions: the model's role and rules."
    )
    messages: list[ChatMessage] = Field(
        default_factory=list, max_length=200, description="Earlier messages of the conversation."
    )
    prompt: str = Field(min_length=1, max_length=500_000, description="The question to the model.")
    images: list[Source] = Field(
        default_factory=list,
        max_length=10,
        description="Images for the model: PNG, JPEG, GIF or WebP, up to 5 MB each.",
    )
    max_tokens: int = Field(default=2_000, ge=1, le=64_000, description="Maximum number of tokens in the answer.")
    temperature: float | None = Field(default=None, ge=0, le=2, description="Randomness of the answer; 0 is the least.")
    json_schema: dict[str, JsonValue] | None = Field(
        default=None, alias="schema", description="JSON Schema that the answer must fit; the answer is then in `json`."
    )
    repairs: int = Field(
        default=2, ge=0, le=5, description="How often to ask again when the answer does not fit the schema."
    )
    tools: list[ChatTool] = Field(default_factory=list, max_length=20, description="Workflows that the model may call.")
    max_rounds: int = Field(
        default=8, ge=1, le=30, description="How often the model may call tools before it has to answer."
    )

    @model_validator(mode="after")
    def _distinct(self) -> AiChatConfig:
        names = [one.name for one in self.tools]
        if len(set(names)) < len(names):
            raise ValueError("the names of the `tools` must be different")
        return self


class AiChatNode(BaseNode):
    """Asks a language model.

    Gives `{text, json, model, stop, usage, tool_calls}`, with `usage` as `{input_tokens, output_tokens, dollars}` and
    `tool_calls` as `[{name, input, output}]`. With a `schema` an answer that does not fit it is sent back with what is
    wrong. Each call of a tool is an execution of its workflow, which has to end while this node runs. Tokens and their
    price are on the execution's bill.
    """

    Config = AiChatConfig
    title: ClassVar[str] = "AI chat"
    group: ClassVar[str] = "AI"
    icon: ClassVar[str] = "sparkles"
    integrations: ClassVar[tuple[str, ...]] = ("openai", "aws_role")
    default_timeout: ClassVar[float] = 180.0
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "model": "eu.amazon.nova-lite-v1:0",
            "system": "You read invoices.",
            "prompt": "Take the number, the date and the total from:\n{{ nodes.text }}",
            "schema": {
                "type": "object",
                "required": ["number", "total"],
                "properties": {"number": {"type": "string"}, "date": {"type": "string"}, "total": {"type": "number"}},
            },
        },
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Hold the conversation to its end.

        Raises:
            NodeError: `answer_does_not_fit`, `answer_cut_off`, `answer_filtered`, `too_many_rounds`, `not_granted`, and
                those of the endpoint.
        """
        config = context.config(AiChatConfig, self.raw_config)
        pictures = await in_thread(lambda: _pictures(config, context))
        chat = _Chat(config, context, await self._model(config, context))
        return Completed(await chat.held(pictures))

    async def _model(self, config: AiChatConfig, context: NodeContext) -> Model:
        if config.integration is None:
            return BedrockModel(context, None)
        opened = await context.integration(config.integration, self.integrations)
        if isinstance(opened, AwsRole):
            return BedrockModel(context, opened.role)
        if not isinstance(opened, Openai):
            raise NodeError("config.integration: an `openai` or `aws_role` is expected", code="config")
        return OpenaiModel(opened)


def _pictures(config: AiChatConfig, context: NodeContext) -> list[Picture]:
    found = []
    for source in config.images:
        with source.opened(context, MAX_PICTURE_BYTES) as content:
            found.append(picture_of(content.read()))
    return found


@dataclass
class _Chat:
    """One conversation."""

    config: AiChatConfig
    context: NodeContext
    model: Model
    turns: list[Turn] = field(default_factory=list)
    made: list[dict[str, Any]] = field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0
    dollars: float = 0.0

    async def held(self, pictures: list[Picture]) -> dict[str, Any]:
        """From the first question to an answer that fits."""
        self.turns = [Turn(one.role, one.text) for one in self.config.messages]
        self.turns.append(Turn("user", self.config.prompt, pictures))
        repairs = 0
        while True:
            reply = await self._answered()
            problem, value = await self._judged(reply)
            if problem is None:
                return self._told(reply, value)
            if repairs == self.config.repairs:
                message = f"the model's answer does not fit the schema: {problem}"
                details = {"answer": self.context.redactor.shown(reply.turn.text, 4_000)}
                raise NodeError(message, code="answer_does_not_fit", details=details)
            repairs += 1
            self.context.log(f"the answer does not fit the schema, asking again: {problem}", level="warning")
            ask = f"That does not fit: {problem}. Answer again, with nothing but JSON that fits the schema."
            said = reply.turn if reply.turn.text else Turn("assistant", "(nothing)")  # an empty turn is refused
            self.turns += [said, Turn("user", ask)]

    async def _answered(self) -> Reply:
        """A reply that asks for no more tools."""
        for _ in range(self.config.max_rounds + 1):
            reply = await self._asked()
            if reply.stop == "length":
                raise NodeError("the answer was cut off; raise max_tokens", code="answer_cut_off")
            if reply.stop == "filtered":
                raise NodeError("the endpoint has filtered the answer", code="answer_filtered")
            if not reply.turn.calls:
                return reply
            answers = await asyncio.gather(*(self._called(call) for call in reply.turn.calls))
            # In the order in which they were asked for, whichever was done first.
            for call, answer in zip(reply.turn.calls, answers, strict=True):
                self.made.append({"name": call.name, "input": call.input, "output": answer.output})
            self.turns += [reply.turn, Turn("user", answers=answers)]
        message = f"the model has called tools {self.config.max_rounds} times and not answered"
        raise NodeError(message, code="too_many_rounds", details={"tool_calls": self.made[-5:]})

    async def _asked(self) -> Reply:
        config = self.config
        tools = [Tool(one.name, one.description, one.input_schema) for one in config.tools]
        question = Question(config.model, self._system(), self.turns, config.max_tokens, config.temperature, tools)
        reply = await self.model.ask(question)
        dollars = self.model.dollars(config.model, reply.input_tokens, reply.output_tokens)
        self.input_tokens += reply.input_tokens
        self.output_tokens += reply.output_tokens
        self.dollars += dollars
        self.context.services.spend(
            Bill(
                ai_input_tokens=reply.input_tokens,
                ai_output_tokens=reply.output_tokens,
                ai_micro_dollars=round(dollars * 1_000_000),
            )
        )
        return reply

    def _system(self) -> str | None:
        if self.config.json_schema is None:
            return self.config.system
        shape = f"Answer with nothing but JSON that fits this JSON Schema:\n{dumps(self.config.json_schema)}"
        return f"{self.config.system}\n\n{shape}" if self.config.system else shape

    async def _called(self, call: Wanted) -> Answered:
        """Run the workflow that a call is for. What goes wrong is told to the model."""
        tool = next((one for one in self.config.tools if one.name == call.name), None)
        try:
            output, failed = await self._tool(tool, call), False
        except NodeError as error:
            output, failed = {"error": error.message}, True
        return Answered(call.id, output, failed)

    async def _tool(self, tool: ChatTool | None, call: Wanted) -> Any:
        if tool is None:
            raise NodeError(f"there is no tool {call.name!r}", code="no_tool")
        if self.context.services.tool is None:
            raise NodeError("this engine runs without workflows as tools", code="config")
        if not call.is_readable:
            raise NodeError("the input is not JSON", code="no_fit")
        problems = await problems_of(call.input, tool.input_schema)
        if problems:
            raise NodeError(f"the input does not fit: {problems[0]['path']}: {problems[0]['message']}", code="no_fit")
        # The same call of the same node is the same run, also when the node is attempted again after a crash.
        same = dumps([self.context.path, tool.name, call.input, self._before(call)])
        key = sha256(same.encode()).hexdigest()
        return await self.context.services.tool(ToolCall(self.context.execution_id, tool.workflow, call.input, key))

    def _before(self, call: Wanted) -> int:
        """How often this conversation has made the same call before."""
        return sum(1 for one in self.made if one["name"] == call.name and one["input"] == call.input)

    async def _judged(self, reply: Reply) -> tuple[str | None, Any]:
        """What is wrong with an answer, and the value that it is."""
        if self.config.json_schema is None:
            return None, None
        try:
            value = read_json(_without_fence(reply.turn.text), "the answer")
        except NodeError as error:
            return error.message, None
        problems = await problems_of(value, self.config.json_schema)
        if problems:
            told = "; ".join(f"{one['path'] or 'the value'}: {one['message']}" for one in problems[:5])
            return self.context.redactor.shown(told, 2_000), None
        return None, value

    def _told(self, reply: Reply, value: Any) -> dict[str, Any]:
        told = {"text": reply.turn.text, "json": value} if self.config.json_schema else {"text": reply.turn.text}
        usage = {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens, "dollars": self.dollars}
        return {**told, "model": self.config.model, "stop": reply.stop, "usage": usage, "tool_calls": self.made}


def _without_fence(text: str) -> str:
    """What stands between the marks of a code block, where models like to put JSON."""
    text = text.strip()
    if not (text.startswith("```") and text.endswith("```")):
        return text
    return text.removeprefix("```").removeprefix("json").removesuffix("```")
