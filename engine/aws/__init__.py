"""Adapters of AWS services: what the platform needs of each service, and how its errors are translated.

Tables and buckets belong to `storage`. Deciding when to call a service belongs to `services`.
"""
