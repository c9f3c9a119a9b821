"""The usage of a run: counts of what was used, and dollars at list price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from engine.history import prices


@dataclass(frozen=True, slots=True)
class Bill:
    """What an execution has used so far: counts, and milliseconds of functions. Bills can be added.

    Read and write units are those that DynamoDB reported; `lambda_mb_ms` is milliseconds times memory.
    """

    lambda_calls: int = 0
    lambda_ms: int = 0
    lambda_mb_ms: int = 0
    transitions: int = 0
    write_units: float = 0.0
    read_units: float = 0.0
    s3_puts: int = 0
    s3_gets: int = 0
    ai_input_tokens: int = 0
    ai_output_tokens: int = 0
    ai_micro_dollars: int = 0
    """Cost of models in millionths of a dollar, computed at the time of the call as each model has its own price."""

    def __add__(self, other: Bill) -> Bill:
        return Bill(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Bill)))

    def as_dict(self) -> dict[str, float]:
        """Return the counts that are not zero."""
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def of(cls, counts: Mapping[str, Any] | None) -> Bill:
        """Return the bill with these counts; unknown names are left out."""
        given = counts or {}
        kinds = {one.name: float if one.type == "float" else int for one in fields(cls)}
        counted: Any = {name: kind(given.get(name, 0)) for name, kind in kinds.items()}
        return cls(**counted)

    @property
    def dollars(self) -> float:
        """Return the total at list price, without any free tier."""
        return (
            self.compute_dollars
            + self.transitions * prices.TRANSITION
            + self.write_units * prices.WRITE_UNIT
            + self.read_units * prices.READ_UNIT
            + self.s3_puts * prices.S3_PUT
            + self.s3_gets * prices.S3_GET
            + self.model_dollars
        )

    @property
    def compute_dollars(self) -> float:
        """Return the part of the functions."""
        return self.lambda_calls * prices.LAMBDA_REQUEST + self.lambda_mb_ms / 1024 / 1000 * prices.LAMBDA_GB_SECOND_ARM

    @property
    def model_dollars(self) -> float:
        """Return the part of AI models."""
        return self.ai_micro_dollars / 1_000_000
