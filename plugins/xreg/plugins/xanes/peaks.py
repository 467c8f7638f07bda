"""Prominent peaks of true and predicted spectra, matched one to one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.analysis.context import AnalysisContext
from xreg.core.analysis.nulls import NULLS, null_predictions
from xreg.core.analysis.windows import in_window
from xreg.core.arrays import Array
from xreg.core.errors import NotApplicableError
from xreg.core.interfaces.analysis import Analysis, Drawing, Findings, Table
from xreg.plugins.xanes.plugin import PeaksConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Matched", "PeaksAnalysis", "find_peaks", "match_peaks", "peak_scores", "smoothed"]

PROMINENCES = (0.02, 0.05, 0.1, 0.2)
TOLERANCES = (0.5, 1.0, 3.0)  # eV
RATES = ("peaks", "hit_rate", "false_rate", "mean_error")


@dataclass(frozen=True, eq=False)
class Matched:
    """Peaks of n spectra and of their predictions.

    Attributes
    ----------
    row
        (p,) spectrum of each matched pair.
    energy, intensity
        (p, 2) of the pair: true, predicted; in eV and in the unit of the spectra.
    known, predicted
        (n,) number of prominent peaks of each spectrum, matched or not.
    false
        (n,) how many of the predicted ones have no partner among the true ones.
    """

    row: NDArray[np.intp]
    energy: Array
    intensity: Array
    known: NDArray[np.intp]
    predicted: NDArray[np.intp]
    false: NDArray[np.intp]

    @property
    def shift(self) -> Array:
        """(p,) energy of the predicted peak minus that of the true one, in eV."""
        return self.energy[:, 1] - self.energy[:, 0]


def find_peaks(energy: ArrayLike, spectrum: ArrayLike, prominence: float) -> tuple[Array, Array]:
    """Return energies and heights of the peaks of one spectrum.

    Parameters
    ----------
    energy, spectrum
        (m,) increasing energies, not necessarily evenly spaced, and intensities.
    prominence
        How far a peak must stand out above the higher of the two valleys beside it, in the unit
        of the intensity (``scipy.signal.find_peaks``).

    Returns
    -------
    energies, heights
        (p,) at the top of the parabola through the highest point and its neighbours, so that they
        are finer than the grid.
    """
    from scipy import signal

    e, y = np.asarray(energy, dtype=np.float64), np.asarray(spectrum, dtype=np.float64)
    top, _ = signal.find_peaks(y, prominence=prominence)
    left, right = e[top - 1] - e[top], e[top + 1] - e[top]
    below, above = y[top - 1] - y[top], y[top + 1] - y[top]
    # y = top + b x + a x² through three points; a flat top (a = 0) stays where it is.
    a = (above / right - below / left) / (right - left)
    b = below / left - a * left
    bent = a < 0
    step = np.where(bent, -b / np.where(bent, 2 * a, 1.0), 0.0)
    step = np.clip(step, left / 2, right / 2)
    return e[top] + step, y[top] + b * step + a * step**2


def smoothed(energy: ArrayLike, spectra: ArrayLike, sigma: float) -> Array:
    """Return (n, m) spectra smoothed with a Gaussian of standard deviation ``sigma`` in eV.

    Near the ends of the grid the Gaussian is cut off and normalised anew.
    """
    e, y = np.asarray(energy, dtype=np.float64), np.asarray(spectra, dtype=np.float64)
    if sigma == 0:
        return y
    kernel = np.exp(-(((e[:, None] - e) / sigma) ** 2) / 2) * np.gradient(e)
    return np.asarray(y @ (kernel / kernel.sum(axis=1, keepdims=True)).T)


def match_peaks(
    energy: ArrayLike,
    known: ArrayLike,
    predicted: ArrayLike,
    *,
    prominence: float = 0.05,
    partner: float = 0.5,
    tolerance: float = 3.0,
) -> Matched:
    """Match the prominent peaks of each spectrum with those of its prediction.

    A prominent peak may have a fainter partner, so that none is missed for a hair's breadth about
    one threshold (two thresholds in a ratio of two, after Canny, IEEE Trans. Pattern Anal. 8, 679
    (1986)). Of all ways to pair true with predicted peaks one to one within the tolerance, the one
    with the most pairs is taken, and among those the one with the least sum of distances
    (``scipy.optimize.linear_sum_assignment``).

    Parameters
    ----------
    energy
        (m,) energies in eV.
    known, predicted
        (n, m) intensities.
    prominence
        Least prominence as a share of the range of each true spectrum; the same height counts
        for its prediction.
    partner
        Least prominence of a partner, as a share of that.
    tolerance
        Largest distance of a pair in eV.
    """
    true, guess = np.asarray(known, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    least = np.maximum(prominence * np.ptp(true, axis=1), np.finfo(float).tiny)
    rows, energies, heights, counts = [], [], [], []
    for row, height in enumerate(least.tolist()):
        (e, y), (f, _) = (find_peaks(energy, s[row], height) for s in (true, guess))
        (faint, _), (g, z) = (find_peaks(energy, s[row], partner * height) for s in (true, guess))
        i, j = _pairs(e, g, tolerance)
        rows += [row] * len(i)
        energies += list(zip(e[i], g[j], strict=True))
        heights += list(zip(y[i], z[j], strict=True))
        counts.append((len(e), len(f), len(f) - len(_pairs(f, faint, tolerance)[0])))
    number = np.array(counts, dtype=np.intp).reshape(-1, 3)
    return Matched(
        np.array(rows, dtype=np.intp),
        np.array(energies, dtype=np.float64).reshape(-1, 2),
        np.array(heights, dtype=np.float64).reshape(-1, 2),
        *number.T,
    )


def _pairs(one: Array, other: Array, tolerance: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    from scipy.optimize import linear_sum_assignment

    distance = np.abs(one[:, None] - other)
    near = distance <= tolerance
    # A pair out of reach costs more than all pairs within reach together.
    i, j = linear_sum_assignment(np.where(near, distance, tolerance * (1 + near.size)))
    return i[near[i, j]], j[near[i, j]]


def peak_scores(found: Matched) -> dict[str, Any]:
    """Return the scores of matched peaks: energies in eV, intensities in the unit of the data.

    ``hit_rate`` is the share of prominent true peaks that have a partner, ``false_rate`` the share
    of prominent predicted ones that have none. Over the pairs: mean and largest size, mean and
    standard deviation of the shift, and R² of predicted against true values.
    """
    pairs, known = len(found.row), int(found.known.sum())
    guessed = int(found.predicted.sum())
    scores: dict[str, Any] = {
        "peaks": known,
        "matched": pairs,
        "hit_rate": 100 * pairs / known if known else None,
        "false_rate": 100 * int(found.false.sum()) / guessed if guessed else None,
    }
    for name, values in (("energy", found.energy), ("intensity", found.intensity)):
        error = values[:, 1] - values[:, 0]
        spread = float(np.sum((values[:, 0] - values[:, 0].mean()) ** 2)) if pairs else 0.0
        scores[name] = {
            "mean_error": float(np.abs(error).mean()) if pairs else None,
            "largest_error": float(np.abs(error).max()) if pairs else None,
            "mean_shift": float(error.mean()) if pairs else None,
            "sigma": float(error.std()) if pairs else None,
            "r2": 1 - float(np.sum(error**2)) / spread if spread > 0 else None,
        }
    return scores


def _rates(found: Matched) -> dict[str, Any]:
    scores = peak_scores(found)
    return {**{key: scores[key] for key in RATES[:-1]}, RATES[-1]: scores["energy"]["mean_error"]}


class PeaksAnalysis(Analysis[PeaksConfig]):
    """Match the peaks of the judged part."""

    name = "peaks"
    Config = PeaksConfig

    def analyse(self, context: AnalysisContext) -> Findings:
        """Match the peaks of the judged part."""
        inside = in_window(context.target.grid, self.config.window)
        energy, result = context.target.grid[inside], context.result
        pair = [
            smoothed(energy, y[:, inside], self.config.smoothing)
            for y in (result.known, result.predicted)
        ]

        def matched(prominence: float) -> Matched:
            return match_peaks(
                energy,
                *pair,
                prominence=prominence,
                partner=self.config.partner,
                tolerance=self.config.tolerance,
            )

        found = matched(self.config.prominence)
        if not len(found.row):
            raise NotApplicableError(
                f"no peak of the {context.judged} set with a prominence of "
                f"{self.config.prominence:g} has a "
                "predicted one near it; lower the prominence or look at another window."
            )
        scores = peak_scores(found)
        scores["by_prominence"] = [
            {
                "prominence": least,
                **_rates(found if least == self.config.prominence else matched(least)),
            }
            for least in sorted({*PROMINENCES, self.config.prominence})
        ]
        scores["by_tolerance"] = self._by_tolerance(context, energy, inside, pair)
        error, unit = scores["energy"], context.target.unit
        nulls = list(scores["by_tolerance"][0]["nulls"])
        columns = ["", "mean |error|", "largest |error|", "mean shift", "σ", "R²"]
        return Findings(
            text=f"{scores['hit_rate']:.1f} % of {scores['peaks']:,} prominent peaks of the "
            f"{context.judged} set have a predicted one within {self.config.tolerance:g} eV, on "
            f"average {error['mean_error']:.2f} eV away; {scores['false_rate']:.1f} % of the "
            f"predicted peaks belong to none. {_beside(scores['by_tolerance'])}",
            metrics=scores,
            tables=[
                Table(
                    "peaks",
                    "Predicted peaks",
                    columns,
                    [
                        [head, *scores[name].values()]
                        for head, name in (
                            ("energy (eV)", "energy"),
                            (f"intensity ({unit})", "intensity"),
                        )
                    ],
                    "Errors are predicted minus true over all pairs of peaks, σ is their standard "
                    "deviation; R² compares predicted and true values of all pairs.",
                ),
                Table(
                    "tolerances",
                    "Hit rate by tolerance, beside what no model would hit",
                    ["within (eV)", "hit rate (%)", *(NULLS[name] for name in nulls)],
                    [
                        [row["tolerance"], row["hit_rate"], *(row["nulls"][n] for n in nulls)]
                        for row in scores["by_tolerance"]
                    ],
                    "The same prominent peaks, and the share of them (%) that have a partner in "
                    "the prediction, in the spectrum of the most similar training sample, in the "
                    "mean and in a random training spectrum: a wide tolerance is passed by any.",
                ),
                Table(
                    "prominences",
                    "Peaks by prominence",
                    [
                        "least prominence (%)",
                        "peaks",
                        "hit rate (%)",
                        "false rate (%)",
                        "mean |error| (eV)",
                    ],
                    [
                        [100 * row["prominence"], *(row[key] for key in RATES)]
                        for row in scores["by_prominence"]
                    ],
                    "The same for peaks that rise by at least this share of the true spectrum's "
                    "range above the valleys beside them. Hit rate: true peaks with a predicted "
                    "partner. False rate: predicted peaks without a true one. A peak smaller than "
                    "the error of the model cannot be expected to be found.",
                ),
            ],
            drawings=[
                Drawing(
                    "parity",
                    "Peaks, predicted against true",
                    "(a, b) Predicted against true energy and height of each matched pair; the "
                    "darker, the more pairs. (c) How far predicted peaks are shifted.",
                    lambda: draw_parity(found, scores, self.config.tolerance, unit),
                )
            ],
            arrays={
                "ids": result.ids[found.row],
                "energy": found.energy,
                "intensity": found.intensity,
            },
            units={"energy": "eV", "intensity": unit},
        )

    def _by_tolerance(
        self, context: AnalysisContext, energy: Array, inside: NDArray[np.bool_], pair: list[Array]
    ) -> list[dict[str, Any]]:
        """Return the hit rate within each tolerance, of the predictions and of what knows none."""
        guesses = {
            name: smoothed(energy, guess[:, inside], self.config.smoothing)
            for name, guess in null_predictions(context).items()
        }

        def rate(guess: Array, tolerance: float) -> float | None:
            found = match_peaks(
                energy,
                pair[0],
                guess,
                prominence=self.config.prominence,
                partner=self.config.partner,
                tolerance=tolerance,
            )
            return peak_scores(found)["hit_rate"]

        return [
            {
                "tolerance": tolerance,
                "hit_rate": rate(pair[1], tolerance),
                "nulls": {name: rate(guess, tolerance) for name, guess in guesses.items()},
            }
            for tolerance in sorted({*TOLERANCES, self.config.tolerance})
        ]


def _beside(rows: list[dict[str, Any]]) -> str:
    """Say the hit rates within the smallest tolerances beside those of a random spectrum."""
    words = [
        f"{row['hit_rate']:.0f} % within {row['tolerance']:g} eV ({row['nulls']['random']:.0f} %)"
        for row in rows
        if row["hit_rate"] is not None
    ]
    return f"By tolerance, beside a random spectrum: {', '.join(words)}."


def draw_parity(found: Matched, scores: dict[str, Any], tolerance: float, unit: str) -> Figure:
    """Draw predicted against true energies and heights of peaks, and their shifts."""
    from xreg.core.analysis import style

    figure = style.new_figure(2.7)
    panels = figure.subplots(1, 3)
    for axis, values, name, unit_ in zip(
        panels, (found.energy, found.intensity), ("energy", "intensity"), ("eV", unit), strict=False
    ):
        low, high = (
            np.quantile(values, (0.001, 0.999))
            if len(values) > 50
            else (values.min(), values.max())
        )
        reach = 0.03 * (high - low) or 1.0
        ends = (low - reach, high + reach)
        axis.plot(ends, ends, color=style.GUIDE, lw=0.8, zorder=0)
        axis.hexbin(
            *values.T,
            gridsize=60,
            extent=(*ends, *ends),
            mincnt=1,
            bins="log",
            cmap="Blues",
            lw=0,
            vmin=0.3,
        )
        axis.set(xlim=ends, ylim=ends, box_aspect=1)
        axis.set_xlabel(f"true {name} ({unit_})")
        axis.set_ylabel(f"predicted {name} ({unit_})")
        axis.locator_params(nbins=4)
        score = scores[name]["r2"]
        axis.set_title("" if score is None else f"R² = {style.r2_text(score)}")
    axis = panels[2]
    axis.hist(found.shift, bins=np.linspace(-tolerance, tolerance, 41), color=style.TRUE_FILL)
    axis.axvline(0, color=style.TRUE, lw=0.8)
    axis.set(xlim=(-tolerance, tolerance), box_aspect=1)
    axis.set_xlabel("predicted − true (eV)")
    style.count_axis(axis.yaxis)
    axis.set_ylabel("pairs of peaks")
    axis.set_title(f"σ = {scores['energy']['sigma']:.2f} eV")
    style.panel_letters(panels)
    return figure
