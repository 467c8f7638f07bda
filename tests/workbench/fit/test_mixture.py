"""What several minima say together of one unknown: probabilities, a σ, and intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from xreg.workbench.fit.mixture import Mixture, likelihoods


def test_a_mixture_of_one_is_a_normal_distribution() -> None:
    one = Mixture(np.array([1.0]), np.array([0.4]), np.array([0.03]), np.array([0.03]))
    assert one.std() == pytest.approx(0.03, rel=1e-6)
    assert one.below(0.43) == pytest.approx(0.841345, abs=1e-5)
    assert one.region() == [pytest.approx((0.37, 0.43), abs=3e-4)]
    skew = Mixture(np.array([1.0]), np.array([0.4]), np.array([0.02]), np.array([0.06]))
    assert skew.region() == [pytest.approx((0.38, 0.46), abs=5e-4)]
    assert skew.below(0.4) == pytest.approx(0.25)  # the lower half is a third as wide


@pytest.mark.parametrize("std", [3.0, 1e9, 1e15])
def test_a_mixture_of_nothing_known_is_its_range(std: float) -> None:
    wide = np.array([std])
    blind = Mixture(np.array([1.0]), np.array([0.5]), wide, wide, (0.0, 1.0))
    assert blind.std() == pytest.approx(0.341345, rel=0.01)  # 68 % of the range about its middle
    assert blind.below(0.25) == pytest.approx(0.25, rel=0.02)
    at_end = Mixture(np.array([1.0]), np.array([1.0]), wide, wide, (0.0, 1.0))
    assert at_end.std() == pytest.approx(0.682689, rel=0.02)


def test_a_mixture_of_two_covers_both() -> None:
    even = np.full(2, 0.02)
    two = Mixture(np.array([0.5, 0.5]), np.array([0.3, 0.7]), even, even)
    assert two.region() == [pytest.approx((0.28, 0.32), abs=5e-4),
                            pytest.approx((0.68, 0.72), abs=5e-4)]  # fmt: skip
    # 68 % are reached when 36 % of the second are: 0.36 below its centre
    assert two.std() == pytest.approx(0.4 + 0.02 * norm.ppf(0.365379), rel=1e-3)
    rare = Mixture(np.array([0.99, 0.01]), np.array([0.3, 0.7]), even, even)
    assert rare.std() == pytest.approx(0.02, rel=0.12)
    known = Mixture(np.array([0.9, 0.1]), np.array([0.3, 0.7]), even, even)
    assert known.std() == pytest.approx(0.2, rel=0.02)  # ± 2σ has to hold 95 %
    assert likelihoods(np.array([10.0, 12.0]), 1.0) == pytest.approx([0.7310586, 0.2689414])
