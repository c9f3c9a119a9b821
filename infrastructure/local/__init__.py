"""The local stack: the emulator as a process, what it saves, and the real CDK app deployed to it.

Resources belong to `infrastructure/stack`, commands to `infrastructure/cli`.
"""
