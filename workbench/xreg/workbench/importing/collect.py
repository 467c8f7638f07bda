"""From the entries of an importer to samples and spectra on common energies."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.atoms.elements import SYMBOLS
from xreg.core.data.samples import Parameters, ParameterSet, Samples, Structure, Structures
from xreg.core.data.specimens import Specimen, Specimens
from xreg.core.data.spectra import NOISE, Channel, Spectra
from xreg.core.errors import DataError
from xreg.core.interfaces import Entry
from xreg.core.measured.edges import find_edges
from xreg.core.readers.energies import judge_energies
from xreg.core.readers.importing.curve import TOLERANCE, Curve
from xreg.core.readers.importing.log import BadEntry, ImportLog
from xreg.core.text import one_line
from xreg.registry.stores.layout import NAME

__all__ = ["COMMON", "BadEntriesError", "Collector"]

COMMON = "a common grid must be given"
MOST_LABELS = 1000
KINDS: dict[type, str] = {
    Structure: "structures",
    ParameterSet: "parameters",
    Specimen: "specimens",
}


class BadEntriesError(DataError):
    """Entries of a source are bad and were refused.

    Attributes
    ----------
    entries
        All of them.
    """

    def __init__(
        self, entries: Sequence[BadEntry], total: int, remedy: str = "repair them"
    ) -> None:
        self.entries = list(entries)
        super().__init__(
            f"{len(entries)} of {total} entries cannot be imported, first {entries[0]}; {remedy}, "
            "or leave them out with --bad set-aside."
        )


@dataclass
class Collector:
    """Gathers samples and spectra, and the entries that are bad with the reason why.

    Attributes
    ----------
    log
        Takes what is bad.
    grids
        (m,) energies of each channel in eV; a channel without takes those of its first spectrum,
        and all others must have the same.
    hold_ends
        See :meth:`~xreg.core.readers.importing.curve.Curve.on`.
    """

    log: ImportLog
    grids: dict[str, Array] = field(default_factory=dict)
    hold_ends: float = 0.0
    samples: list[Structure | ParameterSet | Specimen] = field(default_factory=list)
    spectra: dict[str, list[Array]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    labels: list[dict[str, Any]] = field(default_factory=list)
    _first: dict[str, str] = field(default_factory=dict)
    _files: dict[str, str] = field(default_factory=dict)
    _spans: dict[str, list[tuple[float, float, float]]] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        """Take the samples of an entry, or note why it is bad."""
        with self.log.entry(entry.file):
            for sample in entry.samples:
                self.add(entry.file, sample, entry.curves, entry.labels)

    def add(
        self,
        file: str,
        sample: Structure | ParameterSet | Specimen,
        curves: Mapping[str, Curve],
        labels: Mapping[str, Any],
    ) -> None:
        """Take a sample with its spectra.

        Raises
        ------
        DataError
            If its id has been taken, or a spectrum is bad or not on the channel's energies.
        """
        if (said := one_line(sample.id)) != sample.id:
            raise DataError(f"its name '{said}' steers a terminal, or is no UTF-8: rename it")
        if not said or said != said.strip():
            raise DataError(
                f"its name '{said}' is empty, or begins or ends with a blank: rename it"
            )
        if len(labels) > MOST_LABELS:
            raise DataError(f"it has {len(labels):,} labels, and at most {MOST_LABELS:,} are read")
        same = unicodedata.normalize("NFC", sample.id)  # as some systems spell what others compose
        if same in self._files:
            raise DataError(
                f"the sample '{sample.id}' is a duplicate, it also comes from {self._files[same]}"
            )
        if self.samples and type(sample) is not type(self.samples[0]):
            first = KINDS[type(self.samples[0])]
            raise DataError(f"it gives {KINDS[type(sample)]}, those before gave {first}")
        rows = {}
        for name, curve in curves.items():
            curve.check(name)
            if isinstance(sample, Specimen) and not name.endswith(NOISE):
                self._note_edges(file, curve)
            try:
                rows[name] = self._row(file, name, curve)
            except DataError as error:
                raise DataError(f"{str(error).rstrip('.')}{self._doubt(sample, curve)}") from None
            if (unit := self.units.setdefault(name, curve.unit)) != curve.unit:
                raise DataError(f"its intensities are in {curve.unit}, those before in {unit}")
        if self.spectra and set(rows) != set(self.spectra):
            raise DataError(f"it has the channels {sorted(rows)}, not {sorted(self.spectra)}")
        self._files[same] = file
        self.samples.append(sample)
        self.labels.append(dict(labels))
        for name, row in rows.items():
            self.spectra.setdefault(name, []).append(row)

    def _note_edges(self, file: str, curve: Curve) -> None:
        if len(edges := find_edges(curve.energy, curve.intensity)) > 1:
            named = " and ".join(f"{edge:.0f}" for edge in edges)
            self.log.remark(file, f"it rises at {named} eV, as at {len(edges)} edges; --grid cuts")

    def _doubt(self, sample: Structure | ParameterSet | Specimen, curve: Curve) -> str:
        """Return why a spectrum may have other energies than the rest, where its absorber tells."""
        if not isinstance(sample, Structure):
            return ""
        element = SYMBOLS[sample.numbers[sample.absorber]]
        if problem := judge_energies(curve.energy, element):
            return f"; {problem}"
        others = {SYMBOLS[s.numbers[s.absorber]] for s in self.samples if isinstance(s, Structure)}
        if not others or element in others:
            return ""
        return (
            f"; it is of {element}, and those before are of {', '.join(sorted(others))}: import "
            "one element at a time, with --absorber ELEMENT"
        )

    def _row(self, file: str, name: str, curve: Curve) -> Array:
        own = name.removesuffix(NOISE)
        if name not in self.grids and own in self.grids and own not in self._first:
            self.grids[name] = self.grids[own]  # noise goes with its spectrum
        if name not in self.grids:
            self.grids[name], self._first[name] = curve.energy, file
        grid = self.grids[name]
        if name not in self._first:
            return curve.on(grid, self.hold_ends)
        spans = self._spans.setdefault(name, [_span(grid)])
        if curve.energy.size != grid.size:
            spans.append(_span(curve.energy))
            raise DataError(
                f"the spectrum has {curve.energy.size} points where the first one "
                f"({self._first[name]}) has {grid.size}, so that {COMMON}"
            )
        if curve.energy is not grid and np.abs(curve.energy - grid).max() > TOLERANCE:
            spans.append(_span(curve.energy))
            raise DataError(
                f"the energies are not those of the first spectrum ({self._first[name]}), so that "
                f"{COMMON}"
            )
        if curve.energy is not grid:
            spans.append(spans[0])
        return curve.intensity

    def common_grid(self) -> str:
        """Return ``--grid`` with energies that all spectra cover, where they have none in common.

        Its step is the median of their finest ones; empty where no grid is missing or would do.
        """
        for name, spans in self._spans.items():
            low, high, step = np.transpose(spans)
            start, stop = np.ceil(low.max() * 10) / 10, np.floor(high.min() * 10) / 10
            fine = float(f"{np.median(step):.1g}")
            if name in self._first and fine > 0 and start + fine < stop:
                return f"--grid {start:g}:{stop:g}:{fine:g}"
        return ""

    def taken(self) -> tuple[Samples, Spectra, dict[str, NDArray[Any]]]:
        """Return the samples, their spectra and labels."""
        spectra = Spectra(
            {
                name: Channel(np.array(rows), self.grids[name], (), self.units[name])
                for name, rows in self.spectra.items()
            }
        )
        return self._samples(), spectra, self._common_labels()

    def _common_labels(self) -> dict[str, NDArray[Any]]:
        """Return the labels that every sample has, and say which ones others lack."""
        labels: dict[str, NDArray[Any]] = {}
        for name in dict.fromkeys(name for row in self.labels for name in row):
            if not NAME.fullmatch(name):
                self.log.remark(
                    "labels", f"'{one_line(name)}' is no label: use letters, digits and '_.+-'"
                )
                continue
            values = [row[name] for row in self.labels if name in row]
            if len(values) < len(self.labels) and isinstance(self.samples[0], Specimen):
                values = self._filled(name)
            elif len(values) < len(self.labels):
                lack = len(self.labels) - len(values)
                self.log.remark("labels", f"'{name}' is no label, because {lack} samples have none")
                continue
            if len(kinds := {_kind(value) for value in values}) > 1:
                them = " and ".join(sorted(kinds))
                self.log.remark("labels", f"'{name}' is text, because its values are {them}")
                values = [str(value) for value in values]
            labels[name] = np.array(values)
        return labels

    def _filled(self, name: str) -> list[Any]:
        """Return a label with empty texts or NaN where it is not known, and say so."""
        known = [row[name] for row in self.labels if name in row]
        numbers = not any(isinstance(value, str | np.str_) for value in known)
        lack = len(self.labels) - len(known)
        self.log.remark(
            "labels", f"'{name}' is {'NaN' if numbers else 'empty'} for {lack} samples without it"
        )
        return [row.get(name, np.nan if numbers else "") for row in self.labels]

    def _samples(self) -> Samples:
        specimens = [s for s in self.samples if isinstance(s, Specimen)]
        if specimens:
            return Specimens.of(specimens)
        structures = [s for s in self.samples if isinstance(s, Structure)]
        if structures:
            return Structures.of(structures)
        ids = [sample.id for sample in self.samples]
        tables = [s.values for s in self.samples if isinstance(s, ParameterSet)]
        values = np.array([list(table.values()) for table in tables])
        units = self.log.parameter_units
        return Parameters(ids, values, list(units), list(units.values()))


def _kind(value: Any) -> str:
    """Return what a label's value is, in words; what is true is no 1 beside numbers."""
    if isinstance(value, str | np.str_):
        return "texts"
    return "truth values" if isinstance(value, bool | np.bool_) else "numbers"


def _span(energy: Array) -> tuple[float, float, float]:
    """Return the first and last energy, and the least step, in eV."""
    return float(energy[0]), float(energy[-1]), float((energy[1:] - energy[:-1]).min())
