"""Largest peak misfit: the greatest pointwise difference of each spectrum, and where it lies.

The measure of J. Lüder, arXiv:2107.13149 (2021), section "Testing and performance analysis" and
Figs. 5 to 8, which calls it KST after the Kolmogorov–Smirnov test but compares intensities and not
their sums: KST_j = max_i |y_pred,ij − y_true,ij|, and the energy of that channel. All KSTs of a
test set are its MEPD (maximal erratic peak intensity distribution).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.context import AnalysisContext
from xreg.core.arrays import Array
from xreg.core.errors import NotApplicableError
from xreg.core.interfaces.analysis import Analysis, Cell, Drawing, Findings, Table
from xreg.plugins.l_edges.edges import boundary, branching_ratio
from xreg.plugins.l_edges.plugin import MisfitConfig

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["MisfitAnalysis", "boxed", "largest_misfit"]

MOST_POINTS = 3000
FEWEST = 5  # points of a density estimate, and channels of a correlation
CONTOURS = 6


def boxed(
    known: Array, predicted: Array, box: Literal["spectrum", "dataset", "none"]
) -> tuple[Array, Array]:
    """Return true and predicted (n, m) spectra in units of the true ones' box.

    Parameters
    ----------
    known, predicted
        (n, m) spectra.
    box
        ``spectrum``: the least and greatest true intensity of each spectrum become 0 and 1, and its
        prediction goes with it; ``dataset``: those of all spectra; ``none``: as they are. A
        spectrum that is constant becomes NaN.
    """
    if box == "none":
        return known, predicted
    axis = 1 if box == "spectrum" else None
    low, high = known.min(axis=axis, keepdims=True), known.max(axis=axis, keepdims=True)
    width = np.where(high > low, high - low, np.nan)
    return (known - low) / width, (predicted - low) / width


def largest_misfit(energy: Array, known: Array, predicted: Array) -> tuple[Array, Array]:
    """Return energy (eV) and size of the largest pointwise difference, the KST of each spectrum.

    Parameters
    ----------
    energy
        (m,) energies in eV.
    known, predicted
        (n, m) spectra.

    Returns
    -------
    at, size
        (n,) each; the size in the unit of the spectra, positive where too much is predicted; NaN
        for a spectrum that is not finite.
    """
    difference = predicted - known
    sound = np.asarray(np.isfinite(difference).all(axis=1))
    where = np.abs(np.where(sound[:, None], difference, 0)).argmax(axis=1)
    size = np.where(sound, difference[np.arange(len(where)), where], np.nan)
    return np.where(sound, energy[where], np.nan), size


class MisfitAnalysis(Analysis[MisfitConfig]):
    """Find each spectrum's largest misfit, and group the energies (k-means) into edges."""

    name = "misfit"
    Config = MisfitConfig

    def analyse(self, context: AnalysisContext) -> Findings:
        """Find each spectrum's largest misfit, and group the energies (k-means) into edges."""
        energy = context.target.grid
        known, predicted = boxed(context.result.known, context.result.predicted, self.config.box)
        at, size = largest_misfit(energy, known, predicted)
        sound = np.isfinite(at)
        if len(np.unique(at[sound])) < len(self.config.groups):
            raise NotApplicableError(
                f"analysis 'misfit' finds too few different energies for "
                f"{len(self.config.groups)} groups; "
                "name fewer in 'groups'."
            )
        group = np.full(len(at), -1)
        parting = _parting(energy, known[sound]) if len(self.config.groups) == 2 else None
        group[sound] = _grouped(at[sound], len(self.config.groups))
        how = "grouped by k-means"
        if parting is not None and not _on_both_sides(at, group, parting):
            group[sound] = at[sound] >= parting
            how = f"divided at {parting:.2f} eV, between the two edges"
        rows = [_row(name, at, size, group == i) for i, name in enumerate(self.config.groups)]
        columns = ("spectra", "share", "energy", "energy_spread", "size", "largest", "over")
        unit = {
            "spectrum": "of the spectrum's range",
            "dataset": "of the range of all spectra",
            "none": "in the unit of the spectra",
        }[self.config.box]
        shares = ", ".join(f"{row[2]:.0f} % in {row[0]}" for row in rows)
        text = (
            "The largest pointwise difference of a spectrum (the KST of Lüder, arXiv:2107.13149, "
            f"Fig. 5) has a median of {np.nanmedian(np.abs(size)):.3g} {unit} and lies {shares}."
        )
        ratios = {} if parting is None else _ratios(energy, known[sound], rows, parting)
        if "r_mepd" in ratios:
            text += (
                f" r_MEPD, their number in {rows[0][0]} over that in {rows[1][0]}, is "
                f"{ratios['r_mepd']:.2f}, the branching ratio of the mean spectrum "
                f"{ratios['branching_ratio']:.2f}."
            )
        channels = _channels(energy, known[sound], predicted[sound], at[sound], size[sound])
        return Findings(
            text=text,
            metrics={
                "median_size": float(np.nanmedian(np.abs(size))),
                "groups": {str(row[0]): dict(zip(columns, row[1:], strict=True)) for row in rows},
                **ratios,
                "channels": {str(row[0]): {"mean": row[1], "std": row[2]} for row in channels},
            },
            tables=[
                Table(
                    "groups",
                    "Where the largest misfit lies",
                    [
                        "group",
                        "spectra",
                        "share (%)",
                        "mean energy (eV)",
                        "spread (eV)",
                        "median size",
                        "largest",
                        "too high (%)",
                    ],
                    rows,
                    f"Energies of the largest misfit {how}. Sizes are {unit}. Too high: the share "
                    "in which the prediction lies above the true spectrum.",
                ),
                Table(
                    "channels",
                    "What errors go with, energy by energy",
                    ["quantity", "r with mean", "r with standard deviation"],
                    channels,
                    "Pearson correlation over energies with the mean and the standard deviation "
                    "of the true spectra (Fig. 8 of that paper). KST: the largest misfit of a "
                    "spectrum; the largest KST is taken over energies that have one.",
                ),
            ],
            drawings=[
                Drawing(
                    "energies",
                    "Energy and size of the largest misfit",
                    "(a) Mean and standard deviation of the true spectra, and the density of the "
                    "energies at which the largest misfits lie. (b) Each spectrum's largest "
                    "misfit coloured by its group, with density contours.",
                    lambda: _draw(energy, known[sound], at, size, group, self.config.groups, unit),
                )
            ],
            arrays={"ids": context.result.ids, "energy": at, "size": size, "group": group},
            units={"energy": "eV"},
        )


