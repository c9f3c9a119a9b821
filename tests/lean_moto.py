"""Spares moto and the AWS SDK what they do anew for each call and each client, though it comes to the same.

Of the processor time of tests with moto that was two thirds. `unit/test_lean_moto.py` compares the answers.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime
from functools import cache
from typing import Any

import botocore.session
from botocore.loaders import Loader
from moto.core import responses
from moto.dynamodb.responses import DynamoResult


def install() -> None:
    """For all clients that are made from now on."""
    responses.method_names_from_class = cache(responses.method_names_from_class)
    DynamoResult.execute_result = _as_it_is
    loader = Loader()  # each session would read the SDK's models from disk again: megabytes of JSON
    botocore.session.create_loader = lambda _: loader


def _as_it_is(result: DynamoResult, _: Any) -> tuple[int, dict[str, str], str]:
    """An answer of DynamoDB, which has the names of the protocol already: moto would look for each of all it may have.

    What is refused does not come here.
    """
    return 200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(result.result, default=_in_json)


def _in_json(value: object) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(type(value))
