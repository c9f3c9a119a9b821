"""What a JSON Schema cannot say of the fields of node types, for forms: `x-mainspring` beside each, and outputs.

* `widget`: how the field is entered.
* `when`: only if other fields have one of these values.
* `advanced`: folded away at first.
* `literal`: no templates here.
* `titles`: what people call its values (`engine.value_titles`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KEY = "x-mainspring"
Hint = dict[str, Any]


def _when(field: str, *values: str) -> Hint:
    return {"when": {field: list(values)}}


_PARSE, _FORMAT = _when("operation", "parse"), _when("operation", "format")
_READ, _WRITE = _when("operation", "read"), _when("operation", "write")
_ADVANCED: Hint = {"advanced": True}
_BY_NAME: Mapping[str, Hint] = {
    "integration": {"widget": "integration"},
    "timezone": {"widget": "timezone"},
    "save_as": {"widget": "file"},
    "file": {"widget": "file"},
    "table": {"widget": "data-table"},
    "url": {"widget": "url"},
    "headers": {"widget": "key-value"},
    "query": {"widget": "key-value"},
    "attributes": {"widget": "key-value"},
    "workflow": {"widget": "workflow"},
    "timeout_seconds": {"widget": "duration"},
    "encoding": _ADVANCED,
    "ca_certificate": {"widget": "multiline", "advanced": True},
    "max_rows": _ADVANCED,
    "max_response_bytes": _ADVANCED,
    "cursor": _ADVANCED,
    "aws_role": _ADVANCED,
    "memory_mb": _ADVANCED,
    "html": {"widget": "code", "language": "html"},
    "message": {"widget": "multiline"},
    "text": {"widget": "multiline"},
    "prompt": {"widget": "multiline"},
    "json": {"widget": "json"},
    "value": {"widget": "json"},
    "values": {"widget": "key-value"},
    "payload": {"widget": "json"},
    "input": {"widget": "json"},
    "detail": {"widget": "json"},
    "schema": {"widget": "json"},
}
"""What holds for a field of this name in whatever type, unless it is said otherwise below."""
_BY_TYPE: Mapping[str, Mapping[str, Hint]] = {
    "csv": {
        "source": _PARSE,
        "header_row": {**_PARSE, **_ADVANCED},
        "encoding": {**_PARSE, **_ADVANCED},
        "max_rows": {**_PARSE, **_ADVANCED},
        "rows": {**_FORMAT, "widget": "json"},
        "formulas": {**_FORMAT, **_ADVANCED},
        "save_as": {**_FORMAT, "widget": "file"},
        "delimiter": _ADVANCED,
    },
    "data_table": {
        "key": _when("operation", "get", "put", "delete", "increment"),
        "value": {**_when("operation", "put"), "widget": "json"},
        "when": {**_when("operation", "put"), **_ADVANCED},
        "version": {**_when("operation", "put", "delete"), **_ADVANCED},
        "by": _when("operation", "increment"),
        "expires_seconds": {**_when("operation", "put", "increment"), "widget": "duration", **_ADVANCED},
        "prefix": _when("operation", "query"),
        "limit": _when("operation", "query"),
        "cursor": {**_when("operation", "query"), **_ADVANCED},
    },
    "approval": {
        "form": {"widget": "json", **_ADVANCED},
        "not_the_starter": _ADVANCED,
        "remind_after": {"widget": "duration", **_ADVANCED},
        "escalate_after": {"widget": "duration", **_ADVANCED},
        "escalate_to": _ADVANCED,
    },
    "delay": {"seconds": {"widget": "duration"}},
    "dynamodb": {
        "table": {},
        "key": {**_when("operation", "get", "update", "delete"), "widget": "json"},
        "item": {**_when("operation", "put"), "widget": "json"},
        "update": _when("operation", "update"),
        "key_condition": _when("operation", "query"),
        "filter": _when("operation", "query"),
        "condition": {**_when("operation", "put", "update", "delete"), **_ADVANCED},
        "index": {**_when("operation", "query"), **_ADVANCED},
        "consistent": {**_when("operation", "get", "query"), **_ADVANCED},
        "descending": {**_when("operation", "query"), **_ADVANCED},
        "limit": _when("operation", "query"),
        "cursor": {**_when("operation", "query"), **_ADVANCED},
        "names": {"widget": "key-value"},
    },
    "email": {
        "to": {"widget": "email"},
        "cc": {"widget": "email", **_ADVANCED},
        "bcc": {"widget": "email", **_ADVANCED},
    },
    "file": {
        "file": {**_when("operation", "read", "write", "delete", "url"), "widget": "file"},
        "content": _WRITE,
        "json": {**_WRITE, "widget": "json"},
        "content_type": {**_WRITE, **_ADVANCED},
        "if_exists": _WRITE,
        "as": _READ,
        "encoding": {**_READ, **_ADVANCED},
        "prefix": _when("operation", "list"),
        "limit": _when("operation", "list"),
        "cursor": {**_when("operation", "list"), **_ADVANCED},
        "expires_seconds": {**_when("operation", "url"), "widget": "duration"},
    },
    "http": {
        "accept_statuses": _ADVANCED,
        "follow_redirects": _ADVANCED,
        "response": _ADVANCED,
        "multipart": _ADVANCED,
        "base64": _ADVANCED,
        "form": {"widget": "key-value"},
    },
    "json": {
        "source": _when("operation", "parse"),
        "value": {**_when("operation", "format", "validate"), "widget": "json"},
        "lines": {**_when("operation", "parse", "format"), **_ADVANCED},
        "indent": {**_FORMAT, **_ADVANCED},
        "schema": {**_when("operation", "validate"), "widget": "json"},
    },
    "spreadsheet": {
        "source": _READ,
        "sheet": _READ,
        "range": {**_READ, **_ADVANCED},
        "header_row": {**_READ, **_ADVANCED},
        "uncomputed": {**_READ, **_ADVANCED},
        "max_rows": {**_READ, **_ADVANCED},
        "sheets": _WRITE,
        "save_as": {**_WRITE, "widget": "file"},
    },
    "xml": {
        "source": _PARSE,
        "encoding": {**_PARSE, **_ADVANCED},
        "lists": {**_PARSE, **_ADVANCED},
        "namespaces": {**_PARSE, **_ADVANCED},
        "value": {**_FORMAT, "widget": "json"},
        "pretty": {**_FORMAT, **_ADVANCED},
    },
    "zip": {
        "source": _when("operation", "list", "unpack"),
        "entries": _when("operation", "pack"),
        "save_as": {**_when("operation", "pack"), "widget": "file"},
        "into": _when("operation", "unpack"),
        "only": {**_when("operation", "unpack"), **_ADVANCED},
        "name_encoding": {**_when("operation", "list", "unpack"), **_ADVANCED},
    },
}
_PORTS_FROM = {"switch": "config.cases[].port"}
_TEXT: Hint = {"type": "string"}
_OUTPUTS: Mapping[str, tuple[Hint | None, list[Any]]] = {
    "approval": (
        {
            "type": "object",
            "properties": {
                "decision": {"enum": ["approved", "rejected", "timeout"], "description": "What was decided."},
                "comment": {"type": ["string", "null"], "description": "What was said with it."},
                "by": {"type": ["string", "null"], "description": "Who has decided."},
                "at": {**_TEXT, "description": "When."},
                "shown": {"type": ["string", "null"], "description": "SHA-256 of the message that was decided."},
                "proof": {"enum": ["session", "key", "link"], "description": "How it was proven who has decided."},
                "values": {"type": ["object", "null"], "description": "What was filled into the form."},
                "answers": {"type": "array", "description": "Where several have to approve: each answer."},
            },
        },
        [
            {
                "decision": "approved",
                "comment": "fine",
                "by": "0192…",
                "at": "2026-05-01T09:00:00.000Z",
                "shown": "9f86…",
                "proof": "session",
            }
        ],
    ),
    "http": (
        {
            "type": "object",
            "properties": {
                "status": {"type": "integer", "description": "Status code of the answer."},
                "headers": {"type": "object", "description": "Headers of the answer, by lower-case name."},
                "body": {"description": "What was answered: JSON as a value, else text."},
                "url": {**_TEXT, "description": "Where the answer came from."},
            },
        },
        [{"status": 200, "headers": {"content-type": "application/json"}, "body": {"id": 17}, "url": "https://…"}],
    ),
    "wait_for_callback": (
        {
            "type": "object",
            "properties": {
                "body": {"description": "What was sent."},
                "at": {**_TEXT, "description": "When."},
            },
        },
        [{"body": {"ok": True}, "at": "2026-05-01T09:00:00.000Z"}],
    ),
}


def with_hints(node_type: str, schema: dict[str, Any], literal: frozenset[str]) -> dict[str, Any]:
    """The schema of a config with what forms have to know besides."""
    own = _BY_TYPE.get(node_type, {})
    properties = {}
    for name, field in schema.get("properties", {}).items():
        hint = {**own.get(name, _BY_NAME.get(name, {})), **field.get(KEY, {})}
        if name in literal:
            hint["literal"] = True
        properties[name] = {**field, KEY: hint} if hint else field
    return {**schema, "properties": properties} if properties else schema


def ports_from(node_type: str) -> str | None:
    """Where in a config further ports are named, each value one of them; None where there are none."""
    return _PORTS_FROM.get(node_type)


def output_of(node_type: str) -> tuple[Hint | None, list[Any]]:
    """The JSON Schema of a type's outputs where it is known, and examples of outputs."""
    return _OUTPUTS.get(node_type, (None, []))
