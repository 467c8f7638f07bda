"""A plugin's folder, read without running its code: what it says of itself, where it lies."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xreg.core.errors import DataError
from xreg.core.hooks import ENTRY_POINT_GROUP

__all__ = ["Project", "read_project", "text_of"]

MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Project:
    """A distribution's folder, or a plugin of one file.

    Attributes
    ----------
    path
        The folder or file.
    table
        The table ``project`` of its ``pyproject.toml``; empty for one file.
    modules
        File of the module that each entry point names.
    source
        Where its packages begin.
    """

    path: Path
    table: dict[str, Any]
    modules: dict[str, tuple[str, Path]]
    source: Path

    @property
    def single(self) -> bool:
        """Whether it is one file."""
        return self.path.is_file()

    @property
    def name(self) -> str:
        """Name of the distribution, or of the file."""
        return str(self.table.get("name", "")) or self.path.stem

    @property
    def version(self) -> str:
        """Version, as it is stated."""
        return str(self.table.get("version", ""))

    def texts(self, *patterns: str) -> list[Path]:
        """Return the non-empty files of the folder itself whose name begins with a word."""
        files = [file for file in sorted(self.path.iterdir()) if file.is_file()]
        wanted = re.compile("|".join(patterns), re.IGNORECASE)
        return [file for file in files if wanted.match(file.name) and file.stat().st_size > 1]


def read_project(path: Path) -> Project:
    """Read a plugin's folder or file.

    Raises
    ------
    DataError
        If it is no plugin; the message says what is missing.
    """
    path = path.resolve()
    if path.is_file() and path.suffix == ".py":
        return Project(path, {}, {path.stem: (path.stem, path)}, path.parent)
    file = path / "pyproject.toml"
    if not file.is_file():
        raise DataError(
            f"'{path}' is no plugin: it has no pyproject.toml; `xreg plugins new KIND NAME` makes "
            "one, and a plugin of one file is checked by the name of that file."
        )
    text = text_of(file)
    try:
        whole = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"'{file}' cannot be read ({error}).") from None
    table = whole.get("project")
    if not isinstance(table, dict):
        raise DataError(f"'{file}' has no table [project]; write name and version there.")
    points = table.get("entry-points", {})
    points = points.get(ENTRY_POINT_GROUP, {}) if isinstance(points, dict) else {}
    if not (isinstance(points, dict) and points):
        raise DataError(
            f"'{file}' makes no plugin: write a table [project.entry-points.{ENTRY_POINT_GROUP}] "
            'with a line such as `radii = "xreg_radii.plugin"`.'
        )
    source = next((path / name for name in ("src", "python") if (path / name).is_dir()), path)
    modules = {}
    for name, value in points.items():
        module = str(value).partition(":")[0].strip()
        if not all(part.isidentifier() for part in module.split(".")):
            raise DataError(f"'{file}': the entry point '{name}' names no module ({value!r}).")
        modules[str(name)] = (module, _module_file(source, module, file))
    return Project(path, table, modules, source)


def text_of(file: Path) -> str:
    """Return the text of a plugin's file.

    Raises
    ------
    DataError
        If it cannot be read, is no UTF-8, or too large to be written by hand.
    """
    try:
        if file.stat().st_size > MOST_BYTES:
            raise DataError(f"'{file}' is of more than {MOST_BYTES} bytes.")
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"'{file}' cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise DataError(f"'{file}' is no text in UTF-8.") from None


def _module_file(source: Path, module: str, pyproject: Path) -> Path:
    place = source.joinpath(*module.split("."))
    for file in (place.with_suffix(".py"), place / "__init__.py"):
        if file.is_file():
            return file
    raise DataError(
        f"'{pyproject}' names the module '{module}', and there is no file "
        f"'{place.with_suffix('.py')}'."
    )
