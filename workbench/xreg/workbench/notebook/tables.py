"""Tables and pictures that a notebook shows by themselves."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from xreg.core.errors import UnknownNameError, did_you_mean
from xreg.core.text import one_line

__all__ = ["Drawing", "Figure", "Table", "remark_list"]

LONGEST = 60
"""Rows that are shown; all of them are there."""


@dataclass(frozen=True)
class Table:
    """Rows under named columns.

    Iterating gives a dictionary for each row, so that ``pandas.DataFrame(table)`` works.

    Attributes
    ----------
    columns
        Their names.
    rows
        Values of each row; None where there is none.
    title
        What the table tells.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    title: str = ""

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]], title: str = "") -> Table:
        """Build from rows as dictionaries; a key that a row lacks is None there."""
        columns = tuple(dict.fromkeys(key for row in rows for key in row))
        return cls(columns, tuple(tuple(row.get(key) for key in columns) for row in rows), title)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in self.rows:
            yield dict(zip(self.columns, row, strict=True))

    def __getitem__(self, key: int | str) -> Any:
        """Return a row as a dictionary, by number, or the values of a column, by name."""
        if isinstance(key, int):
            return dict(zip(self.columns, self.rows[key], strict=True))
        if key not in self.columns:
            raise UnknownNameError(f"no column '{key}'{did_you_mean(key, self.columns)}.")
        place = self.columns.index(key)
        return [row[place] for row in self.rows]

    def __repr__(self) -> str:
        cells = [list(self.columns), *([_text(cell) for cell in row] for row in self._shown)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in cells)
        more = [f"… {self._hidden} more rows"] if self._hidden else []
        return "\n".join([*([self.title] if self.title else []), *map(str.rstrip, lines), *more])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(_text(cell))}</td>" for cell in row) + "</tr>"
            for row in self._shown
        )
        caption = f"<caption>{escape(self.title)}</caption>" if self.title else ""
        more = f"<p>… {self._hidden} more rows</p>" if self._hidden else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"

    @property
    def _shown(self) -> tuple[tuple[Any, ...], ...]:
        return self.rows[:LONGEST]

    @property
    def _hidden(self) -> int:
        return max(len(self.rows) - LONGEST, 0)


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return one_line(str(value))


@dataclass(frozen=True)
class Figure:
    """A picture in a folder of results; a notebook shows it.

    Attributes
    ----------
    path
        The PNG file.
    """

    path: Path

    def _repr_png_(self) -> bytes:
        return self.path.read_bytes()

    def _repr_html_(self) -> str:
        data = base64.b64encode(self._repr_png_()).decode()
        name = escape(self.path.stem)
        return f'<img alt="{name}" style="max-width: 100%" src="data:image/png;base64,{data}">'


@dataclass(frozen=True, eq=False)
class Drawing:
    """A picture that was just drawn; a notebook shows it.

    Attributes
    ----------
    figure
        The figure of Matplotlib, to change or save it.
    """

    figure: Any

    @classmethod
    def of(cls, draw: Callable[..., Any], *arguments: Any) -> Drawing:
        """Return what a function draws of its arguments, in the style of all figures."""
        from xreg.core.analysis.style import styled

        with styled():
            return cls(draw(*arguments))

    def _repr_png_(self) -> bytes:
        written = io.BytesIO()
        self.figure.savefig(written, format="png", metadata={"Software": None})
        return written.getvalue()


def remark_list(remarks: Iterable[str]) -> str:
    """Return remarks as a list in HTML; nothing where there are none."""
    items = "".join(f"<li>{escape(text)}</li>" for text in remarks)
    return f"<ul>{items}</ul>" if items else ""
