"""Analyses: their numbers against cases worked out by hand and against independent formulas."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from xreg.core.analysis.needs import require
from xreg.core.data.samples import Parameters
from xreg.core.errors import NotApplicableError, UnknownNameError
from xreg.core.hooks import AnalysisSpec
from xreg.core.interfaces.analysis import Findings, Table
from xreg.core.metrics import spectrum_error
from xreg.core.model.domain import Domain
from xreg.core.model.trust import OUTLIER, Trust, ranges_left
from xreg.plugins.l_edges.correlations import pearson
from xreg.plugins.l_edges.edges import boundary, branching_ratio
from xreg.plugins.l_edges.error_along import reach
from xreg.plugins.l_edges.gaussian_process import fit_process
from xreg.plugins.l_edges.misfit import boxed, largest_misfit
from xreg.plugins.validation.plugin import SpectrumErrorConfig
from xreg.plugins.validation.spectrum_error import channel_error, interval_counts, interval_names
from xreg.plugins.validation.trust import kept_errors
from xreg.registry.plugins import host

ENERGY = np.linspace(0.0, 30.0, 301)


def lines(*pairs: tuple[float, float]) -> np.ndarray:
    """Gaussian lines of width 0.5 eV at given energies, with given areas."""
    return sum(
        area * np.exp(-(((ENERGY - at) / 0.5) ** 2) / 2) / (0.5 * np.sqrt(2 * np.pi))
        for at, area in pairs
    )


def test_intervals_are_the_published_seven_and_half_open() -> None:
    assert interval_names() == ["0–3", "3–4", "4–5", "5–6", "6–7", "7–10", "≥ 10"]
    error = np.array([0, 2.999, 3, 4, 5.5, 6.9, 7, 9.99, 10, 55.0])
    assert interval_counts(error).tolist() == [2, 1, 1, 1, 1, 2, 2]


def test_the_error_of_a_channel_is_summed_over_spectra() -> None:
    known = np.array([[1.0, 2.0], [3.0, 0.0]])
    predicted = np.array([[1.0, 1.0], [1.0, 0.0]])
    # First channel: |0| + |-2| over 2 + 4; second: |-1| over 3.
    np.testing.assert_allclose(channel_error(known, predicted), [2 / 6, 1 / 3])


def test_the_misfit_is_the_largest_pointwise_difference() -> None:
    """Lüder's KST: a peak too high by 0.3 at 20 eV, in units of the spectrum's highest."""
    known, predicted = lines((8, 2), (20, 1)), lines((8, 2), (20, 1.6))
    at, size = largest_misfit(ENERGY, *boxed(known[None], predicted[None], "spectrum"))
    assert at[0] == 20.0
    assert size[0] == pytest.approx(0.3, rel=1e-6)  # 0.6 of a tallest peak of 2
    _, lower = largest_misfit(ENERGY, predicted[None], known[None])
    assert lower[0] == pytest.approx(-2 * size[0] * lines((8, 1)).max(), rel=1e-6)
    nothing = largest_misfit(ENERGY, *boxed(0 * known[None], predicted[None], "spectrum"))
    assert np.isnan(nothing[0][0])


def test_a_line_that_moved_misfits_by_its_height_not_by_its_area() -> None:
    """A line 3 eV too low holds half of the area; its height is what is missed, where it was."""
    known, predicted = lines((8, 1), (20, 1)), lines((5, 1), (20, 1))
    at, size = largest_misfit(ENERGY, *boxed(known[None], predicted[None], "spectrum"))
    assert abs(size[0]) == pytest.approx(1, abs=0.05)
    assert at[0] in (5.0, 8.0)


@settings(max_examples=20)
@given(st.integers(0, 2**31), st.sampled_from(["spectrum", "dataset", "none"]))
def test_the_misfit_by_plain_loops(seed: int, box: str) -> None:
    rng = np.random.default_rng(seed)
    energy = np.sort(rng.uniform(700, 730, 12))
    known, predicted = rng.normal(size=(2, 4, 12))
    at, size = largest_misfit(energy, *boxed(known, predicted, box))
    for j in range(4):
        greatest, where = -1.0, -1
        for i in range(12):
            if abs(predicted[j][i] - known[j][i]) > greatest:
                greatest, where = abs(predicted[j][i] - known[j][i]), i
        rows = {"spectrum": known[j], "dataset": known.ravel()}
        unit = 1.0 if box == "none" else max(rows[box]) - min(rows[box])
        assert at[j] == energy[where]
        assert abs(size[j]) == pytest.approx(greatest / unit)


def test_edges_are_parted_in_the_valley_and_their_ratio_is_that_of_their_areas() -> None:
    spectra = np.array([lines((7, 3), (19, 1)), lines((6, 2), (20, 2))])
    parting = boundary(ENERGY, spectra)
    assert 9 < parting < 17
    np.testing.assert_allclose(branching_ratio(ENERGY, spectra, parting), [3, 1], rtol=1e-6)
    dark = branching_ratio(ENERGY, lines((7, 3))[None], 29.0)
    assert np.isnan(dark[0]) or dark[0] > 1e6
    for one in (lines((15, 1)), 0 * ENERGY, 1 + 0 * ENERGY):
        with pytest.raises(NotApplicableError, match="no two edges"):
            boundary(ENERGY, one[None])


def test_reach_counts_spectra_from_the_start_outwards() -> None:
    values = np.array([-0.5, -0.1, -0.3, -0.2, -0.4])
    error = np.array([20.0, 1, 12, 2, 3])
    # From 0 outwards: good, good, bad, good, bad.
    assert reach(values, error, 0.0, 10, 1.0, fewest=1) == -0.2
    assert reach(values, error, 0.0, 10, 0.75, fewest=1) == -0.4
    assert reach(values, error, 0.0, 10, 0.6, fewest=1) == -0.5
    assert reach(values, error, -0.5, 10, 0.9, fewest=1) is None
    # Two good ones say nothing where four are asked for.
    assert reach(values, error, 0.0, 10, 1.0, fewest=4) is None


def test_a_gaussian_process_finds_mean_and_noise() -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(-0.2, 0, 300)
    y = np.sin(20 * x) + rng.normal(0, 0.1, 300)
    process = fit_process(x, y, 200)
    path = np.linspace(-0.19, -0.01, 30)
    mean, spread = process.predict(path)
    assert np.abs(mean - np.sin(20 * path)).max() < 0.08
    assert process.noise == pytest.approx(0.1, rel=0.25)
    assert spread.mean() == pytest.approx(0.1, rel=0.3)


def test_pearson_leaves_out_what_is_not_finite() -> None:
    a = np.array([1.0, 2, 3, 4, 5, np.nan])
    assert pearson(a, np.array([2.0, 4, 6, 8, 10, 0])) == pytest.approx(1)
    assert np.isnan(pearson(a, np.ones(6)))


def test_metrics_become_json_values() -> None:
    plain = Findings(
        metrics={
            "a": np.float64(1),
            "b": float("nan"),
            "c": {"d": np.arange(2), "e": (np.inf, "x")},
        }
    ).plain()
    assert plain == {"a": 1.0, "b": None, "c": {"d": [0, 1], "e": [None, "x"]}}


def test_cells_of_a_table_that_are_no_numbers_are_empty() -> None:
    table = Table("t", "T", ["a", "b", "c"], [["x", np.float64(2), float("nan")]])
    assert table.rows == [["x", 2.0, None]]


def test_an_analysis_says_in_one_sentence_what_it_lacks() -> None:
    spec = AnalysisSpec("odd", SpectrumErrorConfig, "x:y", "Odd.", needs=("spectra", "training"))
    context: Any = SimpleNamespace(target=SimpleNamespace(energy=None), retrainable=False)
    with pytest.raises(NotApplicableError, match=r"^analysis 'odd' needs spectra on an .* and the"):
        require(spec, context, context)


def test_unknown_analyses_are_told_with_the_likely_one() -> None:
    with pytest.raises(UnknownNameError, match=r"no analysis 'spectrum-eror' .*'spectrum-error'"):
        host().get("analysis", "spectrum-eror")


ANALYSES = [installed.spec.name for installed in host().of_kind("analysis")]


@pytest.mark.parametrize("name", ANALYSES)
def test_every_declared_analysis_exists_and_its_settings_are_sound(name: str) -> None:
    spec = host().get("analysis", name).spec
    assert host().load("analysis", name).Config is spec.config
    assert spec.summary.endswith(".")
    for row in spec.config.table():
        assert row.description.endswith(".")
        assert row.default != "required"


def judged(n: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Features, predictions, their spread and true spectra whose error follows the spread."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 4))
    predicted = 1 + rng.random((n, 30))
    size = np.exp(rng.normal(-2.5, 0.8, (n, 1)))
    known = predicted * (1 + size * np.sign(rng.normal(size=predicted.shape)))
    return features, predicted, 0.5 * size * predicted, known


def test_trust_ranks_errors_that_follow_the_spread_and_is_calibrated() -> None:
    train = np.random.default_rng(9).normal(size=(500, 4))
    features, predicted, spread, known = judged(300)
    trust = Trust.fit(train, features, predicted, spread, known)
    assert trust is not None
    features, predicted, spread, known = judged(1000, seed=1)
    found = trust.assess(features, predicted, spread)
    error = 100 * spectrum_error(known, predicted)
    assert spearmanr(found.expected, error).statistic > 0.97
    assert np.median(found.expected / error) == pytest.approx(1, abs=0.1)
    assert found.trust.mean() == pytest.approx((error < OUTLIER).mean(), abs=0.05)
    assert set(found.level[(found.trust >= 0.95) & ~found.outside]) == {"high"}
    assert set(found.level[found.outside]) <= {"low"}
    assert set(found.level[found.trust < 0.5]) == {"low"}
    # An ensemble that disagrees more than ever is trusted less than ever.
    worse = trust.assess(features, predicted, 100 * spread)
    assert (worse.expected > found.expected).all()
    assert trust.assess(features + 50, predicted, spread).outside.all()
    assert found.outside.mean() < 0.05
    # Spectra unlike any that were judged say so, whatever their features.
    inverted = trust.assess(features, -predicted, spread)
    assert inverted.outside.all()
    assert set(inverted.level) == {"low"}


def test_trust_comes_back_from_its_arrays() -> None:
    features, predicted, spread, known = judged(60)
    trust = Trust.fit(features, features, predicted, spread, known)
    assert trust is not None
    again = Trust.of(trust.arrays())
    assert again is not None
    before, after = (t.assess(features, predicted, spread) for t in (trust, again))
    np.testing.assert_array_equal(before.expected, after.expected)
    assert Trust.of({}) is None


def test_trust_does_without_spread_and_features_and_needs_enough_samples() -> None:
    features, predicted, _, known = judged(60)
    samples: Any = SimpleNamespace()
    trust = Trust.fit(samples, samples, predicted, None, known)
    assert trust is not None
    assert trust.assess(samples, predicted, None).expected.shape == (60,)
    assert Trust.fit(features[:29], features[:29], predicted[:29], None, known[:29]) is None


def test_parameters_beyond_their_range_in_training_lie_outside() -> None:
    domain = Domain("parameters", parameters=("Dq",), units=("eV",), ranges=((0.0, 0.2),))
    table = Parameters(["a", "b", "c"], np.array([[-0.1], [0.0], [0.2]]), ("Dq",), ("eV",))
    assert ranges_left(domain, table) == ["Dq -0.1 (training: 0 to 0.2)", "", ""]


def test_the_kept_error_is_that_of_the_best_first() -> None:
    error = np.array([4.0, 1.0, 7.0])
    np.testing.assert_allclose(kept_errors(error, np.array([1, 0, 2])), [1, 2.5, 4])
