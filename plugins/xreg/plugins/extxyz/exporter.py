"""A dataset of structures as one extxyz file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from xreg.core.data.dataset import Dataset
from xreg.core.data.splits import PARTS
from xreg.core.errors import DataError
from xreg.core.interfaces.exporter import Exporter, Part
from xreg.core.progress import track
from xreg.core.writers.xyz import field_text, frame_text, holds_field
from xreg.plugins.extxyz.fields import ABSORBER, ENERGY, ID, SPLIT, UNIT
from xreg.plugins.extxyz.plugin import ExtxyzExportConfig

__all__ = ["ExtxyzExporter"]

ROWS = 256


class ExtxyzExporter(Exporter[ExtxyzExportConfig]):
    """A frame for each sample, all that is known of it in its comment line.

    ``id`` and ``absorber`` (from 0); for each channel ``xas`` the fields ``xas``, ``xas_energy`` in
    eV and ``xas_unit``; each label under its name, with ``<label>_unit`` where it has a unit; and
    ``split_<name>``, which is train, validation or test. The importer reads all of them back.
    """

    name: ClassVar[str] = "extxyz"
    Config = ExtxyzExportConfig
    suffixes: ClassVar[tuple[str, ...]] = (".extxyz", ".xyz")
    needs: ClassVar[tuple[str, ...]] = ("structures",)
    holds: ClassVar[frozenset[Part]] = frozenset(
        ("structures", "units", "labels", "label units", "splits")
    )

    def left_out(self, dataset: Dataset) -> Iterator[str]:
        """Add labels and splits whose names no field can have."""
        yield from super().left_out(dataset)
        fields, splits = self._labels(dataset), self._splits(dataset)
        yield from (f"label {k!r} (no name of a field)" for k in dataset.labels if k not in fields)
        yield from (f"split {k!r} (no name of a field)" for k in dataset.splits if k not in splits)

    def _channel_fields(self, dataset: Dataset) -> dict[str, str]:
        """Return the texts of the fields that are the same in all frames."""
        fields: dict[str, str] = {}
        for name, channel in self.channels(dataset):
            for key in (name, f"{name}{ENERGY}", f"{name}{UNIT}"):
                if not holds_field(key) or key in (ID, ABSORBER) or key in fields:
                    raise DataError(f"the channel '{name}' cannot be named so in extxyz.")
                fields[key] = ""
            fields[f"{name}{ENERGY}"] = field_text(channel.grid)
            fields[f"{name}{UNIT}"] = field_text(channel.unit)
        return fields

    def _labels(self, dataset: Dataset) -> dict[str, str]:
        """Return the labels that fields can be named after, and their units."""
        taken = {ID, ABSORBER, *self._channel_fields(dataset)}
        names = [k for k in dataset.labels if holds_field(k) and not k.startswith(SPLIT)]
        units = {k: dataset.label_units.get(k, "") for k in names}
        for name in names:
            # A label that reads like the unit of another or of a channel would be taken for one.
            base = name.removesuffix(UNIT)
            if name in taken or (base != name and (base in units or base in taken)):
                del units[name]
        return units

    def _splits(self, dataset: Dataset) -> list[str]:
        return [name for name in dataset.splits if holds_field(f"{SPLIT}{name}")]

    def _write(self, dataset: Dataset, path: Path) -> None:
        common, labels = self._channel_fields(dataset), self._labels(dataset)
        units = {f"{k}{UNIT}": field_text(u) for k, u in labels.items() if u}
        parts = [_parts(dataset, name) for name in self._splits(dataset)]
        n = len(dataset)
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for i in track(range(n), f"writing {path.name}", n):
                if i % ROWS == 0:
                    block = dataset.samples[i : i + ROWS]
                    spectra = dataset.spectra.select(slice(i, i + ROWS))
                sample = block[i % ROWS]
                fields: dict[str, Any] = {ID: sample.id, ABSORBER: sample.absorber}
                fields |= {k: spectra[k].intensity[i % ROWS] for k, _ in self.channels(dataset)}
                fields |= {name: np.asarray(dataset.labels[name])[i] for name in labels}
                fields |= {key: part[sample.id] for key, part in parts if sample.id in part}
                texts = {name: field_text(value) for name, value in fields.items()}
                file.write(frame_text(sample, {**common, **texts, **units}))


def _parts(dataset: Dataset, name: str) -> tuple[str, dict[str, str]]:
    split = dataset.splits[name]
    parts = {str(one): part for part in PARTS for one in getattr(split, part)}
    return f"{SPLIT}{name}", parts
