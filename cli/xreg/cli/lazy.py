"""A group of commands whose modules are imported only when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

__all__ = ["lazy_group"]


class _Commands(Mapping[str, Any]):
    """Built commands by name, and those that are still a ``"module:attribute"``."""

    def __init__(self, built: Mapping[str, Any], places: Mapping[str, str]) -> None:
        self._built = dict(built)
        self._places = places

    def __getitem__(self, name: str) -> Any:
        if name not in self._built:
            module, _, attribute = self._places[name].partition(":")
            found = getattr(import_module(module), attribute)
            # Typer builds a command or group only as part of another one.
            shelf = typer.Typer(add_completion=False, rich_markup_mode=None)
            shelf.callback()(lambda: None)
            if isinstance(found, typer.Typer):
                shelf.add_typer(found, name=name)
            else:
                shelf.command(name)(found)
            self._built[name] = get_group(shelf).commands[name]
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter([*self._places, *(name for name in self._built if name not in self._places)])

    def __len__(self) -> int:
        return len(set(self._places) | set(self._built))


def lazy_group(places: Mapping[str, str]) -> type[TyperGroup]:
    """Return a class of groups that know these commands.

    Parameters
    ----------
    places
        ``"module:attribute"`` of a function or a :class:`typer.Typer`, by the command's name.
    """

    class LazyGroup(TyperGroup):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.commands = _Commands(self.commands, places)  # type: ignore[assignment]

    return LazyGroup
