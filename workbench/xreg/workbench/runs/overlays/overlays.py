"""Figures that lay several results over each other, where the results have their numbers.

Those of L edges follow J. Lüder, arXiv:2107.13149, Figs. 4 and 6 to 9; the covered variance of all
descriptors in one follows E. A. Eronen et al., Phys. Chem. Chem. Phys. 26, 22752 (2024), Fig. 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from xreg.workbench.runs.overlays import l_edges, scores
from xreg.workbench.runs.overlays.overlay import Overlay, Result

__all__ = ["overlays"]

MAKERS: Sequence[Callable[[Mapping[str, Result]], Overlay | None]] = (
    scores.covered_variance,
    scores.cross_validation,
    scores.training_time,
    scores.spectrum_error,
    l_edges.misfit_ratio,
    l_edges.channel_correlations,
    scores.outliers_and_largest,
    l_edges.error_along,
)


def overlays(runs: Sequence[Result], labels: Sequence[str]) -> list[Overlay]:
    """Return the figures that at least two results have the numbers for."""
    named = dict(zip(labels, runs, strict=True))
    return [overlay for make in MAKERS if (overlay := make(named)) is not None]
