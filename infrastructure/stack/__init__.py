"""The CDK app: the one stack, a file for each kind of resource, and the packages of its functions.

Nothing here depends on whether AWS or the emulator is the target; that belongs to `infrastructure/local`.
"""
