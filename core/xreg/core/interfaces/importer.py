"""Importers: from files of other programs to samples with their spectra."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from xreg.core.data.samples import ParameterSet, Structure
from xreg.core.data.specimens import Specimen
from xreg.core.interfaces.component import Component, ConfigT
from xreg.core.readers.importing.curve import Curve
from xreg.core.readers.importing.log import ImportLog

__all__ = ["Entry", "Importer"]


@dataclass(frozen=True, eq=False)
class Entry:
    """One or more samples that share their spectra.

    Attributes
    ----------
    file
        Where it stands, for messages (``a.xyz, frame 3``).
    samples
        The samples, all of one kind; a :class:`~xreg.core.data.specimens.Specimen` where neither
        structure nor parameters are known. Labels that some specimens lack are empty texts there,
        or NaN.
    curves
        Spectrum of each channel, with the unit of its intensities.
    labels
        Numbers and words of these samples, by name.
    """

    file: str
    samples: Sequence[Structure | ParameterSet | Specimen]
    curves: Mapping[str, Curve]
    labels: Mapping[str, Any] = field(default_factory=dict)


class Importer(Component[ConfigT]):
    """Reads one layout of files; what calls it brings spectra to common energies.

    Where its settings have a field ``channel`` or ``channels``, ``grids``, ``absorber``, ``sites``,
    ``columns``, ``unit`` or ``spectra``, ``xreg data import`` gives it the option of that name.
    """

    kind: ClassVar[str] = "importer"
    #: What a source is; a folder may also come as an archive whose name ends in one of these.
    source: ClassVar[Literal["file", "folder"]] = "file"
    archives: ClassVar[tuple[str, ...]] = ()

    @classmethod
    @abstractmethod
    def sniff(cls, path: Path, head: bytes) -> float:
        """Say how surely a source is of this layout: 0 (it is not) to 1 (it can be nothing else).

        Parameters
        ----------
        path
            The file or folder.
        head
            The first 4096 bytes of a file; empty for a folder.
        """

    @abstractmethod
    def entries(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        """Yield what is there, entry by entry.

        Parameters
        ----------
        source
            The file or folder.
        log
            What is bad goes there (``with log.entry(file)``) and the next entry follows; so do
            the contents that were read (``log.seen``), and all that was chosen or passed over.

        Raises
        ------
        DataError
            If the source as a whole cannot be read.
        """
