"""Generator ``multiplet``: conformance, and exactness of each of its operators."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from xreg.core.data.samples import Parameters
from xreg.core.ions.model import PARAMETERS
from xreg.core.testing import GeneratorSuite
from xreg.plugins.multiplet.atomic import Configuration, gaunt, transition
from xreg.plugins.multiplet.multiplet import Multiplet
from xreg.plugins.multiplet.symmetry import transitions_of

LOW = (0.0, -1.4, -0.8, 0.6, 0.6, 1.0, 0.05, 0.3, 0.3)


HIGH = (0.2, 1.4, 0.8, 1.0, 1.0, 1000.0, 0.20, 1.0, 1.2)


UNITS = [parameter.unit for parameter in PARAMETERS.values()]


ALL = ("xas", "xas_x", "xas_y", "xas_z")


def published(n: int, seed: int = 0, **fixed: float) -> Parameters:
    """Draw from the published parameter space, with some parameters fixed."""
    values = np.random.default_rng(seed).uniform(LOW, HIGH, (n, len(PARAMETERS)))
    for name, value in fixed.items():
        values[:, list(PARAMETERS).index(name)] = value
    return Parameters([f"set-{i}" for i in range(n)], values, tuple(PARAMETERS), UNITS)


class TestSuite(GeneratorSuite):
    component = Multiplet
    settings = {"ion": "Ni2+", "channels": ALL}
    plugin = "xreg.plugins.multiplet.plugin"

    def samples(self) -> Parameters:
        return published(2)


def levels(operator: np.ndarray) -> list[tuple[float, int]]:
    """Return distinct eigenvalues and how often each occurs."""
    found: list[tuple[float, int]] = []
    for value in np.linalg.eigvalsh(operator):
        if found and abs(found[-1][0] - value) < 1e-9:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((float(value), 1))
    return found


def as_levels(*expected: tuple[float, int]) -> list[tuple[float, int]]:
    return [(pytest.approx(energy, abs=1e-9), count) for energy, count in sorted(expected)]


# Operators ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", range(10))
def test_spaces(n: int) -> None:
    built = transitions_of(n)
    assert sum(b.weight * len(b) for b in built.initial) == comb(10, n)
    assert sum(b.weight * len(b) for b in built.final) == 6 * comb(10, n + 1)
    for block in (*built.initial, *built.final):
        for name, term in block.terms.items():
            np.testing.assert_allclose(term, term.T, atol=1e-14, err_msg=name)


def test_gaunt() -> None:
    # Condon & Shortley, table 1⁶: c²(d0, d0) = 2/7, c⁴(d2, d−2) = √70/21, c¹(p0, d0) = 2/√15.
    assert gaunt(2, 2, 0, 2, 0) == pytest.approx(2 / 7)
    assert gaunt(4, 2, 2, 2, -2) == pytest.approx(np.sqrt(70) / 21)
    assert gaunt(1, 1, 0, 2, 0) == pytest.approx(2 / np.sqrt(15))
    assert gaunt(1, 2, 1, 1, 1) == pytest.approx(1 / np.sqrt(5))
    assert gaunt(2, 1, 0, 2, 0) == 0


def coulomb(n: int, f2: float, f4: float) -> np.ndarray:
    terms = Configuration(6, n).terms()
    return (f2 * terms["F2dd"] + f4 * terms["F4dd"]).toarray()


@pytest.mark.parametrize("n", [2, 8])
def test_terms_of_two_electrons_or_holes(n: int) -> None:
    f2, f4 = 9.0, 5.5
    b, c = f2 / 49 - 5 * f4 / 441, 35 * f4 / 441
    a = 2 / 63 * (f2 + f4) - f4 / 9
    expected = [
        (a - 8 * b, 21), (a + 7 * b, 9), (a + 4 * b + 2 * c, 9), (a - 3 * b + 2 * c, 5),
        (a + 14 * b + 7 * c, 1),
    ]  # fmt: skip
    average = sum(e * k for e, k in expected) / 45
    assert average == pytest.approx(0, abs=1e-12)  # the monopole part is chosen for that
    assert levels(coulomb(n, f2, f4)) == as_levels(*expected)


def test_terms_of_d5() -> None:
    f2, f4 = 10.3, 6.4
    b, c = f2 / 49 - 5 * f4 / 441, 35 * f4 / 441
    a = 2 / 63 * (f2 + f4) - f4 / 9
    found = levels(coulomb(5, f2, f4))
    assert found[0] == (pytest.approx(10 * a - 35 * b), 6)  # ⁶S
    assert found[1] == (pytest.approx(10 * a - 25 * b + 5 * c), 36)  # ⁴G
    assert sum(e * k for e, k in found) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("n", "sign"), [(1, 1), (9, -1)])
def test_one_electron_and_one_hole(n: int, sign: int) -> None:
    dq, ds, dt = 0.13, 0.07, -0.04
    terms = Configuration(6, n).terms()
    field = (dq * terms["Dq"] + ds * terms["Ds"] + dt * terms["Dt"]).toarray()
    assert levels(field) == as_levels(
        (sign * (6 * dq - 2 * ds - 6 * dt), 2),
        (sign * (6 * dq + 2 * ds - dt), 2),
        (sign * (-4 * dq + 2 * ds - dt), 2),
        (sign * (-4 * dq - ds + 4 * dt), 4),
    )
    assert levels(terms["zeta3d"].toarray()) == as_levels((sign * 1.0, 6), (sign * -1.5, 4))


def test_core_hole() -> None:
    configuration = Configuration(5, 10)
    assert levels(configuration.terms()["zeta2p"].toarray()) == as_levels((-0.5, 4), (1.0, 2))
    total = sum((transition(Configuration(6, 9), q) ** 2).sum() for q in (-1, 0, 1))
    assert total == pytest.approx(4)  # 2 spins times |⟨d||C¹||p⟩|² = 2


@pytest.mark.parametrize("n", [0, 1, 5])
def test_interactions_average_to_zero(n: int) -> None:
    for configuration in (Configuration(6, n), Configuration(5, n + 1)):
        for name, term in configuration.terms().items():
            assert term.trace() == pytest.approx(0, abs=1e-9), name
