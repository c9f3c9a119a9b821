"""Executions outside their drivers: starting, concurrency, signals, finalization, and recovery.

Running nodes belongs to `engine/execution`; what starts executions by itself to `services/triggers`.
"""
