"""The data of one scope instance: what its templates can read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.history.events import NodeStatus, Outcome, Stored
from engine.workflow.expressions.scope import Scope

if TYPE_CHECKING:
    from engine.history.model import Execution


class ExecutionContext:
    """The data of one scope instance by the names in expressions: trigger, nodes, vars, execution, item and index.

    Large outputs are kept as `Stored` until something that is evaluated reads them.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.nodes: dict[str, Any] = dict(data.get("nodes", {}))
        self.stored = {name for name, output in self.nodes.items() if isinstance(output, Stored)}
        self.data = {**data, "nodes": self.nodes}

    @classmethod
    def of(cls, execution: Execution, variables: Mapping[str, Any], api_url: str, callbacks: Any) -> ExecutionContext:
        """Create the outermost context. `callbacks` has the URL for each node that waits for a callback."""
        known = {**execution.template_data, "api_url": api_url, "callbacks": callbacks}
        return cls({"trigger": execution.trigger, "vars": variables, "execution": known})

    def within(self, reads: frozenset[str] | None, callbacks: Any, **more: Any) -> ExecutionContext:
        """Create the context of an iteration: this data, the outputs that the iteration reads, `item` and `index`."""
        nodes = self.nodes if reads is None else {name: self.nodes[name] for name in reads if name in self.nodes}
        execution = {**self.data["execution"], "callbacks": {**self.data["execution"]["callbacks"], **callbacks}}
        return ExecutionContext({**self.data, "nodes": nodes, "execution": execution, **more})

    def settle(self, node_id: str, outcome: Outcome) -> None:
        """Make an outcome visible as `nodes.<id>`; a failed node shows `nodes.<id>.error`."""
        self.nodes[node_id] = {"error": outcome.error} if outcome.status is NodeStatus.FAILED else outcome.output
        if isinstance(outcome.output, Stored):
            self.stored.add(node_id)

    def replace(self, node_id: str, output: Any) -> None:
        """Replace a `Stored` output by the value itself."""
        self.nodes[node_id] = output
        self.stored.discard(node_id)

    def scope(self, now: datetime) -> Scope:
        """Return the data that one evaluation at `now` sees."""
        return Scope(self.data, now)
