"""The scope of one evaluation: data, time and randomness, and what it has used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random, SystemRandom
from typing import Any

from engine import limits
from engine.errors import ExpressionError


@dataclass(slots=True)
class Scope:
    """What an expression sees: the data by root name, and the time and randomness of this one evaluation.

    `nondeterministic` becomes true once an expression has read the time or a random value, or has come near a bound or
    hit it: another driver may compute another result, or another failure, so this one has to be recorded.
    """

    data: Mapping[str, Any]
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    random: Random = field(default_factory=SystemRandom)
    nondeterministic: bool = False
    seconds: float = 0.0
    characters: int = 0

    def charge(self, where: str, *, seconds: float = 0.0, characters: int = 0) -> None:
        """Count the total usage of rendering one node.

        Raises:
            ExpressionError: it is too much.
        """
        self.seconds += seconds
        self.characters += characters
        if seconds > limits.SLOW_EXPRESSION or self.seconds > limits.SLOW_RENDER:
            self.nondeterministic = True
        if self.seconds > limits.MAX_RENDER_SECONDS:
            raise self.hit(f"the node's expressions took over {limits.MAX_RENDER_SECONDS:g} s in total", where)
        if self.characters > limits.MAX_OUTPUT_BYTES:
            raise self.hit(f"the node's texts have over {limits.MAX_OUTPUT_BYTES} characters in total", where)

    def hit(self, reason: str, where: str) -> ExpressionError:
        """Return the error for a bound that was hit, which another driver need not hit."""
        self.nondeterministic = True
        return expression_error(reason, where, "")


def expression_error(reason: str, where: str, source: str) -> ExpressionError:
    """Return an error that names the field, and the beginning of the expression."""
    return ExpressionError(
        f"{where or 'the template'}: {reason}", details={"field": where, "expression": source, "reason": reason}
    )
