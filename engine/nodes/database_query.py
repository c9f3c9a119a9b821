"""`database_query`: one SQL statement on a PostgreSQL or MySQL database."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.integrations.database import Query
from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import IntegrationName, NodeContext


class DatabaseQueryConfig(Query, NodeConfig):
    """The database and the statement."""

    literal: ClassVar[frozenset[str]] = frozenset({"integration", "query"})

    integration: IntegrationName


class DatabaseQueryNode(BaseNode):
    """Runs one SQL statement in a transaction of its own; gives `{rows, columns, row_count, truncated, affected}`.

    Values are in `params` and bound by the server, never put into the text, which takes no templates. Rows are objects;
    times are RFC 3339, bytes base64, decimals numbers where a float holds them and text where not.
    """

    Config = DatabaseQueryConfig
    title: ClassVar[str] = "Database query"
    group: ClassVar[str] = "Data"
    icon: ClassVar[str] = "database"
    integrations: ClassVar[tuple[str, ...]] = ("postgresql", "mysql")
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "integration": "shop database",
            "query": "SELECT id, total FROM orders WHERE created_at >= $1 ORDER BY id",
            "params": ["{{ trigger.scheduled_at }}"],
            "read_only": True,
        },
    )

    async def execute(self, context: NodeContext) -> NodeResult:
        """Run it.

        Raises:
            NodeError: `query_failed`, `read_only`, `timeout`, `connection_failed`, `credentials_refused`,
                `egress_refused`, `too_many_rows`, `output_too_large`.
        """
        config = context.config(DatabaseQueryConfig, self.raw_config)
        database = await context.integration(config.integration, self.integrations)
        params = config.model_dump(exclude={"integration"})
        return Completed(await database.execute("query", params))
