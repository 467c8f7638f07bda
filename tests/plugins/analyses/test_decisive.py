"""Components of no consequence, found anew by setting them to zero one by one."""

from __future__ import annotations

import numpy as np
import pytest

from xreg.core.metrics import covered_variance
from xreg.plugins.decomposition.decisive import kept_curve
from xreg.plugins.pls.pls import PLS


def test_variance_without_the_smallest_components_is_that_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 30))
    y = np.stack([2 * x[:, 3] + x[:, 7], x[:, 7], 0.01 * x[:, 9]], axis=1)
    decomposer = PLS(rank=2).fit(x, y)
    size = np.abs(decomposer.components_).max(axis=0)
    order = np.argsort(-size, kind="stable")
    assert set(order[:2].tolist()) == {3, 7}
    counts, scores = kept_curve(decomposer, x, y, order)
    assert counts[0] == 1
    assert counts[-1] == 30
    for count, score in zip(counts.tolist(), scores.tolist(), strict=True):
        components = decomposer.components_.copy()
        for feature in order[count:]:
            components[:, feature] = 0
        t = (x - decomposer.mean_) @ components.T
        assert score == pytest.approx(covered_variance(y, decomposer.decode(t)))
    assert scores[counts.tolist().index(2)] > 0.9 > scores[0]
    assert scores[-1] == pytest.approx(decomposer.covered_variance(x, y)[-1])
