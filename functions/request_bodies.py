"""The bodies of requests: how large they may be, and what counts as JSON."""

from __future__ import annotations

import base64
import binascii
import json
import math
from typing import Any

from engine import limits
from engine.errors import RequestError, TooLarge, UnsupportedType
from engine.json_value import depth_of

Event = dict[str, Any]
_LONGEST_ESCAPE = 6
"""Bytes of one character in JSON, such as a control character."""


def checked_body(event: Event) -> Event:
    """The event with its body as text.

    Raises:
        TooLarge: the body is over the bound.
        RequestError: it is not UTF-8, or its type is not JSON.
    """
    body = event.get("body")
    if not body:
        return event
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    content_type = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise UnsupportedType(f"the body's type is {content_type[:80]}; send application/json")
    too_large = TooLarge(f"a request body has at most {limits.MAX_BODY_BYTES} bytes")
    if event.get("isBase64Encoded"):
        if len(body) > 4 * math.ceil(limits.MAX_BODY_BYTES / 3):
            raise too_large
        try:
            body = base64.b64decode(body, validate=True).decode()
        except (binascii.Error, ValueError):
            raise RequestError("the body is not UTF-8 text", code="malformed_json") from None
    if len(body.encode(errors="surrogatepass")) > limits.MAX_BODY_BYTES:
        raise too_large
    headers["content-type"] = "application/json"
    return {**event, "headers": headers, "body": body, "isBase64Encoded": False}


def check_payload(body: str) -> None:
    """Refuse a text that Lambda would not take, as API Gateway would then answer in its own shape: also where it does.

    Raises:
        TooLarge: what the body has in what a function is called with, where it is escaped, is too large.
    """
    most = limits.LAMBDA_BYTES - limits.LAMBDA_SPARE_BYTES
    if len(body) * _LONGEST_ESCAPE > most and len(json.dumps(body, ensure_ascii=False).encode()) > most:
        raise TooLarge(
            f"a text has at most {most} bytes once quotes, line ends and control characters in it are escaped; "
            "send it compressed, or as application/octet-stream"
        )


def strict_json(text: str) -> Any:
    """JSON as the RFC has it, an object, not nested too deep, every string encodable.

    Raises:
        json.JSONDecodeError: it is not, which the resolver answers as invalid input.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise json.JSONDecodeError(f"not usable JSON ({error})", "", 0) from None
    if not isinstance(value, dict):
        raise json.JSONDecodeError("the body must be an object", "", 0)
    if depth_of(value, limits.MAX_JSON_DEPTH) > limits.MAX_JSON_DEPTH:
        raise json.JSONDecodeError(f"nested more than {limits.MAX_JSON_DEPTH} deep", "", 0)
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
