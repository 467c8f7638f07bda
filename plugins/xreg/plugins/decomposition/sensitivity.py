"""How far spectra move from that of the mean structure, and whether scores know it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from xreg.core.analysis.context import AnalysisContext
from xreg.core.arrays import Array
from xreg.core.errors import NotApplicableError
from xreg.core.interfaces import FeatureLabel
from xreg.core.interfaces.analysis import Analysis, Drawing, Findings, Table
from xreg.core.text import with_unit
from xreg.plugins.decomposition.plugin import SensitivityConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SensitivityAnalysis", "sensitivity"]

Predict = Callable[[Array], Array]

ROWS = 8192
SURFACES = 5  # isosurfaces of one quantity
LISTED = 10
MOST_SCORES = 3


def sensitivity(predict: Predict, x: Array, centre: Array) -> Array:
    r"""Return :math:`M(x) = \|s(x) - s(x_c)\| / \|s(x_c)\|` of each row.

    Passilahti, Vladyka & Niskanen, arXiv:2406.14044 (2024), equation 4.

    Parameters
    ----------
    predict
        (n, d) scaled features to (n, m) spectra.
    x, centre
        (n, d) and (d,) scaled features.
    """
    middle = predict(centre[None])[0]
    found = [
        np.linalg.norm(predict(x[start : start + ROWS]) - middle, axis=1)
        for start in range(0, len(x), ROWS)
    ]
    return np.concatenate(found) / np.linalg.norm(middle) if found else np.empty(0)


class SensitivityAnalysis(Analysis[SensitivityConfig]):
    """Follow the emulated spectrum away from that of the mean of the training features."""

    name = "sensitivity"
    Config = SensitivityConfig

    def analyse(self, context: AnalysisContext) -> Findings:
        """Follow the emulated spectrum away from that of the mean of the training features."""

        def predict(x: Array) -> Array:
            return np.asarray(context.model.predict_with_spread(x)[0])

        x = np.asarray(context.inputs(context.judged))
        known = "train" in context.rows and len(context.rows["train"]) > 0
        centre = np.asarray(context.inputs("train") if known else x).mean(axis=0)
        moved = sensitivity(predict, x, centre)
        if not np.ptp(moved) > 0:
            raise NotApplicableError("analysis 'sensitivity': the emulated spectrum never changes.")
        scores: dict[str, Predict] = {
            label: partial(_first_score, decomposer)
            for label, decomposer in context.model.decomposers.items()
        }
        with_scores = {
            label: _rank_correlation(moved, np.abs(first(x) - first(centre[None])))
            for label, first in scores.items()
        }
        by_feature = [_rank_correlation(moved, np.abs(column)) for column in (x - centre).T]
        order = np.argsort(-np.abs(by_feature), kind="stable")[:LISTED]
        rows: list[list[Any]] = [
            *([f"{label}: t₁", value] for label, value in with_scores.items()),
            *([context.features[i].name, by_feature[i]] for i in order.tolist()),
        ]
        drawings = []
        if x.shape[1] == 3:
            axes = _axes(x, self.config.points)
            drawings.append(
                Drawing(
                    "surfaces",
                    "Isosurfaces of M and of the first scores",
                    "Surfaces of equal value over the three features, each drawn by its contours "
                    f"in {LAYERS} planes, from the 1st to the 99th percentile of the samples. M is "
                    "how far the emulated spectrum lies from that of the centre.",
                    partial(
                        _draw,
                        axes,
                        context.model.features.scaling.scaler.inverse_transform,
                        context.features,
                        {"M": lambda grid: sensitivity(predict, grid, centre)}
                        | {f"{k}: t₁": scores[k] for k in list(scores)[:MOST_SCORES]},
                    ),
                )
            )
        middle = "training" if known else "judged"
        return Findings(
            f"M, the distance of the emulated spectrum from that of the mean of the {middle} "
            f"features relative to its length, has a median of {np.median(moved):.3g} and reaches "
            f"{moved.max():.3g}."
            + "".join(
                f" The distance of the first score of {label} from the centre's follows it with a "
                f"rank correlation of {value:.2f}."
                for label, value in with_scores.items()
            ),
            metrics={
                "median": float(np.median(moved)),
                "ninth_decile": float(np.quantile(moved, 0.9)),
                "largest": float(moved.max()),
                "first_scores": with_scores,
            },
            tables=[
                Table(
                    "ranks",
                    "What M goes with",
                    ["distance from the centre of", "rank correlation with M"],
                    rows,
                    "Spearman's correlation over the judged samples; of the features those "
                    f"{len(order)} that M follows most.",
                )
            ],
            drawings=drawings,
            arrays={"ids": context.samples.ids[context.rows[context.judged]], "m": moved},
        )


def _first_score(decomposer: Any, x: Array) -> Array:
    return np.asarray(decomposer.transform(x))[:, 0]


def _rank_correlation(a: Array, b: Array) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic) if np.ptp(b) > 0 else float("nan")


LAYERS = 9


def _axes(x: Array, points: int) -> list[Array]:
    """Return the values of each of three scaled features that the surfaces are drawn over."""
    low, high = np.quantile(x, (0.01, 0.99), axis=0).tolist()
    counts = (points, points, LAYERS)
    return [np.linspace(low[i], high[i], count) for i, count in enumerate(counts)]


def _draw(
    axes: Sequence[Array],
    unscale: Callable[[Array], Array],
    labels: Sequence[FeatureLabel],
    quantities: Mapping[str, Predict],
) -> Figure:
    from xreg.core.analysis import style

    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    plain = unscale(grid.reshape(-1, 3)).reshape(grid.shape)
    figure = style.new_figure(3.4)
    for number, (name, quantity) in enumerate(quantities.items()):
        axis: Any = figure.add_subplot(1, len(quantities), number + 1, projection="3d")
        values = quantity(grid.reshape(-1, 3)).reshape(grid.shape[:3])
        levels = np.quantile(values, np.linspace(0.1, 0.9, SURFACES))
        if not np.ptp(levels) > 0:
            levels = np.linspace(values.min(), values.max(), SURFACES + 2)[1:-1]
        for height, x, y, plane in _planes(plain, values):
            if plane.min() < plane.max():
                axis.contour(x, y, plane, levels=np.unique(levels), zdir="z", offset=height,
                             cmap="viridis", vmin=levels[0], vmax=levels[-1],
                             linewidths=0.8)  # fmt: skip
        low, high = plain.min(axis=(0, 1, 2)), plain.max(axis=(0, 1, 2))
        axis.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), zlim=(low[2], high[2]))
        for which, label in zip("xyz", labels, strict=True):
            getattr(axis, f"set_{which}label")(with_unit(label.name, label.unit), fontsize=6)
            getattr(axis, f"{which}axis").set_tick_params(labelsize=6)
            axis.locator_params(axis=which, nbins=4)
        axis.set_title(name)
        axis.set_box_aspect(None, zoom=0.82)  # else the label of the upright axis is cut off
    return figure


def _planes(plain: Array, values: Array) -> Iterator[tuple[float, Array, Array, Array]]:
    """Yield height, both coordinates and values of each plane of the third feature."""
    for k in range(values.shape[2]):
        yield float(plain[0, 0, k, 2]), plain[:, :, k, 0], plain[:, :, k, 1], values[:, :, k]
