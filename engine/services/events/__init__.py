"""Reporting what has happened: events on the bus, subscriptions, and the delivery of outgoing webhooks.

Events that start workflows belong to `services/triggers`.
"""
