"""Mainspring's engine: workflow definitions, their durable execution, storage and services.

It knows nothing of API Gateway events or CDK; every Lambda function gets it through one layer.
"""
