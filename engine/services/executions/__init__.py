"""Executions from outside of their drivers: starting, concurrency, signals, what an end brings, and recovery.

Running nodes belongs to `engine/execution`; what starts executions by itself to `services/triggers`.
"""
