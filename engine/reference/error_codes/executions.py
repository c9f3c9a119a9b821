"""What an execution can end with, besides the code of the node that failed; and what a trigger can show."""

from __future__ import annotations

from engine.reference.error_codes.base import ErrorCode

CODES: dict[str, ErrorCode] = {
    "engine_error": ErrorCode(
        "The platform could not go on with the execution.",
        "Its drivers were lost again and again, or a fault of the platform.",
        "Read the message; fork the execution; report it if it happens again.",
    ),
    "execution_lost": ErrorCode(
        "The execution or its version is not stored any more.",
        "It was deleted, or its retention has passed.",
        "Start a new execution.",
    ),
    "execution_over": ErrorCode(
        "The execution that calls a tool has ended.",
        "It was canceled or timed out meanwhile.",
        "Nothing; the call does not count.",
    ),
    "timed_out": ErrorCode(
        "The execution took longer than its `timeout_seconds`.",
        "A node waited or worked too long.",
        "Raise `timeout_seconds`, or find the slow node.",
    ),
    "caller_ended": ErrorCode(
        "The execution that waited for this one has ended.",
        "The caller was canceled, failed, or timed out.",
        "Look at the caller.",
    ),
    "concurrency_full": ErrorCode(
        "The execution was not to wait, and the limit was reached.",
        "`when_full` is `skip`.",
        "Raise `limit`, or use `queue`.",
    ),
    "superseded": ErrorCode(
        "A newer execution took its place.",
        "`when_full` is `cancel_oldest`.",
        "Nothing; use `queue` if all are to run.",
    ),
    "not_scheduled": ErrorCode(
        "A schedule or a rule could not be created.",
        "AWS refused it, or its bounds are reached.",
        "Read the message at the trigger; save the workflow again.",
    ),
}
