"""A dataset as one NeXus file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from xreg.core.data.dataset import Dataset
from xreg.core.data.samples import Parameters
from xreg.core.data.specimens import Specimens
from xreg.core.errors import DataError
from xreg.core.interfaces.exporter import ANY_SAMPLES, TABLE, Exporter, Part
from xreg.core.progress import track
from xreg.core.writers.headers import Headers, absorbers_of
from xreg.core.writers.splits import parts_of
from xreg.plugins.nexus.own import LAYOUT, VERSION
from xreg.plugins.nexus.plugin import NexusExportConfig

if TYPE_CHECKING:
    import h5py

__all__ = ["NexusExporter"]

ROWS = 256


class NexusExporter(Exporter[NexusExportConfig]):
    """An ``NXentry`` for each sample, by the application definition ``NXxas``.

    Each channel is an ``NXdata`` of the entry with ``energy`` in eV and ``intensity``: what a
    dataset holds is absorption, not the counts of detectors. ``element`` and ``edge`` name what
    absorbs, ``sample`` is what is known of the sample, and the collection ``xreg`` holds labels,
    parameters and splits with their units.
    """

    name: ClassVar[str] = "nexus"
    Config = NexusExportConfig
    suffixes: ClassVar[tuple[str, ...]] = (".nxs", ".h5", ".hdf5")
    needs: ClassVar[tuple[str, ...]] = ANY_SAMPLES
    holds: ClassVar[frozenset[Part]] = TABLE

    def check(self, dataset: Dataset, path: Path) -> None:
        """Refuse channels that no group can be named after, and texts that HDF5 cannot hold."""
        super().check(dataset, path)
        for name, _ in self.channels(dataset):
            if "/" in name or name in (".", *TAKEN):
                raise DataError(f"the channel '{name}' cannot name a group of an NXentry.")
        labels = {f"label '{name}'": np.asarray(v) for name, v in dataset.labels.items()}
        for what, values in {"ids": dataset.samples.ids, **labels}.items():
            if values.dtype.kind in "US" and any("\0" in str(v) for v in values.tolist()):
                raise DataError(
                    f"{what}: a text holds the character NUL, which HDF5 does not keep."
                )

    def left_out(self, dataset: Dataset) -> Iterator[str]:
        """Add labels whose name is none in HDF5."""
        yield from super().left_out(dataset)
        yield from (
            f"label {name!r} (no name in HDF5)" for name in dataset.labels if not _named(name)
        )

    def _write(self, dataset: Dataset, path: Path) -> None:
        import h5py

        channels = dict(self.channels(dataset))
        headers, absorbers = Headers(dataset, self.config.edge), absorbers_of(dataset)
        n, parts = len(dataset), parts_of(dataset)
        with h5py.File(path, "w") as file:
            file.attrs["NX_class"] = "NXroot"
            file.attrs["creator"] = f"xreg {version('xreg')}"
            file.attrs[LAYOUT] = VERSION
            file.attrs["default"] = _entry_name(0, n)
            for i in track(range(n), f"writing {path.name}", n):
                if i % ROWS == 0:
                    spectra = dataset.spectra.select(slice(i, i + ROWS))
                entry = _group(file, _entry_name(i, n), "NXentry")
                entry["definition"] = "NXxas"
                entry["title"] = str(dataset.samples.ids[i])
                entry.attrs["default"] = next(iter(channels))
                first = next(iter(channels.values()))
                if absorbers[i]:
                    entry["element"] = absorbers[i]
                    if edge := headers.edge_of(i, first):
                        entry["edge"] = edge
                for name, channel in channels.items():
                    data = _group(entry, name, "NXdata")
                    data.attrs["signal"], data.attrs["axes"] = "intensity", "energy"
                    data["energy"] = channel.grid
                    data["energy"].attrs["units"] = "eV"
                    data["intensity"] = np.asarray(spectra[name].intensity[i % ROWS], np.float64)
                    data["intensity"].attrs["units"] = channel.unit
                sample = _group(entry, "sample", "NXsample")
                sample["name"] = str(dataset.samples.ids[i])
                if isinstance(dataset.samples, Specimens):
                    sample["chemical_formula"] = str(dataset.samples.composition[i])
                _known(_group(entry, "xreg", "NXcollection"), dataset, i, parts)


TAKEN = ("definition", "title", "element", "edge", "sample", "xreg")


def _entry_name(i: int, n: int) -> str:
    return f"entry_{i:0{len(str(max(n - 1, 0)))}d}"


def _group(parent: h5py.Group, name: str, kind: str) -> h5py.Group:
    found = parent.create_group(name)
    found.attrs["NX_class"] = kind
    return found


def _named(name: str) -> bool:
    return bool(name) and "/" not in name and "\0" not in name and name != "."


def _known(group: h5py.Group, dataset: Dataset, i: int, parts: Mapping[str, Sequence[str]]) -> None:
    """Write labels, parameters and splits of one sample."""
    labels = _group(group, "labels", "NXcollection")
    for name, values in dataset.labels.items():
        if _named(name):
            labels[name] = _plain(np.asarray(values)[i])
            if unit := dataset.label_units.get(name, ""):
                labels[name].attrs["units"] = unit
    if isinstance(dataset.samples, Parameters):
        import h5py

        texts = h5py.string_dtype("utf-8")
        samples = dataset.samples
        group["parameters"] = np.asarray(samples.values[i], np.float64)
        group["parameters"].attrs.create("names", list(samples.names), dtype=texts)
        group["parameters"].attrs.create("units", list(samples.units), dtype=texts)
    splits = _group(group, "splits", "NXcollection")
    for name, column in parts.items():
        if column[i]:
            splits[name] = column[i]


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str | np.str_) else value
