"""Values that stand for something else than an intensity are refused or told."""

from __future__ import annotations

import numpy as np
import pytest

from xreg.core.errors import DataError
from xreg.core.readers.spectra.spectrum import TextSpectrum, read_spectrum

ENERGY = np.arange(7100.0, 7160.0)
MU = 0.1 + 1 / (1 + np.exp(-(ENERGY - 7120) / 2))


def read(mu: np.ndarray) -> TextSpectrum:
    rows = (f"{e} {v!r}\n" for e, v in zip(ENERGY.tolist(), mu.tolist(), strict=True))
    return read_spectrum("".join(rows).encode())


MARKERS = [-999, -999.25, -999.9, 9999, -9999, -9999.9, -9999.99, 99999.9, -999999, -8888]
MARKERS += [32767, -32768, 65535, 2147483647, -2147483648, 4294967295, 1e10, 1e20, 1e30]
MARKERS += [9.96920996838687e36, 3.4028235e38]


@pytest.mark.parametrize("marker", MARKERS)
@pytest.mark.parametrize("places", [[20], [0, 1, 59]])
def test_a_marker_of_a_missing_value_is_refused(marker, places):
    mu = MU.copy()
    mu[places] = marker
    with pytest.raises(DataError, match=f"at point {places[0] + 1} .*mark a missing value"):
        read(mu)


@pytest.mark.parametrize("value", [-99, -99.99, 12.0, -1000.5])
def test_a_value_far_outside_of_all_others_is_told(value):
    mu = MU.copy()
    mu[20] = value
    (note,) = read(mu).notes
    assert note.startswith(f"its value {value:g} at 7120 eV lies far outside of all others, 0.1")


def test_counts_of_detectors_and_sharp_lines_are_no_markers():
    counts = np.round(5e4 + 2e4 * MU)
    counts[30] = 65535  # among its like
    assert read(counts).notes == ()
    line = MU + 4 / (1 + ((ENERGY - 7125) / 2) ** 2)
    assert read(line).notes == ()


def test_a_constant_with_nothing_but_rounding_is_a_constant():
    with pytest.raises(DataError, match=r"all intensities of the spectrum are 3\.2, a constant"):
        read(3.2 * (1 + 2e-16 * np.arange(60)))
    assert read(3.2 * (1 + 1e-6 * MU)).intensity[0] == 3.2 * (1 + 1e-6 * MU[0])
