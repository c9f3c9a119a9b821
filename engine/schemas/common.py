"""What all bodies share, and the shapes of lists and errors."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class Body(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Answer(BaseModel):
    """A response body."""

    model_config = ConfigDict(frozen=True)


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Description = Annotated[str, StringConstraints(max_length=4_000)]


class ErrorDetail(Answer):
    """One problem of a request: where, a stable code, a sentence."""

    path: str
    code: str
    message: str


class ErrorBody(Answer):
    """What went wrong."""

    code: str = Field(description="Stable, for programs.")
    message: str = Field(description="One sentence, for people.")
    details: Any = Field(default=None, description="For invalid input a list of `{path, code, message}`.")


class ErrorAnswer(Answer):
    """The shape of every error."""

    error: ErrorBody
