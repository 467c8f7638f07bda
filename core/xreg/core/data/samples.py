"""What a spectrum belongs to: atomic structures, rows of a parameter table, or specimens."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import DataError, SampleError

if TYPE_CHECKING:
    from ase import Atoms

__all__ = ["ParameterSet", "Parameters", "Samples", "Structure", "Structures"]

BLOCK = 1 << 20  # atoms of which numbers are read at once


@dataclass(frozen=True, eq=False, slots=True)
class Structure:
    """One atomic structure with the atom whose spectrum is meant.

    Attributes
    ----------
    id
        Stable name of the sample.
    numbers
        (a,) atomic numbers.
    positions
        (a, 3) positions in Å.
    cell
        (3, 3) cell vectors as rows in Å; zero for a molecule.
    pbc
        (3,) periodicity of each cell vector.
    absorber
        Index of the absorbing (or emitting) atom.
    """

    id: str
    numbers: NDArray[np.int32]
    positions: NDArray[np.float64]
    cell: NDArray[np.float64]
    pbc: NDArray[np.bool_]
    absorber: int

    def to_atoms(self) -> Atoms:
        """Return the structure as ASE atoms."""
        from ase import Atoms

        return Atoms(numbers=self.numbers, positions=self.positions, cell=self.cell, pbc=self.pbc)


@dataclass(frozen=True, eq=False, slots=True)
class ParameterSet:
    """One row of a parameter table.

    Attributes
    ----------
    id
        Stable name of the sample.
    values
        Value of each parameter, by name, in the units of its :class:`Parameters`.
    """

    id: str
    values: dict[str, float]


class Samples(ABC):
    """A sequence of samples with stable ids.

    ``samples[i]`` is one sample; a slice, an index array or a mask gives samples of the same kind.
    ``shape`` is ``(n,)``, so that scikit-learn's tools index samples as they index arrays.

    Attributes
    ----------
    labels
        What else is known of them, (n,) numbers or texts by name; subsets keep it.
    """

    kind: ClassVar[str] = "samples"
    ids: NDArray[np.str_]
    labels: Mapping[str, NDArray[Any]] = MappingProxyType({})
    #: What samples of this kind lack, for messages.
    limitation: ClassVar[str] = ""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def shape(self) -> tuple[int]:
        """``(n,)``."""
        return (len(self),)

    @property
    def in_words(self) -> str:
        """The kind, and what such samples lack, to end a sentence with."""
        return f"{self.kind}, which have {self.limitation}" if self.limitation else self.kind

    def absorbers(self) -> NDArray[np.int32] | None:
        """(n,) atomic number of each absorbing atom, 0 where not known; None for parameters."""
        return None

    @abstractmethod
    def __getitem__(self, key: Any) -> Any:
        """Return one sample (an int) or a subset (anything else that indexes an array)."""

    def batches(self, size: int) -> Iterator[Self]:
        """Yield consecutive subsets of at most ``size`` samples, each loaded in memory."""
        for start in range(0, len(self), size):
            yield self[start : start + size]

    def with_labels(self, labels: Mapping[str, Any]) -> Self:
        """Return the same samples with other labels, (n,) each.

        Raises
        ------
        DataError
            If one has another number of entries.
        """
        found = copy(self)
        found.labels = {name: np.asarray(values) for name, values in labels.items()}
        for name, values in found.labels.items():
            if values.shape != (len(self),):
                raise DataError(
                    f"label '{name}' has shape {values.shape} where {len(self)} samples are."
                )
        return found

    def _require_different_ids(self) -> None:
        values, counts = np.unique(self.ids, return_counts=True)
        if len(values) != len(self):
            raise DataError(f"{self.kind}: the id '{values[counts > 1][0]}' occurs more than once.")

    def _labelled(self, part: Self, rows: NDArray[np.intp]) -> Self:
        """Give a new subset the labels of its rows."""
        if self.labels:
            part.labels = {name: values[rows] for name, values in self.labels.items()}
        return part

    def _positions_of(self, key: Any) -> NDArray[np.intp]:
        """Return the row numbers that ``key`` selects."""
        if isinstance(key, tuple) and len(key) == 2 and key[1] is Ellipsis:
            key = key[0]
        return np.atleast_1d(np.arange(len(self))[key])


class Structures(Samples):
    """Ragged atomic structures, all atoms of all structures in one array.

    ``numbers`` and ``positions`` may be lazy (a Zarr array): they are read when a subset is taken.

    Parameters
    ----------
    ids
        (n,) names, all different.
    numbers
        (N,) atomic numbers of all atoms, structure after structure.
    positions
        (N, 3) positions in Å.
    offsets
        (n + 1,) atoms of structure i are ``offsets[i]:offsets[i + 1]``.
    cell, pbc
        (n, 3, 3) in Å and (n, 3); molecules without them.
    absorber
        (n,) index of the absorbing atom in each structure.

    Raises
    ------
    DataError
        Where the arrays do not fit together, or ids repeat.
    """

    kind = "structures"

    def __init__(
        self,
        ids: Sequence[str] | NDArray[np.str_],
        numbers: Any,
        positions: Any,
        offsets: Any,
        absorber: Any,
        cell: Any = None,
        pbc: Any = None,
    ) -> None:
        self.ids = np.asarray(ids, dtype=np.str_)
        n = len(self.ids)
        self.numbers = numbers
        self.positions = positions
        self.offsets = np.asarray(offsets, dtype=np.int64)
        self.absorber = np.asarray(absorber, dtype=np.int64)
        self.cell = np.zeros((n, 3, 3)) if cell is None else np.asarray(cell, dtype=np.float64)
        self.pbc = np.zeros((n, 3), dtype=bool) if pbc is None else np.asarray(pbc, dtype=bool)
        self._check()

    def _check(self) -> None:
        n = len(self.ids)
        total = int(self.offsets[-1]) if len(self.offsets) else -1
        shapes = {
            "offsets": (self.offsets.shape, (n + 1,)),
            "absorber": (self.absorber.shape, (n,)),
            "cell": (self.cell.shape, (n, 3, 3)),
            "pbc": (self.pbc.shape, (n, 3)),
            "numbers": (tuple(self.numbers.shape), (total,)),
            "positions": (tuple(self.positions.shape), (total, 3)),
        }
        for name, (got, want) in shapes.items():
            if got != want:
                raise DataError(
                    f"structures: '{name}' has shape {got} where {n} samples with {total} atoms "
                    f"need {want}."
                )
        self._require_different_ids()
        sizes = np.diff(self.offsets)
        if self.offsets[0] != 0 or np.any(sizes < 0):
            raise DataError("structures: 'offsets' must begin at 0 and never fall.")
        bad = np.flatnonzero((self.absorber < 0) | (self.absorber >= sizes))
        if bad.size:
            i = int(bad[0])
            raise SampleError(
                f"sample '{self.ids[i]}' has absorber index {self.absorber[i]} but {sizes[i]} "
                "atoms; give an index of one of its atoms (counted from 0)."
            )

    @classmethod
    def from_atoms(
        cls,
        frames: Sequence[Atoms],
        absorber: int | Sequence[int] = 0,
        ids: Sequence[str] | None = None,
    ) -> Self:
        """Build from ASE atoms; ids are ``0``, ``1``, … where none are given."""
        sizes = [len(frame) for frame in frames]
        return cls(
            ids=[str(i) for i in range(len(frames))] if ids is None else ids,
            numbers=np.concatenate([np.empty(0, np.int32), *(f.numbers for f in frames)]).astype(
                np.int32
            ),
            positions=np.concatenate([np.empty((0, 3)), *(f.positions for f in frames)]),
            offsets=np.concatenate([[0], np.cumsum(sizes)]),
            absorber=np.broadcast_to(absorber, len(frames)),
            cell=np.array([f.cell.array for f in frames]).reshape(-1, 3, 3),
            pbc=np.array([f.pbc for f in frames]).reshape(-1, 3),
        )

    @classmethod
    def of(cls, samples: Sequence[Structure]) -> Self:
        """Build from single structures."""
        return cls(
            [sample.id for sample in samples],
            np.concatenate([np.empty(0, np.int32), *(s.numbers for s in samples)]).astype(np.int32),
            np.concatenate([np.empty((0, 3)), *(s.positions for s in samples)]),
            np.concatenate([[0], np.cumsum([len(s.numbers) for s in samples])]),
            [sample.absorber for sample in samples],
            np.array([sample.cell for sample in samples]).reshape(-1, 3, 3),
            np.array([sample.pbc for sample in samples]).reshape(-1, 3),
        )

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(n,) number of atoms in each structure."""
        return np.diff(self.offsets)

    def species(self) -> tuple[int, ...]:
        """Return the atomic numbers that occur, ascending."""
        seen: set[int] = set()
        for _, block in self._numbers_in_blocks():
            seen.update(np.unique(block).tolist())
        return tuple(sorted(seen))

    def absorbers(self) -> NDArray[np.int32]:
        """(n,) atomic number of each absorbing atom."""
        atoms = self.offsets[:-1] + self.absorber  # ascending, as offsets are
        found = np.empty(len(self), dtype=np.int32)
        for start, block in self._numbers_in_blocks():
            low, high = np.searchsorted(atoms, (start, start + len(block)))
            found[low:high] = block[atoms[low:high] - start]
        return found

    def _numbers_in_blocks(self) -> Iterator[tuple[int, NDArray[Any]]]:
        for start in range(0, self.numbers.shape[0], BLOCK):
            yield start, np.asarray(self.numbers[start : start + BLOCK])

    def __getitem__(self, key: Any) -> Any:
        """Return a :class:`Structure` for an int, else :class:`Structures` in memory."""
        if isinstance(key, int | np.integer):
            i = range(len(self))[int(key)]
            part = slice(int(self.offsets[i]), int(self.offsets[i + 1]))
            return Structure(
                id=str(self.ids[i]),
                numbers=np.asarray(self.numbers[part], dtype=np.int32),
                positions=np.asarray(self.positions[part], dtype=np.float64),
                cell=self.cell[i],
                pbc=self.pbc[i],
                absorber=int(self.absorber[i]),
            )
        rows = self._positions_of(key)
        sizes = self.sizes[rows]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        # One read that covers the wanted rows: cheap for a slice, and for a scattered subset of
        # a lazy store much cheaper than a chunk decompression for each row.
        low = int(self.offsets[rows.min()]) if rows.size else 0
        high = int(self.offsets[rows.max() + 1]) if rows.size else 0
        atoms = np.repeat(self.offsets[rows] - low - offsets[:-1], sizes) + np.arange(offsets[-1])
        subset = type(self)(
            ids=self.ids[rows],
            numbers=np.asarray(self.numbers[low:high], dtype=np.int32)[atoms],
            positions=np.asarray(self.positions[low:high], dtype=np.float64)[atoms],
            offsets=offsets,
            absorber=self.absorber[rows],
            cell=self.cell[rows],
            pbc=self.pbc[rows],
        )
        return self._labelled(subset, rows)

    def __iter__(self) -> Iterator[Structure]:
        for batch in self.batches(1024):
            for i in range(len(batch)):
                yield batch[i]


