"""What self-absorption leaves of a spectrum that was measured in fluorescence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.atoms.edges import edges_of
from xreg.core.errors import DataError
from xreg.core.measured.damping import DAMPED, damping
from xreg.core.readers.spectra.choice import ColumnChoice
from xreg.core.readers.spectra.spectrum import TextSpectrum
from xreg.core.readers.spectra.table import Table

__all__ = [
    "composition_field",
    "fluorescence_notes",
    "is_fluorescence",
    "left_of_thick",
    "mode_of",
    "thick_in_words",
]

COMPOSITION = ("sample.stoichiometry", "sample.formula", "sample.composition")
NEAR = 10.0
"""eV below and above an edge at which its jump is taken from tables, as larch's ``fluo_corr``."""
MODES = {
    "transmission": ("mutrans", "normtrans"),
    "fluorescence": ("mufluor", "normfluor"),
}
"""Columns of XDI's dictionary that tell how a spectrum was measured."""
COUNTERS = {"transmission": "itrans", "fluorescence": "ifluor"}
SOFTEST = 100.0
"""eV below which xraydb calls its tables unreliable."""
HYDRATE = re.compile(r"[.·*•]\s*\d*\s*H2O")
"""Of FeC2O4.2H2O nobody knows where the number of oxygen atoms ends."""
UNKNOWN = (
    "measured in fluorescence: self-absorption may damp the spectrum of a sample that is neither "
    "thin nor dilute, and nothing corrects it"
)
INSTALL = 'pip install "xreg[measured]"'


def is_fluorescence(mode: str) -> bool:
    """Whether what a file or label says of the mode of detection is fluorescence."""
    return "fluor" in mode.lower()


def mode_of(table: Table, chosen: ColumnChoice) -> str:
    """Return how the chosen columns were measured, empty where their names do not tell."""
    names = [table.names[column].lower() for column in chosen.signal]
    for mode, known in MODES.items():
        if (len(names) == 1 and names[0] in known) or COUNTERS[mode] in names:
            return mode
    return ""


@lru_cache(maxsize=256)  # scans of one sample have one composition
def left_of_thick(
    composition: str, element: str, edge: str, incidence: float = 45.0, exit_: float = 45.0
) -> float:
    """Return which share of the structure above an edge is left of a thick sample in fluorescence.

    Its fluorescence is mu_a / (mu_t + g mu_f), with the absorption mu_a of the edge, mu_t of all at
    the energy of the beam, mu_f of all at that of the fluorescence line, and g the ratio of the
    sines of both angles (C. H. Booth and F. Bridges, Phys. Scr. T115, 202 (2005)). Small structure
    is left by 1 - mu_a / (mu_t + g mu_f), taken just above the edge. Tables are those of Elam,
    Ravel and Sieber (2002) in xraydb.

    Parameters
    ----------
    composition
        A formula (``Fe2O3``).
    element, edge
        Symbol of the absorber, and name of the edge.
    incidence, exit_
        Angles of beam and detector to the surface, in degrees.

    Raises
    ------
    DataError
        If the formula is none or lacks the element, or the edge has no fluorescence line.
    """
    import xraydb

    if HYDRATE.search(composition):
        raise DataError(f"write the water of '{composition}' in brackets, as in FeSO4(H2O)7")
    try:
        parts = xraydb.chemparse(composition)
        masses = {symbol: n * xraydb.atomic_mass(symbol) for symbol, n in parts.items()}
    except ValueError:
        raise DataError(f"'{composition}' is no formula") from None
    if not masses.get(element, 0) > 0:
        raise DataError(f"'{composition}' has no {element}")
    known = edges_of(element)
    lines = xraydb.xray_lines(element, edge) if edge in known else {}
    if not lines:
        raise DataError(f"no fluorescence line of {element} {edge} is tabulated")
    # The strongest, and those of its family (Ka1 and Ka2), which a detector does not tell apart.
    family = max(lines, key=lambda name: lines[name].intensity)[:2]
    alike = [line for name, line in lines.items() if name.startswith(family)]
    weights = [line.intensity for line in alike]
    line = float(np.average([line.energy for line in alike], weights=weights))
    if min(line, known[edge].energy - NEAR) < SOFTEST:
        raise DataError(f"tables of absorption are not reliable below {SOFTEST:g} eV")
    at = np.array([line, known[edge].energy - NEAR, known[edge].energy + NEAR])
    emitted, below, above = sum(
        mass * xraydb.mu_elam(symbol, at) for symbol, mass in masses.items()
    )
    ratio = np.sin(np.deg2rad(incidence)) / np.sin(np.deg2rad(exit_))
    return float(1 - (above - below) / (above + ratio * emitted))


