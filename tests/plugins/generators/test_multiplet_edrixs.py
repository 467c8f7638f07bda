"""Generator ``multiplet`` against edrixs, an independent program for the same Hamiltonian."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.special import wofz

from xreg.core.data.samples import ParameterSet
from xreg.core.ions.model import BOLTZMANN, PARAMETERS, ion_named
from xreg.core.ions.window import window
from xreg.plugins.multiplet.multiplet import Multiplet

edrixs = pytest.importorskip("edrixs", reason="pip install --no-deps edrixs")

LOW = (0.0, -1.4, -0.8, 0.6, 0.6, 1.0, 0.05, 0.3, 0.3)
HIGH = (0.2, 1.4, 0.8, 1.0, 1.0, 1000.0, 0.20, 1.0, 1.2)


def by_edrixs(ion_name: str, v: dict[str, float]) -> np.ndarray:
    """Return the isotropic spectrum from edrixs' levels and transition amplitudes."""
    ion = ion_named(ion_name)
    i, f, s1, s2 = ion.initial, ion.final, v["S1"], v["S2"]
    pd0 = s2 * (f["G1pd"] / 15 + 3 / 70 * f["G3pd"])
    repulsion = [
        [2 / 63 * s1 * (x["F2dd"] + x["F4dd"]), s1 * x["F2dd"], s1 * x["F4dd"]] for x in (i, f)
    ]
    coupling = [pd0, s1 * f["F2pd"], s2 * f["G1pd"], s2 * f["G3pd"]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        below, above, dipole = edrixs.ed_1v1c_py(
            ("d", "p"),
            v_soc=(i["zeta3d"], f["zeta3d"]),
            c_soc=f["zeta2p"],
            v_noccu=ion.electrons,
            slater=(repulsion[0], [*repulsion[1], *coupling]),
            v_cfmat=edrixs.cf_tetragonal_d(
                10 * v["Dq"], 3 * v["Ds"] - 5 * v["Dt"], 4 * v["Ds"] + 5 * v["Dt"]
            ),
        )
    weight = np.exp(-(below - below.min()) / (BOLTZMANN * v["T"]))
    weight /= weight.sum()
    strength = 0.4 * (np.abs(dipole) ** 2).sum(0) * weight / 3
    energy = above[:, None] - below + ion.origin
    grid = window(Multiplet(ion=ion_name).config)
    total = np.zeros(grid.count)
    scale = v["sigma"] * np.sqrt(2)
    for side, gamma in ((energy < ion.border, v["gamma1"]), (energy >= ion.border, v["gamma2"])):
        keep = side & (strength > 1e-13)
        z = (grid.energies[:, None] - energy[keep] + 0.5j * gamma) / scale
        total += wofz(z).real @ strength[keep] / (scale * np.sqrt(np.pi))
    return total


@pytest.mark.parametrize("ion", ["Ti3+", "V3+", "Co2+", "Ni2+"])
def test_same_as_edrixs(ion: str) -> None:
    values = np.random.default_rng(11).uniform(LOW, HIGH)
    v = dict(zip(PARAMETERS, values.tolist(), strict=True))
    found = Multiplet(ion=ion).generate(ParameterSet("it", v)).channels["xas"]
    wanted = by_edrixs(ion, v)
    assert np.abs(found - wanted).max() <= 1e-8 * wanted.max()
