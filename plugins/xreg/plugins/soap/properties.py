"""Properties of elements that weigh their atoms in a compressed SOAP."""

from __future__ import annotations

from collections.abc import Mapping

from xreg.core.atoms.elements import SYMBOLS
from xreg.core.atoms.periodic_table import ELECTRONEGATIVITY, group
from xreg.core.errors import ConfigError

__all__ = ["weigh"]


def weigh(weight: str | Mapping[str, float], number: int) -> float:
    """Return how much an atom of that atomic number counts.

    Parameters
    ----------
    weight
        ``one``; ``Z``; ``electronegativity`` (Pauling); ``covalent_radius`` (Å, Cordero et al.,
        Dalton Trans. 2832 (2008)); ``group`` (1…18, lanthanides and actinides 3); ``light`` (1 up
        to neon, else 0); or a number for each symbol.

    Raises
    ------
    ConfigError
        If the weight says nothing about the element.
    """
    symbol = SYMBOLS[number]
    if isinstance(weight, Mapping):
        if symbol not in weight:
            raise ConfigError(f"descriptor soap: 'weights' gives {symbol} no number; add one.")
        return float(weight[symbol])
    if weight == "one":
        return 1.0
    if weight == "Z":
        return float(number)
    if weight == "light":
        return float(number <= 10)
    if weight == "group":
        return float(group(number))
    if weight == "covalent_radius":
        from ase.data import covalent_radii

        return float(covalent_radii[number])
    if symbol not in ELECTRONEGATIVITY:
        raise ConfigError(
            f"descriptor soap: {symbol} has no Pauling electronegativity; leave "
            "'electronegativity' out of 'weights'."
        )
    return ELECTRONEGATIVITY[symbol]
