"""How a page states a score: mean and spread over splits, beside what no model would score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xreg.core.analysis.nulls import NULLS
from xreg.core.text import with_unit
from xreg.workbench.report.report_data import ReportData

__all__ = ["Headline", "MeasureTable", "measures", "over_splits", "score_text"]

SCORES = {
    "r2": "R²",
    "rmse": "RMSE",
    "sample_r2.median": "R² of single spectra, median",
    "spectrum_error.median": "spectrum error, median (%)",
    "spectrum_error.outliers": "spectra with an error ≥ 10 % (%)",
}
"""Scores of the table of nulls, by their path in the metrics of a part."""
HEADS = {
    "r2": "R²",
    "sample_r2.median": "R² of a single spectrum, median",
    "spectrum_error.median": "median spectrum error (%)",
    "formulas.seen.r2": "R², formulas seen in training",
    "formulas.unseen.r2": "R², other formulas",
}
"""Scores that open the page of a run over several splits."""
OVER = {
    **SCORES,
    "formulas.seen.r2": HEADS["formulas.seen.r2"],
    "formulas.unseen.r2": HEADS["formulas.unseen.r2"],
    **{
        f"coverage.{kind}.within_{level}": f"in the {level} % interval, {word}"
        for kind, word in (("all", "all"), ("seen", "seen formulas"), ("unseen", "other formulas"))
        for level in (68, 95)
    },
    **{f"nulls.{name}.r2": f"R² of {words}" for name, words in NULLS.items()},
}
"""Scores of the judged part in the table of all splits; ``metrics.json`` has the others too."""
MOST_DEEP = 2  # numbers of an analysis that are shown: not those of its lists and tables


@dataclass(frozen=True)
class Headline:
    """One number that opens the page, and what it means."""

    value: str
    name: str
    note: str = ""


@dataclass(frozen=True)
class MeasureTable:
    """A table of scores of the page."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    caption: str = ""


def over_splits(found: Mapping[str, Any]) -> list[Headline]:
    """Return the headlines of a run over several splits, mean ± spread each."""
    heads = []
    for key, name in HEADS.items():
        if (one := found["scores"].get(f"{found['part']}.{key}")) is None:
            continue
        note = f"{found['part']} set, mean ± spread over {len(found['names'])} splits"
        if key == "r2" and (interval := found["r2_interval"]):
            ends = " … ".join(f"{end:.3f}".replace("-", "−") for end in interval)
            note += f"; 95 % interval {ends}"
        heads.append(Headline(_mean(one), name, note))
    return heads


def measures(report_data: ReportData) -> list[MeasureTable]:
    """Return the tables about splits and nulls of a page."""
    metrics, judged = report_data.metrics, report_data.judged
    tables = []
    scores = metrics.get(judged, {})
    if nulls := scores.get("nulls"):
        shown = [key for key in SCORES if _at(scores, key) is not None]
        if not report_data.target.one_unit:
            shown = [key for key in shown if key not in ("r2", "rmse")]
        others = [[NULLS[name], *(_at(one, key) for key in shown)] for name, one in nulls.items()]
        tables.append(
            MeasureTable(
                f"What no model would score on the {judged} set",
                ["prediction", *(SCORES[key] for key in shown)],
                [["the model", *(_at(scores, key) for key in shown)], *others],
                "A rate says how good a model is only beside that of a guess. The nearest training "
                "sample is that of the most similar features (of more than 5,000 training samples, "
                "among 5,000)."
                if "train" in report_data.parts
                else "A rate says how good a model is only beside that of a guess. The training "
                "spectra are not at hand: mean and random spectrum are of the judged samples.",
            )
        )
    if familiar := scores.get("formulas"):
        tables.append(
            MeasureTable(
                "Formulas that training has seen, and others",
                ["samples of", "number", "R²"],
                [[f"{name} formulas", one["samples"], one["r2"]] for name, one in familiar.items()],
                "R² about the mean of these samples alone.",
            )
        )
    if covered := scores.get("coverage"):
        tables.append(_coverage(covered, judged, report_data.target.unit))
    if over := metrics.get("splits"):
        tables.append(_splits(over))
    return tables


def _coverage(covered: Mapping[str, Any], judged: str, unit: str) -> MeasureTable:
    rows = []
    for kind in ("all", "seen", "unseen"):
        if (one := covered.get(kind)) is None:
            continue
        row = [kind if kind == "all" else f"{kind} formulas", one["samples"]]
        for level in ("68", "95"):
            within = one[f"within_{level}"]
            row += [None if within is None else 100 * within, one[f"half_width_{level}"]]
        rows.append(row)
    seen, unseen = covered["groups"]["seen"], covered["groups"]["unseen"]
    return MeasureTable(
        "What the intervals hold",
        [
            f"samples of the {judged} set",
            "number",
            "in the 68 % interval (%)",
            with_unit("mean half width", unit),
            "in the 95 % interval (%)",
            with_unit("mean half width", unit),
        ],
        rows,
        "Share of all errors, energy by energy, inside the intervals that are to hold 68 and 95 % "
        f"of them. They rest on errors of samples that training did not see, of {seen:,} groups "
        f"with formulas that it saw and of {unseen:,} with others; a dash: too few groups for "
        "this level.",
    )


def _splits(over: Mapping[str, Any]) -> MeasureTable:
    rows = []
    for key, one in over["scores"].items():
        part, _, rest = key.partition(".")
        analysed = part == "analyses" and rest.count(".") < MOST_DEEP
        if not analysed and (part != over["part"] or rest not in OVER):
            continue
        values = ", ".join("–" if value is None else f"{value:.3g}" for value in one["values"])
        words = rest if analysed else OVER[rest]
        rows.append([words, one["mean"], one["spread"], values.replace("-", "−")])
    names = ", ".join(over["names"])
    return MeasureTable(
        f"Scores over {len(over['names'])} splits",
        ["score", "mean", "spread", "values"],
        rows,
        f"Splits: {names}. Each has a model of its own; spread is the standard deviation between "
        f"splits. {over['groups']:,} different groups or samples were tested; R² of all tests "
        f"pooled: {score_text(over['pooled_r2'])}. All other scores stand in metrics.json.",
    )


def _mean(one: Mapping[str, Any]) -> str:
    digits = 4 if abs(one["mean"]) < 2 else 2
    return f"{one['mean']:.{digits}f} ± {one['spread']:.{digits}f}".replace("-", "−")


def _at(scores: Mapping[str, Any], path: str) -> Any:
    found: Any = scores
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def score_text(value: float | None) -> str:
    """Return a score with four digits, or five where it is nearly one."""
    if value is None:
        return "–"
    digits = 5 if value > 0.9995 else 4
    return f"{value:.{digits}f}".replace("-", "−")
