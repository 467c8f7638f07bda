"""Pages of models: a list, and one page for each version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from xreg.core.settings_in_words import value_in_words
from xreg.core.text import with_unit
from xreg.registry.versions.entries import ModelEntry
from xreg.workbench.pages.cards import card, newest, version_rows
from xreg.workbench.pages.changes import model_changes
from xreg.workbench.pages.charts import Chart, Line, chart
from xreg.workbench.pages.places import Place
from xreg.workbench.pages.sections import Part, Row, SearchEntry
from xreg.workbench.pages.training import training_chart
from xreg.workbench.pages.writer import SiteWriter

__all__ = ["write_models"]

HEADS = ("Model", "Version", "Predicts", "Knows", "Trained on", "Test R²", "Size", "Licence")
LONGEST_WORDS = 600


def write_models(writer: SiteWriter, place: Place, *, fetch: bool = False) -> Part:
    """Write all pages of the models of a registry.

    Parameters
    ----------
    writer
        The site.
    place
        The registry, whose pages of datasets are written already.
    fetch
        Whether models that are not on this machine are pulled for their training curves.
    """
    rows, search = [], []
    for versions in place.published(ModelEntry).values():
        best = newest(versions)
        for entry in versions:
            trained_on = f"{place.prefix}datasets/{entry.data.name}/{entry.data.version}.html"
            writer.page(
                place.page(entry),
                "model",
                place=place,
                entry=entry,
                card=card(place, entry),
                versions=version_rows(versions, model_changes),
                newest=best.version,
                knows=list(_knows(entry)),
                measures=list(dict.fromkeys(m for part in entry.scores.values() for m in part)),
                components=[
                    (c, [(name, value_in_words(v)) for name, v in c.settings.items()])
                    for c in entry.components
                ],
                trained_on=trained_on if trained_on in writer.written else "",
                parity=_parity(entry),
                training=training_chart(place, entry, fetch=fetch),
            )
        rows.append(_row(place, best))
        search.append(_search(place, best))
    path = f"{place.prefix}models/index.html"
    writer.list(
        path,
        rows,
        ("Knows", "Predicts", "Licence"),
        title="Models",
        about="Trained models at exact versions, with what they know and how good they are.",
        heads=HEADS,
        numeric=(5, 6),
        empty="No model is published yet.",
    )
    return Part("Models", path, len(rows), "trained and ready to predict", search)


def _knows(entry: ModelEntry) -> Iterator[tuple[str, str]]:
    domain = entry.domain
    yield "samples", domain.kind
    yield "elements", ", ".join(domain.elements)
    yield "absorbers", ", ".join(domain.absorbers)
    for name, known in domain.parameters.items():
        unit = f" {known.unit}" if known.unit else ""
        yield name, f"{known.low:.6g} … {known.high:.6g}{unit}"


def _parity(entry: ModelEntry) -> Chart | None:
    """Return predicted against true intensities, and the line where both are the same."""
    if entry.parity is None or len(entry.parity.true) < 2:
        return None
    true, low, median, high = (
        np.array(getattr(entry.parity, name)) for name in ("true", "low", "median", "high")
    )
    return chart(
        "Predicted against true intensities of the test samples",
        [
            Line(true, true, "validation"),
            Line(true, median, "mean", np.maximum(high - median, median - low)),
        ],
        with_unit("true intensity", entry.predicts.unit),
        "predicted",
    )


def _test(entry: ModelEntry) -> str:
    score = entry.scores.get("test", {}).get("r2")
    return "–" if score is None else str(score)


def _row(place: Place, entry: ModelEntry) -> Row:
    domain = entry.domain
    knows = domain.absorbers or domain.elements or [domain.kind]
    return Row(
        cells=[
            (entry.name, place.page(entry)),
            entry.version,
            entry.channel,
            ", ".join(knows),
            entry.data.reference,
            _test(entry),
            entry.size_text,
            entry.licence or "not stated",
        ],
        facets={
            "Knows": knows,
            "Predicts": [entry.channel],
            "Licence": [entry.licence or "not stated"],
        },
        note=entry.title,
    )


def _search(place: Place, entry: ModelEntry) -> SearchEntry:
    domain = entry.domain
    words: Sequence[str] = [
        entry.channel, entry.data.reference, *domain.elements, *domain.parameters,
        *(component.name for component in entry.components), *entry.keywords, entry.description,
    ]  # fmt: skip
    return SearchEntry(
        "model", entry.name, entry.title, place.page(entry), " ".join(words)[:LONGEST_WORDS]
    )
