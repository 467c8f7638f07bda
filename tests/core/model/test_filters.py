"""Which columns are left out before scaling, against the whole matrix of correlations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xreg.core.errors import DataError
from xreg.core.interfaces import FeatureLabel
from xreg.core.model import filters
from xreg.core.model.filters import FeatureFilter, KeptColumns

LABELS = [FeatureLabel(name) for name in ("a", "copy of a", "b", "constant", "-b and a little")]


def table(n: int = 200, seed: int = 0) -> np.ndarray:
    """Five columns as the labels say; one of them is constant but for rounding."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=n), 1e-3 * rng.normal(size=n)
    return np.stack([a, 3 * a + 1, b, 0.1 + np.zeros(n), -b + 1e-4 * rng.normal(size=n)], axis=1)


def test_no_threshold_drops_nothing_but_lists_what_is_constant():
    kept = FeatureFilter().fit(table())
    assert kept.columns.tolist() == [0, 1, 2, 3, 4]
    assert kept.constant == (3,)
    assert kept.flat == ()
    assert kept.follows == {}


def test_variance_drops_what_varies_less_and_what_rounding_alone_varies():
    x = table()
    x[::2, 3] += 1e-16
    assert FeatureFilter(variance=0.0).fit(x).flat == (3,)
    variances = x.var(axis=0)
    for threshold in (1e-9, 1e-6, 0.5):
        kept = FeatureFilter(variance=threshold).fit(x)
        assert kept.columns.tolist() == np.flatnonzero(variances > threshold).tolist()


def test_correlation_drops_the_later_of_two_and_names_the_earlier():
    kept = FeatureFilter(correlation=0.99).fit(table())
    assert kept.follows == {1: 0, 4: 2}
    assert kept.columns.tolist() == [0, 2, 3]


def test_a_chain_keeps_the_column_that_only_a_dropped_one_resembles():
    rng = np.random.default_rng(0)
    a, b = np.linalg.qr(rng.normal(size=(500, 2)))[0].T
    x = np.stack([a, a + 0.5 * b, a + 1.2 * b], axis=1)
    r = np.corrcoef(x.T)
    assert r[0, 1] > 0.85
    assert r[1, 2] > 0.85
    assert r[0, 2] < 0.8
    kept = FeatureFilter(correlation=0.85).fit(x)
    assert kept.columns.tolist() == [0, 2]


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(0.05, 0.95), st.sampled_from([1, 3, 7, 512]))
def test_kept_columns_are_apart_and_dropped_ones_follow_a_kept_one(seed, threshold, block):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(40, 5)) @ rng.normal(size=(5, 17)) + 0.3 * rng.normal(size=(40, 17))
    before, filters.BLOCK = filters.BLOCK, block
    try:
        kept = FeatureFilter(correlation=threshold).fit(x)
    finally:
        filters.BLOCK = before
    r = np.abs(np.corrcoef(x.T))
    inside = r[np.ix_(kept.columns, kept.columns)] - np.eye(len(kept.columns))
    assert inside.max(initial=0) <= threshold + 1e-12
    assert sorted([*kept.columns.tolist(), *kept.follows]) == list(range(17))
    for column, other in kept.follows.items():
        assert other < column
        assert other in kept.columns
        best = max(r[column, k] for k in kept.columns if k < column)
        assert r[column, other] == pytest.approx(best)
        assert best > threshold


def test_the_choice_is_told_by_label_and_survives_json():
    kept = FeatureFilter(variance=0.0, correlation=0.99).fit(table())
    assert kept.table(LABELS) == {
        "described": 5,
        "kept": ["a", "b"],
        "constant": ["constant"],
        "dropped_by_variance": ["constant"],
        "dropped_by_correlation": [
            {"feature": "copy of a", "follows": "a"},
            {"feature": "-b and a little", "follows": "b"},
        ],
    }
    assert [label.name for label in kept.labels(LABELS)] == ["a", "b"]
    again = KeptColumns.restore(kept.state())
    assert again.table(LABELS) == kept.table(LABELS)
    np.testing.assert_array_equal(again.transform(table()), table()[:, [0, 2]])


def test_bad_requests_say_what_to_do():
    with pytest.raises(DataError, match=r"variance above 10 on the training set; lower"):
        FeatureFilter(variance=10.0).fit(table())
    with pytest.raises(DataError, match=r"fitted on 5 features and got an array of shape \(2, 3\)"):
        FeatureFilter().fit(table()).transform(np.ones((2, 3)))


def test_a_share_of_the_least_varying_columns_goes() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 8)) * [1, 5, 0, 3, 0.1, 2, 7, 4]
    kept = FeatureFilter(variance_share=0.375).fit(x)
    assert kept.columns.tolist() == [1, 3, 5, 6, 7]
    assert kept.flat == (0, 2, 4)
    assert FeatureFilter(variance_share=0).fit(x).columns.tolist() == list(range(8))
    with pytest.raises(DataError, match="variance_share"):
        FeatureFilter(variance_share=0.99).fit(x)
