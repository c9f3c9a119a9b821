"""`for_each`: runs its body once for each item of a list."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from engine import limits
from engine.nodes.base import BaseNode, ForEach, NodeConfig, NodeResult
from engine.nodes.context import NodeContext
from engine.type_catalogue import Effect


class ForEachConfig(NodeConfig):
    """The items, and how to run them."""

    lists_only: ClassVar[frozenset[str]] = frozenset({"items"})
    items: list[Any] = Field(
        max_length=limits.MAX_ITEMS, description="A list, or a template for one; the body sees `item` and `index`."
    )
    concurrency: int = Field(
        default=limits.LOOP_CONCURRENCY,
        ge=1,
        le=limits.MAX_LOOP_CONCURRENCY,
        description="How many items run at the same time; 1 for one after another.",
    )
    on_item_error: Literal["fail", "collect"] = Field(
        default="fail", description="`collect`: a failed item becomes `{error: …}` in the result."
    )


class ForEachNode(BaseNode):
    """Runs its body once for each item. The output is the list of the body's results, in the items' order."""

    Config = ForEachConfig
    title: ClassVar[str] = "For each"
    group: ClassVar[str] = "Flow"
    icon: ClassVar[str] = "repeat"
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"items": "{{ trigger.body.orders }}", "concurrency": 5},)
    effect: ClassVar[Effect] = "none"
    has_body: ClassVar[bool] = True
    loops_over_items: ClassVar[bool] = True

    async def execute(self, context: NodeContext) -> NodeResult:
        """The items, for the engine to run the body with."""
        config = context.config(ForEachConfig, self.raw_config)
        return ForEach(config.items, config.concurrency, config.on_item_error == "collect")
