"""What the parts of a site have in common: entries of the search, lists in several pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

__all__ = ["MOST_ROWS", "Facet", "Part", "Row", "SearchEntry", "Sheet", "sheet_path", "sheets"]

MOST_ROWS = 1000
MOST_CHOICES = 60


@dataclass(frozen=True)
class SearchEntry:
    """What the search box finds: where it leads, and the words that it is found by."""

    kind: str
    name: str
    title: str
    path: str
    words: str = ""


@dataclass(frozen=True)
class Row:
    """A row of a list.

    Attributes
    ----------
    cells
        What stands in it: a text, or a text and the page that it leads to.
    facets
        Its values by name of a filter.
    note
        A second line below the first cell.
    """

    cells: Sequence[str | tuple[str, str]]
    facets: dict[str, Sequence[str]] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Facet:
    """A filter of a list, and its choices."""

    name: str
    choices: Sequence[str]


@dataclass(frozen=True)
class Sheet:
    """One page of a long list."""

    number: int
    count: int
    first: int
    rows: Sequence[Row]
    facets: Sequence[Facet]
    total: int


@dataclass(frozen=True)
class Part:
    """A part of the site as the start page shows it."""

    name: str
    path: str
    count: int
    about: str
    search: Sequence[SearchEntry] = ()


def sheets(rows: Sequence[Row], facets: Sequence[str] = ()) -> Iterator[Sheet]:
    """Cut a list into pages; each filters what stands on it, by the choices of all."""
    found = []
    for name in facets:
        choices = sorted({choice for row in rows for choice in row.facets.get(name, ())})
        if 1 < len(choices) <= MOST_CHOICES:
            found.append(Facet(name, choices))
    count = max(1, -(-len(rows) // MOST_ROWS))
    for number in range(1, count + 1):
        first = (number - 1) * MOST_ROWS
        yield Sheet(number, count, first, rows[first : first + MOST_ROWS], found, len(rows))


def sheet_path(path: str, number: int) -> str:
    """Return where a page of a list stands (``index.html``, ``index-2.html``)."""
    return path if number == 1 else f"{path.removesuffix('.html')}-{number}.html"
