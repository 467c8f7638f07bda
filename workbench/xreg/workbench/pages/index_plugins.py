"""Pages of plugins that an index lists and that are not installed where the site is built."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from xreg.registry.plugins.index.entry import Entry
from xreg.registry.plugins.index.index import indexes
from xreg.workbench.pages.sections import Row, SearchEntry
from xreg.workbench.pages.writer import SiteWriter

__all__ = ["write_listed"]


def write_listed(
    writer: SiteWriter, installed: AbstractSet[str]
) -> tuple[list[Row], list[SearchEntry], list[str]]:
    """Write a page for each distribution of the indexes that is not installed.

    Parameters
    ----------
    writer
        The site.
    installed
        Names of installed distributions, as pip compares them.

    Returns
    -------
    rows, search, notes
        What the list of plugins shows, what the search finds, and what is wrong with entries.
    """
    rows, search, notes = [], [], []
    seen = set(installed)
    for index in indexes():
        notes += index.faults
        for entry in index.entries:
            if entry.normal in seen:
                continue  # installed, or in an index before
            seen.add(entry.normal)
            path = f"plugins/from-index/{entry.normal}.html"
            writer.page(path, "index_plugin", entry=entry)
            rows += _rows(entry, path)
            words = " ".join(f"{c.kind} {c.name} {c.summary}" for c in entry.components)
            search.append(SearchEntry("plugin", entry.distribution, entry.summary, path, words))
    return rows, search, notes


def _rows(entry: Entry, path: str) -> list[Row]:
    origin = f"{entry.distribution} {entry.checked.version}"
    requires = ", ".join(entry.requires) or "nothing more"
    return [
        Row(
            cells=[(one.name, path), one.kind, one.summary or entry.summary, origin, requires],
            facets={
                "Kind": [one.kind],
                "Distribution": [entry.distribution],
                "State": ["in an index"],
            },
        )
        for one in entry.components
    ]
