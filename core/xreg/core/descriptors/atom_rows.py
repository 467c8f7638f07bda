"""Descriptors with a fixed number of rows, one an atom: the nearest atoms of each element."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypeVar

from xreg.core.atoms.elements import SYMBOLS, AtomRowConfig, atomic_number
from xreg.core.atoms.neighbours import Neighbours, neighbours
from xreg.core.data.samples import Samples, Structure, Structures
from xreg.core.descriptors.sites import SiteDescriptor
from xreg.core.errors import DataError
from xreg.core.text import counted

__all__ = ["AtomRowDescriptor"]

RowConfigT = TypeVar("RowConfigT", bound=AtomRowConfig, default=Any)

ENDLESS = np.iinfo(np.int64).max


class AtomRowDescriptor(SiteDescriptor[RowConfigT]):
    """A descriptor of the nearest atoms, grouped by element, each group by ascending distance.

    The absorber is the first of its element. An element keeps its ``counts_`` nearest atoms; where
    a structure has fewer, rows stay zero. In a crystal images count as atoms.

    Attributes
    ----------
    counts_
        (s,) number of rows of each element of ``species_``.
    fewest_
        (s,) smallest number of atoms of each element in a training structure: where it is below
        ``counts_``, some training samples have zero rows. An element of a crystal, whose images
        count as atoms, fills all its rows.
    """

    counts_: NDArray[np.int64]
    fewest_: NDArray[np.int64]

    def fit(self, samples: Samples, y: Any = None) -> Self:
        """Learn which elements occur, and how many atoms of each."""
        super().fit(samples, y)
        assert isinstance(samples, Structures)
        if not len(samples):
            raise DataError(f"descriptor '{self.name}' cannot be fitted without samples.")
        given: dict[str, int] | None = self.config.counts
        if given is not None and not self.config.by_role:
            self.species_ = np.array(sorted(map(atomic_number, given)), dtype=np.int64)
        every = []
        for whole in samples.batches(4096):
            self._check(whole)
            block = self.near(whole)
            owner = np.repeat(np.arange(len(block)), block.sizes)
            found = np.zeros((len(block), len(self.species_)), dtype=np.int64)
            np.add.at(found, (owner, np.searchsorted(self.species_, block.numbers)), 1)
            crystal = np.logical_and(self.config.periodic, np.any(block.pbc, axis=1))
            filled = np.where(crystal[:, None] & (found > 0), ENDLESS, found)
            every.append((filled.min(axis=0), found.max(axis=0)))
        fewest, most = (np.array(column) for column in zip(*every, strict=True))
        self.counts_ = most.max(axis=0)
        if given is not None:
            central = set(samples.absorbers().tolist())
            self.counts_ = np.array(
                [_asked(given, z, z in central) for z in self.species_.tolist()]
            )
        least = fewest.min(axis=0)
        self.fewest_ = np.where(least == ENDLESS, self.counts_, least)
        self._prepared = None
        return self

    @property
    def remarks(self) -> list[str]:
        """Which rows stay zero in some training sample."""
        short = [
            f"{fewest} {symbol} for {counted(rows, 'row')}"
            for symbol, fewest, rows in zip(
                self.symbols_, self.fewest_.tolist(), self.counts_.tolist(), strict=True
            )
            if fewest < rows
        ]
        found = []
        if short:
            found.append(
                f"{self.name}: training samples have as few as {', '.join(short)}; rows without an "
                "atom are zero."
            )
        named = set(self.config.counts or ()) & set(SYMBOLS)
        if absent := sorted(named - set(self.symbols_)):
            found.append(
                f"{self.name}: no training sample has {', '.join(absent)}, which 'counts' names, "
                "and no rows are kept for it."
            )
        return found

    def _remedy(self) -> str:
        if self.config.counts is None or self.config.by_role:
            return super()._remedy()
        return "name the elements in 'counts' too (0 gives them no row)"

    def row_names(self) -> list[str]:
        """Return a name for each row: element, and place among its like from near to far."""
        return [
            f"{symbol}{i + 1}"
            for symbol, count in zip(self.symbols_, self.counts_.tolist(), strict=True)
            for i in range(count)
        ]

    def nearest(
        self, structure: Structure, beyond: float = 0.0
    ) -> tuple[Neighbours, NDArray[np.intp]]:
        """Return the atoms about the absorber, and which of them fills each row.

        Parameters
        ----------
        structure
            A molecule or a crystal.
        beyond
            How much farther (Å) a crystal's atoms are wanted than the rows reach.

        Returns
        -------
        Neighbours
            All atoms of a molecule; of a crystal, those inside a radius that fills all rows of the
            elements it has, and ``beyond``.
        ndarray
            (rows,) index of a neighbour; -1 is the absorber, -2 a row that stays zero.
        """
        centre = int(structure.numbers[structure.absorber])
        want = dict(zip(self.species_.tolist(), self.counts_.tolist(), strict=True))
        crystal = self.config.periodic and bool(structure.pbc.any())
        if crystal:
            radius = self._enough(structure, {**want, centre: want[centre] - 1})
            around = neighbours(structure, radius + beyond)
        else:
            around = neighbours(structure, periodic=False)
        rows = np.full(sum(want.values()), -2, dtype=np.intp)
        start = 0
        for number, count in want.items():
            like = np.flatnonzero(around.numbers == number)
            if number == centre:
                like = np.concatenate([[-1], like])
            like = like[:count]
            rows[start : start + len(like)] = like
            start += count
        return around, rows

    def _enough(self, structure: Structure, want: dict[int, int]) -> float:
        """Return a radius (Å) about the absorber that holds as many of each element as wanted."""
        present = set(structure.numbers.tolist())
        radius = 4.0
        while True:
            found = neighbours(structure, radius).numbers
            if all((found == z).sum() >= n for z, n in want.items() if z in present):
                return radius
            radius *= 1.25


def _asked(counts: dict[str, int], number: int, central: bool) -> int:
    """Return how many rows ``counts`` gives an element that it names, or that has a role."""
    others = counts.get("others", 0)
    return counts.get(SYMBOLS[number], counts.get("absorber", others) if central else others)
