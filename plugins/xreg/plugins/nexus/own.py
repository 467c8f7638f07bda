"""NeXus files that xreg wrote: every channel, label and split comes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xreg.core.atoms.elements import SYMBOLS, atomic_number
from xreg.core.data.samples import ParameterSet
from xreg.core.data.specimens import Specimen
from xreg.core.data.splits import PARTS
from xreg.core.errors import DataError
from xreg.core.interfaces import Entry
from xreg.core.readers.importing.curve import Curve, stated_unit
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.stored import stored
from xreg.plugins.nexus.hdf5 import LONGEST, member, members, text_in, text_of

if TYPE_CHECKING:
    import h5py

__all__ = ["LAYOUT", "VERSION", "own_entries"]

LAYOUT, VERSION = "xreg_layout", "1"


def own_entries(file: h5py.File, source: Path, log: ImportLog, channel: str) -> Iterator[Entry]:
    """Yield each sample of a file with the attribute ``xreg_layout``.

    Parameters
    ----------
    channel
        The one channel to read; all without.
    """
    if (found := text_of(file.attrs[LAYOUT])) != VERSION:
        raise DataError(f"'{source}' has xreg's layout {found}, and this xreg reads {VERSION}.")
    log.label_units, log.parameter_units = {}, {}
    entries = dict(members(file, str(source), log, kind="NXentry"))
    for name in file:
        if name not in entries:
            log.pass_over(f"{source}, {name}", "it is no NXentry")
    for name, group in entries.items():
        where = f"{source}, entry {name}"
        with log.entry(where):
            try:
                entry = _entry(group, where, log, channel)
            except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
                # HDF5 raises whatever it meets in a damaged file.
                raise DataError(f"it cannot be read ({' '.join(str(error).split())})") from None
            yield entry


def _entry(group: h5py.Group, where: str, log: ImportLog, channel: str) -> Entry:
    element = _text(group, "element", where, log)
    absorber = atomic_number(element) if element in SYMBOLS[1:] else 0
    sample = member(group, "sample", where, log)
    own = member(group, "xreg", where, log)
    if sample is None or own is None or not (name := _text(sample, "name", where, log)):
        raise DataError("it lacks sample/name or xreg, which xreg writes")
    curves = {}
    for one, data in members(group, where, log, kind="NXdata"):
        if channel in ("", one):
            energy, written = _column(data, "energy", where, log)
            if written != "eV":
                raise DataError(f"its energies are in '{written}', and xreg writes eV")
            intensity, unit = _column(data, "intensity", where, log)
            curves[one] = Curve(energy, intensity, stated_unit(unit))
    if not curves:
        raise DataError(f"it has no channel{f' {channel!r}' if channel else ''}")
    labels, units = _labels(own, where, log)
    log.label_units = {**log.label_units, **units}
    for split, part in _texts(own, "splits", where, log).items():
        if part not in PARTS:
            raise DataError(f"its split '{split}' is {part!r}; it must be {', '.join(PARTS)}")
        log.splits.setdefault(split, {})[name] = part
    made: Specimen | ParameterSet = Specimen(
        name, _text(sample, "chemical_formula", where, log), absorber
    )
    if "parameters" in own:
        made = _parameters(own, name, where, log)
    return Entry(where, [made], curves, labels)


def _parameters(own: h5py.Group, name: str, where: str, log: ImportLog) -> ParameterSet:
    values, _ = _column(own, "parameters", where, log)
    attributes = own["parameters"].attrs
    names = _words(attributes.get("names"))
    units = _words(attributes.get("units"))
    if not len(values) == len(names) == len(units) or not np.isfinite(values).all():
        raise DataError(f"its {len(values)} parameters have {len(names)} names, or no value")
    log.parameter_units = dict(zip(names, units, strict=True))
    return ParameterSet(name, dict(zip(names, values.tolist(), strict=True)))


def _words(values: Any) -> list[str]:
    return [text_of(one, strip=False) for one in np.atleast_1d([] if values is None else values)]


def _column(group: h5py.Group, name: str, where: str, log: ImportLog) -> tuple[Any, str]:
    """Return (m,) numbers and their unit."""
    found = member(group, name, where, log)
    if found is None or getattr(found, "ndim", 0) != 1 or found.dtype.kind not in "iuf":
        raise DataError(f"its {group.name}/{name} is no column of numbers")
    if found.size > LONGEST:
        raise DataError(f"its {group.name}/{name} has {found.size} numbers, more than {LONGEST}")
    return np.asarray(stored(found), np.float64), text_of(found.attrs.get("units"))


def _text(group: h5py.Group, name: str, where: str, log: ImportLog) -> str:
    found = member(group, name, where, log)
    single = found is not None and getattr(found, "size", 0) == 1
    return text_in(found, strip=False) if single else ""


def _texts(own: h5py.Group, name: str, where: str, log: ImportLog) -> Mapping[str, str]:
    group = member(own, name, where, log)
    names = () if group is None else group
    return {one: _text(group, one, where, log) for one in names}


def _labels(own: h5py.Group, where: str, log: ImportLog) -> tuple[dict[str, Any], dict[str, str]]:
    group = member(own, "labels", where, log)
    labels: dict[str, Any] = {}
    units: dict[str, str] = {}
    for name in () if group is None else group:
        found = member(group, name, where, log)
        if found is None or getattr(found, "size", 0) != 1 or found.dtype.kind not in "biufOSU":
            raise DataError(f"its label '{name}' is neither a number nor a text")
        text = found.dtype.kind in "OSU"
        labels[name] = text_in(found, strip=False) if text else found[()].item()
        if unit := text_of(found.attrs.get("units"), strip=False):
            units[name] = unit
    return labels, units
