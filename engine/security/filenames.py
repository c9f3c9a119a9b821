"""File names as fields of configs. The rules are in `plain_names.py`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from engine.security.plain_names import MAX_NAME_BYTES, check_name, check_prefix

FileName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_NAME_BYTES,
        description="Of a file of the workspace, such as `reports/2026/may.csv`.",
        examples=["reports/2026/may.csv"],
    ),
    AfterValidator(check_name),
]
FilePrefix = Annotated[str, Field(max_length=MAX_NAME_BYTES), AfterValidator(check_prefix)]
