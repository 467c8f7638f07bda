"""The model's ions and parameters, shared by the exact engine and Quanty."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.samples import ParameterSet
from xreg.core.data.spaces import Parameter, ParameterRange, ParameterSpace, require_within
from xreg.core.errors import ConfigError

__all__ = ["BOLTZMANN", "PARAMETERS", "Ion", "checked", "ion_named", "spaces"]

BOLTZMANN = 8.617333262e-5
"""Boltzmann's constant in eV/K (CODATA 2018)."""


PARAMETERS: Mapping[str, Parameter] = {
    "Dq": Parameter("eV", -2, 2, "cubic crystal field, a tenth of the octahedral splitting"),
    "Ds": Parameter("eV", -5, 5, "tetragonal crystal field of second order"),
    "Dt": Parameter("eV", -5, 5, "tetragonal crystal field of fourth order"),
    "S1": Parameter("", 0, 2, "scale of the direct Slater integrals F(dd) and F(pd)"),
    "S2": Parameter("", 0, 2, "scale of the exchange integrals G(pd)"),
    "T": Parameter("K", 0, 1e5, "temperature", open_low=True),
    "sigma": Parameter("eV", 0, 10, "standard deviation of the Gaussian"),
    "gamma1": Parameter("eV", 0.02, 20, "Lorentzian full width at half maximum, L3"),
    "gamma2": Parameter("eV", 0.02, 20, "Lorentzian full width at half maximum, L2"),
}
"""The parameters of a sample, by name; a sample gives every one of them."""

_OCTAHEDRAL = {"Ds": ParameterRange(value=0.0), "Dt": ParameterRange(value=0.0)}


def _published() -> ParameterSpace:
    ends = {
        "Dq": (0.0, 0.2), "Ds": (-1.4, 1.4), "Dt": (-0.8, 0.8), "S1": (0.6, 1.0), "S2": (0.6, 1.0),
        "T": (1.0, 1000.0), "sigma": (0.05, 0.20), "gamma1": (0.3, 1.0), "gamma2": (0.3, 1.2),
    }  # fmt: skip
    ranges = {
        name: ParameterRange(unit=PARAMETERS[name].unit, low=low, high=high)
        for name, (low, high) in ends.items()
    }
    return ParameterSpace(ranges, "D4h field of the published databases")


def spaces() -> dict[str, ParameterSpace]:
    """Return the published parameter space and its cubic variations.

    ``oh`` has no tetragonal field, so that networks interpolate; ``c4v`` has the other sign of Dq
    too, so that they extrapolate.
    """
    published = _published()
    negative = ParameterRange(low=-0.2, high=0.0)
    return {
        "published": published,
        "oh": published.changed(_OCTAHEDRAL, "Oh field: Ds = Dt = 0"),
        "c4v": published.changed(
            {**_OCTAHEDRAL, "Dq": negative}, "C4v test: Dq of the other sign, Ds = Dt = 0"
        ),
    }


ANY = Parameter("", -math.inf, math.inf, "a parameter of a user's template")


@dataclass(frozen=True)
class Ion:
    """A free ion: its Hartree–Fock integrals in eV.

    Attributes
    ----------
    name
        Element and charge (``"Ni2+"``).
    electrons
        Number n of d electrons in the ground state.
    initial, final
        Slater integrals and spin–orbit constants of 2p⁶3dⁿ and 2p⁵3dⁿ⁺¹.
    edge
        2p₃⸝₂ binding energy of the element.
    """

    name: str
    electrons: int
    initial: Mapping[str, float]
    final: Mapping[str, float]
    edge: float

    @property
    def origin(self) -> float:
        """What to add to E_f − E_i, so that a lone 2p₃⸝₂ hole (at −ζ/2) lies at the edge."""
        return self.edge + self.final["zeta2p"] / 2

    @property
    def border(self) -> float:
        """Energy half way between lone 2p₃⸝₂ and 2p₁⸝₂ holes: L3 ends, L2 begins."""
        return self.edge + 0.75 * self.final["zeta2p"]


@lru_cache(maxsize=1)
def _table() -> dict[str, Ion]:
    content = json.loads((Path(__file__).parent / "ions.json").read_text())
    return {
        name: Ion(name, ion["electrons"], ion["initial"], ion["final"], content["edges"][name[:-2]])
        for name, ion in content["ions"].items()
    }


def ion_named(name: str) -> Ion:
    """Return an ion by name.

    Raises
    ------
    ConfigError
        If there is none of that name; the message lists all.
    """
    try:
        return _table()[name]
    except KeyError:
        raise ConfigError(f"no ion '{name}'; there are {', '.join(_table())}.") from None


def checked(sample: ParameterSet, names: Sequence[str] = tuple(PARAMETERS)) -> NDArray[np.float64]:
    """Return a sample's values in the order of ``names``, those of the model by default.

    Raises
    ------
    SampleError
        If a parameter is missing, unknown or out of its physical range; the message names it.
    """
    require_within(sample, {name: PARAMETERS.get(name, ANY) for name in names})
    return np.array([sample.values[name] for name in names])
