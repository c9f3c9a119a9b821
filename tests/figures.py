"""Figures that tests find out on the way, such as how many crash points were tried; shown at the end of the run."""

from __future__ import annotations

from collections import Counter

FIGURES: Counter[str] = Counter()
