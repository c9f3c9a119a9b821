"""From a node type's name to its class: the built-in ones, those of installed packages, and your own.

A package adds node types through the entry point group `mainspring.nodes`; a program through
`register_node_type`. Files of node types are imported on their first use, to keep cold starts short.
"""

from __future__ import annotations

from typing import Any

from engine.errors import UnknownNodeType
from engine.field_titles import with_titles
from engine.nodes.base import BaseNode
from engine.nodes.form_hints import output_of, ports_from, with_hints
from engine.type_catalogue import Catalogue
from engine.workflow.definition import NodeDefinition, Retry

BUILT_IN = {
    "ai_chat": "engine.nodes.ai_chat:AiChatNode",
    "approval": "engine.nodes.approval:ApprovalNode",
    "conditional": "engine.nodes.conditional:ConditionalNode",
    "csv": "engine.nodes.csv:CsvNode",
    "data_table": "engine.nodes.data_table:DataTableNode",
    "database_query": "engine.nodes.database_query:DatabaseQueryNode",
    "date": "engine.nodes.date:DateNode",
    "delay": "engine.nodes.delay:DelayNode",
    "dynamodb": "engine.nodes.dynamodb:DynamodbNode",
    "email": "engine.nodes.email:EmailNode",
    "eventbridge_put": "engine.nodes.eventbridge_put:EventbridgePutNode",
    "fail": "engine.nodes.fail:FailNode",
    "file": "engine.nodes.file:FileNode",
    "for_each": "engine.nodes.for_each:ForEachNode",
    "hash": "engine.nodes.hash:HashNode",
    "html": "engine.nodes.html:HtmlNode",
    "http": "engine.nodes.http:HttpNode",
    "integration": "engine.nodes.integration:IntegrationNode",
    "javascript_code": "engine.nodes.javascript_code:JavascriptCodeNode",
    "json": "engine.nodes.json:JsonNode",
    "lambda_invoke": "engine.nodes.lambda_invoke:LambdaInvokeNode",
    "merge": "engine.nodes.merge:MergeNode",
    "python_code": "engine.nodes.python_code:PythonCodeNode",
    "respond": "engine.nodes.respond:RespondNode",
    "slack": "engine.nodes.slack:SlackNode",
    "sns_publish": "engine.nodes.sns_publish:SnsPublishNode",
    "spreadsheet": "engine.nodes.spreadsheet:SpreadsheetNode",
    "sqs_send": "engine.nodes.sqs_send:SqsSendNode",
    "step_functions_start": "engine.nodes.step_functions_start:StepFunctionsStartNode",
    "sub_workflow": "engine.nodes.sub_workflow:SubWorkflowNode",
    "switch": "engine.nodes.switch:SwitchNode",
    "telegram": "engine.nodes.telegram:TelegramNode",
    "transform": "engine.nodes.transform:TransformNode",
    "wait_for_callback": "engine.nodes.wait_for_callback:WaitForCallbackNode",
    "while": "engine.nodes.while_loop:WhileNode",
    "xml": "engine.nodes.xml:XmlNode",
    "zip": "engine.nodes.zip:ZipNode",
}


class NodeExecutorFactory:
    """Knows the node types and makes nodes of them."""

    def __init__(self) -> None:
        self._catalogue = Catalogue("node type", BaseNode, BUILT_IN, "mainspring.nodes")  # type: ignore[type-abstract]

    def register_node_type(self, name: str, node_class: type[BaseNode]) -> None:
        """Make `name` a node type.

        Raises:
            TypeError: the class does not keep the contract of BaseNode.
            ValueError: the name is taken.
        """
        self._catalogue.register(name, node_class)

    def knows(self, name: str) -> bool:
        """Whether there is such a node type."""
        return self._catalogue.knows(name)

    def names(self) -> list[str]:
        """All node types, sorted."""
        return self._catalogue.names()

    def node_class(self, name: str) -> type[BaseNode]:
        """The class behind a node type.

        Raises:
            UnknownNodeType: there is none of that name.
        """
        found = self._catalogue.find(name)
        if found is None:
            raise UnknownNodeType(f"there is no node type {name!r}")
        return found

    def create(self, node: NodeDefinition) -> BaseNode:
        """The node that a definition describes.

        Raises:
            UnknownNodeType: there is none of that name.
        """
        return self.node_class(node.type)(node.config)

    def templated(self, node: NodeDefinition) -> dict[str, Any]:
        """The part of a node's config whose texts may hold templates; all of it for a type that is not known."""
        return self.node_class(node.type).templated(node.config) if self.knows(node.type) else node.config

    def describe(self, name: str) -> dict[str, Any]:
        """What a form or a program needs to offer a node type: its ports and the JSON Schema of its config."""
        node_class = self.node_class(name)
        output_schema, output_examples = output_of(name)
        literal: frozenset[str] = getattr(node_class.Config, "literal", frozenset())
        return {
            "type": name,
            "title": node_class.title,
            "description": (node_class.__doc__ or "").strip(),
            "ports": [*node_class.ports, *(["error"] if node_class.can_fail else [])],
            "effect": node_class.effect,
            "group": node_class.group,
            "icon": node_class.icon,
            "examples": list(node_class.examples),
            "integrations": list(node_class.integrations),
            "has_body": node_class.has_body,
            "default_timeout_seconds": node_class.default_timeout,
            "config_schema": with_hints(name, with_titles(node_class.Config.model_json_schema()), literal),
            "ports_from": ports_from(name),
            "output_schema": output_schema,
            "output_examples": output_examples,
            "retry_schema": with_titles(Retry.model_json_schema()),
        }
