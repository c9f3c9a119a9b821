"""Compiled workflows: the graphs of a definition and of its loops' bodies, and what their templates read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engine.byte_cache import ByteCache
from engine.workflow.definition import Body, NodeDefinition, WorkflowDefinition
from engine.workflow.expressions.templates import Expression, expressions_of, templates
from engine.workflow.graph import Graph
from engine.workflow.node_types import NodeTypes

_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_PATH = re.compile(r"(?:[A-Za-z_]\w{0,63}\[(?:0|[1-9]\d{0,6})\]\.)*[A-Za-z_]\w{0,63}", re.ASCII)
# What may read outputs without naming their nodes: the whole input, wildcards, `nodes` as a value.
_REACHES_ALL = re.compile(r"\$\$|\$\.|\$\[|\*|%|\bnodes\b(?!\s*\.)")
_REACHES_ROOTS = re.compile(r"\$\$|\$\.|\$\[|\*|%")


@dataclass(frozen=True)
class CompiledBlock:
    """The workflow itself, or the body of a loop: what one scope instance runs."""

    body: Body
    graph: Graph
    nodes: Mapping[str, NodeDefinition]
    bodies: Mapping[str, CompiledBlock]
    templated: Mapping[str, Any]
    """The parts of each node's config that may hold templates."""

    @cached_property
    def reads(self) -> frozenset[str] | None:
        """Return the ids of the nodes whose outputs templates of the block may read; None if that can be any."""
        blocks = list(self.walk())
        return self._reads_of([value for one in blocks for value in (*one.templated.values(), one.body.output)])

    def reads_of(self, node_id: str | None) -> frozenset[str] | None:
        """Return the same for the templates of one node; the id None means the block's own output."""
        if node_id is None:
            return self._reads_of([self.body.output])
        return self._known[node_id]

    def depends_on(self, root: str, node_id: str) -> bool:
        """Whether templates of a node, or of nodes in its loop, may read a root such as `trigger`."""
        values = [self.templated[node_id]]
        for block in self.bodies[node_id].walk() if node_id in self.bodies else ():
            values += [*block.templated.values(), block.body.output]
        texts = (text for value in values for _, text in templates(value))
        return any(_may_read(root, expression) for text in texts for expression in expressions_of(text))

    @cached_property
    def _known(self) -> Mapping[str, frozenset[str] | None]:
        return {node_id: self._reads_of([config]) for node_id, config in self.templated.items()}

    @classmethod
    def reads_in(cls, value: Any) -> frozenset[str] | None:
        """The ids of the nodes whose outputs the templates in a value may read; None if that can be any.

        Raises:
            ExpressionError: one does not parse.
        """
        return cls._reads_of([value])

    @staticmethod
    def _reads_of(values: Iterable[Any]) -> frozenset[str] | None:
        found: set[str] = set()
        for _, text in (entry for value in values for entry in templates(value)):
            for expression in expressions_of(text):
                if expression.path is not None:
                    if expression.path[0] == "nodes":
                        if len(expression.path) == 1:
                            return None
                        found.add(str(expression.path[1]))
                elif _REACHES_ALL.search(expression.source):
                    return None
                else:
                    found.update(_WORD.findall(expression.source))
        return frozenset(found)

    def walk(self) -> Iterator[CompiledBlock]:
        """Yield this block and all below it."""
        yield self
        for block in self.bodies.values():
            yield from block.walk()


def _may_read(root: str, expression: Expression) -> bool:
    if expression.path is not None:
        return expression.path[0] == root
    return root in _WORD.findall(expression.source) or _REACHES_ROOTS.search(expression.source) is not None


def prepare(definition: WorkflowDefinition, factory: NodeTypes) -> CompiledBlock:
    """Compile a definition; the results for recently used definition objects are cached, as equal objects are rare."""
    _, _, block = _prepared.get((id(definition), id(factory)), lambda: _prepare(definition, factory))
    return block


def prepare_once(definition: WorkflowDefinition, factory: NodeTypes) -> CompiledBlock:
    """Compile a definition that was made for one call: caching it would only keep it in memory."""
    return _block(definition, factory)


_PREPARED_BYTES = 3 * 1024 * 1024
_prepared: ByteCache[tuple[WorkflowDefinition, NodeTypes, CompiledBlock]] = ByteCache(_PREPARED_BYTES)


def _prepare(
    definition: WorkflowDefinition, factory: NodeTypes
) -> tuple[tuple[WorkflowDefinition, NodeTypes, CompiledBlock], int]:
    """Return the blocks, with the objects that identify them in the cache and must live as long.

    And the size in bytes.
    """
    return (definition, factory, _block(definition, factory)), len(definition.model_dump_json())


def _block(body: Body, factory: NodeTypes) -> CompiledBlock:
    first_of = frozenset(
        node.id
        for node in body.nodes
        if factory.knows(node.type) and factory.node_class(node.type).goes_on_at_first(node.config)
    )
    return CompiledBlock(
        body,
        Graph.of(body, first_of),
        {node.id: node for node in body.nodes},
        {node.id: _block(node.body, factory) for node in body.nodes if node.body is not None},
        {node.id: factory.templated(node) for node in body.nodes},
    )


def find_node(block: CompiledBlock, path: str) -> NodeDefinition | None:
    """Return the definition of the node at a path such as `each[3].inner[0].ask`; None if there is none.

    Each loop around the node has its index, without leading zeros, and the node itself has none.
    """
    if not _PATH.fullmatch(path):
        return None
    *loops, node_id = path.split(".")
    for step in loops:
        inner = block.bodies.get(step.partition("[")[0])
        if inner is None or "[" not in step:
            return None
        block = inner
    return block.nodes.get(node_id)


def find_block(block: CompiledBlock, prefix: str) -> CompiledBlock:
    """Return the block whose nodes have paths with this prefix, such as `each[3]`.

    The outermost for an empty prefix.
    """
    for step in prefix.split(".") if prefix else ():
        block = block.bodies[step.partition("[")[0]]
    return block
