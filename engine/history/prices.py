"""List prices in US dollars, us-east-1, without any free tier. Each is the price of one."""

from __future__ import annotations

AS_OF = "2026-11"

TRANSITION = 0.025 / 1_000
LAMBDA_REQUEST = 0.20 / 1_000_000
LAMBDA_GB_SECOND_ARM = 0.0000133334
WRITE_UNIT = 0.625 / 1_000_000
READ_UNIT = 0.125 / 1_000_000
S3_PUT = 0.005 / 1_000
S3_GET = 0.0004 / 1_000

BEDROCK = {
    "amazon.nova-micro": (0.035 / 1_000_000, 0.14 / 1_000_000),
    "amazon.nova-lite": (0.06 / 1_000_000, 0.24 / 1_000_000),
    "amazon.nova-pro": (0.80 / 1_000_000, 3.20 / 1_000_000),
    "anthropic.claude-3-haiku": (0.25 / 1_000_000, 1.25 / 1_000_000),
    "anthropic.claude-3-5-haiku": (0.80 / 1_000_000, 4.00 / 1_000_000),
    "anthropic.claude-3-5-sonnet": (3.00 / 1_000_000, 15.00 / 1_000_000),
    "anthropic.claude-3-7-sonnet": (3.00 / 1_000_000, 15.00 / 1_000_000),
    "anthropic.claude-sonnet-4": (3.00 / 1_000_000, 15.00 / 1_000_000),
    "anthropic.claude-haiku-4-5": (1.00 / 1_000_000, 5.00 / 1_000_000),
}
"""Prices per token read and per token written, by the start of the model's id after its region prefix."""


def bedrock(model: str) -> tuple[float, float] | None:
    """Return the prices of a Bedrock model, given by id, inference profile or ARN; None if unknown."""
    name = model.rpartition("/")[2]
    found = [begin for begin in BEDROCK if begin in name]
    return BEDROCK[max(found, key=len)] if found else None
