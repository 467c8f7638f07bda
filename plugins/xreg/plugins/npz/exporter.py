"""A dataset as one ``.npz`` of named arrays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.elements import SYMBOLS
from xreg.core.data.dataset import Dataset
from xreg.core.data.samples import Parameters, Structures
from xreg.core.data.specimens import Specimens
from xreg.core.errors import DataError
from xreg.core.interfaces.exporter import ANY_SAMPLES, Exporter, Part
from xreg.core.writers.splits import parts_of
from xreg.plugins.npz.plugin import NpzExportConfig

__all__ = ["NpzExporter"]


class NpzExporter(Exporter[NpzExportConfig]):
    """All samples in arrays, under the names that the importer ``npz`` reads."""

    name: ClassVar[str] = "npz"
    Config = NpzExportConfig
    suffixes: ClassVar[tuple[str, ...]] = (".npz",)
    holds: ClassVar[frozenset[Part]] = frozenset(
        ("structures", "parameters", "specimens", "units", "labels", "label units", "splits")
    )

    needs: ClassVar[tuple[str, ...]] = ANY_SAMPLES

    def left_out(self, dataset: Dataset) -> Iterator[str]:
        """Add labels that are neither numbers nor text."""
        yield from super().left_out(dataset)
        for name, values in dataset.labels.items():
            if np.asarray(values).dtype.kind not in "biufUSTO":
                yield f"label {name!r} (neither numbers nor text)"

    def _write(self, dataset: Dataset, path: Path) -> None:
        arrays: dict[str, NDArray[Any]] = {"ids": _texts(dataset.samples.ids, "ids")}
        arrays |= _samples(dataset)
        for name, channel in self.channels(dataset):
            arrays[f"spectra_{name}"] = np.asarray(channel.intensity)
            arrays[f"energy_{name}"] = channel.grid
            arrays[f"unit_{name}"] = _texts([channel.unit], "unit")[0]
        for name, values in dataset.labels.items():
            found = np.asarray(values)
            if found.dtype.kind in "USTO":
                found = _texts(found, f"label '{name}'")
            if found.dtype.kind in "biufU":
                arrays[f"label_{name}"] = found
                if unit := dataset.label_units.get(name, ""):
                    arrays[f"labelunit_{name}"] = _texts([unit], "unit")[0]
        for name, parts in parts_of(dataset).items():
            arrays[f"split_{name}"] = np.array(parts, dtype=np.str_)
        write = np.savez_compressed if self.config.compressed else np.savez
        with path.open("wb") as file:  # a path would have .npz put behind it
            write(file, allow_pickle=False, **arrays)


def _samples(dataset: Dataset) -> dict[str, NDArray[Any]]:
    samples = dataset.samples
    if isinstance(samples, Structures):
        return {
            "numbers": np.asarray(samples.numbers),
            "positions": np.asarray(samples.positions),
            "offsets": samples.offsets,
            "absorber": samples.absorber,
            "cell": samples.cell,
            "pbc": samples.pbc,
        }
    if isinstance(samples, Specimens):
        symbols = [SYMBOLS[z] if z else "" for z in samples.absorber.tolist()]
        return {
            "composition": _texts(samples.composition, "composition"),
            "element": _texts(symbols, "element"),
        }
    assert isinstance(samples, Parameters)
    return {
        "parameters": np.asarray(samples.values),
        "parameter_names": _texts(samples.names, "names"),
        "parameter_units": _texts(samples.units, "units"),
    }


def _texts(values: Any, what: str) -> NDArray[np.str_]:
    """Return texts as an array of fixed width, which ends each of them at trailing NULs."""
    given = [str(value) for value in np.asarray(values).tolist()]
    if any(value.endswith("\0") for value in given):
        raise DataError(f"{what}: a text ends in the character NUL, which no array of texts keeps.")
    return np.array(given, dtype=np.str_)
