"""What all layouts share: text to numbers, one energy grid, good entries and bad ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.samples import Parameters, ParameterSet, Samples, Structure, Structures
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.errors import ConfigError, DataError
from xreg.core.readers.spectra.checks import require_signal
from xreg.core.readers.structures import Frame, absorbing_sites
from xreg.core.readers.summary import PassedOver

__all__ = ["Bad", "BadEntriesError", "Collector", "Curve", "parse_grid"]

MAX_POINTS = 100_000
# A grid point may miss the measured range by the rounding of printed energies.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Bad:
    """An entry that cannot become a sample."""

    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


class BadEntriesError(DataError):
    """Entries of a source are bad and were refused.

    Attributes
    ----------
    entries
        All of them.
    """

    def __init__(self, entries: Sequence[Bad], total: int) -> None:
        self.entries = list(entries)
        super().__init__(
            f"{len(entries)} of {total} entries cannot be imported, first {entries[0]}; repair "
            "them, or leave them out with --bad set-aside."
        )


@dataclass(frozen=True, eq=False)
class Curve:
    """A spectrum as it was found.

    Attributes
    ----------
    energy, intensity
        (m,) each; energies in eV.
    """

    energy: NDArray[np.float64]
    intensity: NDArray[np.float64]

    def check(self) -> None:
        """Raise a :class:`DataError` unless it is a function of the energy, and not one value."""
        if self.energy.shape != self.intensity.shape or self.energy.ndim != 1:
            raise DataError(
                f"the spectrum has {self.intensity.size} intensities on {self.energy.size} energies"
            )
        if self.energy.size < 2:
            raise DataError(f"the spectrum has {self.energy.size} point(s)")
        finite = np.isfinite(self.energy) & np.isfinite(self.intensity)
        if not finite.all():
            raise DataError(f"the spectrum is not finite at point {int(np.argmin(finite)) + 1}")
        rising = self.energy[1:] > self.energy[:-1]
        if not rising.all():
            i = int(np.argmin(rising))
            raise DataError(
                f"the energies do not increase from {self.energy[i]:g} to {self.energy[i + 1]:g} eV"
            )
        require_signal(self.energy, self.intensity)

    def on(self, grid: NDArray[np.float64], hold_ends: float) -> NDArray[np.float64]:
        """Return intensities on a grid, interpolated linearly.

        Parameters
        ----------
        grid
            (g,) energies in eV.
        hold_ends
            How far beyond the measured range, in eV, the first and last intensity hold.

        Raises
        ------
        DataError
            If the grid reaches further.
        """
        lack = max(self.energy[0] - grid[0], grid[-1] - self.energy[-1])
        if lack > hold_ends + TOLERANCE:
            raise DataError(
                f"the spectrum is short: {self.energy[0]:g}…{self.energy[-1]:g} eV does not cover "
                f"{grid[0]:g}…{grid[-1]:g} eV by {lack:.3g} eV (narrow the grid or hold the ends)"
            )
        return np.interp(grid, self.energy, self.intensity)


def parse_grid(text: str) -> NDArray[np.float64]:
    """Return the energies of ``start:stop:step`` in eV, both ends included.

    Raises
    ------
    ConfigError
        If it is none, or has too many points.
    """
    parts = text.split(":")
    try:
        start, stop, step = map(float, parts)
    except ValueError:
        raise ConfigError(
            f"grid '{text}' must be start:stop:step in eV, such as 8983:9018:0.25."
        ) from None
    count = (stop - start) / step if step > 0 else np.nan
    if not (np.isfinite(count) and count + TOLERANCE >= 1 and count < MAX_POINTS):
        raise ConfigError(
            f"grid '{text}' must rise from start to stop in at most {MAX_POINTS} steps."
        )
    steps = np.arange(int(np.floor(count + TOLERANCE)) + 1, dtype=np.float64)
    return start + step * steps


@dataclass
class Collector:
    """Gathers samples and spectra, and the entries that are bad with the reason why.

    Attributes
    ----------
    grids
        (m,) energies of each channel in eV; a channel without takes those of its first spectrum,
        and all others must have the same.
    hold_ends
        See :meth:`Curve.on`.
    units
        Units of the parameters, by name, where samples are parameter sets.
    energy_unit
        Unit of the energies in files of arrays, in eV.
    assumed
        Atomic number of each first atom that is taken for the absorber, by the sample's id.
    """

    grids: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    hold_ends: float = 0.0
    units: Mapping[str, str] = field(default_factory=dict)
    label_units: Mapping[str, str] = field(default_factory=dict)
    bad: list[Bad] = field(default_factory=list)
    passed_over: list[PassedOver] = field(default_factory=list)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    samples: list[Structure | ParameterSet] = field(default_factory=list)
    spectra: dict[str, list[NDArray[np.float64]]] = field(default_factory=dict)
    labels: list[dict[str, Any]] = field(default_factory=list)
    energy_unit: float = 1.0
    assumed: dict[str, int] = field(default_factory=dict)
    _first: dict[str, str] = field(default_factory=dict)
    _files: dict[str, str] = field(default_factory=dict)
    _hash: Any = field(default_factory=hashlib.sha256)

    @contextmanager
    def entry(self, file: str) -> Iterator[None]:
        """Note a :class:`DataError` of the block as the reason why this file is bad."""
        try:
            yield
        except DataError as error:
            self.bad.append(Bad(file, str(error).rstrip(".")))

    def pass_over(self, file: str, reason: str) -> None:
        """Note a file or frame that is not read because it is none of what is imported."""
        self.passed_over.append(PassedOver(file, reason))

    def remark(self, file: str, text: str) -> None:
        """Note what was chosen, converted or sorted in a file."""
        files = self.remarks.setdefault(text, [])
        if file not in files[-1:]:
            files.append(file)

    def sites(self, frame: Frame, name: str, absorber: int | str | None, every: bool) -> list[int]:
        """Return the absorbing atoms of a frame; without any word on them, its first atom."""
        for note in frame.notes:
            self.remark(frame.where, note)
        if found := absorbing_sites(frame, absorber, every=every):
            return found
        self.assumed[name] = int(frame.numbers[0])
        return [0]

    def seen(self, file: str, content: bytes) -> bytes:
        """Account for a file that was read; return its content."""
        self._hash.update(f"{file}\0{hashlib.sha256(content).hexdigest()}\n".encode())
        return content

    @property
    def sha256(self) -> str:
        """Hash of the names and contents of all files that were read, in the order of reading."""
        return str(self._hash.hexdigest())

    def add(
        self,
        file: str,
        sample: Structure | ParameterSet,
        curves: Mapping[str, Curve],
        labels: Mapping[str, Any],
    ) -> None:
        """Take a sample with its spectra.

        Raises
        ------
        DataError
            If its id has been taken, or a spectrum is bad or not on the channel's energies.
        """
        if sample.id in self._files:
            raise DataError(
                f"the sample '{sample.id}' is a duplicate, it also comes from "
                f"{self._files[sample.id]}"
            )
        rows = {}
        for name, curve in curves.items():
            curve.check()
            rows[name] = self._row(file, name, curve)
        if self.spectra and set(rows) != set(self.spectra):
            raise DataError(f"it has the channels {sorted(rows)}, not {sorted(self.spectra)}")
        self._files[sample.id] = file
        self.samples.append(sample)
        self.labels.append(dict(labels))
        for name, row in rows.items():
            self.spectra.setdefault(name, []).append(row)

    def _row(self, file: str, name: str, curve: Curve) -> NDArray[np.float64]:
        if name not in self.grids:
            self.grids[name], self._first[name] = curve.energy, file
        grid = self.grids[name]
        if name not in self._first:
            return curve.on(grid, self.hold_ends)
        if curve.energy.size != grid.size:
            raise DataError(
                f"the spectrum has {curve.energy.size} points where the first one "
                f"({self._first[name]}) has {grid.size}, so that a common grid must be given"
            )
        if np.abs(curve.energy - grid).max() > TOLERANCE:
            raise DataError(
                f"the energies are not those of the first spectrum ({self._first[name]}), so that "
                "a common grid must be given"
            )
        return curve.intensity

    def taken(self) -> tuple[Samples, Spectra, dict[str, NDArray[Any]]]:
        """Return the samples, their spectra and labels."""
        spectra = Spectra(
            {name: Channel(np.array(rows), self.grids[name]) for name, rows in self.spectra.items()}
        )
        return self._samples(), spectra, self._common_labels()

    def _common_labels(self) -> dict[str, NDArray[Any]]:
        """Return the labels that every sample has, and say which ones others lack."""
        labels: dict[str, NDArray[Any]] = {}
        for name in dict.fromkeys(name for row in self.labels for name in row):
            values = [row[name] for row in self.labels if name in row]
            if len(values) < len(self.labels):
                lack = len(self.labels) - len(values)
                self.remark("labels", f"'{name}' is no label, because {lack} samples have none")
                continue
            words = [isinstance(value, str | np.str_) for value in values]
            if any(words) and not all(words):
                values = [str(value) for value in values]
            labels[name] = np.array(values)
        return labels

    def _samples(self) -> Samples:
        structures = [s for s in self.samples if isinstance(s, Structure)]
        if structures:
            return Structures.of(structures)
        ids = [sample.id for sample in self.samples]
        tables = [s.values for s in self.samples if isinstance(s, ParameterSet)]
        values = np.array([list(table.values()) for table in tables])
        return Parameters(ids, values, list(self.units), list(self.units.values()))