def thick_in_words(composition: str, element: str, edge: str, energies: ArrayLike = ()) -> str:
    """Return what is to be known of a spectrum measured in fluorescence, without a stop.

    Parameters
    ----------
    composition, element, edge
        As far as they are known; empty where they are not.
    energies
        (m,) energies in eV; they tell the edge where the file does not.
    """
    if (edge := _edge(element, edge, np.asarray(energies, np.float64))) and composition:
        if find_spec("xraydb") is None:
            return f"{UNKNOWN}; to have it estimated: {INSTALL}"
        try:
            left = left_of_thick(composition, element, edge)
        except DataError as error:
            return f"{UNKNOWN}; how much cannot be estimated: {error}"
        what = f"of the structure above the {element} {edge} edge of a thick sample of"
        if left < DAMPED:
            return (
                f"measured in fluorescence: self-absorption leaves {left:.0%} {what} {composition} "
                "(beam and detector at 45°); a thin or dilute one keeps all, and nothing corrects "
                "it"
            )
        return (
            f"measured in fluorescence: self-absorption hardly matters, it leaves {left:.0%} "
            f"{what} {composition} (beam and detector at 45°)"
        )
    lacking = [
        name
        for name, value in (("composition", composition), ("element", element), ("edge", edge))
        if not value
    ]
    return f"{UNKNOWN}; to estimate it, its {' and '.join(lacking)} would have to be told"


def fluorescence_notes(
    table: Table, chosen: ColumnChoice, found: TextSpectrum, element: str = ""
) -> list[str]:
    """Return what is to be known of self-absorption in a measured table, clauses without a stop.

    Parameters
    ----------
    table, chosen, found
        The table, which of its columns are taken, and the spectrum of these.
    element
        Symbol of the absorber, where the user says it; that of the file if not given.
    """
    stated = [v for k, v in table.fields.items() if k.rpartition(".")[2] == "mode"]
    notes = []
    if any(map(is_fluorescence, [*stated, mode_of(table, chosen)])):
        made_of = table.fields.get(composition_field(table.fields), "")
        notes.append(thick_in_words(made_of, element or found.element, found.edge, found.energy))
    if (share := _beside_transmission(table, chosen.energy)) is not None and share < DAMPED:
        notes.append(
            f"its structure above the edge is {share:.0%} as high in fluorescence as in "
            "transmission, as self-absorption makes it; transmission is to be preferred"
        )
    return notes


def composition_field(fields: Mapping[str, str]) -> str:
    """Return the name of the field of a header that tells what a sample is made of."""
    return next((key for key in COMPOSITION if fields.get(key)), "")


def _edge(element: str, edge: str, energies: NDArray[np.float64]) -> str:
    """Return the edge, or the lowest of the element's within the energies."""
    known = edges_of(element) if element else {}
    if edge:
        return edge if edge in known else ""
    if not len(energies):
        return ""
    inside = [n for n, one in known.items() if energies.min() < one.energy < energies.max()]
    return min(inside, key=lambda name: known[name].energy, default="")


def _beside_transmission(table: Table, energy: int) -> float | None:
    """Return the share of structure in fluorescence, of a table that has transmission too."""
    names = [name.lower() for name in table.names]
    both = [next((names.index(n) for n in MODES[m] if n in names), -1) for m in reversed(MODES)]
    if min(both) < 0 or not np.isfinite(table.values).all():
        return None
    order = np.argsort(table.values[:, energy])
    steps = np.diff(table.values[order, energy]) > 0
    columns = (table.values[order, i] for i in (energy, *both))
    return damping(*columns) if steps.all() else None
