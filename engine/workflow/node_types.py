"""What the validator and the compiler ask of node types.

`workflow` lies below `nodes`, so it says itself what it asks for; `NodeExecutorFactory` and `BaseNode` have all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from engine.workflow.definition import NodeDefinition


class ConfigFinding(Protocol):
    """Something that a node type refuses in a config."""

    @property
    def path(self) -> str:
        """Where, below `config`."""

    @property
    def message(self) -> str:
        """A sentence."""


class NodeType(Protocol):
    """One node type."""

    can_fail: bool
    has_body: bool
    loops_over_items: bool
    outermost_only: bool

    def has_effect(self) -> bool:
        """Whether running it changes or asks something outside."""

    def ports_of(self, config: dict[str, Any]) -> tuple[str, ...]:
        """The ports that a node with this config has, besides `error`."""

    def goes_on_at_first(self, config: dict[str, Any]) -> bool:
        """Whether a node with this config runs at the first edge that fires."""

    def validate_config(self, config: dict[str, Any]) -> Sequence[ConfigFinding]:
        """What is wrong with a config whose templates are not evaluated yet."""


class NodeTypes(Protocol):
    """All node types that there are."""

    def knows(self, name: str) -> bool:
        """Whether there is such a node type."""

    def names(self) -> list[str]:
        """All of them, sorted."""

    def node_class(self, name: str) -> NodeType:
        """The type of that name. Raises UnknownNodeType where there is none."""

    def templated(self, node: NodeDefinition) -> dict[str, Any]:
        """The part of a node's config whose texts may hold templates."""


def has_effect(types: NodeTypes, name: str) -> bool:
    """Whether nodes of a type change or ask something outside; not of one that there is no more, which just fails."""
    return types.knows(name) and types.node_class(name).has_effect()
