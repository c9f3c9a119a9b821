"""From a node type's name to its class: the built-in ones, those of installed packages, and your own.

A package adds node types through the entry point group `mainspring.nodes`; a program through
`register_node_type`. Files of node types are imported on their first use, to keep cold starts short.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from engine.definition import NodeDefinition, Retry
from engine.errors import UnknownNodeType
from engine.nodes.base import BaseNode

BUILT_IN = {
    "approval": "engine.nodes.approval:ApprovalNode",
    "conditional": "engine.nodes.conditional:ConditionalNode",
    "delay": "engine.nodes.delay:DelayNode",
    "fail": "engine.nodes.fail:FailNode",
    "for_each": "engine.nodes.for_each:ForEachNode",
    "http": "engine.nodes.http:HttpNode",
    "merge": "engine.nodes.merge:MergeNode",
    "respond": "engine.nodes.respond:RespondNode",
    "sub_workflow": "engine.nodes.sub_workflow:SubWorkflowNode",
    "switch": "engine.nodes.switch:SwitchNode",
    "transform": "engine.nodes.transform:TransformNode",
    "wait_for_callback": "engine.nodes.wait_for_callback:WaitForCallbackNode",
    "while": "engine.nodes.while_loop:WhileNode",
}


class NodeExecutorFactory:
    """Knows the node types and makes nodes of them."""

    def __init__(self) -> None:
        self._classes: dict[str, type[BaseNode]] = {}

    @cached_property
    def _installed(self) -> Mapping[str, EntryPoint]:
        return {point.name: point for point in entry_points(group="mainspring.nodes")}

    def register_node_type(self, name: str, node_class: type[BaseNode]) -> None:
        """Make `name` a node type.

        Raises:
            TypeError: the class does not keep the contract of BaseNode.
            ValueError: the name is taken.
        """
        if not (isinstance(node_class, type) and issubclass(node_class, BaseNode)):
            raise TypeError(f"{node_class!r} is not a subclass of BaseNode")
        missing = [name for name in ("Config", "title") if not hasattr(node_class, name)]
        if missing:
            raise TypeError(f"{node_class.__name__} has no {' and no '.join(missing)}")
        if self.knows(name):
            raise ValueError(f"there is a node type {name!r} already")
        self._classes[name] = node_class

    def knows(self, name: str) -> bool:
        """Whether there is such a node type."""
        return name in self._classes or name in BUILT_IN or name in self._installed

    def names(self) -> list[str]:
        """All node types, sorted."""
        return sorted({*self._classes, *BUILT_IN, *self._installed})

    def node_class(self, name: str) -> type[BaseNode]:
        """The class behind a node type.

        Raises:
            UnknownNodeType: there is none of that name.
        """
        if name not in self._classes:
            if name in BUILT_IN:
                module, _, attribute = BUILT_IN[name].partition(":")
                self._classes[name] = getattr(import_module(module), attribute)
            elif name not in self._installed:
                raise UnknownNodeType(f"there is no node type {name!r}")
            else:
                self._classes[name] = self._installed[name].load()
        return self._classes[name]

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
            "config_schema": node_class.Config.model_json_schema(),
            "retry_schema": Retry.model_json_schema(),
        }
