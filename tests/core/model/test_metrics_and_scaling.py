"""Scores and scalers against scikit-learn and numbers done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler

from xreg.core.errors import DataError
from xreg.core.metrics import covered_variance, covered_variance_interval, sample_r2, spectrum_error
from xreg.core.model.scaling import Scaler

few = settings(max_examples=25)
matrices = arrays(np.float64, (7, 4), elements=st.floats(-1e3, 1e3, width=32))


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    true = rng.normal(size=(30, 5)) * [1, 2, 3, 4, 5] + 10
    return true, true + 0.3 * rng.normal(size=true.shape)


def test_covered_variance_is_the_variance_weighted_r2(pair):
    true, guess = pair
    expected = r2_score(true, guess, multioutput="variance_weighted")
    assert covered_variance(true, guess) == pytest.approx(expected, rel=1e-12)
    assert covered_variance(true[:, 0], guess[:, 0]) == pytest.approx(
        r2_score(true[:, 0], guess[:, 0]), rel=1e-12
    )


def test_covered_variance_of_the_mean_is_zero_and_of_the_truth_one(pair):
    true, _ = pair
    assert covered_variance(true, true) == 1
    assert covered_variance(true, np.broadcast_to(true.mean(0), true.shape)) == pytest.approx(0)


def test_sample_r2_is_the_r2_of_each_spectrum(pair):
    true, guess = pair
    expected = [r2_score(t, g) for t, g in zip(true, guess, strict=True)]
    np.testing.assert_allclose(sample_r2(true, guess), expected, rtol=1e-12)


def test_spectrum_error_by_hand():
    error = spectrum_error([[1.0, 2.0], [0.0, 0.0]], [[1.5, 1.5], [0.0, 0.0]])
    assert error[0] == pytest.approx((0.5 + 0.5) / (2.5 + 3.5))
    assert np.isnan(error[1])


def test_what_does_not_vary_has_no_score():
    flat = np.full((5, 3), 0.1)  # 0.1 is no binary fraction: its mean is off by rounding
    with pytest.raises(DataError, match="do not vary"):
        covered_variance(flat, flat + 1)
    assert np.isnan(sample_r2(flat, flat + 1)).all()


@pytest.mark.parametrize("score", [covered_variance, sample_r2, spectrum_error])
def test_shapes_must_agree(score):
    with pytest.raises(DataError, match=r"\(2, 3\).*\(3, 2\)"):
        score(np.zeros((3, 2)), np.zeros((2, 3)))
    with pytest.raises(DataError):
        score(np.zeros((0, 2)), np.zeros((0, 2)))


def test_standard_scaling_is_scikit_learns(pair):
    true, other = pair
    ours, theirs = Scaler.fit(true, "standard"), StandardScaler().fit(true)
    np.testing.assert_allclose(ours.transform(other), theirs.transform(other), rtol=1e-12)


def test_global_scaling_keeps_shapes(pair):
    true, _ = pair
    scaled = Scaler.fit(true, "global").transform(true)
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-12)
    assert np.mean(scaled.std(0) ** 2) == pytest.approx(1)
    np.testing.assert_allclose(scaled.std(0) / scaled.std(0)[0], true.std(0) / true.std(0)[0])


def test_no_scaling_changes_nothing(pair):
    true, _ = pair
    np.testing.assert_array_equal(Scaler.fit(true, "none").transform(true), true)


def test_box_is_one_for_all_channels():
    scaler = Scaler.fit([[1.0, 3.0], [2.0, 5.0]], "box")
    np.testing.assert_allclose(scaler.transform([[1.0, 5.0], [3.0, 9.0]]), [[0, 1], [0.5, 2]])
    np.testing.assert_array_equal(Scaler.fit(np.full((3, 2), 0.1), "box").scale, 1)


@pytest.mark.parametrize("mode", ["standard", "channel", "global"])
@pytest.mark.parametrize("level", [0.0, 0.1, 1e8])
def test_constant_columns_become_zero_and_are_named(mode, level):
    values = np.full((6, 3), level)
    values[:, 1] += [1, 2, 3, 4, 5, 6]
    scaler = Scaler.fit(values, mode)
    assert scaler.constant == (0, 2)
    np.testing.assert_allclose(scaler.transform(values)[:, [0, 2]], 0, atol=1e-6)


@pytest.mark.parametrize("mode", ["standard", "global"])
def test_rounding_in_wholly_constant_data_is_not_blown_up(mode):
    scaler = Scaler.fit(np.full((3, 2), 0.1), mode)
    np.testing.assert_array_equal(scaler.scale, 1)


def test_a_nearly_empty_feature_is_no_signal():
    """The tail of a narrow Gaussian: nothing in training, a little for an outlier."""
    values = np.array([[1.0, 1e-90, 0.1], [2.0, 0.0, 0.2], [3.0, 0.0, 0.3]])
    scaler = Scaler.fit(values, "standard")
    assert scaler.constant == (1,)
    assert abs(scaler.transform([[2.0, 1e-3, 0.2]])[0, 1]) < 1e-2
    np.testing.assert_allclose(scaler.transform(values)[:, [0, 2]].std(axis=0), 1)


def test_a_rarely_filled_feature_is_cut_at_what_training_saw():
    """A column that one structure of two hundred barely reaches; another one fills it."""
    values = np.zeros((200, 2))
    values[:, 0] = np.linspace(-1, 1, 200)
    values[7, 1] = 1e-4
    scaler = Scaler.fit(values, "standard")
    z = scaler.transform(values)
    assert not scaler.constant
    np.testing.assert_allclose(z.std(axis=0), 1)
    far = scaler.transform([[1.2, 0.9], [-9.0, -0.9], [1.4, 0.0]])
    np.testing.assert_allclose(far[:, 0], np.array([1.2, -9.0, 1.4]) * z[-1, 0])  # extrapolated
    np.testing.assert_allclose(far[:, 1], [z[7, 1], -z[7, 1], z[0, 1]])
    # Targets are never cut: predictions beyond the training data must come back as they are.
    assert Scaler.fit(values, "channel").limit is None


@pytest.mark.parametrize("mode", ["standard", "global", "none"])
def test_a_scaler_comes_back_from_its_arrays(mode):
    values = np.ones((200, 3))
    values[:, 1], values[5, 2] = np.arange(200), 3.0
    scaler = Scaler.fit(values, mode)
    again = Scaler.of(scaler.arrays("x"), "x")
    far = [[9.0, 99.0, 2.0]]
    np.testing.assert_array_equal(again.transform(far), scaler.transform(far))
    assert again.constant == scaler.constant


@pytest.mark.parametrize("bad", [np.zeros((0, 3)), np.zeros(3)])
def test_scaling_needs_rows(bad):
    with pytest.raises(DataError, match="shape"):
        Scaler.fit(bad, "standard")


@few
@given(values=matrices, mode=st.sampled_from(["none", "standard", "global", "channel", "box"]))
def test_inverse_undoes_transform(values, mode):
    scaler = Scaler.fit(values, mode)
    back = scaler.inverse_transform(scaler.transform(values))
    np.testing.assert_allclose(back, values, rtol=1e-9, atol=1e-9)


def test_the_interval_of_a_score_is_that_of_scores_of_redrawn_groups() -> None:
    rng = np.random.default_rng(3)
    true = rng.normal(size=(12, 5)) + 7
    guess = true + rng.normal(0, 0.5, (12, 5))
    groups = np.array(list("aabbbcddeeee"))
    _, member = np.unique(groups, return_inverse=True)
    draws = np.random.default_rng(4).multinomial(5, np.full(5, 0.2), size=1000)
    scores = []
    for weights in draws:  # the definition itself, group by group
        rows = np.repeat(np.arange(12), weights[member])
        scores.append(covered_variance(true[rows], guess[rows]))
    expected = np.quantile(scores, [0.025, 0.975])
    found = covered_variance_interval(true, guess, groups, seed=4)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert covered_variance_interval(true, guess, groups, seed=4) == found


def test_the_interval_says_how_little_few_samples_tell() -> None:
    """Of independent samples its width falls with the root of their number."""
    rng = np.random.default_rng(5)
    true = rng.normal(size=(6400, 3))
    guess = true + rng.normal(0, 0.6, true.shape)
    widths = []
    for n in (7, 64, 6400):
        low, high = covered_variance_interval(true[:n], guess[:n]) or (0.0, 0.0)
        assert low < covered_variance(true[:n], guess[:n]) < high
        widths.append(high - low)
    assert widths[0] > 0.2
    assert 7 < widths[1] / widths[2] < 13  # 10 for a hundred times as many
    copies = np.repeat(np.arange(64), 100)  # near-copies tell no more than one each
    low, high = covered_variance_interval(true[copies], guess[copies], copies) or (0.0, 0.0)
    assert high - low == pytest.approx(widths[1], rel=0.1)


def test_without_two_groups_or_variation_there_is_no_interval() -> None:
    true = np.arange(6.0).reshape(3, 2)
    assert covered_variance_interval(true, true, ["a", "a", "a"]) is None
    assert covered_variance_interval(np.ones((3, 2)), np.ones((3, 2))) is None
    assert covered_variance_interval(true[:1], true[:1]) is None
    assert covered_variance_interval(true, true) == (1.0, 1.0)
