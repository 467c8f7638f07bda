"""One extxyz file with spectra in its frames."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers
from ase.io import read
from numpy.typing import NDArray

from xreg.core.errors import DataError
from xreg.core.progress import track
from xreg.registry.importers.common import Collector, Curve
from xreg.registry.importers.xyz import absorber_of, structure

__all__ = ["read_extxyz"]

ID = "id"


def read_extxyz(
    source: Path,
    channels: Sequence[str],
    absorber: int | str,
    energies: Mapping[str, NDArray[np.float64]],
    collector: Collector,
) -> None:
    """Read frames with their spectra.

    The spectrum of channel ``xas`` is the info entry ``xas`` of a frame (m values), or the row of
    the absorber in its per-atom array ``xas``. Its energies in eV are the info entry
    ``xas_energy``, or those given. Where the spectra stand in per-atom arrays and the absorber is
    an element, every atom of that element is a sample.

    The info entry ``id`` names a frame, else file stem and number do; with several sites the site
    is appended. Other info entries that are one number or word each in all frames become labels.

    Parameters
    ----------
    source
        The file.
    channels
        Names of the channels.
    absorber
        See :func:`xreg.registry.importers.xyz.absorber_of`.
    energies
        (m,) energies of the channels whose frames do not have them.
    collector
        Takes what is good and notes what is bad.
    """
    content = collector.seen(source.name, source.read_bytes())
    try:
        frames = cast(
            "list[Atoms]", read(io.StringIO(content.decode()), index=":", format="extxyz")
        )
    except Exception as error:  # ASE raises what happens to go wrong
        raise DataError(f"'{source}' is no extended xyz ({error}).") from None
    labels = _labels(frames, channels)
    for number, atoms in enumerate(track(frames, f"reading {source.name}", len(frames))):
        where = f"{source.name}, frame {number}"
        name = str(atoms.info.get(ID, f"{source.stem}-{number}"))
        per_atom = any(channel in atoms.arrays for channel in channels)
        sites: Sequence[int | str] = [absorber]
        if per_atom and isinstance(absorber, str) and absorber in atomic_numbers:
            sites = np.flatnonzero(atoms.numbers == atomic_numbers[absorber]).tolist() or [absorber]
        for wanted in sites:
            with collector.entry(where if len(sites) == 1 else f"{where}, atom {wanted}"):
                site = absorber_of(atoms, wanted, atoms.info)
                full = name if len(sites) == 1 else f"{name}-{site}"
                curves = {c: _curve(atoms, c, site, energies) for c in channels}
                known = {key: atoms.info[key] for key in labels}
                collector.add(where, structure(full, atoms, site), curves, known)


def _curve(
    atoms: Atoms, channel: str, site: int, energies: Mapping[str, NDArray[np.float64]]
) -> Curve:
    if channel in atoms.info:
        intensity = atoms.info[channel]
    elif channel in atoms.arrays:
        intensity = atoms.arrays[channel][site]
    else:
        raise DataError(f"it has no spectrum: '{channel}' is neither in its info nor in its arrays")
    energy = atoms.info.get(f"{channel}_energy", energies.get(channel))
    if energy is None:
        raise DataError(f"it has no energies: no '{channel}_energy' in its info, and none given")
    return Curve(_vector(energy), _vector(intensity))


def _vector(values: Any) -> NDArray[np.float64]:
    try:
        return np.atleast_1d(np.asarray(values, dtype=np.float64)).ravel()
    except (TypeError, ValueError):
        raise DataError("the spectrum is no list of numbers") from None


def _labels(frames: Sequence[Atoms], channels: Sequence[str]) -> list[str]:
    """Return the info entries that are a number or a word, of one kind, in every frame."""
    taken = {ID, *channels, *(f"{channel}_energy" for channel in channels)}
    found = []
    for key in sorted(set.intersection(*(set(frame.info) for frame in frames)) - taken):
        values = [frame.info[key] for frame in frames]
        text = all(isinstance(v, str) for v in values)
        if text or all(isinstance(v, int | float | np.number | np.bool_) for v in values):
            found.append(key)
    return found
