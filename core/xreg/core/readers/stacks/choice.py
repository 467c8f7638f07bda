"""Which array of a file is the stack of spectra, which its energies, and along which axis."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xreg.core.arrays import Array
from xreg.core.errors import DataError, did_you_mean
from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.core.readers.stacks.arrays import Found, Source, open_arrays

__all__ = ["RawStack", "read_stack_file"]

AXIS = re.compile(r"^(.+)\[([012])\]$")
FEWEST = 8  # energies
KEV = ("kev", "kiloelectronvolt", "kiloelectronvolts")


@dataclass(frozen=True, eq=False)
class RawStack:
    """Spectra as a file has them.

    Attributes
    ----------
    energy
        (k,) rising energies in eV.
    intensity
        (…, k) intensities, NaN where the file has no number; of one, two or three axes.
    noise
        (…, k) standard deviations; None where none were asked for.
    notes
        What was chosen, converted or passed over, in words.
    """

    energy: Array
    intensity: Array
    noise: Array | None
    notes: tuple[str, ...]


def read_stack_file(path: Path, asked: SpectrumColumns) -> RawStack:
    """Read a map or series of spectra from an .npz or HDF5 file.

    The energies are the one-dimensional array that is named so, the spectra the array with an axis
    of that length; what a NeXus group marks as signal and axes goes first. Where that leaves more
    than one, none is guessed.

    Parameters
    ----------
    path
        The file.
    asked
        Paths of the energies, the spectra (``signal``) and their noise inside the file, and the
        unit of the energies. ``signal`` may end in the number of the energy axis: ``counts[0]``.

    Raises
    ------
    DataError
        If it is no such file, if what is asked for is not there, or if it is not clear.
    """
    found = open_arrays(path)
    signal, axis = _split(asked.signal)
    chosen = _spectra(found, path, signal, asked)
    source = found.arrays[chosen]
    name = _energies(found, path, source, asked)
    energy = np.asarray(found.arrays[name].read(), dtype=np.float64)
    along = _axis(path, chosen, source, len(energy), axis)
    intensity = _turned(source, along)
    notes = [*found.notes, f"the spectra are {chosen} along axis {along}, their energies {name}"]
    noise = None
    if asked.noise:
        spread = _named(found, path, asked.noise, "noise")
        if spread.shape != source.shape:
            raise DataError(
                f"'{path}': the noise {asked.noise} has the shape {spread.shape}, the spectra "
                f"{source.shape}."
            )
        noise = _turned(spread, along)
    if asked.scan:
        raise DataError(f"'{path}': a stack has no scans; choose an array with --signal PATH.")
    return _rising(path, energy, intensity, noise, notes, asked.unit or found.arrays[name].unit)


def _turned(source: Source, along: int) -> Array:
    return np.ascontiguousarray(np.moveaxis(np.asarray(source.read(), np.float64), along, -1))


def _split(signal: str) -> tuple[str, int | None]:
    found = AXIS.match(signal)
    return (found[1], int(found[2])) if found else (signal, None)


def _named(found: Found, path: Path, name: str, what: str) -> Source:
    name = name.strip("/")
    if name not in found.arrays:
        near = did_you_mean(name, found.arrays)
        more = f"; {found.notes[0]}" if found.notes else ""
        raise DataError(f"'{path}' has no array '{name}' for the {what}{near}{more}.")
    return found.arrays[name]


def _is_energy(path: str) -> bool:
    return "energy" in path.rpartition("/")[2].lower() or "energies" in path.lower()


def _axes(found: Found) -> dict[str, int]:
    """Return the lengths of the arrays that can be energies."""
    return {
        name: one.shape[0]
        for name, one in found.arrays.items()
        if len(one.shape) == 1 and one.shape[0] >= FEWEST
    }


def _spectra(found: Found, path: Path, signal: str, asked: SpectrumColumns) -> str:
    """Return the path of the spectra."""
    if signal:
        _named(found, path, signal, "spectra")
        return signal.strip("/")
    lengths = _axes(found)
    if asked.energy:
        _named(found, path, asked.energy, "energies")
        lengths = {n: length for n, length in lengths.items() if n == asked.energy.strip("/")}
    else:
        lengths = {n: length for n, length in lengths.items() if _is_energy(n)} or lengths
    if not lengths:
        more = f"; {found.notes[0]}" if found.notes else ""
        raise DataError(f"'{path}' holds no energies: no array of numbers with one axis{more}.")
    whole = set(lengths.values())
    stacks = [
        name
        for name, one in found.arrays.items()
        if name not in lengths and len(one.shape) > 1 and whole & set(one.shape)
        and name != asked.noise.strip("/")
    ]  # fmt: skip
    marked = [name for name in stacks if name in found.marked]
    stacks = marked or stacks or [n for n in found.marked if found.arrays[n].shape[0] in whole]
    if len(stacks) == 1:
        return stacks[0]
    if not stacks:
        raise DataError(
            f"'{path}' holds no stack: no array has an axis as long as energies "
            f"({_listed(f'{n} of {length}' for n, length in lengths.items())})"
            f"{'; ' + found.notes[0] if found.notes else ''}."
        )
    raise DataError(
        f"'{path}' holds several stacks; choose one with --signal: "
        f"{_listed(f'{name} {found.arrays[name].shape}' for name in stacks)}."
    )


def _energies(found: Found, path: Path, source: Source, asked: SpectrumColumns) -> str:
    """Return the path of the energies of a stack."""
    if asked.energy:
        one = _named(found, path, asked.energy, "energies")
        if len(one.shape) != 1 or one.shape[0] not in source.shape:
            raise DataError(
                f"'{path}': the energies {asked.energy} have the shape {one.shape}, which no axis "
                f"of the spectra {source.shape} has."
            )
        return asked.energy.strip("/")
    if source.energies:
        return source.energies
    fitting = [name for name, length in _axes(found).items() if length in source.shape]
    named = [name for name in fitting if _is_energy(name)]
    if len(named or fitting) == 1:
        return (named or fitting)[0]
    if not fitting:
        raise DataError(f"'{path}': no array with one axis is as long as an axis of the spectra.")
    raise DataError(
        f"'{path}' holds several arrays that may be the energies; choose one with --energy: "
        f"{_listed(named or fitting)}."
    )


def _axis(path: Path, name: str, source: Source, length: int, asked: int | None) -> int:
    """Return the axis of the energies."""
    fitting = [i for i, size in enumerate(source.shape) if size == length]
    if asked is not None:
        if asked not in fitting:
            raise DataError(
                f"'{path}': axis {asked} of {name} {source.shape} is not of the {length} energies."
            )
        return asked
    if source.axis in fitting:
        return int(source.axis or 0)
    if len(fitting) > 1:
        choices = " or ".join(f"--signal '{name}[{i}]'" for i in fitting)
        raise DataError(
            f"'{path}': several axes of {name} {source.shape} are as long as the energies; say "
            f"which with {choices}."
        )
    return fitting[0]


def _rising(
    path: Path, energy: Array, intensity: Array, noise: Array | None, notes: list[str], unit: str
) -> RawStack:
    """Return energies in eV that rise, with their intensities."""
    if not np.isfinite(energy).all():
        raise DataError(f"'{path}': an energy is not finite.")
    steps = np.diff(energy)
    if (steps < 0).all():
        energy, intensity = energy[::-1], intensity[..., ::-1]
        noise = None if noise is None else noise[..., ::-1]
        notes.append("the energies fall, and were turned round")
    elif not (steps > 0).all():
        at = int(np.flatnonzero(steps <= 0)[0]) + 1
        raise DataError(
            f"'{path}': the energies neither rise nor fall throughout: {energy[at]:g} follows "
            f"{energy[at - 1]:g} at point {at + 1}."
        )
    if unit.lower() in KEV:
        energy = 1000 * energy
        notes.append("energies in keV became eV")
    elif unit and unit.lower() not in ("ev", "electronvolt", "electronvolts"):
        raise DataError(f"'{path}': energies in '{unit}' are not known; say --unit eV or keV.")
    return RawStack(np.ascontiguousarray(energy), intensity, noise, tuple(notes))


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:12]) + (", …" if len(found) > 12 else "")
