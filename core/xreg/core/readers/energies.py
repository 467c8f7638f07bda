"""Whether energies can be those of an element: near an edge, or in keV, relative, another's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from xreg.core.atoms.edges import edges_of
from xreg.core.errors import DataError

__all__ = ["LOWEST", "judge_energies", "looks_like_kev", "require_no_kev"]

LOWEST = 150.0
"""Energies that end below this, in eV, may be keV."""
SHORTEST = 3.0
"""eV; no spectrum is so short."""

# A spectrum belongs to an edge if it comes as near to it: computed energies are some eV off, and
# emission into the core hole lies a few per cent lower.
SHARE, MARGIN = 0.03, 25.0
# Emission between core levels (Kα of Cu at 0.90, Lα of Au at 0.82 of the edge).
EMISSION = 0.78
HALF = 0.5


def judge_energies(energies: ArrayLike, element: str, edge: str = "") -> str | None:
    """Say why energies are hardly those of an element's absorption or emission.

    Parameters
    ----------
    energies
        (m,) as they are taken, in eV.
    element
        Symbol of the absorbing element.
    edge
        Name of the edge, where it is known; any of the element's otherwise (``L23`` is none).

    Returns
    -------
    str or None
        One sentence without a stop; None where they fit, or no edge of the element is tabulated.
    """
    found = np.asarray(energies, dtype=np.float64)
    known = edges_of(element)
    if edge in known:
        known = {edge: known[edge]}
    if not known or not found.size:
        return None
    low, high = float(found.min()), float(found.max())

    def fits(change: Callable[[float], float] = lambda energy: energy) -> str | None:
        start, stop = change(low), change(high)
        for name, one in known.items():
            margin = SHARE * one.energy + MARGIN
            near = start <= one.energy + margin and stop >= one.energy - margin
            # No spectrum begins so far below its edge; energies from the edge on do.
            if near and start >= HALF * one.energy:
                return name
        return None

    if fits() and low >= 0:
        return None
    span = f"energies of {low:g} … {high:g} eV"
    if low < 0:
        return f"{span} are relative to something, perhaps to the edge of {element}, not absolute"
    if name := fits(lambda energy: 1000 * energy):
        return f"{span} look like keV at the {name} edge of {element} ({known[name].energy:g} eV)"
    below = [n for n, one in known.items() if EMISSION * one.energy <= low and high < one.energy]
    if below:
        one = known[below[0]]
        return (
            f"{span} lie {one.energy - high:.0f} eV or more below the {below[0]} edge of {element} "
            f"({one.energy:g} eV), where only emission does"
        )
    nearest = min(known, key=lambda n: abs(np.log(known[n].energy / max(np.sqrt(low * high), 1))))
    end = f"fit no edge of {element} (nearest {nearest}, {known[nearest].energy:g} eV)"
    hint = ""
    if high < 120:
        hint = "; are they in keV, an angle, or relative to the edge?"
    return f"{span} {end}{hint}"


def looks_like_kev(energies: ArrayLike, element: str = "", edge: str = "") -> str | None:
    """Say why energies that are taken for eV look like keV; None where they do not.

    Parameters
    ----------
    energies
        (m,) as they are taken, in eV, rising.
    element, edge
        The absorber and its edge, as far as they are known.
    """
    found = np.asarray(energies, dtype=np.float64)
    if found[0] > 0 and found[-1] < LOWEST and 0 < found[-1] - found[0] < SHORTEST:
        return f"its energies are {found[0]:g} … {found[-1]:g} eV, and look like keV"
    problem = judge_energies(found, element, edge) if element else None
    return problem if problem and "look like keV" in problem else None


def require_no_kev(energies: ArrayLike, element: str = "", edge: str = "") -> None:
    """Refuse energies that are taken for eV and look like keV.

    Raises
    ------
    DataError
        With what to say, or to do where a layout has no such option.
    """
    if problem := looks_like_kev(energies, element, edge):
        raise DataError(
            f"{problem}; say --unit keV or --unit eV, or, where a layout has no --unit, write them "
            "in eV"
        )
