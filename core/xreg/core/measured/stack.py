"""Many measured spectra on one energy axis: the pixels of a map, or a series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.errors import DataError
from xreg.core.measured.spectrum import Measured
from xreg.core.readers.spectra.checks import MARKERS, ROUNDING, require_signal
from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.core.readers.spectra.spectrum import PLAIN
from xreg.core.readers.stacks.choice import read_stack_file

__all__ = ["Stack", "read_stack"]


@dataclass(frozen=True, eq=False)
class Stack:
    """n measured spectra on one energy axis.

    Dead ones (not finite, zero, constant, or with a marker of a missing value) keep their place and
    are left out of everything that is computed.

    Attributes
    ----------
    energy
        (k,) strictly increasing energies in eV.
    intensity
        (n, k) intensities in any unit.
    shape
        Height and width of a map in pixels, or the number of spectra of a series.
    noise
        (n, k) standard deviations; None where not known.
    names
        (n,) names of the spectra of a series; empty for a map, whose pixels have row and column.
    notes
        What was chosen or converted in reading, in words.
    """

    energy: Array
    intensity: Array
    shape: tuple[int, ...]
    noise: Array | None = None
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        n = int(np.prod(self.shape))
        if self.intensity.shape != (n, len(self.energy)):
            raise DataError(
                f"a stack of {n} spectra and {len(self.energy)} energies has intensities of shape "
                f"{self.intensity.shape}."
            )
        if not (np.diff(self.energy) > 0).all():
            raise DataError("the energies of a stack must increase strictly.")

    def __len__(self) -> int:
        return len(self.intensity)

    @property
    def is_map(self) -> bool:
        """Whether it has height and width."""
        return len(self.shape) == 2

    @cached_property
    def dead(self) -> NDArray[np.str_]:
        """(n,) why each spectrum cannot be used; empty where it can."""
        values = self.intensity
        why = np.full(len(values), "", dtype="<U12")
        with np.errstate(invalid="ignore"):
            low, high = values.min(axis=1), values.max(axis=1)
            top = np.maximum(-low, high)
            why[high - low <= ROUNDING * top] = "constant"
        why[(low == 0) & (high == 0)] = "zero"
        bad = ~np.isfinite(values).all(axis=1)
        if self.noise is not None:
            bad |= ~(np.isfinite(self.noise) & (self.noise > 0)).all(axis=1)
        why[bad] = "not finite"
        for row in np.flatnonzero((why == "") & (top >= MARKERS[0])).tolist():
            try:
                require_signal(self.energy, values[row])
            except DataError:
                why[row] = "marker"
        return why

    @cached_property
    def good(self) -> NDArray[np.intp]:
        """Rows of the spectra that can be used.

        Raises
        ------
        DataError
            If there is none.
        """
        rows = np.flatnonzero(self.dead == "")
        if not rows.size:
            raise DataError(f"all {len(self)} spectra are dead ({self.dead_in_words}).")
        return rows

    @property
    def dead_in_words(self) -> str:
        """How many are dead and why; empty where none is."""
        counts = Counter(reason for reason in self.dead.tolist() if reason)
        return ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))

    def name(self, row: int) -> str:
        """Return what a spectrum is called: its name, or row and column from 0."""
        if self.names:
            return self.names[row]
        return ", ".join(str(int(i)) for i in np.unravel_index(row, self.shape))

    def measured(self, row: int) -> Measured:
        """Return one spectrum."""
        noise = None if self.noise is None else self.noise[row]
        return Measured(self.energy, self.intensity[row], noise)

    def within(self, low: float, high: float) -> Stack:
        """Return the part with ``low <= energy <= high`` (eV), which the spectra must cover.

        Raises
        ------
        DataError
            If they begin later or end earlier.
        """
        part = Measured(self.energy, np.zeros_like(self.energy)).within(low, high)
        keep = np.isin(self.energy, part.energy)
        noise = None if self.noise is None else self.noise[:, keep]
        return Stack(
            part.energy, self.intensity[:, keep], self.shape, noise, self.names, self.notes
        )

    @classmethod
    def of(cls, names: Sequence[str], spectra: Sequence[Measured]) -> Stack:
        """Join spectra of the same energies into a series; noise counts where all have it."""
        noise = [one.noise for one in spectra if one.noise is not None]
        return cls(
            spectra[0].energy,
            np.stack([one.intensity for one in spectra]),
            (len(spectra),),
            np.stack(noise) if len(noise) == len(spectra) else None,
            tuple(names),
        )


def read_stack(path: Path, columns: SpectrumColumns = PLAIN) -> Stack:
    """Read a map or series from an .npz or HDF5 file.

    Parameters
    ----------
    path
        The file; see :func:`xreg.core.readers.stacks.choice.read_stack_file` for what is read.
    columns
        Paths inside the file: ``energy``, ``signal`` (the spectra), ``noise``.

    Raises
    ------
    DataError
        If it is no such file, or it is not clear what is what.
    """
    raw = read_stack_file(path, columns)
    k = len(raw.energy)
    shape = raw.intensity.shape[:-1] or (1,)
    noise = None if raw.noise is None else raw.noise.reshape(-1, k)
    return Stack(raw.energy, raw.intensity.reshape(-1, k), shape, noise, (), raw.notes)
