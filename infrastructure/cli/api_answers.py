"""Answers of the API, and its refusals as errors for people."""

from __future__ import annotations

from typing import Any

import httpx2


class ApiError(Exception):
    """The API refused or did not answer; the message is for people, `problems` lists the problems of invalid input."""

    def __init__(self, message: str, problems: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.problems = problems or []


def code_of(response: httpx2.Response) -> str:
    """Return the code of a refusal; nothing where there is none."""
    try:
        return str(response.json()["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""


def answer_of(response: httpx2.Response) -> Any:
    """Return the JSON of an answer.

    Raises:
        ApiError: it was refused.
    """
    if response.is_success:
        return response.json() if response.content else None
    try:
        error = response.json()["error"]
        details = error["details"] if isinstance(error["details"], list) else []
        raise ApiError(error["message"], details)
    except (ValueError, KeyError, TypeError):
        raise ApiError(f"the API answered with status {response.status_code}") from None
