"""Exporters: from a dataset to files of other programs."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from xreg.core.data.dataset import Dataset
from xreg.core.data.spectra import Channel
from xreg.core.errors import DataError
from xreg.core.files import disk_errors, flush, require_free, staging
from xreg.core.interfaces.component import Component, ConfigT

__all__ = ["ANY_SAMPLES", "TABLE", "Exported", "Exporter", "Part"]

Part = Literal[
    "structures",
    "parameters",
    "specimens",
    "units",
    "labels",
    "label units",
    "splits",
    "metadata",
]
"""What a format may hold besides ids, energies and intensities."""
ANY_SAMPLES = ("structures", "parameters", "specimens")
TABLE: frozenset[Part] = frozenset(
    ("parameters", "specimens", "units", "labels", "label units", "splits")
)
"""What a table of samples beside the spectra can hold."""


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Attributes
    ----------
    files
        The files or folders that are there now.
    left_out
        What of the dataset is in none of them, a phrase each.
    """

    files: tuple[Path, ...]
    left_out: tuple[str, ...] = ()


class Exporter(Component[ConfigT]):
    """Writes a dataset in one format.

    Attributes
    ----------
    suffixes
        Endings of the files that it writes; none where it writes a folder.
    holds
        What the format can hold of a dataset; the rest is left out, and said to be.
    needs
        The kinds of samples that it writes: ``structures``, ``parameters``, ``specimens``.
    """

    kind: ClassVar[str] = "exporter"
    suffixes: ClassVar[tuple[str, ...]] = ()
    holds: ClassVar[frozenset[Part]]
    needs: ClassVar[tuple[str, ...]] = ("structures", "parameters")

    def write(self, dataset: Dataset, path: Path) -> Exported:
        """Write a dataset; its files appear when all of them are complete.

        Parameters
        ----------
        dataset
            The n samples with their spectra.
        path
            The new file or folder. Files that a format needs beside it begin with its name.

        Raises
        ------
        DataError
            If something is there already, the samples are of another kind, or what identifies them
            cannot be written.
        """
        self.check(dataset, path)
        left_out = tuple(self.left_out(dataset))
        path.parent.mkdir(parents=True, exist_ok=True)
        with disk_errors(f"'{path}'"), staging(path) as folder:
            self._write(dataset, folder / path.name)
            # Last the one that was asked for: where it stands, all stand.
            made = sorted(folder.iterdir(), key=lambda file: (file.name == path.name, file.name))
            files = tuple(path.with_name(file.name) for file in made)
            for file in files:
                require_free(file)
            flush(folder)
            for source, file in zip(made, files, strict=True):
                os.rename(source, file)
        return Exported(files, left_out)

    def check(self, dataset: Dataset, path: Path) -> None:
        """Refuse what cannot be written, before any work."""
        if self.suffixes and not path.name.lower().endswith(self.suffixes):
            raise DataError(f"'{path}' must end in {' or '.join(self.suffixes)}.")
        require_free(path)
        if dataset.samples.kind not in self.needs:
            raise DataError(
                f"{self.name} holds {' or '.join(self.needs)}, and the samples of "
                f"'{dataset.metadata.name}' are {dataset.samples.kind}; choose another format."
            )
        if not dict(self.channels(dataset)):
            raise DataError(
                f"'{dataset.metadata.name}' has no channel with energies, and {self.name} holds no "
                "target features."
            )

    def channels(self, dataset: Dataset) -> Iterator[tuple[str, Channel]]:
        """Yield the channels that are written: those with energies."""
        yield from ((k, c) for k, c in dataset.spectra.items() if c.energy is not None)

    def left_out(self, dataset: Dataset) -> Iterator[str]:
        """Yield what the format cannot hold of a dataset; extend it where that depends on more."""
        written = dict(self.channels(dataset))
        for name, channel in dataset.spectra.items():
            if name not in written:
                what = "target features" if channel.energy is None else "channel"
                yield f"{what} '{name}'"
        metadata = dataset.metadata.model_dump(exclude={"name", "version"})
        units = [name for name, unit in dataset.label_units.items() if unit]
        there: dict[Part, tuple[str, Iterable[str]]] = {
            "units": ("units of channels", (f"{k} [{c.unit}]" for k, c in written.items())),
            "labels": ("labels", dataset.labels),
            "label units": ("units of labels", units if "labels" in self.holds else ()),
            "splits": ("splits", dataset.splits),
            "metadata": ("metadata", (key for key, value in metadata.items() if value)),
        }
        if dataset.samples.kind not in self.holds:
            yield f"the {dataset.samples.kind}"
        for part, (what, names) in there.items():
            if part not in self.holds and (listed := ", ".join(names)):
                yield f"{what}: {listed}"

    @abstractmethod
    def _write(self, dataset: Dataset, path: Path) -> None:
        """Write to ``path`` in an empty folder, all of whose files are taken."""
