"""A group of commands whose modules are imported only when they are asked for."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group, solve_typer_info_help
from typer.models import TyperInfo

from xreg.cli.output import INTERRUPTED
from xreg.core.errors import PluginError

__all__ = ["lazy_group"]


class _Commands(Mapping[str, Any]):
    """Built commands by name, and those that are still a ``"module:attribute"``."""

    def __init__(self, built: Mapping[str, Any], places: Mapping[str, str]) -> None:
        self._built = dict(built)
        self._places = places

    def __getitem__(self, name: str) -> Any:
        if name not in self._built:
            found = self._found(name)
            # Typer builds a command or group only as part of another one.
            shelf = typer.Typer(add_completion=False, rich_markup_mode=None)
            shelf.callback()(lambda: None)
            if isinstance(found, typer.Typer):
                shelf.add_typer(found, name=name)
            else:
                shelf.command(name)(found)
            self._built[name] = get_group(shelf).commands[name]
        return self._built[name]

    def _found(self, name: str) -> Any:
        module, _, attribute = self._places[name].partition(":")
        return getattr(import_module(module), attribute)

    def outlines(self) -> dict[str, TyperCommand]:
        """Return commands that know nothing but their help, which takes a third of the time."""
        found = {name: self._built.get(name) or self._found(name) for name in self}
        helps = {
            name: solve_typer_info_help(TyperInfo(one))
            if isinstance(one, typer.Typer)
            else getattr(one, "help", None) or inspect.getdoc(one)
            for name, one in found.items()
        }
        return {name: TyperCommand(name, help=text) for name, text in helps.items()}

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

        def invoke(self, ctx: Any) -> Any:
            try:
                return super().invoke(ctx)
            except (SystemExit, GeneratorExit) as end:
                if isinstance(end, SystemExit) and end.code == INTERRUPTED:
                    raise
                raise PluginError(
                    f"the command was ended from within by {type(end).__name__}"
                    f"{f' {end.code}' if isinstance(end, SystemExit) else ''}, most likely by a "
                    "plugin that it used, before it was done; `xreg --debug …` shows where."
                ) from end

        def list_commands(self, ctx: Any) -> list[str]:
            return list(self.commands)

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            lazy: Any = self.commands
            self.commands = lazy.outlines()
            try:
                super().format_commands(ctx, formatter)
            finally:
                self.commands = lazy

    return LazyGroup
