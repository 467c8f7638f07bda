"""One measured spectrum, as it is fitted and matched."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from xreg.core.arrays import Array
from xreg.core.errors import DataError
from xreg.core.files import read_file, readable
from xreg.core.measured.fluorescence import fluorescence_notes
from xreg.core.readers.spectra.choice import choose
from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.core.readers.spectra.spectrum import PLAIN, spectrum_of
from xreg.core.readers.spectra.table import read_table
from xreg.core.readers.stacks.arrays import is_container

__all__ = ["Measured", "read_measured"]

# A measured spectrum may begin and end so many of its own steps inside the window.
SLACK = 1.5
GZIP, PROJECT = b"\x1f\x8b", b"# Athena project file"


@dataclass(frozen=True, eq=False)
class Measured:
    """A measured spectrum.

    Attributes
    ----------
    energy
        (k,) strictly increasing energies in eV.
    intensity
        (k,) intensities in any unit.
    noise
        (k,) standard deviation of each intensity; None where it is not known.
    sha256
        Hash of the file that it was read from; empty where there is none.
    """

    energy: Array
    intensity: Array
    noise: Array | None = None
    sha256: str = ""

    def __post_init__(self) -> None:
        columns = [self.energy, self.intensity, *([] if self.noise is None else [self.noise])]
        if any(column.shape != self.energy.shape or column.ndim != 1 for column in columns):
            raise DataError("energies and intensities of a spectrum must be columns of one length.")
        bad = np.flatnonzero(~np.isfinite(columns).all(axis=0))
        if bad.size:
            raise DataError(f"point {bad[0] + 1} of the spectrum is not finite; remove it.")
        falls = np.flatnonzero(np.diff(self.energy) <= 0)
        if falls.size:
            first, second = self.energy[falls[0] : falls[0] + 2]
            raise DataError(
                f"the energies must increase strictly, but {second:g} eV follows {first:g} eV "
                f"at point {falls[0] + 2}; sort the spectrum and join points of equal energy."
            )
        if self.noise is not None and not (self.noise > 0).all():
            at = int(np.flatnonzero(self.noise <= 0)[0])
            raise DataError(f"the noise at point {at + 1} of the spectrum must be positive.")

    def __len__(self) -> int:
        return len(self.energy)

    def within(self, low: float, high: float) -> Self:
        """Return the part with ``low <= energy <= high`` (eV), which the spectrum must cover.

        Raises
        ------
        DataError
            If it begins later or ends earlier.
        """
        step = SLACK * float(np.median(np.diff(self.energy))) if len(self) > 1 else 0.0
        if not len(self) or self.energy[0] > low + step or self.energy[-1] < high - step:
            span = f"{self.energy[0]:g} … {self.energy[-1]:g} eV" if len(self) else "nothing"
            raise DataError(
                f"the spectrum covers {span}, not all of {low:g} … {high:g} eV; measure wider or "
                "fit a narrower window."
            )
        keep = (self.energy >= low) & (self.energy <= high)
        noise = None if self.noise is None else self.noise[keep]
        return replace(self, energy=self.energy[keep], intensity=self.intensity[keep], noise=noise)


def read_measured(path: Path, columns: SpectrumColumns = PLAIN) -> tuple[Measured, list[str]]:
    """Read a measured spectrum from a text file, with the notes of its reader.

    Parameters
    ----------
    path
        The file; see :func:`xreg.core.readers.spectra.spectrum.read_spectrum` for what is read.
    columns
        What the user says of its columns. A column is the noise only if it is named so, or said to.

    Raises
    ------
    DataError
        If the file is missing or no spectrum, with the line.
    """
    with readable(f"spectrum '{path}'"):
        content = read_file(path)
        if is_container(path):
            raise DataError(
                f"'{path}' is a file of arrays (.npz or HDF5), no text: give it alone, as a map or "
                "series, to xreg fit, match or explain."
            )
    packed = content.startswith(GZIP) and path.suffix.lower() == ".prj"
    if packed or content.startswith(PROJECT):
        raise DataError(
            f"'{path}' is a project of Athena, of many spectra: make a dataset of it by 'xreg data "
            "import', and give that."
        )
    try:
        table = read_table(content, columns.scan)
        found = spectrum_of(table, columns)
        content_hash = hashlib.sha256(content).hexdigest()
        measured = Measured(found.energy, found.intensity, found.noise, content_hash)
    except DataError as error:
        raise DataError(f"spectrum '{path}': {str(error).rstrip('.')}.") from None
    return measured, [*found.notes, *fluorescence_notes(table, choose(table, columns), found)]
