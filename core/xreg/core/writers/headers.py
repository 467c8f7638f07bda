"""Headers of text files of one spectrum each: element, edge, columns, and all that is known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from xreg.core.atoms.edges import edges_of
from xreg.core.atoms.elements import SYMBOLS
from xreg.core.data.dataset import Dataset
from xreg.core.data.samples import Parameters, Structures
from xreg.core.data.specimens import Specimens
from xreg.core.data.spectra import ARBITRARY, Channel
from xreg.core.readers.importing.curve import stated_unit
from xreg.core.readers.importing.fields import CHANNEL, NAMES, field_text, field_value
from xreg.core.writers.splits import parts_of

__all__ = ["Headers", "absorbers_of", "rows_of"]

# What XDI allows for the name of a field.
FIELD = re.compile(r"[A-Za-z0-9][\w.]*", re.ASCII)
EDGE = re.compile(r"[KLM][1-5]?")
Key = tuple[str, str]


class Headers:
    """What the header of each spectrum of a dataset says.

    Parameters
    ----------
    dataset
        The n samples.
    edge
        Edge of the absorber; without it the label ``edge`` tells, or the energies do if one edge
        alone lies within them.
    """

    def __init__(self, dataset: Dataset, edge: str = "") -> None:
        self.edge = edge
        self._absorbers = absorbers_of(dataset)
        self._edges = [""] * len(dataset)
        if "edge" in dataset.labels:
            said = [str(one) for one in np.asarray(dataset.labels["edge"]).tolist()]
            self._edges = [one if EDGE.fullmatch(one) else "" for one in said]
        texts = _texts(dataset)
        self._problems = {key: why for key in texts if (why := _problem(key, texts))}
        self._texts = {key: column for key, column in texts.items() if key not in self._problems}

    def lines(self, row: int, name: str, channel: Channel, columns: Sequence[str]) -> list[str]:
        """Return the fields of one spectrum.

        Parameters
        ----------
        row
            Number of the sample.
        name, channel
            What the spectrum is of.
        columns
            Names of the columns behind the energies, the first in the unit of the channel.
        """
        lines = []
        if symbol := self._absorbers[row]:
            lines.append(f"Element.symbol: {symbol}")
            if edge := self.edge_of(row, channel):
                lines.append(f"Element.edge: {edge}")
        unit = channel.unit if holds_unit(channel.unit) else ""
        heads = ["energy eV", *(f"{column} {unit}".rstrip() for column in columns)]
        lines += [f"Column.{i}: {head}" for i, head in enumerate(heads, 1)]
        said = {f"{f}.{n}": column[row] for (f, n), column in self._texts.items() if column[row]}
        lines += [f"{spelt}: {text}" for spelt, text in said.items()]
        return [*lines, f"{CHANNEL}: {field_text(name)}", f"{NAMES}: {' '.join(said)}"]

    def edge_of(self, row: int, channel: Channel) -> str:
        """Return the edge of a sample's absorber; empty where nothing tells it."""
        if self.edge or self._edges[row]:
            return self.edge or self._edges[row]
        low, high = channel.grid[0], channel.grid[-1]
        edges = edges_of(self._absorbers[row])
        inside = [name for name, one in edges.items() if low <= one.energy <= high]
        return inside[0] if len(inside) == 1 else ""

    def left_out(self, channels: Mapping[str, Channel]) -> Iterator[str]:
        """Yield what no header says."""
        for (family, name), problem in self._problems.items():
            yield f"{family.lower()} {name!r} ({problem})"
        for name, channel in channels.items():
            rows = range(len(self._absorbers))
            known = [row for row in rows if self._absorbers[row]]
            lost = {self._absorbers[row] for row in known if not self.edge_of(row, channel)}
            if lost:
                yield (
                    f"the edge of {', '.join(sorted(lost))} in channel '{name}' (its energies do "
                    "not tell; --set to.edge=K says it)"
                )
            if not holds_unit(channel.unit):
                yield f"the unit {channel.unit!r} (no header can hold it)"


def holds_unit(unit: str) -> bool:
    """Whether a unit comes back from the head of a column."""
    if unit == ARBITRARY:
        return True
    again = unit.partition("||")[0].strip("()[] ")
    return bool(unit) and unit.isprintable() and stated_unit(again) == unit


def absorbers_of(dataset: Dataset) -> list[str]:
    """Return the symbol of each absorber, empty where it is not known."""
    if not isinstance(dataset.samples, Structures | Specimens):
        return [""] * len(dataset)
    return [SYMBOLS[z] if z else "" for z in dataset.samples.absorbers().tolist()]


def rows_of(columns: Sequence[Any]) -> Iterator[str]:
    """Yield lines of numbers that come back to the last bit."""
    table = [np.asarray(column, np.float64).tolist() for column in columns]
    yield from (" ".join(map(repr, row)) for row in zip(*table, strict=True))


def _texts(dataset: Dataset) -> dict[Key, list[str]]:
    """Return what each field would say, sample by sample; empty where it says nothing."""
    ids = dataset.samples.ids.tolist()
    found: dict[Key, list[str]] = {("Sample", "id"): [field_text(name) for name in ids]}

    def add(family: str, name: str, values: list[Any], unit: str = "") -> None:
        found[family, name] = [field_text(value, unit) for value in values]

    samples = dataset.samples
    if isinstance(samples, Parameters):
        table = np.asarray(samples.values, np.float64).T.tolist()
        for name, unit, column in zip(samples.names, samples.units, table, strict=True):
            add("Parameter", name, column, unit)
    if isinstance(samples, Specimens):
        made_of = samples.composition.tolist()
        found["Sample", "stoichiometry"] = [field_text(one) if one else "" for one in made_of]
    for name, label in dataset.labels.items():
        add("Label", name, np.asarray(label).tolist(), dataset.label_units.get(name, ""))
    found |= {("Split", name): parts for name, parts in parts_of(dataset).items()}
    return found


def _problem(key: Key, fields: Mapping[Key, Sequence[str]]) -> str:
    """Say why no field can hold its texts, or nothing."""
    family, name = key
    if not FIELD.fullmatch(name):
        return "no name of a field in XDI"
    if sum((family, name.lower()) == (f, other.lower()) for f, other in fields) > 1:
        return "another differs in nothing but its case"
    odd = (text for text in fields[key] if text and field_text(*field_value(text)) != text)
    if any(not text.isprintable() or text != text.strip() for text in fields[key]) or any(odd):
        return "its unit cannot stand behind a number"
    return ""
