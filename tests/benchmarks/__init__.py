"""What things cost. `uv run python -m tests.benchmarks` prints the tables; compare ratios of one run."""
