"""What changed between two versions of a dataset, sample by sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.splits import PARTS
from xreg.core.text import counted

if TYPE_CHECKING:
    from xreg.core.data.dataset import Dataset

__all__ = ["Change", "difference"]

ROWS = 4096
FIELDS = ("title", "description", "licence", "citation")
PARTS_OF_SAMPLES = ("numbers", "positions", "cell", "pbc", "absorber", "values", "composition")


@dataclass(frozen=True)
class Change:
    """One difference.

    Attributes
    ----------
    where
        What it is in: ``samples``, ``channel xes``, ``label time``, ``split default``, ….
    text
        What changed, in words.
    ids
        The samples that it concerns, where it does.
    """

    where: str
    text: str
    ids: list[str] = field(default_factory=list)


def difference(old: Dataset, new: Dataset) -> Iterator[Change]:
    """Yield what differs between two versions: samples, channels, labels, splits, metadata.

    Spectra and labels are compared for the samples that both have, value by value as stored; sizes
    of differences are those of the values in their unit.
    """
    ids_old, ids_new = old.samples.ids, new.samples.ids
    if added := _only(ids_new, ids_old):
        yield Change("samples", f"{counted(len(added), 'sample')} added", added)
    if removed := _only(ids_old, ids_new):
        yield Change("samples", f"{counted(len(removed), 'sample')} removed", removed)
    if old.samples.kind != new.samples.kind:
        yield Change("samples", f"{new.samples.kind} instead of {old.samples.kind}")
        return
    for what in ("names", "units"):
        before, after = getattr(old.samples, what, ()), getattr(new.samples, what, ())
        if tuple(before) != tuple(after):
            told = f"{what} of parameters {', '.join(after)} instead of {', '.join(before)}"
            yield Change("samples", told)
    _, rows_old, rows_new = np.intersect1d(ids_old, ids_new, return_indices=True)
    order = np.argsort(rows_old)
    rows_old, rows_new = rows_old[order], rows_new[order]
    changed = _changed_samples(old, new, rows_old, rows_new)
    if changed:
        yield Change("samples", f"{counted(len(changed), 'sample')} changed", changed)
    yield from _channels(old, new, rows_old, rows_new)
    yield from _labels(old, new, rows_old, rows_new)
    yield from _splits(old, new)
    for name in FIELDS:
        before, after = getattr(old.metadata, name), getattr(new.metadata, name)
        if before != after:
            yield Change(name, f"'{after}' instead of '{before}'")
    keys = {*old.metadata.provenance, *new.metadata.provenance}
    differing = sorted(
        k for k in keys if old.metadata.provenance.get(k) != new.metadata.provenance.get(k)
    )
    if differing:
        yield Change("provenance", f"differs in {', '.join(map(str, differing))}")


def _only(these: NDArray[np.str_], not_those: NDArray[np.str_]) -> list[str]:
    found: list[str] = these[~np.isin(these, not_those)].tolist()
    return found


def _changed_samples(
    old: Dataset, new: Dataset, rows_old: NDArray[np.intp], rows_new: NDArray[np.intp]
) -> list[str]:
    changed = []
    for start in range(0, len(rows_old), ROWS):
        one = old.samples[rows_old[start : start + ROWS]]
        other = new.samples[rows_new[start : start + ROWS]]
        for row in range(len(one)):
            if not _same(_values(one[row]), _values(other[row])):
                changed.append(str(one.ids[row]))
    return changed


def _values(sample: Any) -> dict[str, Any]:
    """Return the values of one sample by name."""
    names = [n for n in PARTS_OF_SAMPLES if hasattr(sample, n)]
    return {name: getattr(sample, name) for name in names}


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.keys() == other.keys() and all(_equal(one[k], other[k]) for k in one)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return _same(one, other)
    a, b = np.asarray(one), np.asarray(other)
    return a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))


def _channels(
    old: Dataset, new: Dataset, rows_old: NDArray[np.intp], rows_new: NDArray[np.intp]
) -> Iterator[Change]:
    for name in sorted({*old.spectra, *new.spectra}):
        where = f"channel {name}"
        if name not in new.spectra or name not in old.spectra:
            yield Change(where, "added" if name in new.spectra else "removed")
            continue
        one, other = old.spectra[name], new.spectra[name]
        if one.unit != other.unit:
            yield Change(where, f"unit '{other.unit}' instead of '{one.unit}'")
        grids = (one.energy, other.energy)
        named = one.features == other.features
        if not named or not _equal(*grids):
            yield Change(where, f"{_grid(other)} instead of {_grid(one)}")
            continue
        ids, largest = [], 0.0
        for start in range(0, len(rows_old), ROWS):
            these, those = rows_old[start : start + ROWS], rows_new[start : start + ROWS]
            a, b = np.asarray(one.intensity[these]), np.asarray(other.intensity[those])
            apart = ~((a == b) | (np.isnan(a) & np.isnan(b)))
            for row in np.flatnonzero(apart.any(axis=1)).tolist():
                ids.append(str(old.samples.ids[these[row]]))
            if apart.any():
                gap = np.abs(a[apart].astype(float) - b[apart].astype(float))
                largest = max(largest, float(np.nanmax(gap, initial=0.0)))
        if ids:
            spectra = counted(len(ids), "spectrum", "spectra")
            text = f"{spectra} changed, by at most {largest:.3g} {one.unit}"
            yield Change(where, text.rstrip(), ids)


def _grid(channel: Any) -> str:
    if channel.energy is None:
        return ", ".join(channel.features)
    energy = channel.energy
    return f"{len(energy)} points from {energy[0]:g} to {energy[-1]:g} eV"


def _labels(
    old: Dataset, new: Dataset, rows_old: NDArray[np.intp], rows_new: NDArray[np.intp]
) -> Iterator[Change]:
    for name in sorted({*old.labels, *new.labels}):
        where = f"label {name}"
        if name not in new.labels or name not in old.labels:
            yield Change(where, "added" if name in new.labels else "removed")
            continue
        if old.label_units.get(name, "") != new.label_units.get(name, ""):
            before, after = old.label_units.get(name, ""), new.label_units.get(name, "")
            yield Change(where, f"unit '{after}' instead of '{before}'")
        a, b = np.asarray(old.labels[name])[rows_old], np.asarray(new.labels[name])[rows_new]
        same = a == b
        if a.dtype.kind == "f" and b.dtype.kind == "f":
            same = same | (np.isnan(a) & np.isnan(b))
        ids = old.samples.ids[rows_old][~same].tolist()
        if ids:
            text = f"{counted(len(ids), 'value')} changed"
            if a.dtype.kind in "iuf" and b.dtype.kind in "iuf":
                gap = np.nanmax(np.abs(a[~same].astype(float) - b[~same].astype(float)), initial=0)
                text += f", by at most {gap:.3g}"
            yield Change(where, text, ids)


def _splits(old: Dataset, new: Dataset) -> Iterator[Change]:
    for name in sorted({*old.splits, *new.splits}):
        where = f"split {name}"
        if name not in new.splits or name not in old.splits:
            yield Change(where, "added" if name in new.splits else "removed")
            continue
        for part in PARTS:
            a, b = getattr(old.splits[name], part), getattr(new.splits[name], part)
            came, went = _only(b, a), _only(a, b)
            if came or went:
                yield Change(
                    where, f"{part}: {len(came):,} samples came, {len(went):,} went", [*came, *went]
                )
