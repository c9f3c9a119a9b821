"""What a state machine's definition says of failures, read from the file that is deployed and applied as AWS does."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

_DEFINITION = Path(__file__).parent.parent / "infrastructure" / "stack" / "execution.asl.json"


def state(name: str) -> dict[str, Any]:
    """A state of the machine that drives executions."""
    found: dict[str, Any] = json.loads(_DEFINITION.read_text())["States"][name]
    return found


class Retriers:
    """The retriers of one visit to a state: each counts for itself, and the first that names an error is its."""

    def __init__(self, name: str, random: Random) -> None:
        self._retriers = state(name).get("Retry", [])
        self._counts = [0] * len(self._retriers)
        self._random = random

    def delay(self, error: str) -> float | None:
        """Seconds until the state is tried again after this error; None where it is not, and its catcher takes over."""
        for number, retrier in enumerate(self._retriers):
            if error not in retrier["ErrorEquals"] and "States.ALL" not in retrier["ErrorEquals"]:
                continue
            if self._counts[number] >= retrier["MaxAttempts"]:
                return None
            delay = retrier["IntervalSeconds"] * retrier["BackoffRate"] ** self._counts[number]
            self._counts[number] += 1
            delay = min(delay, retrier["MaxDelaySeconds"])
            return self._random.uniform(0, delay) if retrier.get("JitterStrategy") == "FULL" else delay
        return None
