"""What forms call the values that a field may have, such as `at_most_once`.

By the name of the field and the value, for all types that have such a field: the same word means the same everywhere.
`x-mainspring.titles` beside an `enum` or `const` has them, so that whoever makes a form of the schema can show them;
what is written into a definition stays the value itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ENCODINGS = {
    "auto": "Found out by itself",
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with a mark, for Excel",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16, little endian",
    "utf-16-be": "UTF-16, big endian",
    "latin-1": "Western European (Latin-1)",
    "iso-8859-2": "Central European (ISO 8859-2)",
    "iso-8859-15": "Western European with € (ISO 8859-15)",
    "windows-1250": "Central European (Windows-1250)",
    "windows-1251": "Cyrillic (Windows-1251)",
    "windows-1252": "Western European (Windows-1252)",
    "windows-1253": "Greek (Windows-1253)",
    "windows-1254": "Turkish (Windows-1254)",
    "windows-1257": "Baltic (Windows-1257)",
    "mac-roman": "Old Macs, Western European (Mac Roman)",
    "koi8-r": "Cyrillic (KOI8-R)",
    "shift_jis": "Japanese (Shift JIS)",
    "euc-jp": "Japanese (EUC-JP)",
    "gb18030": "Chinese (GB 18030)",
    "big5": "Traditional Chinese (Big5)",
    "euc-kr": "Korean (EUC-KR)",
    "cp437": "MS-DOS, American (CP437)",
    "cp850": "MS-DOS, Western European (CP850)",
    "cp866": "MS-DOS, Cyrillic (CP866)",
}
_CONTENT = {"json": "Values, read from JSON", "text": "Text", "base64": "Bytes, as base64"}
_METHODS = {name: name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")}
TITLES: Mapping[str, Mapping[str, str]] = {
    "algorithm": {"sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512", "md5": "MD5"},
    "answer": {
        "accepted": "At once, before the run",
        "result": "The result, when the run has ended",
        "respond": "What a step “Respond to the webhook” says",
    },
    "as": _CONTENT,
    "body": {
        "json": "JSON",
        "form": "Fields of a form",
        "multipart": "Fields of a form, with files",
        "text": "Text",
        "base64": "Bytes, as base64",
    },
    "bus": {"workspace": "Of this workspace", "account": "Of the AWS account"},
    "client_auth": {"basic": "In a header (HTTP Basic)", "body": "In the body of the request"},
    "delimiter": {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Vertical bar"},
    "delivery": {
        "at_least_once": "Again, if it was interrupted",
        "at_most_once": "Never twice: interrupted, it has failed",
    },
    "encoding": {**_ENCODINGS, "hex": "Hexadecimal", "base64": "Base64", "base64url": "Base64 for web addresses"},
    "formulas": {"neutralise": "Make them plain text", "keep": "Keep them as they are"},
    "if_exists": {"replace": "Replace it", "fail": "Fail"},
    "invocation": {"wait": "Wait for its answer", "event": "Do not wait"},
    "methods": _METHODS,
    "method": _METHODS,
    "mode": {"all": "For all branches that run", "any": "For the first branch"},
    "name_encoding": _ENCODINGS,
    "on_error": {"fail": "The run fails", "continue": "The run goes on"},
    "on_item_error": {"fail": "The whole loop fails", "collect": "Go on, and put the error into the result"},
    "operation": {
        "read": "Read",
        "write": "Write",
        "list": "List",
        "get": "Get one",
        "put": "Save",
        "update": "Change parts of one",
        "delete": "Delete",
        "increment": "Add to a number",
        "query": "Find several",
        "url": "Make a link",
        "parse": "Read text into values",
        "format": "Write values as text",
        "validate": "Check against a schema",
        "pack": "Pack",
        "unpack": "Unpack",
    },
    "overlap": {"allow": "Run at the same time", "skip": "Skip this one", "queue": "Wait until it has ended"},
    "parse_mode": {"MarkdownV2": "Markdown", "HTML": "HTML"},
    "place": {"header": "Into a header", "query": "Into the address"},
    "response": {"auto": "By its media type", **_CONTENT},
    "role": {"user": "The user", "assistant": "The assistant"},
    "security": {"starttls": "STARTTLS", "tls": "TLS from the start", "off": "None"},
    "start_of": {"hour": "Hour", "day": "Day", "week": "Week", "month": "Month", "quarter": "Quarter", "year": "Year"},
    "state": {"open": "Open", "closed": "Closed", "all": "All"},
    "tls": {"verify": "On, and the certificate is checked", "off": "Off"},
    "token_limit": {"max_tokens": "max_tokens", "max_completion_tokens": "max_completion_tokens"},
    "type": {
        "none": "Nothing: whoever knows the address may call",
        "basic": "User name and password",
        "header": "A secret in a header",
        "hmac": "A signature (HMAC)",
        "standard": "A signature of Standard Webhooks",
        "github": "GitHub's signature",
        "shopify": "Shopify's signature",
        "slack": "Slack's signature",
        "stripe": "Stripe's signature",
    },
    "uncomputed": {"fail": "Fail", "null": "Take them as empty"},
    "unit": {
        "seconds": "Seconds",
        "minutes": "Minutes",
        "hours": "Hours",
        "days": "Days",
        "weekdays": "Working days (Monday to Friday)",
        "weeks": "Weeks",
        "months": "Months",
        "years": "Years",
    },
    "when": {"always": "In any case", "absent": "Only if there is none", "present": "Only if there is one"},
    "when_full": {
        "queue": "It waits",
        "skip": "It does not run",
        "cancel_oldest": "The oldest run is canceled",
    },
}


def with_value_titles(name: str, field: dict[str, Any]) -> dict[str, Any]:
    """The schema of a field whose values, also those of its alternatives and items, have titles for people."""
    changed = dict(field)
    for word in ("anyOf", "oneOf"):
        if isinstance(field.get(word), list):
            changed[word] = [with_value_titles(name, one) for one in field[word]]
    if isinstance(field.get("items"), dict):
        changed["items"] = with_value_titles(name, field["items"])
    known = TITLES.get(name, {})
    titles = {value: known[value] for value in values_of(field) if value in known}
    if titles:
        changed["x-mainspring"] = {"titles": titles, **field.get("x-mainspring", {})}
    return changed


def values_of(schema: Mapping[str, Any]) -> list[str]:
    """The texts that a schema names as the only ones."""
    named = schema["enum"] if "enum" in schema else [schema.get("const")]
    return [one for one in named if isinstance(one, str)]
