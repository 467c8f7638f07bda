"""A structure as it was found in a file, or the reason why it is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.elements import formula
from xreg.core.data.samples import Structure
from xreg.core.errors import DataError, SampleError
from xreg.core.readers.structures.geometry import judge

if TYPE_CHECKING:
    from ase import Atoms

__all__ = ["Frame"]

NO_NUMBERS = np.empty(0, np.int32)
NO_POSITIONS = np.empty((0, 3))
NO_CELL = np.zeros((3, 3))
NO_PBC = np.zeros(3, bool)


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """One structure of a file.

    Attributes
    ----------
    where
        File, and frame where the format has several: ``a.xyz, frame 3``.
    place
        Its place in the file, from 0, bad frames counted.
    numbers, positions
        (a,) atomic numbers and (a, 3) positions in Å; empty of a bad frame.
    cell, pbc
        (3, 3) cell vectors as rows in Å, and (3,) periodicity.
    info
        What the file says of the frame: fields of the comment line.
    arrays
        What it says of each atom, (a, …) each.
    notes
        What a reader did that its user should see: a label read as an element.
    problem
        Why this is no structure; empty where it is one.
    """

    where: str
    place: int = 0
    numbers: NDArray[np.int32] = field(default_factory=NO_NUMBERS.copy)
    positions: NDArray[np.float64] = field(default_factory=NO_POSITIONS.copy)
    cell: NDArray[np.float64] = field(default_factory=NO_CELL.copy)
    pbc: NDArray[np.bool_] = field(default_factory=NO_PBC.copy)
    info: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problem: str = ""

    def __len__(self) -> int:
        return len(self.numbers)

    @classmethod
    def bad(cls, where: str, place: int, problem: str) -> Self:
        """Return a frame that is no structure."""
        return cls(where, place, problem=problem.rstrip("."))

    @classmethod
    def read(cls, where: str, place: int, parse: Callable[..., Self], *given: Any) -> Self:
        """Return what a parser makes of what it is given, judged; else a bad frame, with why."""
        try:
            return parse(*given).judged()
        except DataError as error:
            return cls.bad(where, place, str(error))

    @classmethod
    def of(cls, where: str, place: int, atoms: Atoms, notes: tuple[str, ...] = ()) -> Self:
        """Return a frame of ASE atoms."""
        positions, cell = np.asarray(atoms.positions, float), np.asarray(atoms.cell.array, float)
        numbers = np.asarray(atoms.numbers, np.int32)
        return cls(
            where, place, numbers, positions, cell, np.asarray(atoms.pbc), atoms.info, {}, notes
        )

    def judged(self) -> Self:
        """Return it with what :func:`~xreg.core.readers.structures.geometry.judge` says of it."""
        if self.problem:
            return self
        problem, notes = judge(self.numbers, self.positions, self.cell, self.pbc)
        if not problem and not notes:
            return self
        return replace(self, problem=problem, notes=(*self.notes, *notes))

    def require(self) -> Self:
        """Return it where it is good.

        Raises
        ------
        DataError
            That says why it is no structure.
        """
        if self.problem:
            raise DataError(self.problem)
        return self

    def structure(self, name: str, absorber: int) -> Structure:
        """Return it as the sample of a name.

        Raises
        ------
        DataError
            If it is bad, or the absorber is none of its atoms.
        """
        self.require()
        if not 0 <= absorber < len(self):
            raise SampleError(f"the absorber {absorber} is none of its {len(self)} atoms (from 0)")
        return Structure(name, self.numbers, self.positions, self.cell, self.pbc, absorber)

    def structures(self, name: str, absorbers: Sequence[int]) -> list[Structure]:
        """Return a sample for each absorber; of several its index stands behind the name."""
        several = len(absorbers) > 1
        return [self.structure(f"{name}-{a}" if several else name, a) for a in absorbers]

    def distinct(self, sites: Sequence[int]) -> dict[int, int]:
        """Return those sites that the crystal's symmetry tells apart, and how many each stands for.

        Errors are those of :func:`xreg.core.atoms.equivalent.distinct_sites`.
        """
        from xreg.core.atoms.equivalent import distinct_sites

        return distinct_sites(self.numbers, self.positions, self.cell, self.pbc, sites)

    def formula(self) -> str:
        """Return the chemical formula, metals first."""
        return formula(self.numbers)
