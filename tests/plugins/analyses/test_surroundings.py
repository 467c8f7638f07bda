"""What importances are drawn beside, found anew by plain loops."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from sklearn.linear_model import Ridge

from xreg.core.data.splits import make_folds
from xreg.core.testing import clusters
from xreg.core.testing.model import fitted_context
from xreg.plugins.features.surroundings import radial_distribution, selected


def test_the_radial_distribution_counts_atoms_about_the_absorber() -> None:
    samples = clusters(4)
    context: Any = SimpleNamespace(
        rows={"test": np.arange(4)}, judged="test", samples_of=lambda rows: samples[rows]
    )
    found = radial_distribution(context, 4.0)
    assert found is not None
    edges, counts = found
    want = np.zeros(len(counts))
    for one in samples:
        apart = np.linalg.norm(one.positions - one.positions[one.absorber], axis=1)
        for r in np.delete(apart, one.absorber):
            if r < 4:
                want[int(r / (edges[1] - edges[0]))] += 1 / 4
    np.testing.assert_allclose(counts, want, atol=1e-12)
    assert radial_distribution(fitted_context(), 4.0) is None


def test_marked_features_are_those_of_a_greedy_loop() -> None:
    context = fitted_context()
    rows = context.rows["train"]
    x, y = context.features_of(rows), context.known[rows]
    folds = make_folds(len(rows), 3, seed=context.seed)

    def score(columns: list[int]) -> float:
        found = []
        for train, held in folds:
            mean, std = x[train].mean(axis=0), x[train].std(axis=0)
            a, b = ((x[part] - mean) / std for part in (train, held))
            model = Ridge(alpha=1e-3 * len(train)).fit(a[:, columns], y[train])
            error = y[held] - model.predict(b[:, columns])
            found.append(1 - (error**2).sum() / ((y[held] - y[held].mean(axis=0)) ** 2).sum())
        return float(np.mean(found))

    chosen: list[int] = []
    for _ in range(2):
        left = [i for i in range(x.shape[1]) if i not in chosen]
        chosen.append(max(left, key=lambda i: score([*chosen, i])))
    assert selected(context, 2).tolist() == chosen
    assert len(selected(context, 99)) == x.shape[1]
