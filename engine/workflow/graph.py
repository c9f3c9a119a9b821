"""The graph of a workflow, and its pure scheduling: which nodes are ready, which are skipped, and is anything left.

No I/O, no clock. Every outcome is processed once and every edge decided once, so a run of n nodes and m edges costs O(n
+ m) however it is split into invocations.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from engine.workflow.definition import Body, Edge


@dataclass(frozen=True)
class Graph:
    """Nodes in the order of the definition, and the edges between them.

    `first_of` names the nodes that do not wait for all of their edges but continue at the first that fires.
    """

    nodes: tuple[str, ...]
    edges: tuple[Edge, ...]
    first_of: frozenset[str] = frozenset()

    @classmethod
    def of(cls, body: Body, first_of: frozenset[str] = frozenset()) -> Graph:
        """Build the graph of a definition, or of a loop's body."""
        return cls(tuple(node.id for node in body.nodes), tuple(body.edges), first_of)

    @cached_property
    def outgoing(self) -> Mapping[str, tuple[Edge, ...]]:
        """The edges that leave each node."""
        return self._by(lambda edge: edge.source)

    @cached_property
    def incoming(self) -> Mapping[str, tuple[Edge, ...]]:
        """The edges that arrive at each node."""
        return self._by(lambda edge: edge.target)

    def has_port(self, node: str, port: str) -> bool:
        """Whether an edge leaves `node` by `port`."""
        return any(edge.port == port for edge in self.outgoing[node])

    def ancestors(self) -> Mapping[str, frozenset[str]]:
        """Return for each node those that can have run before it. The graph must have no cycle."""
        before: dict[str, frozenset[str]] = {}
        for node in self.topological_order():
            sources = {edge.source for edge in self.incoming[node]}
            before[node] = frozenset(sources.union(*(before[source] for source in sources)))
        return before

    @cached_property
    def order_dependent(self) -> frozenset[str]:
        """Return the nodes that run when one of several has ended: their data depends on which ended first."""
        found = set(self.first_of)
        for node in self.topological_order() if found else ():
            if any(edge.source in found for edge in self.incoming[node]):
                found.add(node)
        return frozenset(found)

    def descendants(self, starts: Iterable[str]) -> frozenset[str]:
        """Return the given nodes and all that can run after one of them."""
        found = set(starts)
        queue = deque(found)
        while queue:
            for edge in self.outgoing[queue.popleft()]:
                if edge.target not in found:
                    found.add(edge.target)
                    queue.append(edge.target)
        return frozenset(found)

    def topological_order(self) -> list[str]:
        """Return the nodes, each after its predecessors; nodes on or behind a cycle are left out."""
        missing = {node: len(self.incoming[node]) for node in self.nodes}
        queue = deque(node for node in self.nodes if not missing[node])
        order: list[str] = []
        while queue:
            node = queue.popleft()
            order.append(node)
            for edge in self.outgoing[node]:
                missing[edge.target] -= 1
                if not missing[edge.target]:
                    queue.append(edge.target)
        return order

    def _by(self, key: Callable[[Edge], str]) -> Mapping[str, tuple[Edge, ...]]:
        grouped: dict[str, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            grouped[key(edge)].append(edge)
        return {node: tuple(grouped[node]) for node in self.nodes}


class Progress:
    """The progress of one execution through a graph.

    A node is ready when each of its incoming edges is decided and at least one fired (one of the graph's `first_of` as
    soon as one has fired); when all are dead it is skipped, and its own edges are dead. `ready` and `skipped` are what
    the caller acts on. `came_from` has, for each node, the nodes whose edges to it have fired, in that order.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.ready: deque[str] = deque()
        self.skipped: set[str] = set()
        self.settled: set[str] = set()
        self._undecided = {node: len(graph.incoming[node]) for node in graph.nodes}
        self.came_from: dict[str, list[str]] = {}
        self._went_on: set[str] = set()
        self.ready.extend(node for node in graph.nodes if not self._undecided[node])

    def settle(self, node: str, port: str | None) -> None:
        """Record that `node` has ended by `port`, None if no edge of it fires, and decide the edges that depend on it.

        Raises:
            ValueError: the node has ended before.
        """
        if node in self.settled or node in self.skipped:
            raise ValueError(f"node {node} has ended before")
        self.settled.add(node)
        dead: deque[str] = deque()
        self._decide(node, port, dead)
        while dead:
            skipped = dead.popleft()
            self.skipped.add(skipped)
            self._decide(skipped, None, dead)

    def _decide(self, node: str, port: str | None, dead: deque[str]) -> None:
        for edge in self.graph.outgoing[node]:
            target = edge.target
            self._undecided[target] -= 1
            fired_before = target in self.came_from
            if edge.port == port:
                self.came_from.setdefault(target, []).append(node)
                self._went_on.add(node)
            if target in self.graph.first_of:
                if target in self.came_from and not fired_before:
                    self.ready.append(target)
                elif not self._undecided[target] and not fired_before:
                    dead.append(target)
            elif not self._undecided[target]:
                (self.ready if target in self.came_from else dead).append(target)

    @property
    def finished(self) -> bool:
        """Whether each node has ended or was skipped."""
        return len(self.settled) + len(self.skipped) == len(self.graph.nodes)

    def ends(self, succeeded: Iterable[str]) -> list[str]:
        """Return those of the succeeded nodes after which nothing ran, in the definition's order."""
        chosen = set(succeeded) - self._went_on
        return [node for node in self.graph.nodes if node in chosen]


def find_cycle(graph: Graph) -> list[str]:
    """Return the nodes of one cycle in order, the first again at the end; empty if there is none."""
    rest = set(graph.nodes) - set(graph.topological_order())
    if not rest:
        return []
    # Each node left has a predecessor that is left too, so walking back must reach a node twice.
    node = next(node for node in graph.nodes if node in rest)
    seen: dict[str, int] = {}
    path: list[str] = []
    while node not in seen:
        seen[node] = len(path)
        path.append(node)
        node = next(edge.source for edge in graph.incoming[node] if edge.source in rest)
    cycle = path[seen[node] :][::-1]
    first = min(range(len(cycle)), key=lambda i: graph.nodes.index(cycle[i]))
    cycle = cycle[first:] + cycle[:first]
    return [*cycle, cycle[0]]
