"""Puts the engine somewhere: the CDK app, and the local stack, which is the same app on an emulator."""
