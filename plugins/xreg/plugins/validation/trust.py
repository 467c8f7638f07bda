"""Trust against truth: whether what a model expects of its predictions ranks their errors."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.context import AnalysisContext
from xreg.core.arrays import Array
from xreg.core.errors import NotApplicableError
from xreg.core.interfaces.analysis import Analysis, Cell, Drawing, Findings, Table
from xreg.core.metrics import spectrum_error
from xreg.core.model.trust import OUTLIER, Assessment
from xreg.plugins.validation.plugin import TrustConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["TrustAnalysis", "kept_errors"]

BINS = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
FEWEST = 5
SHOWN = ("spread", "roughness", "negative", "distance")


def kept_errors(error: Array, order: NDArray[np.intp]) -> Array:
    """Return the (n,) mean error of the first 1…n spectra of an order."""
    return np.cumsum(error[order]) / np.arange(1, len(order) + 1)


class TrustAnalysis(Analysis[TrustConfig]):
    """Rank the judged spectra by expected error and compare with their true spectrum error."""

    name = "trust"
    Config = TrustConfig

    def analyse(self, context: AnalysisContext) -> Findings:
        """Rank the judged spectra by expected error and compare with their true spectrum error."""
        trust, result = context.model.trust, context.result
        if trust is None:
            raise NotApplicableError(
                "analysis 'trust': too few validation spectra have an error that is defined."
            )
        inputs = context.inputs(context.judged)
        samples = context.samples_of(context.judged)
        found = context.model.assess(samples, inputs, result.predicted, result.spread)
        error = 100 * spectrum_error(result.known, result.predicted)
        sound = np.isfinite(error)
        if sound.sum() < FEWEST:
            raise NotApplicableError(f"analysis 'trust' needs at least {FEWEST} spectra.")
        groups = {"all": sound}
        if self.config.group:
            label = context.label(self.config.group, context.judged)
            groups |= {
                f"{self.config.group} {name}": sound & (label == name) for name in np.unique(label)
            }
        groups |= {
            name: rows
            for name, rows in (
                ("inside", sound & ~found.outside),
                ("outside", sound & found.outside),
            )
            if rows.any() and not rows[sound].all()
        }
        evidence = trust.evidence(inputs, result.predicted, result.spread)
        single = {name: evidence[name] for name in SHOWN if name in evidence}
        ranks: list[list[Cell]] = []
        for name, rows in groups.items():
            correlations = [_spearman(values[rows], error[rows]) for values in single.values()]
            ranks.append(
                [
                    name,
                    int(rows.sum()),
                    _spearman(found.expected[rows], error[rows]),
                    *correlations,
                    float(np.median(found.expected[rows])),
                    float(np.median(error[rows])),
                ]
            )
        good = error < OUTLIER
        trusted = sound & (found.trust >= BINS[-2])
        calibration: list[list[Cell]] = []
        for low, high in pairwise(BINS):
            rows = sound & (found.trust >= low) & ((found.trust < high) | (high == 1))
            if rows.any():
                mean, share = float(found.trust[rows].mean()), float(good[rows].mean())
                calibration.append([f"{low:g}–{high:g}", int(rows.sum()), mean, share])
        return Findings(
            text="The expected error ranks the true spectrum error with a Spearman correlation of "
            f"{ranks[0][2]:.2f} over {ranks[0][1]:,} spectra; {100 * found.trust.mean():.0f} % "
            f"were expected to stay under {OUTLIER:g} %, and {100 * good[sound].mean():.0f} % do.",
            metrics={
                "spearman": {str(row[0]): row[2] for row in ranks},
                "expected_share": 100 * found.trust.mean(),
                "share": 100 * good[sound].mean(),
                "trusted": int(trusted.sum()),
                "trusted_share": 100 * good[trusted].mean() if trusted.any() else None,
                "outside": int(found.outside.sum()),
            },
            tables=[
                Table(
                    "ranks",
                    "How well errors are ranked",
                    [
                        "spectra of",
                        "number",
                        "expected error",
                        *(f"{name} alone" for name in single),
                        "median expected (%)",
                        "median true (%)",
                    ],
                    ranks,
                    "Spearman's correlation with the true spectrum error: of the error expected "
                    "from all evidence, and of each piece of it alone: the emulator's spread, the "
                    "roughness and the negative share of the predicted spectrum, and the distance "
                    "to the training samples. Outside: a parameter beyond its range in "
                    "training, surroundings that no training sample has, or features far from "
                    "theirs.",
                ),
                Table(
                    "calibration",
                    "Trust and what came of it",
                    ["trust", "spectra", "mean trust", f"share under {OUTLIER:g} %"],
                    calibration,
                    f"Trust is the probability of a spectrum error under {OUTLIER:g} %; if it is "
                    "calibrated, the last two columns agree. Without any trust, the share of all "
                    f"{context.judged} spectra is {100 * good[sound].mean():.1f} %.",
                ),
            ],
            drawings=[
                Drawing(
                    "errors",
                    "Expected and true error",
                    "(a) Each spectrum's true error against the expected one. (b) Mean error of "
                    "the spectra that are kept if the least trusted are left out, compared with "
                    "the best possible order and with none.",
                    lambda: _draw(found, error, sound),
                )
            ],
            arrays={
                "ids": result.ids,
                "trust": found.trust,
                "expected_error": found.expected,
                "outside": found.outside,
                "spectrum_error": error,
            },
            units={"expected_error": "%", "spectrum_error": "%"},
        )


def _spearman(a: Array, b: Array) -> float:
    from scipy.stats import spearmanr

    if len(a) < FEWEST or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(spearmanr(a, b).statistic)


def _draw(found: Assessment, error: Array, sound: NDArray[np.bool_]) -> Figure:
    from xreg.core.analysis import style

    figure = style.new_figure(3.3)
    left, right = figure.subplots(1, 2)
    expected, true = found.expected[sound], error[sound]
    for rows, colour, name in (
        (~found.outside[sound], style.TRUE, "inside training"),
        (found.outside[sound], style.PREDICTED, "outside"),
    ):
        if rows.any():
            left.plot(expected[rows], true[rows], ".", ms=2.5, alpha=0.4, color=colour, label=name)
    ends = [min(expected.min(), true.min()), max(expected.max(), true.max())]
    left.plot(ends, ends, color=style.GUIDE, lw=0.8)
    style.log_ticks(left.xaxis, left.yaxis)
    left.set_xlabel("expected spectrum error (%)")
    left.set_ylabel("true spectrum error (%)")
    left.legend(markerscale=3)
    share = 100 * np.arange(1, len(true) + 1) / len(true)
    for order, colour, name in (
        (np.argsort(expected, kind="stable"), style.PREDICTED, "by trust"),
        (np.argsort(true, kind="stable"), style.TRUE_FILL, "by true error"),
    ):
        right.plot(share, kept_errors(true, order), color=colour, label=name)
    right.axhline(true.mean(), color=style.GUIDE, lw=1, ls=(0, (4, 2)), label="no order")
    right.set_xlim(0, 100)
    right.set_ylim(bottom=0)
    right.set_xlabel("share kept (%)")
    right.set_ylabel("their mean spectrum error (%)")
    right.legend()
    style.panel_letters((left, right))
    return figure
