"""Sequential feature selection: which features suffice, and which can go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core import progress
from xreg.core.analysis.components import block_names, blocks
from xreg.core.analysis.context import AnalysisContext, Retrained
from xreg.core.analysis.folds import learning_folds
from xreg.core.analysis.retraining import Training, predictable, retrain
from xreg.core.arrays import Array
from xreg.core.errors import DataError, NotApplicableError
from xreg.core.interfaces.analysis import Analysis, Drawing, Findings, Table
from xreg.core.metrics import covered_variance
from xreg.core.model.scaling import Scaler
from xreg.plugins.features.plugin import SelectionConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FeatureSelectionAnalysis", "Path", "RidgeScorer", "backward", "forward"]

Rows = NDArray[np.intp]
# R² on each of f folds for each of some sets of columns: (sets of columns) -> (sets, f).
Judge = Callable[[Sequence[Rows]], Array]

MOST_FEATURES = 120


class BudgetSpentError(Exception):
    """No further training is allowed; what was found so far stands."""


@dataclass(frozen=True, eq=False)
class Path:
    """One way through the groups of features.

    Attributes
    ----------
    order
        Groups in the order in which they were added or removed.
    scores
        (s, f) R² on f folds: forward after each addition; backward before any removal and then
        after each.
    complete
        Whether the way was gone to its end.
    """

    order: list[int]
    scores: Array
    complete: bool


def forward(groups: Sequence[Rows], judge: Judge) -> Path:
    """Add, one after another, the group that raises the mean R² most."""
    order: list[int] = []
    scores: list[Array] = []
    left = list(range(len(groups)))
    try:
        while left:
            found = judge([_columns(groups, [*order, g]) for g in left])
            best = int(found.mean(axis=1).argmax())
            scores.append(found[best])
            order.append(left.pop(best))
            progress.report("forward selection", len(order), len(groups))
    except BudgetSpentError:
        pass
    return Path(order, np.array(scores), not left)


def backward(groups: Sequence[Rows], judge: Judge) -> Path:
    """Remove, one after another, the group whose loss hurts the mean R² least; one stays."""
    left = list(range(len(groups)))
    order: list[int] = []
    scores: list[Array] = []
    try:
        scores.append(judge([_columns(groups, left)])[0])
        while len(left) > 1:
            found = judge([_columns(groups, [h for h in left if h != g]) for g in left])
            best = int(found.mean(axis=1).argmax())
            scores.append(found[best])
            order.append(left.pop(best))
            progress.report("backward selection", len(order), len(groups) - 1)
    except BudgetSpentError:
        pass
    return Path(order, np.array(scores), len(left) == 1)


def _columns(groups: Sequence[Rows], chosen: Sequence[int]) -> Rows:
    return np.concatenate([groups[g] for g in chosen])


class RidgeScorer:
    """Scores sets of columns by ridge regression, from products of matrices made once a fold.

    With G = XᵀX and C = XᵀY of the training rows, a set S needs only the solution of
    (G_SS + n α 1) W = C_S; its squared error on held-out rows is
    tr YᵀY − 2 tr WᵀC' + tr WᵀG'W with the products of those rows. The cost of a set therefore
    does not grow with the number of samples.

    Parameters
    ----------
    X, Y
        (n, d) features and (n, m) targets; or what gives the features for rows trained on.
    folds
        Rows trained on and rows held out.
    alpha
        Penalty per training sample on features standardised in each fold.
    """

    def __init__(
        self,
        X: ArrayLike | Callable[[Rows], Array],
        Y: ArrayLike,
        folds: Sequence[tuple[Rows, Rows]],
        alpha: float,
    ) -> None:
        y = np.asarray(Y, dtype=np.float64)
        self._folds = [
            self._products(
                np.asarray(X(train) if callable(X) else X, dtype=np.float64), y, train, held, alpha
            )
            for train, held in folds
        ]

    @staticmethod
    def _products(
        x: Array, y: Array, train: Rows, held: Rows, alpha: float
    ) -> tuple[Array, Array, Array, Array, float, float]:
        scaler, mean = Scaler.fit(x[train], "standard"), y[train].mean(axis=0)
        a, b = scaler.transform(x[train]), scaler.transform(x[held])
        known, unknown = y[train] - mean, y[held] - mean
        # The targets' principal axes carry the same errors in fewer columns, most in a few.
        axes = _axes(known)
        rest = float(np.sum(unknown**2) - np.sum((unknown @ axes) ** 2))
        gram = a.T @ a + len(train) * alpha * np.eye(a.shape[1])
        total = float(np.sum((unknown - unknown.mean(axis=0)) ** 2))
        if total == 0:
            raise NotApplicableError("spectra of a fold do not vary; ask for fewer folds.")
        squares = rest + float(np.sum((unknown @ axes) ** 2))
        return gram, a.T @ known @ axes, b.T @ b, b.T @ unknown @ axes, squares, total

    def __call__(self, sets: Sequence[Rows]) -> Array:
        """Return the (s, f) R² of s sets of columns on f folds."""
        from scipy.linalg import cho_factor, cho_solve

        scores = np.empty((len(sets), len(self._folds)))
        for i, columns in enumerate(sets):
            inside = np.ix_(columns, columns)
            for f, (gram, cross, held_gram, held_cross, squares, total) in enumerate(self._folds):
                factor = cho_factor(gram[inside], lower=True, check_finite=False)
                weights = cho_solve(factor, cross[columns], check_finite=False)
                explained = 2 * np.sum(weights * held_cross[columns])
                explained -= np.sum(weights * (held_gram[inside] @ weights))
                scores[i, f] = 1 - (squares - explained) / total
        return scores


def _axes(values: Array, share: float = 1e-6) -> Array:
    """Return the (m, p) principal axes that hold all but a share of the squares of (n, m)."""
    sizes, vectors = np.linalg.eigh(values.T @ values)
    outside = np.cumsum(sizes.clip(0)) <= share * sizes.clip(0).sum()
    return np.asarray(vectors[:, ~outside])


def emulator_scorer(
    context: AnalysisContext, folds: Sequence[tuple[Rows, Rows]], most: int, seed: int
) -> Judge:
    """Return a judge that trains the emulator anew, at most so many times."""
    spent = 0

    def judge(sets: Sequence[Rows]) -> Array:
        nonlocal spent
        if spent + len(sets) * len(folds) > most:
            raise BudgetSpentError
        spent += len(sets) * len(folds)
        trainings = [
            Training(train, held, None, columns, seed) for columns in sets for train, held in folds
        ]
        scores = retrain(context, trainings, score, "trainings for a step")
        return np.reshape(scores, (len(sets), len(folds)))

    def score(model: Retrained, training: Training) -> float:
        guess = model.predict(model.inputs(training.held))
        return covered_variance(context.known[training.held], guess)

    return judge


class FeatureSelectionAnalysis(Analysis[SelectionConfig]):
    """Go both ways through the features or blocks, judged on folds of all but the test part."""

    name = "feature-selection"
    Config = SelectionConfig

    def analyse(self, context: AnalysisContext) -> Findings:
        """Go both ways through the features or blocks, judged on folds of all but the test part."""
        labels = context.features
        names, titles, groups = _groups(context, self.config)
        if len(groups) < 2:
            raise NotApplicableError(
                f"there is nothing to select among {len(labels):,} features in one block; set "
                "'by: feature'."
            )
        folds = learning_folds(context, self.config.folds, 1, self.config.group, self.config.seed)
        judge: Judge
        if self.config.learner == "ridge":
            told = [(train, predictable(context, train, held)) for train, held in folds]
            judge = RidgeScorer(context.features_from, context.known, told, self.config.alpha)
            found = {"forward": forward(groups, judge), "backward": backward(groups, judge)}
        else:
            found = {
                name: go(
                    groups,
                    emulator_scorer(context, folds, self.config.most_trainings, self.config.seed),
                )
                for name, go in (("forward", forward), ("backward", backward))
            }
            if not len(found["forward"].order):
                raise DataError(
                    f"feature-selection: one step takes {len(groups) * len(folds)} trainings; "
                    f"raise "
                    f"'most_trainings' from {self.config.most_trainings}, or let ridge judge."
                )
        return _findings(self.config, names, titles, groups, found)


def _groups(
    context: AnalysisContext, config: SelectionConfig
) -> tuple[Sequence[str], Sequence[str], list[Rows]]:
    """Return the names of what is added or removed, the same with units, and their columns."""
    labels = context.features
    single = config.by == "feature" or (config.by == "auto" and len(labels) <= MOST_FEATURES)
    if single:
        columns = [np.array([i]) for i in range(len(labels))]
        return [label.name for label in labels], [label.title for label in labels], columns
    found = blocks(labels)
    names = block_names(found)
    return names, names, [block.columns for block in found]


def kept_counts(path: Path, groups: Sequence[Rows], name: str) -> NDArray[np.intp]:
    """Return how many features are kept at each score of a path."""
    sizes = np.array([len(columns) for columns in groups])[path.order]
    if name == "forward":
        return np.cumsum(sizes)
    total = sum(len(columns) for columns in groups)
    return np.asarray(total - np.concatenate([[0], np.cumsum(sizes)])[: len(path.scores)])


def _findings(
    config: SelectionConfig,
    names: Sequence[str],
    titles: Sequence[str],
    groups: Sequence[Rows],
    found: dict[str, Path],
) -> Findings:
    counts = {name: kept_counts(path, groups, name) for name, path in found.items()}
    total = sum(len(columns) for columns in groups)
    ahead = found["forward"]
    mean = ahead.scores.mean(axis=1)
    enough = int(np.argmax(mean >= mean.max() - 0.01))
    tables = []
    metrics: dict[str, Any] = {"learner": config.learner, "features": total}
    for name, path in found.items():
        # Backward begins with all features, and what it removed last may have no score.
        first = ["(all)"] if name == "backward" else []
        heads, shown = (
            [*first, *(words[g] for g in path.order)][: len(path.scores)]
            for words in (names, titles)
        )
        rows: list[list[str | float]] = [
            [head, int(count), float(score.mean()), float(score.std())]
            for head, count, score in zip(shown, counts[name], path.scores, strict=True)
        ]
        word = "added" if name == "forward" else "removed"
        tables.append(
            Table(
                name,
                f"{name.capitalize()} selection",
                [word, "features kept", "R² on held-out folds", "± over folds"],
                rows,
                "" if path.complete else "The budget of trainings ended it here.",
            )
        )
        metrics[name] = {
            "order": heads,
            "kept": counts[name],
            "r2": path.scores.mean(axis=1) if len(path.scores) else [],
            "complete": path.complete,
        }
    judge = "ridge regression" if config.learner == "ridge" else "the emulator trained anew"
    return Findings(
        text=f"By {judge} on {config.folds} folds, {int(counts['forward'][enough]):,} of {total:,} "
        f"features come within 0.01 of the best R² ({mean.max():.4f}); the first to be added: "
        f"{', '.join(names[g] for g in ahead.order[:3])}.",
        metrics=metrics,
        tables=tables,
        drawings=[
            Drawing(
                "path",
                "Score by number of features",
                "R² on held-out folds after each step of forward and backward selection; bands are "
                "one standard deviation over the folds. Both are greedy: another set of the same "
                "size may do better than either.",
                lambda: draw_paths(found, counts, total),
            )
        ],
    )


def draw_paths(found: dict[str, Path], counts: dict[str, NDArray[np.intp]], total: int) -> Figure:
    """Draw R² against the share of features kept, for both ways."""
    from xreg.core.analysis import style

    figure = style.new_figure(2.8, style.WIDTH * 0.62)
    axis = figure.subplots()
    best = -np.inf
    for (name, path), colour in zip(found.items(), style.PALETTE, strict=False):
        if not len(path.scores):
            continue
        mean, spread = path.scores.mean(axis=1), path.scores.std(axis=1)
        share = 100 * counts[name] / total
        axis.fill_between(share, mean - spread, mean + spread, color=colour, alpha=0.2)
        look: dict[str, Any] = {"marker": "o", "ms": 3} if len(share) <= 30 else {}
        axis.plot(share, mean, color=colour, label=name, **look)
        best = max(best, float(mean.max()))
    axis.set_xlim(0, 101)
    axis.set_ylim(bottom=max(axis.get_ylim()[0], best - 1.0))
    axis.set_xlabel("features kept (%)")
    axis.set_ylabel("R² on held-out folds")
    axis.legend(loc="lower right")
    return figure
