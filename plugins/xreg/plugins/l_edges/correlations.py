"""What the error of a spectrum goes with: parameters, labels, shape, spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.context import AnalysisContext
from xreg.core.data.samples import Parameters
from xreg.core.errors import NotApplicableError
from xreg.core.interfaces.analysis import Analysis, Cell, Drawing, Findings, Table
from xreg.core.metrics import spectrum_error
from xreg.core.text import with_unit
from xreg.plugins.l_edges.edges import boundary, branching_ratio
from xreg.plugins.l_edges.misfit import boxed, largest_misfit, pearson
from xreg.plugins.l_edges.plugin import CorrelationsConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["CorrelationsAnalysis", "quantities"]

ERROR = "spectrum error"
FEWEST = 5
LEAST_SHOWN = 0.05


def quantities(context: AnalysisContext) -> dict[str, NDArray[np.float64]]:
    """Return (n,) numbers of the judged samples by name: those that differ between samples."""
    energy, result = context.target.grid, context.result
    at, size = largest_misfit(energy, *boxed(result.known, result.predicted, "spectrum"))
    found = {
        ERROR: 100 * spectrum_error(result.known, result.predicted),
        "misfit energy": at,
        "misfit size": np.abs(size),
        "intensity": result.known @ np.gradient(energy),
        "highest peak": result.known.max(axis=1),
    }
    try:
        parting = boundary(energy, result.known)
        found["L3/L2"] = branching_ratio(energy, result.known, parting)
    except NotApplicableError:
        pass
    if result.spread is not None:
        scale = np.abs(result.predicted).sum(axis=1)
        found["ensemble spread"] = result.spread.sum(axis=1) / np.where(scale > 0, scale, np.nan)
    samples = context.samples_of(context.judged)
    if isinstance(samples, Parameters):
        for name, values in zip(samples.names, samples.values.T, strict=True):
            found[name] = values
            if values.min() < 0 < values.max():
                found[f"|{name}|"] = np.abs(values)
    for name in context.labels:
        values = context.label(name, context.judged)
        if values.dtype.kind in "iuf" and name not in found:
            found[name] = values.astype(np.float64)
    return {name: values for name, values in found.items() if _varies(values)}


class CorrelationsAnalysis(Analysis[CorrelationsConfig]):
    """Correlate the spectrum error with everything that is known about a sample."""

    name = "correlations"
    Config = CorrelationsConfig

    def analyse(self, context: AnalysisContext) -> Findings:
        """Correlate the spectrum error with everything that is known about a sample."""
        found = quantities(context)
        if ERROR not in found or len(context.result.ids) < FEWEST:
            raise NotApplicableError(
                f"analysis 'correlations' needs at least {FEWEST} spectra of different error."
            )
        names = list(found)
        linear = np.array([[pearson(found[a], found[b]) for b in names] for a in names])
        logarithm = np.log(np.maximum(found[ERROR], 1e-12))
        with_logarithm = {name: pearson(logarithm, found[name]) for name in names}
        order = sorted(names[1:], key=lambda name: -abs(linear[0, names.index(name)]))
        table: list[list[Cell]] = [
            [name, float(linear[0, names.index(name)]), with_logarithm[name]] for name in order
        ]
        titles = _titles(context, names)
        strongest = ", ".join(f"{row[0]} ({row[1]:+.2f})" for row in table[: self.config.named])
        return Findings(
            text=f"The spectrum error correlates most (Pearson) with {strongest}.",
            metrics={"error": {str(row[0]): row[1] for row in table}},
            tables=[
                Table(
                    "error",
                    "Correlation with the spectrum error",
                    ["quantity", "Pearson r", "r with the error's logarithm"],
                    [[titles[str(name)], *values] for name, *values in table],
                    "Misfit: the largest pointwise difference of a spectrum, in units of its "
                    "range, and its energy. Intensity: the area of the true spectrum. |x| is the "
                    "absolute value of x.",
                ),
                Table(
                    "matrix",
                    "All correlations",
                    ["quantity", *names],
                    [
                        [titles[name], *row]
                        for name, row in zip(names, linear.tolist(), strict=True)
                    ],
                ),
            ],
            drawings=[
                Drawing(
                    "matrix",
                    "Correlation of all pairs",
                    "Pearson correlation of each pair of quantities over the "
                    f"{context.judged} samples; below {LEAST_SHOWN:g} no number is written.",
                    lambda: _draw(names, linear),
                )
            ],
            arrays={"ids": context.result.ids, **{_file_name(n): v for n, v in found.items()}},
        )


def _titles(context: AnalysisContext, names: list[str]) -> dict[str, str]:
    """Return each quantity's name with its unit."""
    units = {ERROR: "%", "misfit energy": "eV", **context.label_units}
    if isinstance(context.samples, Parameters):
        units |= zip(context.samples.names, context.samples.units, strict=True)
    return {name: with_unit(name, units.get(name.strip("|"), "")) for name in names}


def _varies(values: NDArray[np.float64]) -> bool:
    sound = values[np.isfinite(values)]
    return len(sound) >= FEWEST and bool(np.ptp(sound) > 0)


def _file_name(name: str) -> str:
    name = f"abs {name.strip('|')}" if name.startswith("|") else name
    return name.replace("/", " over ").replace(" ", "_")


def _draw(names: list[str], linear: NDArray[np.float64]) -> Figure:
    from xreg.core.analysis import style

    side = min(style.WIDTH, 2.2 + 0.34 * len(names))
    figure = style.new_figure(side * 0.82, side)
    axis = figure.subplots()
    image = axis.imshow(linear, cmap="RdBu_r", vmin=-1, vmax=1)
    for i, row in enumerate(linear):
        for j, value in enumerate(row):
            if np.isfinite(value) and i != j and abs(value) >= LEAST_SHOWN:
                text = f"{value:.2f}".replace("0.", ".").replace("-", "−")
                colour = "white" if abs(value) > 0.6 else style.TRUE
                axis.text(j, i, text, ha="center", va="center", fontsize=5.5, color=colour)
    axis.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(len(names)), names)
    axis.tick_params(length=0)
    figure.colorbar(image, ax=axis, label="Pearson r", shrink=0.7)
    return figure
