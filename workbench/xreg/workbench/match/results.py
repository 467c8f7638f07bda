"""The folder that a match leaves: answers, tables, pictures and page."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from xreg.core.files import write_csv, write_text
from xreg.core.run import FORMAT
from xreg.workbench.match.combination import Combination
from xreg.workbench.match.match import Answer, Matched, Series, match_spectra
from xreg.workbench.match.nearest import Match
from xreg.workbench.match.recipe import MatchRecipe
from xreg.workbench.result_folder import result_folder, write_json

__all__ = ["match", "result_table"]

# Pictures of so many spectra are drawn; the tables hold all.
DRAWN = 12
# Probabilities below this are not listed.
LEAST = 0.01


def match(recipe: MatchRecipe, out: Path) -> tuple[Matched, dict[str, Any]]:
    """Find measured spectra in a library, and leave one folder with everything about it.

    Parameters
    ----------
    recipe
        What to match, with what, and how.
    out
        Folder to make. Nothing appears under its name before it is complete.

    Returns
    -------
    matched
        All that was found.
    dict
        What ``match.json`` holds.

    Raises
    ------
    XregError
        As :func:`xreg.workbench.match.match.match_spectra`.
    """
    with result_folder(out, "match") as growing:
        matched = match_spectra(recipe)
        write_text(growing.path / "recipe.yaml", recipe.to_yaml())
        return matched, _write(matched, growing.path)


def result_table(matched: Matched) -> dict[str, Any]:
    """Return everything that ``match.json`` holds, as JSON values."""
    return {
        "format": FORMAT,
        "xreg": version("xreg"),
        **{name: value for name, value in matched.facts.items() if name != "calibration"},
        "spectra": [_answer(matched, answer) for answer in matched.answers],
        "calibrations": [
            {
                "scale": c.scale,
                "judged": len(c.stated),
                "right": float(c.right.mean()) if len(c.right) else None,
                "stated": float(c.stated.mean()) if len(c.stated) else None,
                "null": c.null,
                "reliability": c.reliability(),
            }
            for c in matched.calibrations
        ],
        "series": None if matched.series is None else _series(matched, matched.series),
    }


def _answer(matched: Matched, answer: Answer) -> dict[str, Any]:
    calibration = matched.calibration_of(answer)
    ids = matched.library.ids
    names = ids if calibration.labels is None else calibration.labels
    order = np.argsort(-answer.probabilities, kind="stable")
    return {
        "name": answer.spectrum.name,
        "sha256": answer.spectrum.measured.sha256,
        "window": list(answer.comparison.window),
        "remarks": answer.remarks,
        "probabilities": [
            {"value": _plain(names[i]), "probability": float(answer.probabilities[i])}
            for i in order[: len(answer.matches)]
            if answer.probabilities[i] >= LEAST
        ],
        "resemblance": answer.resemblance,
        "resembles": answer.resembles,
        "nearest": [_match(matched, one) for one in answer.matches],
        "combinations": [_combination(matched, one) for one in answer.combinations],
    }


def _match(matched: Matched, one: Match) -> dict[str, Any]:
    labels = matched.library.labels
    return {
        "reference": str(matched.library.ids[one.row]),
        "label": None if labels is None else _plain(labels[one.row]),
        "misfit": one.misfit,
        "shift": one.shift,
        "broadening": one.width,
        "scale": one.scale,
        "offset": one.offset,
    }


def _combination(matched: Matched, one: Combination) -> dict[str, Any]:
    return {
        "weights": [
            {"reference": str(matched.library.ids[row]), "weight": float(w), "std": float(s)}
            for row, w, s in zip(one.rows, one.weights, one.std, strict=True)
        ],
        "reduced_chi2": one.reduced_chi2,
        "r_factor": one.r_factor,
        "shift": one.shift,
        "broadening": one.width,
    }


def _series(matched: Matched, series: Series) -> dict[str, Any]:
    ids = matched.library.ids
    return {
        "components": series.found.count,
        "singular_values": series.found.values.tolist(),
        "real_error": series.found.real_error.tolist(),
        "indicator": series.found.indicator.tolist(),
        "target_tests": [
            {"reference": str(ids[row]), "misfit": test.misfit, "spoil": test.spoil}
            for row, test in series.tests
        ],
        "lack_of_fit": series.resolved.lack_of_fit,
        "as_good": series.resolved.as_good,
        "starts": series.resolved.starts,
        "like": [{"reference": str(ids[row]), "misfit": value} for row, value in series.likely],
    }


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _write(matched: Matched, folder: Path) -> dict[str, Any]:
    """Write ``match.json``, tables, pictures and ``report.html``."""
    from xreg.core.analysis.style import styled
    from xreg.workbench.match import figures
    from xreg.workbench.report.page import drawn, fill

    table = result_table(matched)
    write_json(folder / "match.json", table)
    write_csv(folder / "nearest.csv", _nearest_rows(table))
    if any(one["combinations"] for one in table["spectra"]):
        write_csv(folder / "combinations.csv", _combination_rows(table))
    pictures, series = [], None
    with styled():
        for number, answer in enumerate(matched.answers[:DRAWN], start=1):
            figure = figures.draw_answer(matched, answer)
            pictures.append(drawn(figure, folder / f"spectrum-{number}.png"))
        reliability = drawn(figures.draw_reliability(matched), folder / "reliability.png")
        if matched.series is not None:
            figure = figures.draw_series(matched, matched.series)
            series = drawn(figure, folder / "series.png")
            _write_series(folder, matched, matched.series)
    page = fill(
        "match",
        result=table,
        pictures=pictures,
        drawn=DRAWN,
        reliability=reliability,
        series=series,
    )
    write_text(folder / "report.html", page)
    return table


def _nearest_rows(table: dict[str, Any]) -> list[list[Any]]:
    head = ["spectrum", "reference", "label", "misfit", "shift (eV)", "broadening (eV)", "scale",
            "offset"]  # fmt: skip
    keys = ("reference", "label", "misfit", "shift", "broadening", "scale", "offset")
    rows = [
        [one["name"], *(near[key] for key in keys)]
        for one in table["spectra"]
        for near in one["nearest"]
    ]
    return [head, *rows]


def _combination_rows(table: dict[str, Any]) -> list[list[Any]]:
    head = ["spectrum", "combination", "reference", "weight", "std", "reduced chi2", "R factor",
            "shift (eV)", "broadening (eV)"]  # fmt: skip
    rows = [
        [one["name"], number, part["reference"], part["weight"], part["std"],
         both["reduced_chi2"], both["r_factor"], both["shift"], both["broadening"]]
        for one in table["spectra"]
        for number, both in enumerate(one["combinations"], start=1)
        for part in both["weights"]
    ]  # fmt: skip
    return [head, *rows]


def _write_series(folder: Path, matched: Matched, series: Series) -> None:
    number = range(1, series.found.count + 1)
    curves = np.column_stack([series.energy, series.resolved.curves.T])
    heads = ["energy (eV)", *(f"component {i}" for i in number)]
    write_csv(folder / "components.csv", [heads, *curves.tolist()])
    found = series.resolved
    heads = ["spectrum", *(f"share {i}{end}" for i in number for end in ("", " least", " most"))]
    rows = [
        [answer.spectrum.name, *np.stack([own, low, high], axis=1).ravel().tolist()]
        for answer, own, low, high in zip(
            matched.answers, found.shares, found.low, found.high, strict=True
        )
    ]
    write_csv(folder / "shares.csv", [heads, *rows])
