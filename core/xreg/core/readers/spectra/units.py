"""Units of energies, and what else stands for them: wavelengths, Bragg angles."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from xreg.core.arrays import Array
from xreg.core.errors import DataError

__all__ = ["Unit", "bragg_energies", "is_unit", "unit_of"]

# h c in eV Å (exact), hartree in eV and h c in eV cm (CODATA 2018).
HC = 12398.419843320026
HARTREE = 27.211386245988
WAVENUMBER = 1.2398419843320026e-4
JOULE = 1 / 1.602176634e-19


class Unit(NamedTuple):
    """A unit in which energies are told.

    Attributes
    ----------
    kind
        ``energy``, ``wavelength`` or ``angle``.
    size
        In eV, Å or radians.
    name
        As it is written in messages.
    """

    kind: str
    size: float
    name: str


ENERGIES = {
    "ev эв": ("eV", 1.0),
    "kev кэв": ("keV", 1e3),
    "ha hartree hartrees eh": ("hartree", HARTREE),
    "ry rydberg rydbergs": ("rydberg", HARTREE / 2),
    "j joule": ("J", JOULE),
    "cm-1 cm^-1 cm^{-1} cm⁻¹ cm−1 1/cm": ("cm⁻¹", WAVENUMBER),
}
LENGTHS = {
    "å ang angstrom angstroms ångström ångstrom ångströms angström aa": ("Å", 1.0),
    "nm nanometer nanometers nanometre nanometres": ("nm", 10.0),
    "pm picometer picometers picometre picometres": ("pm", 0.01),
}
DEGREE = np.pi / 180
ANGLES = {
    "deg degree degrees degs °": ("degrees", DEGREE),
    "mdeg millideg millidegree millidegrees": ("millidegrees", 1e-3 * DEGREE),
    "arcmin arcminutes": ("arcminutes", DEGREE / 60),
    "arcsec arcseconds": ("arcseconds", DEGREE / 3600),
    "rad radian radians": ("radians", 1.0),
    "mrad millirad milliradian milliradians": ("mrad", 1e-3),
    "urad µrad μrad microrad microradian microradians": ("µrad", 1e-6),
}
KNOWN = {
    word: Unit(kind, float(size), name)
    for kind, table in (("energy", ENERGIES), ("wavelength", LENGTHS), ("angle", ANGLES))
    for words, (name, size) in table.items()
    for word in words.split()
}
# Of these the case of the letters tells a million from a thousandth.
CASED = {"meV": Unit("energy", 1e-3, "meV"), "MeV": Unit("energy", 1e6, "MeV")}
SPACING = re.compile(r"\s*([0-9.]+(?:[eE][+-]?[0-9]+)?)\s*[(\[]?\s*([^\s()\[\]]*)\s*[)\]]?\s*")


@lru_cache(maxsize=256)
def unit_of(text: str) -> Unit | None:
    """Return the unit that is written so, None where there is none such."""
    word = text.strip().strip("()[]").strip().rstrip(".")
    return CASED.get(word) or KNOWN.get(word.lower())


def is_unit(word: str) -> bool:
    """Whether a word alone is a unit, and hardly anything else."""
    return unit_of(word) is not None and (len(word) > 1 or word in "°Å")


def bragg_energies(radians: Array, spacing: str) -> Array:
    """Return the energies in eV that a crystal reflects.

    Parameters
    ----------
    radians
        (m,) Bragg angles.
    spacing
        Distance of its planes: a number, in Å where no unit of length follows.

    Raises
    ------
    DataError
        If that is none, or angles are none.
    """
    if not (found := SPACING.fullmatch(spacing)):
        raise DataError(
            "its energies are angles, and no 'Mono.d_spacing' (Å) tells of what crystal; give a "
            "column of energies"
        )
    unit = unit_of(found[2] or "Å") if found[2] != "A" else unit_of("Å")
    try:
        distance = float(found[1])
    except ValueError:
        distance = 0.0
    if unit is None or unit.kind != "wavelength" or not distance > 0:
        raise DataError(f"its 'Mono.d_spacing' is '{spacing}', no length in Å")
    with np.errstate(all="ignore"):
        energies = HC / (2 * distance * unit.size * np.sin(radians))
    if not (np.isfinite(energies) & (energies > 0)).all():
        raise DataError("its energies are angles, and not all of them are between 0° and 180°")
    return np.asarray(energies, np.float64)