class Parameters(Samples):
    """A table of named parameters with units, one row a sample.

    Parameters
    ----------
    ids
        (n,) names, all different.
    values
        (n, p) values; may be lazy.
    names, units
        Name and unit of each column.
    """

    kind = "parameters"

    def __init__(
        self,
        ids: Sequence[str] | NDArray[np.str_],
        values: Any,
        names: Sequence[str],
        units: Sequence[str],
    ) -> None:
        self.ids = np.asarray(ids, dtype=np.str_)
        self.values = values
        self.names = tuple(names)
        self.units = tuple(units)
        want = (len(self.ids), len(self.names))
        if tuple(values.shape) != want or len(self.units) != len(self.names):
            raise DataError(
                f"parameters: values of shape {tuple(values.shape)} and {len(self.units)} units "
                f"where {want[0]} samples of {want[1]} parameters need {want}."
            )
        self._require_different_ids()

    def __getitem__(self, key: Any) -> Any:
        """Return a :class:`ParameterSet` for an int, else :class:`Parameters` in memory."""
        if isinstance(key, int | np.integer):
            i = range(len(self))[int(key)]
            row = np.asarray(self.values[i : i + 1], dtype=np.float64)[0]
            return ParameterSet(str(self.ids[i]), dict(zip(self.names, row.tolist(), strict=True)))
        rows = self._positions_of(key)
        low, high = (int(rows.min()), int(rows.max()) + 1) if rows.size else (0, 0)
        values = np.asarray(self.values[low:high], dtype=np.float64)[rows - low]
        return self._labelled(type(self)(self.ids[rows], values, self.names, self.units), rows)

    def __iter__(self) -> Iterator[ParameterSet]:
        for batch in self.batches(4096):
            for i in range(len(batch)):
                yield batch[i]
