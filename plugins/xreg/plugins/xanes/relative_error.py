"""Δμ, the relative error of absorption spectra: over the set, by energy, and by example."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.analysis.context import AnalysisContext
from xreg.core.analysis.results import PartResult
from xreg.core.analysis.windows import in_window
from xreg.core.arrays import Array
from xreg.core.data.broadening import arctangent_broadened
from xreg.core.errors import NotApplicableError
from xreg.core.interfaces.analysis import Analysis, Drawing, Findings, Table
from xreg.plugins.xanes.plugin import RelativeErrorConfig

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "RelativeErrorAnalysis",
    "distribution",
    "error_quantiles",
    "percentile_rows",
    "relative_error",
]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def relative_error(known: ArrayLike, predicted: ArrayLike, floor: float = 0.0) -> Array:
    r"""Return :math:`\Delta\mu = \mathrm{median}_E |\hat\mu - \mu|/\mu` of each spectrum, in %.

    The score of Rankine and Penfold, J. Chem. Phys. 156, 164102 (2022).

    Parameters
    ----------
    known, predicted
        (n, m) intensities.
    floor
        An energy where a true spectrum is at or below this share of its largest intensity does not
        count for it: where nearly nothing is absorbed the ratio is arbitrary. Zero gives the
        published definition, in which only what is not positive is left out.

    Returns
    -------
    numpy.ndarray
        (n,); NaN for a spectrum that is nowhere positive.
    """
    true, guess = np.asarray(known, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    counted = true > np.maximum(floor * true.max(axis=1, keepdims=True), 0.0)
    ratio = np.full(true.shape, np.nan)
    np.divide(np.abs(guess - true), true, out=ratio, where=counted)
    median = np.full(len(true), np.nan)
    some = counted.any(axis=1)
    median[some] = 100 * np.nanmedian(ratio[some], axis=1)
    return median


def distribution(values: ArrayLike) -> dict[str, float]:
    """Return median, quartiles, mean and skewness of the finite ones of (n,) values."""
    from scipy.stats import skew

    finite = np.asarray(values, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    lower, median, upper = np.quantile(finite, (0.25, 0.5, 0.75)).tolist()
    varied = bool(np.ptp(finite) > 0)
    return {
        "median": median,
        "lower_quartile": lower,
        "upper_quartile": upper,
        "mean": float(finite.mean()),
        "skewness": float(skew(finite)) if varied else 0.0,
    }


def error_quantiles(known: ArrayLike, predicted: ArrayLike) -> Array:
    """Return the (5, m) quantiles (5, 25, 50, 75, 95 %) of predicted minus true at each energy."""
    quantiles: Array = np.quantile(np.asarray(predicted) - np.asarray(known), QUANTILES, axis=0)
    return quantiles


def percentile_rows(values: ArrayLike, percentiles: ArrayLike) -> list[int]:
    """Return the row whose value stands at each percentile of the finite values, in %."""
    numbers = np.asarray(values, dtype=np.float64)
    order = np.argsort(numbers, kind="stable")[: int(np.isfinite(numbers).sum())]
    places = np.round(np.asarray(percentiles) / 100 * (len(order) - 1)).astype(int)
    return [int(row) for row in order[places]]


class RelativeErrorAnalysis(Analysis[RelativeErrorConfig]):
    """Say how large Δμ is over each part, and where on the energy axis errors arise."""

    name = "relative-error"
    Config = RelativeErrorConfig

    def _broadened(
        self, context: AnalysisContext, energy: Array, inside: NDArray[np.bool_]
    ) -> dict[str, dict[str, float]]:
        """Return the distribution of Δμ of broadened spectra in each part; none if not asked for.

        Rankine and Penfold, Table I, in parentheses.
        """
        asked = self.config.arctangent
        if asked is None:
            return {}
        if not energy[0] <= asked.fermi < energy[-1]:
            raise NotApplicableError(
                f"analysis 'relative-error': the Fermi level {asked.fermi:g} eV of 'arctangent' "
                f"lies outside the spectra, which span {energy[0]:g}…{energy[-1]:g} eV."
            )

        def broad(values: Array) -> Array:
            return arctangent_broadened(
                energy, values, asked.fermi, asked.width, asked.gamma_max, asked.e_cent,
                asked.e_larg,
            )[:, inside]  # fmt: skip

        return {
            part: distribution(
                relative_error(broad(result.known), broad(result.predicted), self.config.floor)
            )
            for part, result in context.results.items()
        }

    def analyse(self, context: AnalysisContext) -> Findings:
        """Say how large Δμ is over each part, and where on the energy axis errors arise."""
        energy = context.target.grid
        inside = in_window(energy, self.config.window)
        errors = {
            part: relative_error(
                result.known[:, inside], result.predicted[:, inside], self.config.floor
            )
            for part, result in context.results.items()
        }
        broadened = self._broadened(context, energy, inside)
        error, result = errors[context.judged], context.result
        if not np.isfinite(error).any():
            raise NotApplicableError("Δμ of spectra that are nowhere positive is undefined.")
        found = {part: distribution(values) for part, values in errors.items()}
        score = found[context.judged]
        rows = percentile_rows(error, self.config.percentiles)
        bands = error_quantiles(result.known, result.predicted)
        return Findings(
            text=f"Half of the {context.judged} spectra have a Δμ (median over energies of "
            f"|predicted − true|/true) below {score['median']:.2f} %, a quarter above "
            f"{score['upper_quartile']:.2f} %; skewness {score['skewness']:.2f}."
            + (
                f" After arctangent broadening the median is "
                f"{broadened[context.judged]['median']:.2f} %."
                if broadened
                else ""
            ),
            metrics={**found, **({"broadened": broadened} if broadened else {})},
            tables=[
                Table(
                    "distribution",
                    "Δμ over the spectra of each part",
                    [
                        "part",
                        "spectra",
                        "median (%)",
                        "lower quartile (%)",
                        "upper quartile (%)",
                        "mean (%)",
                        "skewness",
                    ],
                    [
                        [name, len(errors[part]), *values[part].values()]
                        for values, word in ((found, ""), (broadened, ", broadened"))
                        for part in values
                        for name in (f"{part}{word}",)
                    ],
                    "Energies where a true spectrum is below "
                    f"{100 * self.config.floor:g} % of its largest intensity do not count for it.",
                )
            ],
            drawings=[
                Drawing(
                    "by-energy",
                    "Error by energy",
                    "(a) Mean true and predicted spectrum. (b) Predicted minus true: half of the "
                    "spectra lie in the darker band, nine in ten in the lighter one. (c) "
                    "Distribution of Δμ; lines mark the examples of the next figure.",
                    lambda: draw_by_energy(energy, result, bands, error, rows, context.target.unit),
                ),
                Drawing(
                    "examples",
                    "Examples by percentile of Δμ",
                    "True and predicted spectra whose Δμ is at these percentiles of the "
                    f"{context.judged} set: so many of a hundred spectra are predicted better.",
                    lambda: draw_examples(
                        energy, result, error, rows, self.config.percentiles, context.target.unit
                    ),
                ),
            ],
            arrays={"ids": result.ids, "relative_error": error, "error_quantiles": bands},
            units={"relative_error": "%", "error_quantiles": context.target.unit},
        )


def draw_by_energy(
    energy: Array, result: PartResult, bands: Array, error: Array, rows: list[int], unit: str
) -> Figure:
    """Draw mean spectra, the band of errors, and the distribution of Δμ."""
    from xreg.core.analysis import style

    figure = style.new_figure(3.3)
    halves: Any = figure.subfigures(1, 2, width_ratios=(1.5, 1))
    left, right = halves
    top, bottom = left.subplots(2, 1, sharex=True)
    top.plot(energy, result.known.mean(axis=0), color=style.TRUE, label="true, mean")
    top.plot(
        energy,
        result.predicted.mean(axis=0),
        color=style.PREDICTED,
        ls=(0, (4, 2)),
        label="predicted, mean",
    )
    top.set_ylabel(f"intensity ({unit})")
    top.legend()
    top.label_outer()
    bottom.fill_between(
        energy, bands[0], bands[4], color=style.PREDICTED_FILL, alpha=0.35, label="90 %"
    )
    bottom.fill_between(energy, bands[1], bands[3], color=style.PREDICTED, alpha=0.45, label="50 %")
    bottom.plot(energy, bands[2], color=style.TRUE, lw=0.9, label="median")
    bottom.axhline(0, color=style.GUIDE, lw=0.7, zorder=0)
    bottom.set_ylabel(f"predicted − true ({unit})")
    style.energy_axis(bottom, energy)
    bottom.margins(y=0.2)
    bottom.legend(ncols=3, fontsize=7, loc="upper left")
    axis = right.subplots()
    finite = error[np.isfinite(error)]
    end = float(np.quantile(finite, 0.98)) * 1.1 or 1.0
    beyond = int(np.sum(finite > end))
    axis.hist(finite[finite <= end], bins=np.linspace(0, end, 41), color=style.TRUE_FILL)
    for row, colour in zip(rows, style.PALETTE, strict=False):
        axis.axvline(error[row], color=colour, lw=1.5)
    axis.set_xlim(0, end)
    axis.set_xlabel("Δμ (%)")
    axis.set_ylabel("number of spectra")
    style.count_axis(axis.yaxis)
    axis.set_title(f"{beyond:,} of {len(finite):,} are off the right edge" if beyond else "")
    style.panel_letters((top, bottom, axis))
    return figure


def draw_examples(
    energy: Array,
    result: PartResult,
    error: Array,
    rows: list[int],
    percentiles: tuple[float, ...],
    unit: str,
) -> Figure:
    """Draw true and predicted spectra of some rows."""
    from xreg.core.analysis import style

    columns = min(3, len(rows))
    count = -(-len(rows) // columns)
    figure = style.new_figure(2.1 * count + 0.2)
    panels: list[Axes] = (
        figure.subplots(count, columns, sharex=True, sharey=True, squeeze=False).ravel().tolist()
    )
    for axis, row, percentile, colour in zip(
        panels, rows, percentiles, cycle(style.PALETTE), strict=False
    ):
        axis.plot(energy, result.known[row], color=style.TRUE, label="true")
        guess = result.predicted[row]
        axis.plot(energy, guess, color=style.PREDICTED, ls=(0, (4, 2)), label="predicted")
        if result.spread is not None:
            low, high = guess - result.spread[row], guess + result.spread[row]
            axis.fill_between(energy, low, high, color=style.PREDICTED_FILL, alpha=0.4)
        axis.set_title(
            f"percentile {percentile:g}: Δμ = {error[row]:.2f} %\n{result.ids[row]}",
            color=colour,
            fontsize=8,
        )
        style.energy_axis(axis, energy, most=4, beside=columns > 1)
        axis.set_ylabel(f"intensity ({unit})")
    panels[0].legend()
    style.remove_unused_panels(panels, len(rows), columns)
    return figure
