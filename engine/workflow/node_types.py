"""What the validator and the compiler require of node types.

`workflow` lies below `nodes`, so it declares its requirements itself; `NodeExecutorFactory` and `BaseNode` meet them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from engine.workflow.definition import NodeDefinition


class ConfigFinding(Protocol):
    """A finding of a node type about a config."""

    @property
    def path(self) -> str:
        """The path below `config`."""

    @property
    def message(self) -> str:
        """What is wrong, as a sentence."""


class NodeType(Protocol):
    """One node type."""

    can_fail: bool
    has_body: bool
    loops_over_items: bool
    outermost_only: bool

    def has_effect(self) -> bool:
        """Whether running it changes or queries something outside."""

    def ports_of(self, config: dict[str, Any]) -> tuple[str, ...]:
        """Return the ports of a node with this config, besides `error`."""

    def goes_on_at_first(self, config: dict[str, Any]) -> bool:
        """Whether a node with this config runs at the first edge that fires."""

    def validate_config(self, config: dict[str, Any]) -> Sequence[ConfigFinding]:
        """Return what is wrong with a config whose templates are not evaluated yet."""


class NodeTypes(Protocol):
    """All node types."""

    def knows(self, name: str) -> bool:
        """Whether the node type exists."""

    def names(self) -> list[str]:
        """Return all names, sorted."""

    def node_class(self, name: str) -> NodeType:
        """Return the node type of that name. Raises UnknownNodeType if there is none."""

    def templated(self, node: NodeDefinition) -> dict[str, Any]:
        """Return the part of a node's config whose texts may hold templates."""


def has_effect(types: NodeTypes, name: str) -> bool:
    """Whether nodes of a type change or query something outside; false for a removed type, whose nodes just fail."""
    return types.knows(name) and types.node_class(name).has_effect()