def _row(name: str, at: Array, size: Array, inside: NDArray[np.bool_]) -> list[Cell]:
    """Return name, number, share and, where there are any, the statistics of one group."""
    number, share = int(inside.sum()), 100 * float(inside.mean())
    if not number:
        return [name, 0, share, None, None, None, None, None]
    misfits = np.abs(size[inside])
    return [
        name,
        number,
        share,
        float(at[inside].mean()),
        float(at[inside].std()),
        float(np.median(misfits)),
        float(misfits.max()),
        100 * float((size[inside] > 0).mean()),
    ]


def _parting(energy: Array, known: Array) -> float | None:
    """Return the energy (eV) between two edges of the known spectra, None where there is none."""
    try:
        return boundary(energy, known)
    except NotApplicableError:
        return None


def _on_both_sides(at: Array, group: NDArray[np.int_], parting: float) -> bool:
    """Whether two groups of energies lie about on either side: then they are the two edges."""
    return bool(at[group == 0].mean() < parting <= at[group == 1].mean())


def _ratios(
    energy: Array, known: Array, rows: list[list[Cell]], parting: float
) -> dict[str, float]:
    """Return r_MEPD, where the upper edge has any misfits, and the mean spectrum's branching."""
    (ratio,) = branching_ratio(energy, known.mean(axis=0)[None], parting)
    number, others = (float(str(row[1])) for row in rows)
    found = {"branching_ratio": float(ratio)}
    return {"r_mepd": number / others, **found} if others else found


