"""The largest misfit and what goes with it, computed anew spectrum by spectrum.

J. Lüder, arXiv:2107.13149 (2021), section "Testing and performance analysis" and Fig. 8.
"""

from __future__ import annotations

import numpy as np
import pytest

from xreg.plugins.l_edges.misfit import _channels, boxed, largest_misfit


def spectra() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    energy = np.linspace(850, 880, 31)
    lines = np.exp(-((energy - rng.normal(858, 1, (200, 1))) ** 2) / 2)
    lines += 0.4 * np.exp(-((energy - rng.normal(873, 1, (200, 1))) ** 2) / 2)
    return energy, lines, lines + 0.05 * lines * rng.normal(size=lines.shape)


@pytest.mark.parametrize("box", ["spectrum", "dataset", "none"])
def test_the_misfit_is_the_largest_pointwise_difference_and_its_energy(box: str) -> None:
    energy, known, predicted = spectra()
    at, size = largest_misfit(energy, *boxed(known, predicted, box))
    least, most = known.min(), known.max()
    for j, (true, guess) in enumerate(zip(known, predicted, strict=True)):
        unit = {"spectrum": true.max() - true.min(), "dataset": most - least, "none": 1.0}[box]
        worst, place = 0.0, 0
        for i in range(len(energy)):
            if abs(guess[i] - true[i]) / unit > abs(worst):
                worst, place = (guess[i] - true[i]) / unit, i
        assert size[j] == pytest.approx(worst)
        assert at[j] == energy[place]


def test_correlations_over_channels_are_those_of_numpy() -> None:
    energy, known, predicted = spectra()
    at, size = largest_misfit(energy, known, predicted)
    found = {row[0]: row[1:] for row in _channels(energy, known, predicted, at, size)}
    mean, std = known.mean(axis=0), known.std(axis=0)
    se_c = [np.mean([abs(p[i] - k[i]) for p, k in zip(predicted, known, strict=True)])
            for i in range(len(energy))]  # fmt: skip
    number = [int(sum(at == e)) for e in energy]
    some = [i for i, n in enumerate(number) if n]
    largest = [max(abs(size[at == energy[i]])) for i in some]
    for name, values, rows in (
        ("mean absolute difference", se_c, range(len(energy))),
        ("number of KSTs", number, range(len(energy))),
        ("largest KST", largest, some),
    ):
        want = [np.corrcoef(values, of[list(rows)])[0, 1] for of in (mean, std)]
        assert found[name] == pytest.approx(want)
