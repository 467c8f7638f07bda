"""Feature importance by permutation: for the whole spectrum, and for two energy windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core import progress
from xreg.core.analysis.components import Block, block_names, blocks
from xreg.core.analysis.context import AnalysisContext, Retrained
from xreg.core.analysis.folds import learning_folds
from xreg.core.analysis.retraining import Training, retrain
from xreg.core.analysis.windows import in_window, window_name
from xreg.core.arrays import Array
from xreg.core.errors import NotApplicableError
from xreg.core.interfaces import FeatureLabel
from xreg.core.interfaces.analysis import Analysis, Drawing, Findings, Table
from xreg.plugins.features.plugin import ImportanceConfig
from xreg.plugins.features.surroundings import radial_distribution, selected

__all__ = ["Importance", "ImportanceAnalysis", "permutation_importance"]

Predict = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class Importance:
    """Loss of R² by permutation of g features or blocks.

    Attributes
    ----------
    parts
        What was permuted: g blocks of columns, single features being blocks of one.
    ranges
        Names of the w parts of the spectrum: whole, two windows, and their difference.
    values
        (t, g, w) loss of R² in each of t trials.
    """

    parts: Sequence[Block]
    ranges: Sequence[str]
    values: Array

    @property
    def mean(self) -> Array:
        """(g, w) mean over the trials."""
        return np.asarray(self.values.mean(axis=0))

    @property
    def spread(self) -> Array:
        """(g, w) standard deviation over the trials."""
        return np.asarray(self.values.std(axis=0))


def permutation_importance(
    predict: Predict,
    X: ArrayLike,
    Y: ArrayLike,
    groups: Sequence[ArrayLike],
    ranges: ArrayLike,
    *,
    repeats: int = 5,
    seed: int = 0,
) -> Array:
    """Return how much R² is lost when groups of columns are permuted among the samples.

    Columns of a group move together, so what they say in common is lost (Breiman, Mach. Learn. 45,
    5 (2001)). A column that follows others may seem to matter little by itself.

    Parameters
    ----------
    predict
        (n, d) features to (n, m) targets in the units of the data.
    X, Y
        Features and true targets.
    groups
        Columns of each of g groups.
    ranges
        (w, m) which channels count, for each of w scores.
    repeats, seed
        Permutations for each group, the same ones for all groups.

    Returns
    -------
    numpy.ndarray
        (repeats, g, w) R² of the unpermuted minus that of the permuted features, R² being the
        covered variance of raw targets in the range.
    """
    x, known = np.array(X, dtype=np.float64), np.asarray(Y, dtype=np.float64)
    counted = np.asarray(ranges, dtype=np.float64)
    total = counted @ np.sum((known - known.mean(axis=0)) ** 2, axis=0)
    if not np.all(total > 0):
        raise NotApplicableError("targets that do not vary tell nothing about features.")

    def lost() -> Array:
        return np.asarray(counted @ np.sum((predict(x) - known) ** 2, axis=0) / total)

    base = lost()
    orders = [
        np.random.default_rng((seed, repeat)).permutation(len(x)) for repeat in range(repeats)
    ]
    found = np.empty((repeats, len(groups), len(counted)))
    for g, columns in enumerate(groups):
        chosen = np.asarray(columns)
        before = x[:, chosen].copy()
        for repeat, order in enumerate(orders):
            x[:, chosen] = before[order]
            found[repeat, g] = lost() - base
        x[:, chosen] = before
        progress.report("importance", g + 1, len(groups))
    return found


class ImportanceAnalysis(Analysis[ImportanceConfig]):
    """Permute features and blocks, of the model as it is or trained anew on folds."""

    name = "importance"
    Config = ImportanceConfig

    def analyse(self, context: AnalysisContext) -> Findings:
        """Permute features and blocks, of the model as it is or trained anew on folds."""
        labels = context.features
        whole = blocks(labels)
        singles = [Block(label.block, label.axis, np.array([i])) for i, label in enumerate(labels)]
        plans: dict[str, list[Block]] = {}
        if len(labels) <= self.config.most_features:
            plans["feature"] = singles
        if 1 < len(whole) < len(labels):
            plans["block"] = whole
        if not plans:
            raise NotApplicableError(
                f"analysis 'importance': {len(labels):,} features in one block are too many to "
                f"permute "
                f"one by one; raise 'most_features' from {self.config.most_features}."
            )
        if self.config.folds and not context.retrainable:
            raise NotApplicableError(
                "analysis 'importance' with folds needs the training data, to train again; set "
                "'folds: 0' to permute with the model as it is."
            )
        ranges, counted = _ranges(context, self.config)

        def lost(
            predict: Predict, rows: NDArray[np.intp], seed: int, features: Array | None = None
        ) -> dict[str, Array]:
            features = context.features_of(rows) if features is None else features
            known = context.known[rows]
            return {
                name: _with_difference(
                    permutation_importance(
                        predict,
                        features,
                        known,
                        [block.columns for block in parts],
                        counted,
                        repeats=self.config.repeats,
                        seed=seed,
                    )
                )
                for name, parts in plans.items()
            }

        trials = _trials(context, self.config, lost)
        found = {
            name: Importance(parts, ranges, np.concatenate([trial[name] for trial in trials]))
            for name, parts in plans.items()
        }
        return _findings(context, self.config, labels, found)


def _ranges(
    context: AnalysisContext, config: ImportanceConfig
) -> tuple[list[str], NDArray[np.bool_]]:
    """Return names of the parts of the spectrum with their difference, and channels of each."""
    energy = context.target.energy
    if energy is None:
        return ["all targets"], np.ones((1, len(context.target.features)), dtype=bool)
    middle = float(energy[0] + energy[-1]) / 2
    windows = config.windows or ((float(energy[0]), middle), (middle, float(energy[-1])))
    rows = [np.ones(len(energy), dtype=bool), *(in_window(energy, w, 1) for w in windows)]
    first, second = map(window_name, windows)
    return ["whole spectrum", first, second, "difference"], np.array(rows)


def _with_difference(lost: Array) -> Array:
    """Return (t, g, w) losses with that of the first window minus the second as a further one."""
    if lost.shape[2] < 3:
        return lost
    return np.concatenate([lost, lost[..., 1:2] - lost[..., 2:3]], axis=2)


def _trials(
    context: AnalysisContext,
    config: ImportanceConfig,
    lost: Callable[..., dict[str, Array]],
) -> list[dict[str, Array]]:
    """Return the losses of the model as it is, or of each model trained anew on folds."""
    if not config.folds:
        return [lost(context.model.predict_features, context.rows[context.judged], config.seed)]

    def judge(model: Retrained, training: Training) -> dict[str, Array]:
        # A column that the fold's own descriptor does not have stays empty and unused.
        features = model.features_of(training.held)
        return lost(model.predict_features, training.held, training.seed or 0, features)

    # All of the features in each fold, so that losses are of the same ones.
    columns = np.arange(len(context.features))
    folds = learning_folds(context, config.folds, 1, config.group, config.seed)
    trainings = [Training(*fold, None, columns, config.seed + i) for i, fold in enumerate(folds)]
    return retrain(context, trainings, judge, "importance on folds")


def _findings(
    context: AnalysisContext,
    config: ImportanceConfig,
    labels: Sequence[FeatureLabel],
    found: dict[str, Importance],
) -> Findings:
    from xreg.plugins.features import importance_figures as figures

    names = {
        "feature": [label.name for label in labels],
        "block": block_names(found["block"].parts) if "block" in found else [],
    }
    titles = {**names, "feature": [label.title for label in labels]}
    tables, drawings, arrays = [], [], {}
    for kind, result in found.items():
        order = np.argsort(-result.mean[:, 0], kind="stable")
        columns = [kind, *(f"{name}{what}" for name in result.ranges for what in ("", " ±"))]
        tables.append(
            Table(
                f"{kind}s",
                f"Importance of {kind}s",
                columns,
                [
                    [
                        titles[kind][g],
                        *np.stack([result.mean[g], result.spread[g]], axis=1).ravel().tolist(),
                    ]
                    for g in order
                ],
                "Loss of R² when the samples' values are permuted: mean and standard deviation "
                f"over {len(result.values)} permutations"
                + (f" in {config.folds} folds, each trained anew." if config.folds else "."),
            )
        )
        arrays[f"{kind}/names"] = np.array(names[kind])
        arrays[f"{kind}/loss"] = result.values
    over = "bars and bands" if any(label.axis for label in labels) else "error bars"
    over = f"{over} are one standard deviation over permutations"
    over += " and folds." if config.folds else "."
    if "feature" in found:
        radii = [x.at for x in labels if x.axis == figures.DISTANCE and x.at is not None]
        radial = radial_distribution(context, max(radii)) if radii else None
        marks = selected(context, config.mark) if config.mark else np.empty(0, np.intp)
        beside = " Uppermost: atoms about the absorber." if radial else ""
        if config.mark:
            beside += f" Triangles: the first {len(marks)} of forward selection by ridge."
        drawings.append(
            Drawing(
                "by-feature",
                "Importance of features",
                "Loss of R² when one feature is permuted among the samples, for the whole spectrum "
                "and for two windows, and the loss in the first window minus that in the second; "
                f"{over}{beside}",
                lambda: figures.by_feature(labels, found["feature"], radial, marks),
            )
        )
    if "block" in found:
        drawings.append(
            Drawing(
                "by_block",
                "Importance of blocks",
                "The same when all features of a block are permuted together, so that information "
                "which they share counts too; error bars are one standard deviation.",
                lambda: figures.by_block(names["block"], found["block"]),
            )
        )
    kind, first = next(iter(found.items()))
    top = np.argsort(-first.mean[:, 0], kind="stable")[:3]
    told = ", ".join(f"{names[kind][g]} ({first.mean[g, 0]:.3f})" for g in top)
    where = f"{config.folds} folds" if config.folds else f"the {context.judged} set"
    return Findings(
        text=f"Permuting these costs most R², in {where}: {told}.",
        metrics={
            kind: {
                names[kind][g]: {
                    name: {"mean": result.mean[g, w], "std": result.spread[g, w]}
                    for w, name in enumerate(result.ranges)
                }
                for g in range(len(result.parts))
            }
            for kind, result in found.items()
        },
        tables=tables,
        drawings=drawings,
        arrays=arrays,
    )
