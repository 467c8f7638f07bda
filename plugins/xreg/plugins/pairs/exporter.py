"""A dataset as two folders, one of xyz files and one of text spectra, as XANESNET reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from xreg.core.data.dataset import Dataset
from xreg.core.data.samples import Structure
from xreg.core.data.spectra import Channel
from xreg.core.errors import DataError
from xreg.core.interfaces.exporter import Exporter, Part
from xreg.core.progress import track
from xreg.core.readers.spectra.header import split_name
from xreg.core.writers.names import file_stems
from xreg.core.writers.xyz import field_text, frame_text, holds_field
from xreg.plugins.pairs.plugin import PairsExportConfig

__all__ = ["PairsExporter"]

ABSORBER = "absorber"
SIGNAL = "<xanes>"
ROWS = 256


class PairsExporter(Exporter[PairsExportConfig]):
    """``xyz/<id>.xyz`` and ``xanes/<id>.txt`` for each sample.

    Structures are extended xyz with ``absorber`` (from 0) and the labels in the comment line.
    Spectra have FDMNES' two lines of header, which XANESNET passes over; the second names the
    columns and their units.
    """

    name: ClassVar[str] = "pairs"
    Config = PairsExportConfig
    needs: ClassVar[tuple[str, ...]] = ("structures",)
    holds: ClassVar[frozenset[Part]] = frozenset(("structures", "units", "labels"))

    def check(self, dataset: Dataset, path: Path) -> None:
        """Refuse several channels where none is chosen, and one that is not there."""
        if self.config.channel:
            _ = dataset.spectra[self.config.channel]
        super().check(dataset, path)
        if self.config.channel:
            return
        if len(names := list(dict(super().channels(dataset)))) > 1:
            raise DataError(
                f"pairs holds one channel, and '{dataset.metadata.name}' has {', '.join(names)}; "
                f"choose with --set to.channel={names[0]}."
            )

    def channels(self, dataset: Dataset) -> Iterator[tuple[str, Channel]]:
        """Yield the channel that is written."""
        chosen = self.config.channel
        yield from ((k, c) for k, c in super().channels(dataset) if chosen in ("", k))

    def left_out(self, dataset: Dataset) -> Iterator[str]:
        """Add labels that no field can be named after, and a unit that no header can hold."""
        yield from super().left_out(dataset)
        yield from (
            f"label {name!r} (no name of a field)"
            for name in dataset.labels
            if name not in _labels(dataset)
        )
        for _, channel in self.channels(dataset):
            if channel.unit and not _head(channel):
                yield f"the unit {channel.unit!r} (no header can hold it)"

    def _write(self, dataset: Dataset, path: Path) -> None:
        stems, n = file_stems(dataset.samples.ids.tolist()), len(dataset)
        for folder in ("xyz", "xanes"):
            (path / folder).mkdir(parents=True)
        labels = {name: np.asarray(dataset.labels[name]) for name in _labels(dataset)}
        ((_, channel),) = self.channels(dataset)
        for i in track(range(n), f"writing {path.name}", n):
            if i % ROWS == 0:
                samples = dataset.samples[i : i + ROWS]
                spectra = channel[i : i + ROWS].intensity
            sample = samples[i % ROWS]
            if self.config.absorber_first:
                sample = _absorber_first(sample)
            fields = {ABSORBER: sample.absorber, **{k: v[i] for k, v in labels.items()}}
            frame = frame_text(sample, {k: field_text(v) for k, v in fields.items()})
            table = _table(channel, spectra[i % ROWS])
            for file, text in ((f"xyz/{stems[i]}.xyz", frame), (f"xanes/{stems[i]}.txt", table)):
                (path / file).write_text(text, encoding="utf-8", newline="\n")


def _labels(dataset: Dataset) -> list[str]:
    return [name for name in dataset.labels if holds_field(name) and name != ABSORBER]


def _head(channel: Channel) -> str:
    """Return how the column of the signal is headed, empty where that would not be read back."""
    head = f"{SIGNAL} ({channel.unit})"
    plain = not set("()[]\t\n") & set(channel.unit) and channel.unit == channel.unit.strip()
    return head if plain and split_name(head) == (SIGNAL, channel.unit) else ""


def _table(channel: Channel, intensity: Any) -> str:
    rows = zip(channel.grid.tolist(), np.asarray(intensity, np.float64).tolist(), strict=True)
    body = "\n".join(f"{energy!r} {value!r}" for energy, value in rows)
    return f"FDMNES\nenergy (eV) {_head(channel) or SIGNAL}\n{body}\n"


def _absorber_first(sample: Structure) -> Structure:
    rest = np.delete(np.arange(len(sample.numbers)), sample.absorber)
    order = np.concatenate([[sample.absorber], rest])
    return replace(
        sample, numbers=sample.numbers[order], positions=sample.positions[order], absorber=0
    )