def _channels(
    energy: Array, known: Array, predicted: Array, at: Array, size: Array
) -> list[list[Cell]]:
    """Return the correlations over channels of Fig. 8, with mean and deviation of the spectra."""
    channel = np.searchsorted(energy, at)
    largest = np.full(len(energy), np.nan)
    np.fmax.at(largest, channel, np.abs(size))
    quantities = {
        "mean absolute difference": np.abs(predicted - known).mean(axis=0),
        "largest KST": largest,
        "number of KSTs": np.bincount(channel, minlength=len(energy)).astype(np.float64),
    }
    mean, std = known.mean(axis=0), known.std(axis=0)
    return [
        [name, pearson(values, mean), pearson(values, std)] for name, values in quantities.items()
    ]


def pearson(a: Array, b: Array) -> float:
    """Return Pearson's correlation over where both are finite; NaN where one does not vary."""
    sound = np.isfinite(a) & np.isfinite(b)
    if sound.sum() < FEWEST or np.ptp(a[sound]) == 0 or np.ptp(b[sound]) == 0:
        return float("nan")
    return float(np.corrcoef(a[sound], b[sound])[0, 1])


def _grouped(at: Array, count: int) -> NDArray[np.intp]:
    """Return the number of each energy's group, from low to high energy."""
    from sklearn.cluster import KMeans

    found = KMeans(count, n_init=10, random_state=0).fit(at[:, None])
    rank = np.argsort(np.argsort(found.cluster_centers_[:, 0]))
    return np.asarray(rank[found.labels_], dtype=np.intp)


def _draw(
    energy: Array,
    known: Array,
    at: Array,
    size: Array,
    group: NDArray[np.int_],
    names: tuple[str, ...],
    unit: str,
) -> Figure:
    from scipy.stats import gaussian_kde

    from xreg.core.analysis import style

    figure = style.new_figure(4.6)
    top, bottom = figure.subplots(2, 1, sharex=True)
    mean, std = known.mean(axis=0), known.std(axis=0)
    tallest = mean.max()
    low, high = (mean - std) / tallest, (mean + std) / tallest
    top.fill_between(energy, low, high, color=style.TRUE_FILL, alpha=0.35, lw=0,
                     label="mean ± std of the spectra")  # fmt: skip
    top.plot(energy, mean / tallest, color=style.TRUE, lw=0.9)
    found = at[np.isfinite(at)]
    if np.ptp(found) > 0:
        density = gaussian_kde(found, bw_method=0.08)(energy)
        top.plot(energy, density / density.max(), color=style.PREDICTED,
                 label="density of the energies")  # fmt: skip
    top.set_ylabel("relative to maximum")
    top.set_title("where the largest misfits lie")
    top.legend()
    height = np.log10(np.maximum(np.abs(size), 1e-12))
    shown = np.random.default_rng(0).permutation(len(at))[:MOST_POINTS]
    for number, name in enumerate(names):
        rows = shown[group[shown] == number]
        colour = style.PALETTE[number % len(style.PALETTE)]
        bottom.plot(at[rows], 10 ** height[rows], ".", ms=3, alpha=0.4, color=colour, label=name)
        _contours(bottom, at[group == number], height[group == number], colour)
    style.log_ticks(bottom.yaxis)
    style.energy_axis(bottom, energy)
    bottom.set_ylabel(f"largest misfit\n({unit})")
    bottom.set_title("largest misfit of each spectrum, with density contours")
    bottom.legend(markerscale=3)
    style.panel_letters((top, bottom))
    return figure


def _contours(axis: Axes, at: Array, height: Array, colour: str) -> None:
    """Draw the density of energies and logarithms of sizes of one group."""
    from scipy.stats import gaussian_kde

    if len(at) < FEWEST or np.ptp(at) == 0 or np.ptp(height) == 0:
        return
    x = np.linspace(at.min() - 0.5, at.max() + 0.5, 160)
    y = np.linspace(height.min() - 0.2, height.max() + 0.2, 120)
    grid = np.meshgrid(x, y)
    density = gaussian_kde(np.array([at, height]))(np.array([g.ravel() for g in grid]))
    axis.contour(x, 10**y, density.reshape(len(y), len(x)), levels=CONTOURS, colors=colour,
                 linewidths=0.7)  # fmt: skip
