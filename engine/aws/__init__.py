"""Adapters of AWS services: each says what the platform asks of one service, and how its errors are to be taken.

Tables and buckets belong to `storage`. Deciding when to call a service belongs to `services`.
"""
