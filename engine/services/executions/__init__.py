"""Executions outside their drivers: starting, concurrency, signals, finalization, and recovery.

Running nodes belongs to `engine/execution`; starting executions automatically to `services/triggers`.
"""
