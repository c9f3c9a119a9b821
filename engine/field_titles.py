"""What forms call fields whose names say little to those who do not write code.

Pydantic makes the title of a field from its name: `timeout_seconds` is "Timeout Seconds". Where that is not what people
would say, the title is here, for the fields of this name in all types; `Field(title=…)` of a model counts more.
"""

from __future__ import annotations

from typing import Any

from engine.value_titles import with_value_titles

TITLES = {
    "accept_statuses": "Statuses that are no failure",
    "access_key_id": "Access key ID",
    "answer_seconds": "Wait for an answer (seconds)",
    "api_key": "API key",
    "as": "Give the content as",
    "at": "Once, at",
    "auth": "How callers prove who they are",
    "authorize_url": "Address at which people agree",
    "backoff_rate": "Each pause is longer by the factor",
    "base64": "Bytes (base64)",
    "base_url": "Address of the API",
    "bcc": "Hidden copy to (Bcc)",
    "bus": "Event bus",
    "by": "Amount to add",
    "ca_certificate": "Certificate of your own CA (PEM)",
    "cc": "Copy to (Cc)",
    "chat_id": "Chat",
    "client_auth": "How the client signs in",
    "client_id": "Client ID",
    "consistent": "Read the latest writes",
    "content_id": "ID for use in the HTML",
    "content_type": "Media type",
    "cors_origins": "Web pages that may call it",
    "cron": "Times (cron)",
    "cursor": "Go on after (cursor)",
    "delay_seconds": "Delay (seconds)",
    "delivery": "How often it may run",
    "delivery_id_header": "Header that tells repeated deliveries",
    "descending": "Last first",
    "dollars_per_million_input": "Dollars for a million tokens asked",
    "dollars_per_million_output": "Dollars for a million tokens answered",
    "encoding": "Character encoding",
    "end": "Not after",
    "endpoint_url": "Address of the storage",
    "expected_every_seconds": "Expected at least every (seconds)",
    "expires_seconds": "Expires after (seconds)",
    "flexible_minutes": "May be late by (minutes)",
    "follow_redirects": "Follow redirects",
    "formulas": "Make formulas harmless",
    "from_address": "Sender's address",
    "group_id": "Message group",
    "header_row": "Row of the column names",
    "host": "Server",
    "hosts": "Servers that get the secret",
    "html": "HTML",
    "if_exists": "If the file is there already",
    "interval_seconds": "First pause (seconds)",
    "into": "Save entries under",
    "key_condition": "Key condition",
    "link_preview": "Show a preview of a link",
    "lists": "Always lists",
    "max_attempts": "Attempts at most",
    "max_interval_seconds": "Longest pause (seconds)",
    "max_iterations": "Iterations at most",
    "max_response_bytes": "Largest answer (bytes)",
    "max_rounds": "Rounds of tool calls at most",
    "max_rows": "Rows at most",
    "max_tokens": "Longest answer (tokens)",
    "memory_mb": "Memory (MB)",
    "message_id": "Message (ID)",
    "on": "Errors to retry",
    "on_error": "If it fails",
    "on_failure": "When a run fails",
    "on_item_error": "If an item fails",
    "only": "Only these entries",
    "overlap": "If the run before still runs",
    "params": "Parameters",
    "parse_mode": "Formatting",
    "place": "Where the key goes",
    "plain_http": "Also without TLS",
    "queue_url": "Queue (URL)",
    "rate_per_minute": "Calls a minute at most",
    "read_only": "Only read",
    "repairs": "Corrections at most",
    "reply_to": "Answers go to",
    "reply_to_message_id": "Reply to the message (ID)",
    "role_arn": "Role (ARN)",
    "save_as": "Save as the file",
    "secret_access_key": "Secret access key",
    "sha256": "SHA-256",
    "silent": "Without sound",
    "start": "Not before",
    "start_of": "Round down to the start of",
    "state_machine_arn": "State machine (ARN)",
    "subpaths": "Also take calls below the address",
    "thread_ts": "Thread to answer in",
    "timeout_seconds": "Time limit (seconds)",
    "timestamp_header": "Header with the time",
    "tls": "Encryption (TLS)",
    "token_limit": "Name of the token limit",
    "token_url": "Address for tokens",
    "topic_arn": "Topic (ARN)",
    "ts": "Time stamp of the message",
    "uncomputed": "Formulas without a result",
    "unfurl_links": "Show previews of links",
    "url": "Web address (URL)",
    "username": "User name",
    "vars": "Variables",
    "when_full": "If the limit is reached",
    "window_seconds": "Oldest signature (seconds)",
}


def made_of(name: str) -> str:
    """The title that Pydantic makes of a field's name."""
    return name.title().replace("_", " ")


def with_titles(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema whose fields, also those of the objects in it, have titles for people, and so have their values."""
    changed = dict(schema)
    if isinstance(schema.get("properties"), dict):
        changed["properties"] = {name: _titled(name, field) for name, field in schema["properties"].items()}
    if isinstance(schema.get("$defs"), dict):
        changed["$defs"] = {name: with_titles(one) for name, one in schema["$defs"].items()}
    return changed


def _titled(name: str, field: dict[str, Any]) -> dict[str, Any]:
    field = with_value_titles(name, field)
    title = TITLES.get(name)
    if title is None or field.get("title", made_of(name)) != made_of(name):
        return field
    return {**field, "title": title}
