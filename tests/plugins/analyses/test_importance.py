"""Permutation importance and feature selection on problems whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.inspection import permutation_importance as sklearn_importance
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import KFold

from xreg.core.analysis.components import block_names, blocks
from xreg.core.analysis.context import AnalysisContext
from xreg.core.analysis.folds import learning_folds
from xreg.core.config import Config
from xreg.core.data.dataset import Metadata
from xreg.core.errors import NotApplicableError
from xreg.core.interfaces import Descriptor, FeatureLabel
from xreg.core.metrics import covered_variance
from xreg.core.model.domain import Target
from xreg.core.model.pipeline import Pipeline
from xreg.core.testing import waters
from xreg.plugins.features.importance import permutation_importance
from xreg.plugins.features.selection import (
    FeatureSelectionAnalysis,
    RidgeScorer,
    backward,
    forward,
)
from xreg.plugins.ridge.ridge import Ridge as RidgeEmulator

WHOLE = np.ones((1, 3), dtype=bool)


def linear_world(n: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Five independent features of unit variance, three channels; the fourth feature is idle."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    W = np.array([[3.0, 0, 0], [0, 2, 0], [0, 1, 1], [0, 0, 0], [0.5, 0.5, 0.5]])
    return X, X @ W, W


def test_a_linear_model_loses_twice_the_squared_coefficient():
    X, Y, W = linear_world()
    ranges = np.array([[1, 1, 1], [1, 0, 0], [0, 1, 1]], dtype=bool)
    loss = permutation_importance(
        lambda x: x @ W, X, Y, [[j] for j in range(5)], ranges, repeats=20, seed=1
    )
    assert loss.shape == (20, 5, 3)
    # Permuted and true values are independent: the variance of their difference is twice 1.
    variance = Y.var(axis=0)
    for w, channels in enumerate(ranges):
        expected = 2 * (W[:, channels] ** 2).sum(axis=1) / variance[channels].sum()
        np.testing.assert_allclose(loss[..., w].mean(axis=0), expected, rtol=0.06, atol=1e-12)
    np.testing.assert_array_equal(loss[:, 3], 0)


def test_it_agrees_with_scikit_learn():
    X, Y, _ = linear_world(500)
    rng = np.random.default_rng(1)
    y = Y[:, 0] + 0.3 * rng.normal(size=len(Y))
    model = LinearRegression().fit(X, y)
    theirs = sklearn_importance(model, X, y, n_repeats=200, random_state=0).importances_mean
    ours = permutation_importance(
        lambda x: model.predict(x)[:, None],
        X,
        y[:, None],
        [[j] for j in range(5)],
        [[1]],
        repeats=200,
    )
    np.testing.assert_allclose(ours[..., 0].mean(axis=0), theirs, rtol=0.03, atol=0.003)


def test_columns_of_a_block_move_together():
    X, _, _ = linear_world()
    X[:, 1] = X[:, 0]  # twins: each alone, half of the model is lost; together all of it
    W = np.zeros((5, 3))
    W[:2] = 0.5
    Y = X @ W
    apart = permutation_importance(lambda x: x @ W, X, Y, [[0], [1]], WHOLE, repeats=10)
    together = permutation_importance(lambda x: x @ W, X, Y, [[0, 1]], WHOLE, repeats=10)
    assert apart.mean(axis=0)[:, 0] == pytest.approx([0.5, 0.5], rel=0.05)
    assert together.mean() == pytest.approx(2.0, rel=0.05)


def test_features_come_back_as_they_were_and_seeds_repeat():
    X, Y, W = linear_world(50)
    before = X.copy()
    again = [
        permutation_importance(lambda x: x @ W, X, Y, [[0], [1, 2]], WHOLE, seed=seed)
        for seed in (3, 3, 4)
    ]
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(again[0], again[1])
    assert not np.array_equal(again[0], again[2])
    with pytest.raises(NotApplicableError, match="do not vary"):
        permutation_importance(lambda x: x @ W, X, 0 * Y, [[0]], WHOLE)


# Selection ----------------------------------------------------------------------------------------


def noisy_world(seed: int = 0) -> tuple[np.ndarray, np.ndarray, list]:
    X, Y, _ = linear_world(300, seed)
    rng = np.random.default_rng(seed + 1)
    X = X * [1, 10, 0.1, 1, 2] + 5
    Y = Y + 0.2 * rng.normal(size=Y.shape)
    return X, Y, list(KFold(4, shuffle=True, random_state=seed).split(X))


def test_the_ridge_judge_scores_as_scikit_learn_does():
    X, Y, folds = noisy_world()
    alpha = 0.1
    for columns in ([0, 1, 2, 3, 4], [2], [4, 1]):
        expected = []
        for train, held in folds:
            mean, std = X[train].mean(axis=0), X[train].std(axis=0)
            a, b = ((X[rows] - mean) / std for rows in (train, held))
            model = Ridge(alpha=alpha * len(train)).fit(a[:, columns], Y[train])
            expected.append(covered_variance(Y[held], model.predict(b[:, columns])))
        found = RidgeScorer(X, Y, folds, alpha)([np.array(columns)])
        np.testing.assert_allclose(found[0], expected, rtol=1e-5)


def test_what_matters_comes_first_and_what_is_idle_goes_first():
    X, Y, folds = noisy_world()
    judge = RidgeScorer(X, Y, folds, 1e-3)
    groups = [np.array([j]) for j in range(5)]
    ahead, back = forward(groups, judge), backward(groups, judge)
    # Squared coefficients of the features: 9, 4, 2, 0, 0.75.
    assert ahead.order == [0, 1, 2, 4, 3]
    assert back.order == [3, 4, 2, 1]
    assert ahead.complete
    assert back.complete
    np.testing.assert_allclose(ahead.scores[-1], back.scores[0])
    assert (np.diff(ahead.scores.mean(axis=1))[:3] > 0).all()


def test_each_step_is_the_best_of_all_that_are_possible():
    X, Y, folds = noisy_world(5)
    X[:, 3] = X[:, 0] + X[:, 1] / 10  # a feature that stands for two
    judge = RidgeScorer(X, Y, folds, 1e-2)
    groups = [np.array([0, 2]), np.array([1]), np.array([3]), np.array([4])]
    ahead = forward(groups, judge)
    chosen: list[int] = []
    for group, score in zip(ahead.order, ahead.scores, strict=True):
        sets = {
            g: np.concatenate([groups[h] for h in [*chosen, g]])
            for g in range(4)
            if g not in chosen
        }
        means = {g: judge([columns]).mean() for g, columns in sets.items()}
        assert means[group] == max(means.values()) == pytest.approx(score.mean())
        chosen.append(group)


class NoConfig(Config):
    """No settings."""


class FromTypical(Descriptor[NoConfig]):
    """How far both bonds of a molecule are from those of the training molecules, on average."""

    name = "from-typical"
    Config = NoConfig

    def fit(self, samples, y=None):
        self.typical_ = bonds(samples).mean(axis=0)
        return self

    @property
    def feature_labels(self):
        return [FeatureLabel("first"), FeatureLabel("second")]

    def transform(self, samples):
        return np.abs(bonds(samples) - self.typical_)


def bonds(samples):
    return np.array([np.linalg.norm(s.positions[1:] - s.positions[0], axis=1) for s in samples])


def test_ridge_judges_by_what_was_learned_from_the_rows_of_each_fold():
    samples = waters(48)
    found = bonds(samples)
    Y = np.abs(found - [0.9, 1.0]) @ np.array([[1.0, 0.0, 2.0], [0.5, 1.0, 0.0]])
    target = Target("xes", np.arange(3.0))
    rows = {"train": np.arange(40), "test": np.arange(40, 48)}
    model = Pipeline(RidgeEmulator(), FromTypical()).fit(samples[:40], Y[:40], target)
    metadata = Metadata(name="water", version="1.0.0", title="Water")
    context = AnalysisContext(metadata, target, samples, Y, rows, retrainable=True, model=model)
    alpha = 1e-2
    analysis = FeatureSelectionAnalysis(alpha=alpha, folds=3, seed=4)
    scores = []
    for train, held in learning_folds(context, 3, 1, None, 4):
        x = np.abs(found - found[train].mean(axis=0))
        x = (x - x[train].mean(axis=0)) / x[train].std(axis=0)
        model = Ridge(alpha=alpha * len(train)).fit(x[train], Y[train])
        scores.append(covered_variance(Y[held], model.predict(x[held])))
    told = analysis.analyse(context).metrics["backward"]["r2"][0]
    assert told == pytest.approx(np.mean(scores), abs=1e-6)


def test_blocks_of_one_name_are_told_apart_by_their_axis():
    labels = [
        FeatureLabel("a", block="S–O", axis="distance (Å)", at=1.0),
        FeatureLabel("b", block="S–O", axis="angle (°)", at=1.0),
        FeatureLabel("c"),
        FeatureLabel("d", block="G1"),
    ]
    names = ["S–O, distance (Å)", "S–O, angle (°)", "others", "G1"]
    assert block_names(blocks(labels)) == names
