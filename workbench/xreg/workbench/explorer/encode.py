"""Packs a view into JSON that is small and that a browser reads fast."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.neighbours import neighbours
from xreg.core.data.samples import Structure, Structures
from xreg.core.errors import XregError
from xreg.workbench.explorer.view import Curves, Quantity, View
from xreg.workbench.web.html import sound

__all__ = ["encode", "fitted"]

LARGEST = 4_000_000  # characters; with the libraries a page stays below 5 MB
MOST_POINTS = 600
MOST_ATOMS = 120
RADIUS = 6.0
NOT_KNOWN = 0xFFFF
LEVELS = 0xFFFE


def fitted(view: View, largest: int = LARGEST) -> View:
    """Return the view with as many samples as a page can carry.

    Samples of a run's test part stay first, then those of its validation part.
    """
    n = len(view.ids)
    characters = max(1, _characters(view))
    most = max(1, int(n * largest / characters))
    if n <= most:
        return view
    if "part" in view.quantities:
        order = {"test": 0, "all": 0, "validation": 1}
        rank = np.array([order.get(str(p), 2) for p in view.quantities["part"].values])
    else:
        rank = np.zeros(n, dtype=int)
    chosen: list[NDArray[np.intp]] = []
    for value in np.unique(rank):
        rows, room = np.flatnonzero(rank == value), most - sum(map(len, chosen))
        if len(rows) > room:
            rows = rows[np.linspace(0, len(rows) - 1, room).astype(int)] if room else rows[:0]
        chosen.append(rows)
    rows = np.sort(np.concatenate(chosen))
    first = ", those of the test part first" if rank.any() else ""
    return view.select(
        rows, f"{len(rows):,} of {n:,} samples are shown, as many as a page can carry{first}."
    )


def encode(view: View) -> dict[str, Any]:
    """Return everything that the page needs as values of JSON; texts are cleaned.

    Spectra are rounded to a 65,000th of their range, coordinates of atoms to 0.002 Å or better.
    """
    remarks = list(view.remarks)
    curves = [_curves(found, remarks) for found in view.curves]
    structures = _structures(view.samples, remarks)
    return {
        "title": sound(view.title),
        "about": [sound(line) for line in view.about],
        "remarks": [sound(line) for line in remarks],
        "ids": [sound(name) for name in view.ids.tolist()],
        "maps": [
            {
                "name": sound(shown.name),
                "curves": sound(shown.curves),
                "scores": [_quantised(column) for column in shown.scores.T],
            }
            for shown in view.maps
        ],
        "curves": curves,
        "quantities": [_quantity(name, known) for name, known in view.quantities.items()],
        "structures": structures,
    }


def _characters(view: View) -> int:
    """Return about how long the JSON of a view is."""
    n = len(view.ids)
    found = int(view.ids.dtype.itemsize / 4 + 3) * n
    for curves in view.curves:
        kinds = sum(v is not None for v in (curves.true, curves.predicted, curves.spread))
        found += int(8 / 3 * kinds * curves.true.shape[1] / _stride(curves)) * n
    found += sum(int(8 / 3 * shown.scores.size) for shown in view.maps)
    found += 6 * len(view.quantities) * n
    if isinstance(view.samples, Structures):
        sizes = np.diff(view.samples.offsets)
        # A periodic cell, however small, is repeated about its absorber.
        sizes = np.where(view.samples.pbc.any(axis=1), MOST_ATOMS, np.minimum(sizes, MOST_ATOMS))
        found += int(sizes.sum() * 7 * 4 / 3)
    return found


def _stride(curves: Curves) -> int:
    """Return of how many energies one is drawn."""
    return 1 if curves.energy is None else -(-len(curves.energy) // MOST_POINTS)


def _curves(curves: Curves, remarks: list[str]) -> dict[str, Any]:
    energy, step = curves.energy, _stride(curves)
    keep = slice(None, None, step)
    if energy is not None and step > 1:
        remarks.append(f"Of the {len(energy):,} energies of {curves.name} one in {step} is drawn.")
    return {
        "name": sound(curves.name),
        "unit": sound(curves.unit),
        "energy": None if energy is None else [float(f"{e:.7g}") for e in energy[keep]],
        "features": [sound(name) for name in curves.features],
        **{
            key: None if values is None else _quantised(np.asarray(values)[:, keep], energy is None)
            for key, values in (
                ("true", curves.true),
                ("predicted", curves.predicted),
                ("spread", curves.spread),
            )
        },
    }


def _quantised(values: NDArray[Any], exact: bool = False) -> dict[str, Any]:
    """Return numbers in steps of a 65,000th of their range, or as single-precision numbers."""
    numbers = np.asarray(values, dtype=np.float64)
    width = 1 if numbers.ndim == 1 else numbers.shape[1]
    if exact:
        return {"width": width, "exact": _base64(numbers.astype("<f4"))}
    finite = np.isfinite(numbers)
    low, high = (numbers[finite].min(), numbers[finite].max()) if finite.any() else (0.0, 0.0)
    step = (high - low) / LEVELS or 1.0
    levels = np.full(numbers.shape, NOT_KNOWN, dtype="<u2")
    levels[finite] = np.round((numbers[finite] - low) / step)
    return {"width": width, "low": float(low), "step": float(step), "levels": _base64(levels)}


def _quantity(name: str, known: Quantity) -> dict[str, Any]:
    found: dict[str, Any] = {"name": sound(name), "unit": sound(known.unit), "role": known.role}
    values = np.asarray(known.values)
    if values.dtype.kind in "iuf":
        found["numbers"] = _base64(values.astype("<f4"))
    else:
        names, index = np.unique(values.astype(str), return_inverse=True)
        found["texts"] = [sound(text) for text in names.tolist()]
        found["index"] = _base64(index.astype("<u4"))
    return found


def _structures(samples: Any, remarks: list[str]) -> dict[str, Any] | None:
    """Return the atoms of each sample, the absorber first and at the origin."""
    if not isinstance(samples, Structures):
        return None
    numbers, places, counts = [], [], []
    cut = failed = 0
    for batch in samples.batches(500):
        for row in range(len(batch)):
            atoms, shortened = _cluster(batch[row])
            cut += shortened
            failed += atoms is None
            z, r = atoms if atoms is not None else (np.empty(0, int), np.empty((0, 3)))
            numbers.append(z)
            places.append(r)
            counts.append(len(z))
    if cut:
        remarks.append(
            f"Of large or periodic structures the atoms within {RADIUS:g} Å of the absorber are "
            f"shown, at most {MOST_ATOMS}."
        )
    if failed:
        remarks.append(f"{failed:,} structures have a cell that cannot be repeated; none is shown.")
    positions = np.concatenate(places) if places else np.empty((0, 3))
    step = max(1e-3, float(np.abs(positions).max(initial=0.0)) / 32767)
    return {
        "counts": _base64(np.array(counts, dtype="<u4")),
        "numbers": _base64(np.concatenate(numbers).astype("u1") if numbers else b""),
        "positions": _base64(np.round(positions / step).astype("<i2")),
        "step": step,
    }


def _cluster(
    structure: Structure,
) -> tuple[tuple[NDArray[Any], NDArray[np.float64]] | None, bool]:
    """Return atomic numbers and positions about the absorber, and whether any atom is left out."""
    whole = not structure.pbc.any() and len(structure.numbers) <= MOST_ATOMS
    try:
        found = neighbours(structure, np.inf if whole else RADIUS)
    except (XregError, np.linalg.LinAlgError, ValueError):
        return None, False
    own = structure.numbers[structure.absorber]
    numbers = np.concatenate([[own], found.numbers])[:MOST_ATOMS]
    places = np.concatenate([np.zeros((1, 3)), found.vectors])[:MOST_ATOMS]
    return (numbers, places), not whole


def _base64(values: NDArray[Any] | bytes | Sequence[int]) -> str:
    data = values if isinstance(values, bytes) else np.ascontiguousarray(values).tobytes()
    return base64.b64encode(data).decode()
