"""`merge`: brings branches together."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.nodes.base import BaseNode, Completed, ConfigProblem, NodeConfig, NodeResult
from engine.nodes.context import NodeContext
from engine.type_catalogue import Effect


class MergeConfig(NodeConfig):
    """What to wait for."""

    mode: Literal["all", "any"] = Field(
        default="all", description="Wait for `all` branches that run, or continue at the first (`any`)."
    )


class MergeNode(BaseNode):
    """Continues when all branches that run have arrived, or (`any`) at the first; the others run on.

    The output has by the ids of the nodes that it came from what those gave: `{"fetch": …}`.
    """

    Config = MergeConfig
    title: ClassVar[str] = "Merge"
    group: ClassVar[str] = "Flow"
    icon: ClassVar[str] = "merge"
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"mode": "all"},)
    effect: ClassVar[Effect] = "none"
    reads_sources: ClassVar[bool] = True

    @classmethod
    def goes_on_at_first(cls, config: dict[str, Any]) -> bool:
        """Whether it is told to."""
        return config.get("mode") == "any"

    @classmethod
    def validate_config(cls, config: dict[str, Any]) -> list[ConfigProblem]:
        """When it goes on has to be known before anything runs."""
        if "{{" in str(config.get("mode")):
            return [ConfigProblem("mode", "this cannot be a template; give `all` or `any`")]
        return super().validate_config(config)

    async def execute(self, context: NodeContext) -> NodeResult:
        """The outputs of the nodes whose edges have fired."""
        config = context.config(MergeConfig, self.raw_config)
        sources = context.came_from[:1] if config.mode == "any" else context.came_from
        return Completed({name: context.scope.data["nodes"][name] for name in sources})
