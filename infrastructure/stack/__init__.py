"""The CDK app: the one stack, a file for each kind of resource, and the packages that its functions run from.

Nothing here knows whether AWS or the emulator is deployed to; that is for `infrastructure/local`.
"""
