"""Every bound of the platform in one place: sizes in bytes, times in seconds, counts as they are."""

from __future__ import annotations

MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_JSON_DEPTH = 64

MAX_DEFINITION_BYTES = 256 * 1024
MAX_NODES = 2_000
MAX_EDGES = 10_000
MAX_CONFIG_DEPTH = 32
MAX_NAME_LENGTH = 200
MAX_WORKFLOWS = 1_000
MAX_VERSIONS = 999_999

MAX_INPUT_BYTES = 1024 * 1024
MAX_OUTPUT_BYTES = 10 * 1024 * 1024

MAX_EXPRESSION_LENGTH = 8_192
MAX_EXPRESSION_MILLISECONDS = 300
MAX_EXPRESSION_DEPTH = 120
MAX_RENDER_SECONDS = 2.0
"""All expressions of one node together."""
SLOW_EXPRESSION = 0.05
"""One that took longer may be over its bound the next time, so what came of it is journalled."""
MAX_PROBLEMS = 200
MAX_ERROR_LENGTH = 4_000
MAX_ERROR_DETAILS = 16 * 1024
MAX_TEXT_LENGTH = 4 * 1024 * 1024
MAX_RANGE_ITEMS = 100_000

MAX_NODE_TIMEOUT = 240.0
DEFAULT_NODE_TIMEOUT = 30.0
MAX_DELAY = 366 * 24 * 3600
MAX_RETRY_AFTER = 24 * 3600.0

INLINE_WAIT = 5.0
"""A wait up to this long is slept inside the invocation. At list prices a Sleep, the Advance after it and
their Choice cost as much as eleven seconds of a 512 MB function; under that it is also the quicker way."""

TURN_RESERVE = 15.0
"""An invocation starts nothing that may not end this long before its own time is over."""

MAX_PARALLEL_NODES = 50

INLINE_PAYLOAD_BYTES = 8 * 1024
"""Up to here a payload lives in its DynamoDB item. Writing 8 KB there costs what one S3 PUT costs."""

PAGE_SIZE = 50
MAX_PAGE_SIZE = 100
