"""The command that prints the reference, which is generated from the code."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Part(StrEnum):
    """The parts of the reference."""

    NODES = "nodes"
    INTEGRATIONS = "integrations"
    TRIGGERS = "triggers"
    ERRORS = "errors"
    LIMITS = "limits"


def reference(
    part: Annotated[
        Part | None, typer.Argument(metavar="PART", help=f"One of {', '.join(Part)}; default: all.")
    ] = None,
) -> None:
    """Print node types, integration types, triggers, error codes and limits as Markdown."""
    from engine.reference import pages  # it imports every node type, which takes a second

    typer.echo(pages.reference() if part is None else pages.page(part), nl=False)
