"""`javascript_code`: runs the author's own JavaScript in a sandbox."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from pydantic import Field, field_validator

from engine.nodes.base import BaseNode, NodeResult
from engine.nodes.code import MAX_CODE, MAX_SECONDS, CodeConfig, run_code
from engine.nodes.context import NodeContext
from engine.type_catalogue import Effect

_NAMED = re.compile(
    r"""\$(?:items)?\(\s*(?P<quote>["'`])(?P<called>[^"'`\n]+)(?P=quote)"""
    r"""|\$node\[\s*(?P<mark>["'`])(?P<keyed>[^"'`\n]+)(?P=mark)\s*\]"""
    r"""|\$node\.(?P<dotted>[A-Za-z_]\w*)"""
)
_NODE_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


class JavascriptCodeConfig(CodeConfig):
    """The code and its input."""

    code: str = Field(
        min_length=1,
        max_length=MAX_CODE,
        description="An expression, or statements with `return`; `await` is allowed.",
        json_schema_extra={"x-mainspring": {"widget": "code", "language": "javascript"}},
    )

    @field_validator("code")
    @classmethod
    def _check_code(cls, code: str) -> str:
        if "\0" in code:
            raise ValueError("the code holds a NUL character")
        for name in named_nodes(code):
            if not _NODE_ID.fullmatch(node_id(name)):
                raise ValueError(
                    f"no node can be called {name!r}: an id begins with a letter and has no other signs than _"
                )
        return code


class JavascriptCodeNode(BaseNode):
    """Runs JavaScript; gives what it returns. What it writes to `console` is in the execution's log.

    It sees `input`, and the names that code of n8n's Code node uses: `items`, `$input.all()`, `first()`, `last()` and
    `item`, `$json`, `$('node')` and `$node['node'].json` (a node's id, or its name with `_` for spaces), `$now`,
    `$today`, `DateTime` of Luxon, `$execution`, `$workflow`, `$vars`. It runs once for all items. There are `Buffer`,
    `URL`, `TextEncoder`, `structuredClone` and `Intl` for English and every time zone; no `require`, timers or network.
    An error names the code's own line.
    """

    Config = JavascriptCodeConfig
    title: ClassVar[str] = "JavaScript code"
    group: ClassVar[str] = "Code"
    icon: ClassVar[str] = "braces"
    effect: ClassVar[Effect] = "idempotent"
    default_timeout: ClassVar[float] = MAX_SECONDS + 30.0
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "code": "return input.toSorted((one, other) => other.total - one.total).slice(0, 3);",
            "input": "{{ nodes.orders.rows }}",
        },
    )

    @classmethod
    def templated(cls, config: dict[str, Any]) -> dict[str, Any]:
        """Also what the code names: so it is checked, kept and fetched as what templates name."""
        code = config.get("code")
        return {**super().templated(config), **({"code": _read(code)} if isinstance(code, str) else {})}

    async def execute(self, context: NodeContext) -> NodeResult:
        """Run it.

        Raises:
            NodeError: as `run_code`.
        """
        config = context.config(JavascriptCodeConfig, self.raw_config)
        given = context.evaluate(_read(config.code), "config.code")
        return await run_code(context, config, "javascript", {"context": given})


def named_nodes(code: str) -> list[str]:
    """The nodes that the code names, as it names them."""
    found = (match["called"] or match["keyed"] or match["dotted"] for match in _NAMED.finditer(code))
    return list(dict.fromkeys(found))


def node_id(name: str) -> str:
    """The id of the node that is called so: the name itself, or `http_request` for `HTTP Request`."""
    return name if _NODE_ID.fullmatch(name) else re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _read(code: str) -> dict[str, Any]:
    """Templates for what the code reads of the execution."""
    names = {name: node_id(name) for name in named_nodes(code)}
    found: dict[str, Any] = {
        "nodes": {name: f"{{{{ nodes.{its_id} ?? null }}}}" for name, its_id in names.items() if its_id}
    }
    if "$vars" in code:
        found["vars"] = "{{ vars }}"
    if "$execution" in code:
        found["execution"] = {"id": "{{ execution.id }}", "mode": "production"}
    if "$workflow" in code:
        found["workflow"] = {"id": "{{ execution.workflow_id }}", "version": "{{ execution.workflow_version }}"}
    return found
