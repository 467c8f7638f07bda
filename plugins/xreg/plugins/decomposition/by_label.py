"""Mean spectra of the samples of each value of a label, with their spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xreg.core.analysis.context import AnalysisContext
from xreg.core.arrays import Array
from xreg.core.errors import NotApplicableError
from xreg.core.interfaces.analysis import Analysis, Drawing, Findings, Table
from xreg.plugins.decomposition.plugin import ByLabelConfig
from xreg.plugins.decomposition.reconstruction import ensembles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ByLabelAnalysis"]


class ByLabelAnalysis(Analysis[ByLabelConfig]):
    """Compare the mean spectra of the categories of a label, or of thirds of its range."""

    name = "by-label"
    Config = ByLabelConfig

    def analyse(self, context: AnalysisContext) -> Findings:
        """Compare the mean spectra of the categories of a label, or of thirds of its range."""
        name = self.config.label or next(iter(context.labels), "")
        if not name:
            raise NotApplicableError("analysis 'by-label' needs a dataset with a label.")
        every = np.sort(context.used)
        known = context.known[every]
        groups = list(ensembles(context, name, every, np.empty(0)).items())
        if len(groups) < 2:
            raise NotApplicableError(f"analysis 'by-label': the label '{name}' does not vary.")
        whole = known.mean(axis=0)
        length = float(np.linalg.norm(whole))
        means = {group: known[rows].mean(axis=0) for group, rows in groups}
        spreads = {group: known[rows].std(axis=0) for group, rows in groups}
        away = {g: float(np.linalg.norm(mean - whole)) / length for g, mean in means.items()}
        within = sum(float(((known[rows] - means[g]) ** 2).sum()) for g, rows in groups)
        share = 1 - within / float(((known - whole) ** 2).sum())
        energy = context.target.grid
        return Findings(
            f"Of the variance of all spectra {100 * share:.1f} % lies between the values of "
            f"'{name}'.",
            metrics={"share_between": share, "distance_from_mean": away},
            tables=[
                Table(
                    "groups",
                    f"Spectra by {name}",
                    [name, "spectra", "mean off the mean of all (%)"],
                    [[g, len(rows), 100 * away[g]] for g, rows in groups],
                    "Distance of the mean spectrum from the mean of all, relative to its length.",
                )
            ],
            drawings=[
                Drawing(
                    "spectra",
                    f"Mean spectra by {name}",
                    "(a) Mean of the true spectra of each value, with one standard deviation as a "
                    "band. (b) Each less the mean of all.",
                    lambda: _draw(energy, means, spreads, whole, context.target.unit),
                )
            ],
        )


def _draw(
    energy: Array, means: dict[str, Array], spreads: dict[str, Array], whole: Array, unit: str
) -> Figure:
    from xreg.core.analysis import style

    figure = style.new_figure(4.6)
    top, bottom = figure.subplots(2, 1, sharex=True)
    for i, (name, mean) in enumerate(means.items()):
        colour = style.PALETTE[i % len(style.PALETTE)]
        line = ("-", "--", ":")[i // len(style.PALETTE) % 3]
        top.fill_between(energy, mean - spreads[name], mean + spreads[name], color=colour,
                         alpha=0.15, lw=0)  # fmt: skip
        top.plot(energy, mean, line, color=colour, label=name)
        bottom.plot(energy, mean - whole, line, color=colour)
    top.set_ylabel(f"intensity ({unit})" if unit else "intensity")
    bottom.set_ylabel("less the mean of all")
    top.legend(fontsize=7, ncols=2)
    style.energy_axis(bottom, energy)
    style.panel_letters((top, bottom))
    return figure
