"""`iban_check`: whether an IBAN can be one."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from pydantic import Field

from engine.nodes.base import BaseNode, Completed, NodeConfig, NodeResult
from engine.nodes.context import NodeContext
from engine.type_catalogue import Effect


class IbanCheckConfig(NodeConfig):
    """What to check."""

    iban: str = Field(min_length=1, max_length=100, description="With or without spaces.")


class IbanCheckNode(BaseNode):
    """Checks the form and the checksum of an IBAN (ISO 13616); gives `{iban, country}` by `main` or `invalid`."""

    Config = IbanCheckConfig
    title: ClassVar[str] = "Check an IBAN"
    group: ClassVar[str] = "Payments"
    icon: ClassVar[str] = "landmark"
    effect: ClassVar[Effect] = "none"
    ports: ClassVar[tuple[str, ...]] = ("main", "invalid")
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"iban": "{{ trigger.body.iban }}"},)

    async def execute(self, context: NodeContext) -> NodeResult:
        """Compute it."""
        iban = context.config(IbanCheckConfig, self.raw_config).iban.replace(" ", "").upper()
        output = {"iban": iban, "country": iban[:2]}
        return Completed(output, "main" if _is_iban(iban) else "invalid")


def _is_iban(iban: str) -> bool:
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", iban):
        return False
    digits = "".join(str(int(character, 36)) for character in iban[4:] + iban[:4])
    return int(digits) % 97 == 1
