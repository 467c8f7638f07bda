"""Calibration of errors whose distribution is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from xreg.core.analysis.results import PartResult
from xreg.core.errors import NotApplicableError
from xreg.core.model.calibration import spread_factor
from xreg.core.model.domain import Target
from xreg.plugins.validation.calibration import (
    LEVELS,
    CalibrationAnalysis,
    bins_by_spread,
    draw,
    reliability,
)


class Judged:
    """What the analysis asks of a context."""

    judged = "test"
    target = Target("xas", np.arange(10.0))

    def __init__(self, known, predicted, spread):
        ids = np.array([str(i) for i in range(len(known))])
        self.result = PartResult(ids, known, predicted, spread)
        self.model = type("P", (), {"emulator": type("E", (), {"name": "toy"})})


def normal(factor=1.0, n=2000):
    rng = np.random.default_rng(0)
    spread = rng.uniform(0.5, 2.0, (n, 1)) * np.ones(10)
    return factor * spread * rng.normal(size=spread.shape), spread


def test_normal_errors_are_reliable():
    np.testing.assert_allclose(reliability(*normal()), LEVELS, atol=0.02)
    assert (reliability(*normal(2.0)) < LEVELS).all()


def test_bins_follow_the_spread():
    claimed, made = bins_by_spread(*normal(), 4)
    assert np.all(np.diff(claimed) > 0)
    np.testing.assert_allclose(made, claimed, rtol=0.05)


def test_findings_say_how_far_off_a_claim_is():
    errors, spread = normal(2.0)
    found = CalibrationAnalysis(bins=4).analyse(Judged(errors, np.zeros_like(errors), spread))
    assert found.metrics["error_over_spread"] == pytest.approx(2, rel=0.02)
    assert found.metrics["within"]["2"] == pytest.approx(0.683, abs=0.01)
    assert found.text.startswith("38 % of the errors of the test spectra lie within one")
    assert len(found.tables[0].rows) == 4
    figure = draw(LEVELS, np.array([0.1, 0.2]), np.array([0.1, 0.3]), "arb. u.")
    assert len(figure.axes) == 2


@pytest.mark.parametrize("networks", [2, 3, 10])
def test_a_few_points_on_which_networks_agree_do_not_decide_the_scale(networks):
    """Spread of small ensembles: with two networks errors over spread follow a Cauchy law."""
    rng = np.random.default_rng(networks)
    every = rng.normal(size=(networks, 4000, 5))
    errors, spread = every.mean(axis=0), every.std(axis=0, ddof=1)
    factor = spread_factor(errors, spread)
    assert np.mean(np.abs(errors) <= factor * spread) == pytest.approx(0.683, abs=1e-3)
    # Student's t with n - 1 degrees of freedom, of the mean of n: 68.27 % of it lies within this.
    wide = stats.t(networks - 1).ppf((1 + 0.6827) / 2) / np.sqrt(networks)
    assert factor == pytest.approx(wide, rel=0.05)


def test_a_model_without_spread_is_named():
    errors, spread = normal(n=5)
    for none in (None, 0 * spread):
        with pytest.raises(NotApplicableError, match="'toy' has no predictive spread"):
            CalibrationAnalysis().analyse(Judged(errors, 0 * errors, none))
