"""One ``.npz`` of named arrays."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.elements import SYMBOLS, atomic_number
from xreg.core.data.samples import ParameterSet, Structure
from xreg.core.data.specimens import Specimen
from xreg.core.data.splits import PARTS
from xreg.core.errors import DataError, did_you_mean
from xreg.core.interfaces import Entry, Importer
from xreg.core.progress import track
from xreg.core.readers.importing.curve import Curve, stated_unit
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.npz import load_arrays
from xreg.core.readers.structures import Frame, counted_from_one
from xreg.plugins.npz.plugin import NpzImportConfig

__all__ = ["NpzImporter"]

NAMES = (
    "ids",
    "numbers",
    "positions",
    "offsets",
    "absorber",
    "cell",
    "pbc",
    "composition",
    "element",
    "parameters",
    "parameter_names",
    "parameter_units",
    "spectra",
    "energy",
)
PREFIXED = re.compile(r"^(spectra|energy|unit|label|labelunit|split)_(.+)$", re.DOTALL)
UNIT_OF = "labelunit_"
GZIP = b"\x1f\x8b"
ROWS = ("ids", "absorber", "cell", "pbc", "parameters", "composition", "element")
Arrays = Mapping[str, NDArray[Any]]
# Makes the sample of a name and row.
Make = Callable[[str, int], Structure | ParameterSet | Specimen]


class NpzImporter(Importer[NpzImportConfig]):
    """Samples and spectra from arrays with n rows.

    ========================================  ====================================================
    ``spectra_<channel>``, ``spectra``        (n, m) intensities; without a channel's name, the one
                                              channel that is asked for
    ``energy_<channel>``, ``energy``          (m,) or (n, m) energies in eV; or give them
    ``numbers``, ``positions``, ``offsets``   (N,), (N, 3) in Å and (n + 1,): all atoms in a row; or
    ``numbers``, ``positions``                (n, a) and (n, a, 3): padded by zeros
    ``absorber``                              (n,) index of the absorbing atom; or give it
    ``cell``, ``pbc``                         (n, 3, 3) in Å and (n, 3), of crystals
    ``parameters``                            (n, p), in place of structures
    ``parameter_names``, ``parameter_units``  (p,) each
    ``composition``, ``element``              (n,) texts and absorbing elements, of specimens: what
                                              has neither structures nor parameters
    ``ids``                                   (n,) names; file stem and number without
    ``label_<name>``                          (n,) numbers or words
    ``split_<name>``                          (n,) ``train``, ``validation``, ``test`` or empty
    ``unit_<channel>``, ``labelunit_<name>``  unit of its intensities, of a label
    ========================================  ====================================================

    Any other name is refused, and pickled (object) arrays are not read.
    """

    name: ClassVar[str] = "npz"
    Config = NpzImportConfig

    @classmethod
    def sniff(cls, path: Path, head: bytes) -> float:
        """Go by the name, and by the first entry of a ZIP archive."""
        named, zipped = path.is_file() and path.suffix == ".npz", head.startswith(b"PK\x03\x04")
        if named:
            return 0.95 if zipped else 0.0 if head.startswith(GZIP) else 0.8
        return 0.6 if zipped and b".npy" in head[:300] else 0.0

    def entries(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        """Yield each row."""
        arrays = _load(source, log)
        spectra = _spectra(source, arrays, self.config.channels)
        n = len(next(iter(spectra.values())))
        unit, energies = self.config.energy_unit, self.config.energies()
        axes = {name: _energy(source, arrays, name, n, energies, unit) for name in spectra}
        labels = {k.removeprefix("label_"): v for k, v in arrays.items() if k.startswith("label_")}
        splits = {k.removeprefix("split_"): v for k, v in arrays.items() if k.startswith("split_")}
        _check_splits(source, splits)
        log.label_units = _label_units(source, arrays, labels)
        rows = {k: arrays[k] for k in ROWS if k in arrays}
        _check_rows(source, n, {**spectra, **labels, **splits, **rows})
        make = _maker(arrays)(source, arrays, n, self.config.absorber, log)
        units = {name: stated_unit(str(arrays.get(f"unit_{name}", ""))) for name in spectra}
        names = arrays.get("ids", [f"{source.stem}-{i}" for i in range(n)])
        for i in track(range(n), f"reading {source.name}", n):
            where = f"{source.name}, row {i}"
            with log.entry(where):
                curves = {
                    name: Curve(axes[name][i], np.asarray(values[i], np.float64), units[name])
                    for name, values in spectra.items()
                }
                known = {name: values[i].item() for name, values in labels.items()}
                yield Entry(where, [make(str(names[i]), i)], curves, known)
                for split, parts in splits.items():
                    if part := str(parts[i]):
                        log.splits.setdefault(split, {})[str(names[i])] = part


def _load(source: Path, log: ImportLog) -> dict[str, NDArray[Any]]:
    content = log.read(source, sys.maxsize)
    arrays = load_arrays(source, io.BytesIO(content))
    for name in arrays:
        if name not in NAMES and not PREFIXED.match(name):
            raise DataError(
                f"'{source}': '{name}' is no name that xreg knows{did_you_mean(name, NAMES)}; "
                "labels are called label_<name>."
            )
        _check_form(source, name, arrays[name])
    return arrays


def _spectra(source: Path, arrays: Arrays, channels: Sequence[str]) -> Arrays:
    """Return the (n, m) intensities of each channel."""
    if "spectra" in arrays and len(channels) == 1:
        spectra = {channels[0]: arrays["spectra"]}
    else:
        spectra = {
            name: arrays[f"spectra_{name}"] for name in channels if f"spectra_{name}" in arrays
        }
    for name in channels:
        if name not in spectra:
            raise DataError(f"'{source}' has no array 'spectra_{name}'.")
        if spectra[name].ndim != 2 or spectra[name].dtype.kind not in "iuf":
            raise DataError(f"'{source}': the spectra '{name}' are no (n, m) array of numbers.")
    return spectra


def _energy(
    source: Path,
    arrays: Arrays,
    name: str,
    n: int,
    energies: Mapping[str, NDArray[np.float64]],
    unit: float,
) -> NDArray[np.float64]:
    """Return (n, m) energies of a channel, a view where all spectra share them."""
    axis = arrays.get(f"energy_{name}", arrays.get("energy"))
    if axis is not None and unit != 1:
        axis = unit * np.asarray(axis, np.float64)
    axis = energies.get(name) if axis is None else axis
    if axis is None:
        raise DataError(f"'{source}' has no array 'energy_{name}', and no energies were given.")
    axis = np.asarray(axis, np.float64)
    return np.broadcast_to(axis, (n, *axis.shape)) if axis.ndim == 1 else axis


FORMS = {
    "spectra": ("biuf", (2,)),
    "energy": ("biuf", (1, 2)),
    "numbers": ("iu", (1, 2)),
    "positions": ("iuf", (2, 3)),
    "offsets": ("iu", (1,)),
    "absorber": ("iu", (1,)),
    "cell": ("iuf", (3,)),
    "pbc": ("biu", (2,)),
    "parameters": ("biuf", (2,)),
    "parameter_names": ("US", (1,)),
    "parameter_units": ("US", (1,)),
    "ids": ("USiu", (1,)),
    "composition": ("US", (1,)),
    "element": ("US", (1,)),
    "label": ("biufUS", (1,)),
    "split": ("US", (1,)),
    "unit": ("US", (0,)),
    "labelunit": ("US", (0,)),
}
"""Kinds of numbers or texts of each array, and how many axes it may have."""


def _check_form(source: Path, name: str, array: NDArray[Any]) -> None:
    known = FORMS.get(name) or FORMS[name.partition("_")[0]]
    kinds, axes = known
    if array.dtype.kind not in kinds or array.ndim not in axes:
        numbers = "numbers" if "f" in kinds else "whole numbers" if "i" in kinds else ""
        words = " or ".join(filter(None, ["texts" if "U" in kinds else "", numbers]))
        raise DataError(
            f"'{source}': '{name}' holds {array.dtype} in {array.ndim} axes; it must hold {words} "
            f"in {' or '.join(map(str, axes))}."
        )


def _label_units(source: Path, arrays: Arrays, labels: Arrays) -> dict[str, str]:
    """Return the unit of each label that has one."""
    units = {
        k.removeprefix("labelunit_"): str(v) for k, v in arrays.items() if k.startswith(UNIT_OF)
    }
    if unknown := sorted(set(units) - set(labels)):
        raise DataError(f"'{source}': '{UNIT_OF}{unknown[0]}' is the unit of no label.")
    return units


def _check_splits(source: Path, splits: Arrays) -> None:
    for name, parts in splits.items():
        if wrong := sorted(set(parts.astype(str).tolist()) - {"", *PARTS}):
            raise DataError(
                f"'{source}': 'split_{name}' holds '{wrong[0]}'; it must be {', '.join(PARTS)} or "
                "empty."
            )


def _check_rows(source: Path, n: int, arrays: Arrays) -> None:
    for name, array in arrays.items():
        if array.ndim == 0 or len(array) != n:
            raise DataError(
                f"'{source}': '{name}' has {len(np.atleast_1d(array))} rows for {n} spectra."
            )


def _maker(arrays: Arrays) -> Callable[..., Make]:
    """Return what makes samples: of parameters, of structures, or of names alone."""
    if "parameters" in arrays:
        return _parameters
    return _structures if {"numbers", "positions", "offsets"} & set(arrays) else _specimens


def _specimens(
    source: Path, arrays: Arrays, n: int, absorber: int | str | None, log: ImportLog
) -> Make:
    """Make samples that have neither structure nor parameters."""
    for name in ("absorber", "cell", "pbc"):
        if name in arrays:
            raise DataError(f"'{source}' has '{name}', and no 'numbers' and 'positions' to it.")
    elements = arrays.get("element", np.full(n, "" if absorber is None else absorber)).astype(str)
    if unknown := sorted({*elements.tolist()} - {"", *SYMBOLS[1:]}):
        raise DataError(f"'{source}': '{unknown[0]}' is no symbol of an absorbing element.")
    composition = arrays.get("composition", np.full(n, "")).astype(str)

    def make(name: str, i: int) -> Specimen:
        symbol = str(elements[i])
        return Specimen(name, str(composition[i]), atomic_number(symbol) if symbol else 0)

    return make


def _parameters(
    source: Path, arrays: Arrays, n: int, absorber: int | str | None, log: ImportLog
) -> Make:
    values = arrays["parameters"]
    names = arrays.get("parameter_names", np.array([])).astype(str).tolist()
    units = arrays.get("parameter_units", np.array([""] * len(names))).astype(str).tolist()
    if values.ndim != 2 or not len(names) == len(units) == values.shape[1]:
        raise DataError(
            f"'{source}': 'parameters' must be (n, p), with p 'parameter_names' and units."
        )
    log.parameter_units = dict(zip(names, units, strict=True))

    def make(name: str, i: int) -> ParameterSet:
        if not np.isfinite(values[i]).all():
            raise DataError("a parameter is not finite")
        return ParameterSet(name, dict(zip(names, values[i].tolist(), strict=True)))

    return make


def _structures(
    source: Path, arrays: Arrays, n: int, absorber: int | str | None, log: ImportLog
) -> Make:
    for name in ("numbers", "positions"):
        if name not in arrays:
            raise DataError(f"'{source}' has no array '{name}', nor 'parameters'.")
    numbers, positions = arrays["numbers"], arrays["positions"]
    offsets = arrays.get("offsets")
    want = (*numbers.shape, 3)
    if positions.shape != want or numbers.ndim != (1 if offsets is not None else 2):
        raise DataError(
            f"'{source}': 'numbers' {numbers.shape} and 'positions' {positions.shape} must be (N,) "
            "and (N, 3) with 'offsets', or (n, a) and (n, a, 3)."
        )
    if (len(numbers) if offsets is None else len(offsets) - 1) != n:
        raise DataError(f"'{source}' has {n} spectra and another number of structures.")

    def numbers_of(i: int) -> NDArray[np.int32]:
        if offsets is None:
            there = np.flatnonzero(numbers[i])
            end = int(there[-1]) + 1 if there.size else 0
            return np.asarray(numbers[i, :end], np.int32)
        return np.asarray(numbers[int(offsets[i]) : int(offsets[i + 1])], np.int32)

    if "absorber" in arrays:
        elements = [numbers_of(i) for i in range(n)]
        if doubt := counted_from_one(np.asarray(arrays["absorber"], np.int64), elements):
            log.remark(source.name, doubt)

    def make(name: str, i: int) -> Structure:
        found = numbers_of(i)
        start = 0 if offsets is None else int(offsets[i])
        places = positions[i, : len(found)] if offsets is None else positions[start:][: len(found)]
        cell, pbc = np.zeros((3, 3)), np.zeros(3, bool)
        if "cell" in arrays:
            cell = np.asarray(arrays["cell"][i], np.float64)
            pbc = np.asarray(arrays["pbc"][i], bool) if "pbc" in arrays else np.ones(3, bool)
        frame = Frame(
            f"{source.name}, row {i}", i, found, np.asarray(places, np.float64), cell, pbc
        ).judged()
        frame.require()
        index = int(arrays["absorber"][i]) if "absorber" in arrays else absorber
        (site,) = log.sites(frame, name, index, every=False)
        return frame.structure(name, site)

    return make
