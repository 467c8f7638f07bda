"""A dataset as tables of text."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from xreg.core.atoms.elements import SYMBOLS
from xreg.core.data.dataset import Dataset
from xreg.core.data.samples import Parameters
from xreg.core.data.specimens import Specimens
from xreg.core.data.spectra import Channel
from xreg.core.errors import DataError
from xreg.core.interfaces.exporter import ANY_SAMPLES, TABLE, Exporter, Part
from xreg.core.text import with_unit
from xreg.core.writers.names import file_stems
from xreg.core.writers.splits import parts_of
from xreg.plugins.csv.cells import (
    ENDING,
    ENERGY,
    LABEL,
    SAMPLES,
    SPLIT,
    UNIT,
    name_and_unit,
    values_of,
)
from xreg.plugins.csv.plugin import CsvExportConfig

__all__ = ["CsvExporter"]

RESERVED = (LABEL, UNIT, SPLIT)
TAKEN = ("id", "composition", "absorber")


class CsvExporter(Exporter[CsvExportConfig]):
    """A table a channel, and one of the samples.

    ``NAME.csv`` (of several channels ``NAME.<channel>.csv`` each) has a row an energy and a column
    a sample, whose heads are ``energy (eV)`` and the ids. ``NAME.samples.csv`` has a row a sample:
    its id, of a specimen composition and absorber, under ``name (unit)`` parameters; ``label <name>
    (unit)``, ``unit <channel>`` and ``split <name>``.
    """

    name: ClassVar[str] = "csv"
    Config = CsvExportConfig
    suffixes: ClassVar[tuple[str, ...]] = (ENDING,)
    needs: ClassVar[tuple[str, ...]] = ANY_SAMPLES
    holds: ClassVar[frozenset[Part]] = TABLE

    def check(self, dataset: Dataset, path: Path) -> None:
        """Refuse channels whose table would take the name of another."""
        super().check(dataset, path)
        names = list(dict(self.channels(dataset)))
        if len(names) > 1:
            file_stems([*names, SAMPLES])
        if isinstance(dataset.samples, Parameters):
            for name, unit in zip(dataset.samples.names, dataset.samples.units, strict=True):
                head = with_unit(name, unit)
                odd = head.startswith(RESERVED) or head in TAKEN
                if odd or name_and_unit(head) != (name, unit):
                    raise DataError(
                        f"the parameter '{name}' cannot head a column of csv; rename it."
                    )

    def left_out(self, dataset: Dataset) -> Iterator[str]:
        """Add that texts all of which read as numbers are texts."""
        yield from super().left_out(dataset)
        for name, label in dataset.labels.items():
            values = np.asarray(label).tolist()
            read = values_of([str(value) for value in values])
            if [type(one) for one in read] != [type(one) for one in values]:
                yield f"that label {name!r} holds texts (all of them read as numbers)"

    def _write(self, dataset: Dataset, path: Path) -> None:
        channels = dict(self.channels(dataset))
        stem = path.name[: -len(ENDING)]
        for name, channel in channels.items():
            single = len(channels) == 1
            file = path if single else path.with_name(f"{stem}.{name}{ENDING}")
            self._table(file, _spectra(dataset, channel))
        self._table(path.with_name(f"{stem}.{SAMPLES}{ENDING}"), _samples(dataset, channels))

    def _table(self, path: Path, rows: Iterable[Sequence[Any]]) -> None:
        separator = "\t" if self.config.separator == "tab" else self.config.separator
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=separator).writerows(rows)


def _spectra(dataset: Dataset, channel: Channel) -> Iterator[Sequence[Any]]:
    yield [ENERGY, *dataset.samples.ids.tolist()]
    columns = np.asarray(channel.intensity, np.float64).T
    for energy, row in zip(channel.grid.tolist(), columns, strict=True):
        yield [energy, *row.tolist()]


def _samples(dataset: Dataset, channels: dict[str, Channel]) -> Iterator[Sequence[Any]]:
    ids = dataset.samples.ids.tolist()
    columns: list[tuple[str, list[Any]]] = [("id", ids)]
    if isinstance(dataset.samples, Parameters):
        values = np.asarray(dataset.samples.values, np.float64).T.tolist()
        named = zip(dataset.samples.names, dataset.samples.units, values, strict=True)
        columns += [(with_unit(name, unit), column) for name, unit, column in named]
    if isinstance(dataset.samples, Specimens):
        symbols = [SYMBOLS[z] if z else "" for z in dataset.samples.absorber.tolist()]
        composition = dataset.samples.composition.tolist()
        columns += [("composition", composition), ("absorber", symbols)]
    for name, label in dataset.labels.items():
        head = LABEL + with_unit(name, dataset.label_units.get(name, ""))
        columns.append((head, np.asarray(label).tolist()))
    columns += [(f"{UNIT}{name}", [c.unit] * len(ids)) for name, c in channels.items()]
    columns += [(f"{SPLIT}{name}", parts) for name, parts in parts_of(dataset).items()]
    twice = [head for head, count in Counter(head for head, _ in columns).items() if count > 1]
    if twice:
        raise DataError(f"two columns of the samples would be called '{twice[0]}'; rename one.")
    yield [head for head, _ in columns]
    yield from zip(*(column for _, column in columns), strict=True)
