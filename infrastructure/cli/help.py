"""Formats `--help`: a flag takes no value, and an argument is shown by its name.

typer shows each flag as `<bool>`, as if `true` had to follow it, and arguments as `<str>` and `<list[Path]>`, and puts
required ones into braces.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

Function = TypeVar("Function", bound=Callable[..., Any])


class _Argument(TyperArgument):
    def display_type_rich(self, ctx: Any) -> None:
        """Nothing: its name says what it is."""


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> list[Any]:
        return _said_plainly(super().get_params(ctx))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002 - of typer
        arguments = (one for one in self.params if isinstance(one, TyperArgument))
        names = [one.display_name_raw if one.required else f"[{one.display_name_raw}]" for one in arguments]
        return [self.options_metavar or "", *names]


class _Group(TyperGroup):
    def get_params(self, ctx: Any) -> list[Any]:
        return _said_plainly(super().get_params(ctx))


class CommandLine(typer.Typer):
    """Commands with this help format; a group without arguments prints its own help."""

    def __init__(self, **options: Any) -> None:
        super().__init__(cls=_Group, no_args_is_help=True, **options)

    def command(self, name: str | None = None, **options: Any) -> Callable[[Function], Function]:
        """See typer."""
        return super().command(name, **{"cls": _Command, **options})


def _said_plainly(parameters: list[Any]) -> list[Any]:
    for one in parameters:
        if isinstance(one, TyperOption) and one.is_flag:
            one.metavar = ""
        elif isinstance(one, TyperArgument):
            one.__class__ = _Argument
    return parameters
