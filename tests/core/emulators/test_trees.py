"""Trees as arrays, against scikit-learn's own predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeRegressor

from xreg.core.emulators.trees import Trees
from xreg.core.errors import CorruptError, PluginError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4))
Y = np.column_stack([np.sin(2 * X[:, 0]) + X[:, 1], X[:, 2] * X[:, 3]])
NEW = np.vstack([RNG.normal(size=(300, 4)), X, np.round(X, 1)])


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize(
    "kind", [DecisionTreeRegressor, RandomForestRegressor, ExtraTreesRegressor]
)
def test_forests(kind: Any, targets: int) -> None:
    settings = {} if kind is DecisionTreeRegressor else {"n_estimators": 7}
    model = kind(random_state=1, **settings).fit(X, Y if targets > 1 else Y[:, 0])
    expected = model.predict(NEW).reshape(len(NEW), targets)
    np.testing.assert_allclose(Trees.of(model).predict(NEW), expected, rtol=1e-12, atol=1e-14)


def test_gradient_boosting() -> None:
    models = [HistGradientBoostingRegressor(max_iter=20).fit(X, y) for y in Y.T]
    expected = np.column_stack([model.predict(NEW) for model in models])
    np.testing.assert_allclose(Trees.of(*models).predict(NEW), expected, rtol=1e-12, atol=1e-14)


def test_others_are_refused() -> None:
    with pytest.raises(PluginError, match="GradientBoostingRegressor cannot be taken over"):
        Trees.of(GradientBoostingRegressor(n_estimators=2).fit(X, Y[:, 0]))
    two = [DecisionTreeRegressor().fit(X, y) for y in Y.T]
    with pytest.raises(PluginError, match="cannot be taken over"):
        Trees.of(*two)
    category = HistGradientBoostingRegressor(categorical_features=[0], max_iter=2)
    with pytest.raises(PluginError, match="categories"):
        Trees.of(category.fit(np.round(abs(X)), Y[:, 0]))


def damaged(name: str, arrays: dict[str, Any]) -> dict[str, Any]:
    inner = int(np.flatnonzero(arrays["feature"] >= 0)[0])
    if name == "circle":
        arrays["left"][inner] = inner
    elif name == "nowhere":
        arrays["right"][inner] = len(arrays["left"])
    elif name == "feature":
        arrays["feature"][inner] = 4
    elif name == "root":
        arrays["roots"][0] = -1
    elif name == "short":
        arrays["threshold"] = arrays["threshold"][:-1]
    elif name == "missing":
        del arrays["base"]
    return arrays


def test_they_come_back() -> None:
    trees = Trees.of(DecisionTreeRegressor(max_depth=3).fit(X, Y))
    again = Trees.rebuilt(trees.arrays(), 4)
    np.testing.assert_array_equal(again.predict(NEW), trees.predict(NEW))


@pytest.mark.parametrize("name", ["circle", "nowhere", "feature", "root", "short", "missing"])
def test_damaged_trees_are_refused(name: str) -> None:
    trees = Trees.of(DecisionTreeRegressor(max_depth=3).fit(X, Y))
    arrays = {key: np.array(value) for key, value in trees.arrays().items()}
    with pytest.raises(CorruptError):
        Trees.rebuilt(damaged(name, arrays), 4)
