"""Plugins of one file each, in a folder of the user's own: a first try, before a distribution.

A file ``radii.py`` there is the module ``xreg.registry.plugins.own.radii``, in every process.

The folder is ``$XREG_PLUGINS``, or the platform's place for a user's data. What lies there runs, so
it is never one that somebody else fills: a relative path, a folder of a registry, and one that
others may write to are refused.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

from xreg.core.errors import PluginError
from xreg.core.hooks import ENTRY_POINT_GROUP

__all__ = ["MODULE", "VARIABLE", "folder", "points", "search_path", "trusted_folder"]

MODULE = "xreg.registry.plugins.own"

VARIABLE = "XREG_PLUGINS"
MARKS = ("datasets.dvc", "models.dvc", ".dvc")


def folder() -> Path:
    """Return where plugins of one file lie; it need not exist."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    from platformdirs import user_data_path

    return Path(user_data_path("xreg", False)) / "plugins"


def trusted_folder() -> Path:
    """Return that folder, where it may be taken for the user's own.

    Raises
    ------
    PluginError
        If it depends on the working folder, belongs to a registry, or others may write to it.
    """
    place = folder()
    if not place.is_absolute():
        raise PluginError(
            f"${VARIABLE} is '{place}', which means another folder wherever you are; give the "
            "whole path"
        )
    place = place.resolve()
    for above in (place, *place.parents):
        if any((above / mark).exists() for mark in MARKS):
            raise PluginError(
                f"the folder of plugins, '{place}', is part of the registry {above}, whose files "
                f"come from others; point ${VARIABLE} to a folder of your own"
            )
    if os.name == "posix" and place.is_dir():
        state = place.stat()
        if state.st_uid not in (os.getuid(), 0):
            raise PluginError(
                f"the folder of plugins, '{place}', belongs to somebody else; point ${VARIABLE} "
                "to a folder of your own"
            )
        if state.st_mode & stat.S_IWOTH:
            raise PluginError(
                f"the folder of plugins, '{place}', is one that everybody may write to; "
                f"say `chmod o-w '{place}'`"
            )
    return place


def points() -> Iterator[EntryPoint]:
    """Yield an entry point for each file in the folder.

    Raises
    ------
    PluginError
        As for :func:`trusted_folder`.
    """
    if not folder().is_dir():
        return
    place = trusted_folder()
    if MODULE in sys.modules:  # else it looks itself where the folder is
        sys.modules[MODULE].__path__[:] = [str(place)]
    for file in sorted(place.glob("[!_.]*.py")):
        if file.stem.isidentifier():
            yield EntryPoint(file.stem, f"{MODULE}.{file.stem}", ENTRY_POINT_GROUP)


def search_path() -> list[str]:
    """Return where the modules of the folder are found, also by processes started for some work."""
    try:
        return [str(trusted_folder())]
    except PluginError:
        return []
