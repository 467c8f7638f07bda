"""Pages of datasets: a list, and one page for each version."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import XregError
from xreg.core.text import with_unit
from xreg.registry.stores.store import open_store
from xreg.registry.versions.entries import DatasetEntry
from xreg.workbench.explorer.dataset import view_of_dataset
from xreg.workbench.explorer.page import explorer_page
from xreg.workbench.pages.cards import card, newest, version_rows
from xreg.workbench.pages.changes import changes
from xreg.workbench.pages.charts import Chart, Line, chart
from xreg.workbench.pages.places import Place
from xreg.workbench.pages.profiles import ChannelProfile, Profile, in_words, profile
from xreg.workbench.pages.sections import Part, Row, SearchEntry
from xreg.workbench.pages.writer import SiteWriter

__all__ = ["write_datasets"]

HEADS = ("Dataset", "Version", "Samples", "Spectra", "Size", "Licence", "Published versions")
LONGEST_WORDS = 600


def write_datasets(
    writer: SiteWriter, place: Place, *, fetch: bool = False, explore: bool = False
) -> Part:
    """Write all pages of the datasets of a registry.

    Parameters
    ----------
    writer
        The site.
    place
        The registry.
    fetch
        Whether datasets that are not on this machine are pulled for their mean spectra.
    explore
        Whether the newest version of each dataset that is there has an explorer.
    """
    rows, search = [], []
    known = place.published(DatasetEntry)
    for versions in known.values():
        best = newest(versions)
        for entry in versions:
            made = profile(place, entry, fetch=fetch)
            wanted = explore and entry is best
            explorer, why = _explorer(writer, place, entry) if wanted else ("", "")
            writer.page(
                place.page(entry),
                "dataset",
                place=place,
                entry=entry,
                versions=version_rows(versions, changes),
                newest=best.version,
                charts=_charts(entry, made),
                tables=_tables(made),
                missing=[made.missing, why],
                explorer=explorer,
                card=card(place, entry),
            )
        rows.append(_row(place, versions))
        search.append(_search(place, newest(versions)))
    path = f"{place.prefix}datasets/index.html"
    facets = ("Samples", "Spectra", "Licence")
    writer.list(
        path,
        rows,
        facets,
        title="Datasets",
        about="Spectra with their samples, labels and splits, at exact versions.",
        heads=HEADS,
        numeric=(2, 4, 6),
        empty="No dataset is published yet.",
    )
    return Part("Datasets", path, len(rows), "spectra with their samples", search)


def _row(place: Place, versions: Sequence[DatasetEntry]) -> Row:
    entry = newest(versions)
    channels = list(entry.channels)
    return Row(
        cells=[
            (entry.name, place.page(entry)),
            entry.version,
            f"{entry.samples:,}",
            ", ".join(channels),
            entry.size_text,
            entry.licence or "not stated",
            f"{len(versions):,}",
        ],
        facets={
            "Samples": [entry.kind],
            "Spectra": channels,
            "Licence": [entry.licence or "not stated"],
        },
        note=entry.title,
    )


def _search(place: Place, entry: DatasetEntry) -> SearchEntry:
    words = " ".join(
        [entry.kind, entry.contents, *entry.channels, *entry.labels, entry.description]
    )
    return SearchEntry("dataset", entry.name, entry.title, place.page(entry), words[:LONGEST_WORDS])


def _charts(entry: DatasetEntry, made: Profile) -> list[tuple[str, Chart, str]]:
    return [
        (
            name,
            chart(
                f"Mean spectrum of {name} and its spread",
                [
                    Line(
                        _numbers(p.energy),
                        _numbers(p.mean),
                        "mean",
                        _numbers(p.spread),
                    )
                ],
                "energy (eV)",
                with_unit("intensity", p.unit),
            ),
            in_words(p, entry.samples),
        )
        for name, p in made.channels.items()
        if p.energy
    ]


def _numbers(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)  # None becomes NaN


def _tables(made: Profile) -> list[tuple[str, list[tuple[str, float | None, float | None]]]]:
    def rows(p: ChannelProfile) -> list[tuple[str, float | None, float | None]]:
        return list(zip(p.features, p.mean, p.spread, strict=True))

    return [(name, rows(p)) for name, p in made.channels.items() if p.features]


def _explorer(writer: SiteWriter, place: Place, entry: DatasetEntry) -> tuple[str, str]:
    """Write the explorer of a dataset; return its path, or why there is none."""
    path = place.page(entry).removesuffix(".html") + "-explorer.html"
    try:
        folder = place.folder(entry)
        if folder is None:
            return "", ""  # its page says so
        dataset = open_store(folder, validate=False, content_hash=entry.hash)
        writer.text(path, explorer_page(view_of_dataset(dataset)))
    except XregError as error:
        return "", f"There is no explorer of its spectra: {error}"
    return path, ""
