"""What node types and integration types have in common.

From a type's name to its class: the built-in ones, those of installed packages, and those that a program adds.

A built-in file is imported on its first use, to keep cold starts short.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, Literal, TypeVar

Effect = Literal["none", "read", "idempotent", "write"]
"""What running a node does outside: nothing; it only asks; done twice is as done once; or each time may add up.

A node of effect `none` is not recorded one by one: any driver may compute it again.
"""


Contract = TypeVar("Contract")


@cache
def _installed_in(group: str) -> Mapping[str, EntryPoint]:
    """The types of installed packages; a process looks through all of these once."""
    return {point.name: point for point in entry_points(group=group)}


class Catalogue(Generic[Contract]):
    """The types of one kind.

    Args:
        kind: what they are called in messages, such as `node type`.
        contract: the class that each of them is a subclass of.
        built_in: `module:class` by name.
        group: the entry points of installed packages.
    """

    def __init__(self, kind: str, contract: type[Contract], built_in: Mapping[str, str], group: str) -> None:
        self._kind = kind
        self._contract = contract
        self._built_in = built_in
        self._group = group
        self._classes: dict[str, type[Contract]] = {}

    @property
    def _installed(self) -> Mapping[str, EntryPoint]:
        return _installed_in(self._group)

    def register(self, name: str, added: type[Contract]) -> None:
        """Make `name` a type.

        Raises:
            TypeError: the class does not keep the contract.
            ValueError: the name is taken.
        """
        if not (isinstance(added, type) and issubclass(added, self._contract)):
            raise TypeError(f"{added!r} is not a subclass of {self._contract.__name__}")
        missing = [attribute for attribute in ("Config", "title") if not hasattr(added, attribute)]
        if missing:
            raise TypeError(f"{added.__name__} has no {' and no '.join(missing)}")
        if self.knows(name):
            raise ValueError(f"there is {'an' if self._kind[0] in 'aeiou' else 'a'} {self._kind} {name!r} already")
        self._classes[name] = added

    def knows(self, name: str) -> bool:
        """Whether there is such a type."""
        return name in self._classes or name in self._built_in or name in self._installed

    def names(self) -> list[str]:
        """All types, sorted."""
        return sorted({*self._classes, *self._built_in, *self._installed})

    def find(self, name: str) -> type[Contract] | None:
        """The class behind a type; None where there is none of that name."""
        if name not in self._classes:
            if name in self._built_in:
                module, _, attribute = self._built_in[name].partition(":")
                self._classes[name] = getattr(import_module(module), attribute)
            elif name in self._installed:
                self._classes[name] = self._installed[name].load()
        return self._classes.get(name)
