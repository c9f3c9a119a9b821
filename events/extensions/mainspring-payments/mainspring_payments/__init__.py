"""Payments for Mainspring."""
