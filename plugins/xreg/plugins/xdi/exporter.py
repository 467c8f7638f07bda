"""A dataset as a folder of XDI files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from xreg.core.atoms.edges import edges_of
from xreg.core.atoms.elements import SYMBOLS
from xreg.core.data.dataset import Dataset
from xreg.core.data.samples import Parameters, Structures
from xreg.core.data.specimens import Specimens
from xreg.core.data.spectra import Channel
from xreg.core.data.splits import PARTS
from xreg.core.errors import DataError
from xreg.core.interfaces.exporter import Exporter, Part
from xreg.core.progress import track
from xreg.core.writers.names import file_stems
from xreg.plugins.xdi.plugin import XdiExportConfig

__all__ = ["XdiExporter"]

# What XDI allows for the name of a field, and for the head of a column.
FIELD = re.compile(r"[A-Za-z0-9][\w.]*", re.ASCII)
COLUMN = re.compile(r"[A-Za-z][\w.+-]*", re.ASCII)
ROWS = 256


class XdiExporter(Exporter[XdiExportConfig]):
    """A file for each spectrum.

    Energy and intensity are its columns. Its header says ``Element.symbol`` and ``Element.edge``
    where they are known, ``Sample.id``, and each ``Label.<name>``, ``Parameter.<name>`` (both with
    the unit behind a number) and ``Split.<name>``.

    Parameters
    ----------
    config
        See :class:`~xreg.plugins.xdi.plugin.XdiExportConfig`.
    """

    name: ClassVar[str] = "xdi"
    Config = XdiExportConfig
    needs: ClassVar[tuple[str, ...]] = ("structures", "parameters", "specimens")
    holds: ClassVar[frozenset[Part]] = frozenset(
        ("parameters", "specimens", "units", "labels", "label units", "splits")
    )

    def left_out(self, dataset: Dataset) -> Iterator[str]:
        """Add labels, parameters and splits that no field of a header can hold."""
        yield from super().left_out(dataset)
        fields = _texts(dataset)
        for family, name in fields:
            if problem := _problem(family, name, fields):
                yield f"{family.lower()} {name!r} ({problem})"
        elements = set(_absorbers(dataset)) - {""}
        for name, channel in self.channels(dataset):
            if lost := sorted(one for one in elements if not self._edge(one, channel)):
                yield (
                    f"the edge of {', '.join(lost)} in channel '{name}' (its energies do not tell; "
                    "--set to.edge=K says it)"
                )

    def check(self, dataset: Dataset, path: Path) -> None:
        """Refuse channels that no column can be named after."""
        super().check(dataset, path)
        for name, _ in self.channels(dataset):
            if not COLUMN.fullmatch(name) or name.lower() == "energy":
                raise DataError(f"the channel '{name}' cannot be named so in XDI.")

    def _write(self, dataset: Dataset, path: Path) -> None:
        path.mkdir()
        channels = dict(self.channels(dataset))
        names = [
            (row, channel)
            for row in dataset.samples.ids.tolist()
            for channel in (channels if len(channels) > 1 else ("",))
        ]
        stems = iter(file_stems([".".join(filter(None, one)) for one in names]))
        texts = _texts(dataset)
        fields = {key: column for key, column in texts.items() if not _problem(*key, texts)}
        absorbers = _absorbers(dataset)
        n = len(dataset)
        for i in track(range(n), f"writing {path.name}", n):
            if i % ROWS == 0:
                spectra = dataset.spectra.select(slice(i, i + ROWS))
            said = [f"Sample.id: {dataset.samples.ids[i]}"]
            said += [f"{f}.{name}: {c[i]}" for (f, name), c in fields.items() if c[i]]
            for name, channel in channels.items():
                element = self._element(absorbers[i], channel) if absorbers[i] else []
                head = [*element, "Column.1: energy eV", f"Column.2: {name} {channel.unit}", *said]
                text = _file(head, name, channel, spectra[name].intensity[i % ROWS])
                (path / f"{next(stems)}.xdi").write_text(text, encoding="utf-8", newline="\n")

    def _element(self, symbol: str, channel: Channel) -> list[str]:
        edge = self._edge(symbol, channel)
        return [f"Element.symbol: {symbol}", *([f"Element.edge: {edge}"] if edge else [])]

    def _edge(self, symbol: str, channel: Channel) -> str:
        """Return the one edge of an element that lies within the energies, or the one given."""
        if self.config.edge:
            return self.config.edge
        low, high = channel.grid[0], channel.grid[-1]
        inside = [name for name, one in edges_of(symbol).items() if low <= one.energy <= high]
        return inside[0] if len(inside) == 1 else ""


def _file(head: list[str], name: str, channel: Channel, intensity: Any) -> str:
    rows = zip(channel.grid.tolist(), np.asarray(intensity, np.float64).tolist(), strict=True)
    lines = [f"# XDI/1.0 xreg/{version('xreg')}", *(f"# {field}" for field in head)]
    lines += ["#----", f"# energy {name}", *(f"{energy!r} {value!r}" for energy, value in rows)]
    return "\n".join(lines) + "\n"


def _absorbers(dataset: Dataset) -> list[str]:
    """Return the symbol of each absorber, empty where it is not known."""
    if not isinstance(dataset.samples, Structures | Specimens):
        return [""] * len(dataset)
    return [SYMBOLS[z] if z else "" for z in dataset.samples.absorbers().tolist()]


def _texts(dataset: Dataset) -> dict[tuple[str, str], list[str]]:
    """Return what each field of a header would say, sample by sample; empty where it says none."""
    found: dict[tuple[str, str], list[str]] = {}

    def add(family: str, name: str, values: list[Any], unit: str = "") -> None:
        found[family, name] = [
            f"{value} {unit}".rstrip() if unit else str(value) for value in values
        ]

    if isinstance(dataset.samples, Parameters):
        table = np.asarray(dataset.samples.values, np.float64).T.tolist()
        for name, unit, column in zip(
            dataset.samples.names, dataset.samples.units, table, strict=True
        ):
            add("Parameter", name, column, unit)
    if isinstance(dataset.samples, Specimens):
        add("Sample", "stoichiometry", dataset.samples.composition.tolist())
    for name, label in dataset.labels.items():
        add("Label", name, np.asarray(label).tolist(), dataset.label_units.get(name, ""))
    for name, split in dataset.splits.items():
        parts = {str(one): part for part in PARTS for one in getattr(split, part)}
        add("Split", name, [parts.get(one, "") for one in dataset.samples.ids.tolist()])
    return found


def _problem(family: str, name: str, fields: Mapping[tuple[str, str], Sequence[str]]) -> str:
    """Say why no field of a header can hold its texts, or nothing."""
    if not FIELD.fullmatch(name):
        return "no name of a field in XDI"
    if sum((family, name.lower()) == (f, other.lower()) for f, other in fields) > 1:
        return "another differs in nothing but its case"
    if any(text != text.strip() or not text.isprintable() for text in fields[family, name]):
        return "its texts are of several lines, or begin or end in blanks"
    return ""
