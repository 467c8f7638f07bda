"""Feature importance by permutation: for the whole spectrum, and for two energy windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core import progress
from xreg.core.analysis.components import Block, blocks
from xreg.core.analysis.contract import Drawing, Findings, Table
from xreg.core.analysis.cross_validation import learning_folds
from xreg.core.analysis.subject import Subject
from xreg.core.analysis.windows import in_window, window_name
from xreg.core.analysis.xanes_settings import ImportanceConfig
from xreg.core.errors import NotApplicableError
from xreg.core.interfaces import FeatureLabel

__all__ = ["Importance", "analyse", "permutation_importance"]

Array = NDArray[np.float64]
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


def analyse(subject: Subject, config: ImportanceConfig) -> Findings:
    """Permute features and blocks, of the model as it is or trained anew on folds."""
    labels = subject.features
    whole = blocks(labels)
    singles = [
        Block(label.block, label.axis, np.array([i]), None) for i, label in enumerate(labels)
    ]
    plans: dict[str, list[Block]] = {}
    if len(labels) <= config.most_features:
        plans["feature"] = singles
    if 1 < len(whole) < len(labels):
        plans["block"] = whole
    if not plans:
        raise NotApplicableError(
            f"analysis 'importance': {len(labels):,} features in one block are too many to permute "
            f"one by one; raise 'most_features' from {config.most_features}."
        )
    ranges, counted = _ranges(subject, config)
    values: dict[str, list[Array]] = {name: [] for name in plans}
    for seed, predict, rows in _trials(subject, config):
        for name, parts in plans.items():
            lost = permutation_importance(
                predict,
                subject.features_of(rows),
                subject.known[rows],
                [block.columns for block in parts],
                counted,
                repeats=config.repeats,
                seed=seed,
            )
            difference = lost[..., 1] - lost[..., 2] if len(counted) > 1 else None
            extra = [] if difference is None else [difference]
            values[name].append(np.concatenate([lost, *(e[..., None] for e in extra)], axis=2))
    found = {
        name: Importance(parts, ranges, np.concatenate(values[name]))
        for name, parts in plans.items()
    }
    return _findings(subject, config, labels, found)


def _ranges(subject: Subject, config: ImportanceConfig) -> tuple[list[str], NDArray[np.bool_]]:
    """Return names of the parts of the spectrum with their difference, and channels of each."""
    energy = subject.target.energy
    if energy is None:
        return ["all targets"], np.ones((1, len(subject.target.features)), dtype=bool)
    middle = float(energy[0] + energy[-1]) / 2
    windows = config.windows or ((float(energy[0]), middle), (middle, float(energy[-1])))
    rows = [np.ones(len(energy), dtype=bool), *(in_window(energy, w, 1) for w in windows)]
    first, second = map(window_name, windows)
    return ["whole spectrum", first, second, "difference"], np.array(rows)


def _trials(subject: Subject, config: ImportanceConfig) -> Any:
    """Yield seed, prediction from unscaled features, and rows to permute, for each model."""
    scaler = subject.pipeline.features_
    targets = subject.pipeline.targets_
    assert scaler is not None
    assert targets is not None
    if not config.folds:
        emulator = subject.pipeline.emulator
        yield (
            config.seed,
            lambda x: targets.inverse_transform(emulator.predict(scaler.transform(x))),
            subject.rows[subject.judged],
        )
        return
    columns = np.arange(len(subject.features))
    folds = learning_folds(subject, config.folds, 1, config.group, config.seed)
    for i, (train, held) in enumerate(folds):
        model = subject.refit(train, columns=columns, seed=config.seed + i)
        own = model.features
        assert own is not None
        yield config.seed + i, partial(_predict, model, own), held


def _predict(model: Any, scaler: Any, x: Array) -> Array:
    return np.asarray(model.predict(scaler.transform(x)))


def _findings(
    subject: Subject,
    config: ImportanceConfig,
    labels: Sequence[FeatureLabel],
    found: dict[str, Importance],
) -> Findings:
    from xreg.core.report import importance as figures

    names = {
        "feature": [label.name for label in labels],
        "block": [block.name or "others" for block in found["block"].parts]
        if "block" in found
        else [],
    }
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
                        names[kind][g],
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
    if "feature" in found:
        drawings.append(
            Drawing(
                "by_feature",
                "Importance of features",
                "Loss of R² when one feature is permuted among the samples, for the whole spectrum "
                "and for two windows, and the loss in the first window minus that in the second; "
                "bands are one standard deviation over permutations"
                f"{' and folds' if config.folds else ''}.",
                lambda: figures.by_feature(labels, found["feature"]),
            )
        )
    if "block" in found:
        drawings.append(
            Drawing(
                "by_block",
                "Importance of blocks",
                "The same when all features of a block are permuted together: what they say in "
                "common counts too.",
                lambda: figures.by_block(names["block"], found["block"]),
            )
        )
    kind, first = next(iter(found.items()))
    top = np.argsort(-first.mean[:, 0], kind="stable")[:3]
    told = ", ".join(f"{names[kind][g]} ({first.mean[g, 0]:.3f})" for g in top)
    where = f"{config.folds} folds" if config.folds else f"the {subject.judged} set"
    return Findings(
        text=f"R² is lost most, in {where}, when these are permuted: {told}.",
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
