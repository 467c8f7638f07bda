"""Descriptors of the absorbing atom's surroundings, element by element."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypeVar

from xreg.core.atoms.elements import SYMBOLS, SiteConfig, atomic_number, symbols
from xreg.core.atoms.neighbours import refuse_coincident
from xreg.core.data.samples import Samples, Structure, Structures
from xreg.core.descriptors.composition import composition, composition_labels
from xreg.core.errors import OutsideError, SampleError
from xreg.core.interfaces import Descriptor, FeatureLabel

if TYPE_CHECKING:
    from ase import Atoms

__all__ = ["Describe", "SiteDescriptor", "whole_atoms"]

SiteConfigT = TypeVar("SiteConfigT", bound=SiteConfig, default=Any)

Describe = Callable[[Structure], NDArray[np.float64]]
UNIT_CELL = np.eye(3)
NARROW, WIDE = 10.0, 2e8
"""Å and Å³: a grid of cells as wide as a cutoff takes some 400 MB over so much."""


def whole_atoms(structure: Structure, pbc: NDArray[np.bool_]) -> Atoms:
    """Return a structure as ASE atoms that dscribe takes as they are meant.

    A molecule gets a cell of finite volume too, without periodicity. Atoms of a crystal are put
    into its cell: dscribe 2.1 misses neighbours of those that stand outside.

    Raises
    ------
    SampleError
        If they spread so far that a grid over all of them, as dscribe makes one, fills the memory.
    """
    from ase import Atoms
    from ase.geometry import complete_cell

    periodic = bool(pbc.any())
    spans = np.ptp(structure.positions, axis=0)
    if periodic:
        spans = np.maximum(spans, np.abs(structure.cell).sum(axis=0))
    if np.maximum(spans, NARROW).prod() > WIDE:
        said = " × ".join(f"{span:.4g}" for span in spans)
        raise SampleError(
            f"sample '{structure.id}' spreads over {said} Å, too far for its neighbours to be "
            "looked for: cut out the surroundings of its absorber."
        )
    cell = complete_cell(structure.cell) if periodic else UNIT_CELL
    atoms = Atoms(numbers=structure.numbers, positions=structure.positions, cell=cell, pbc=pbc)
    if periodic:
        atoms.wrap()
    return atoms


class SiteDescriptor(Descriptor[SiteConfigT]):
    """A descriptor whose columns follow from its settings and the elements that may occur.

    A method implements :meth:`prepare`; its settings are a
    :class:`~xreg.core.atoms.elements.SiteConfig`. Elements come from the setting ``species`` or,
    where that is not given, from the samples of ``fit``; others are refused, except where columns
    do not depend on the elements (:meth:`takes`).

    Attributes
    ----------
    species_
        (s,) atomic numbers that may occur, ascending.
    """

    species_: NDArray[np.int64]
    _prepared: tuple[Any, Describe, list[FeatureLabel]] | None = None

    @abstractmethod
    def prepare(self) -> tuple[Describe, list[FeatureLabel]]:
        """Return a function that describes one structure, and the labels of its (d,) values."""

    def fit(self, samples: Samples, y: Any = None) -> Self:
        """Learn which elements occur."""
        assert isinstance(samples, Structures)
        given = self.config.species
        numbers = samples.species() if given is None else [atomic_number(s) for s in given]
        self.species_ = np.array(numbers, dtype=np.int64)
        return self

    def transform(self, samples: Samples) -> NDArray[np.float64]:
        """Return the (n, d) features of n structures.

        Raises
        ------
        SampleError
            If a structure holds an element that ``fit`` never saw, a position that is not finite,
            or two atoms in one place.
        """
        describe, labels = self._ready()
        block = samples[:]
        self._check(block)
        refuse_coincident(block)
        features = np.empty((len(block), len(labels)))
        for i in range(len(block)):
            features[i] = describe(block[i])
        return features

    @property
    def feature_labels(self) -> Sequence[FeatureLabel]:
        """What each of the d columns means."""
        return self._ready()[1]

    def takes(self, number: int) -> bool:
        """Whether an element that ``fit`` never saw can be described like those that it saw.

        By default none: a method whose columns do not depend on the elements says otherwise.
        """
        return False

    @property
    def open_(self) -> bool:
        """Whether nothing but an element's properties limits what may occur."""
        return self.config.species is None and not self.config.composition

    @property
    def symbols_(self) -> list[str]:
        """Symbols of ``species_``."""
        return [SYMBOLS[z] for z in self.species_]

    def atoms(self, structure: Structure) -> Atoms:
        """Return a structure as :func:`whole_atoms`, as periodic as the settings say."""
        return whole_atoms(structure, structure.pbc & self.config.periodic)

    def _ready(self) -> tuple[Describe, list[FeatureLabel]]:
        self.require_fitted()
        # Kept between batches, and built anew when settings or elements have changed.
        key = (self.config, tuple(self.species_.tolist()))
        if self._prepared is None or self._prepared[0] != key:
            describe, labels = self.prepare()
            self._prepared = (key, *self._with_composition(self._of_near(describe), labels))
        return self._prepared[1:]

    def near(self, samples: Structures) -> Structures:
        """Return structures as the method sees them: their whole molecules near the absorber."""
        radius: float | None = self.config.molecules
        if radius is None:
            return samples
        return Structures.of([self._near(structure, radius) for structure in samples])

    def _near(self, structure: Structure, radius: float) -> Structure:
        from xreg.core.atoms.molecules import whole_molecules

        return whole_molecules(structure, radius, periodic=self.config.periodic)

    def _of_near(self, describe: Describe) -> Describe:
        radius: float | None = self.config.molecules
        if radius is None:
            return describe
        return lambda structure: describe(self._near(structure, radius))

    def _with_composition(
        self, describe: Describe, labels: list[FeatureLabel]
    ) -> tuple[Describe, list[FeatureLabel]]:
        if not self.config.composition:
            return describe, labels
        species = self.species_

        def both(structure: Structure) -> NDArray[np.float64]:
            return np.concatenate([describe(structure), composition(structure, species)])

        return both, labels + composition_labels(species)

    def _check(self, samples: Structures) -> None:
        """Refuse the first sample with an unknown element or a position that is not finite."""
        strange = ~np.isin(samples.numbers, self.species_)
        if strange.any():
            others = np.unique(samples.numbers[strange]).tolist()
            strange &= np.isin(samples.numbers, [z for z in others if not self.takes(z)])
        lost = ~np.isfinite(samples.positions).all(axis=1)
        bad = np.flatnonzero(strange | lost)
        if not bad.size:
            return
        row = int(np.searchsorted(samples.offsets, bad[0], side="right")) - 1
        atoms = slice(samples.offsets[row], samples.offsets[row + 1])
        if lost[atoms].any():
            raise SampleError(
                f"sample '{samples.ids[row]}' has positions that are not finite; repair it or set "
                "it aside."
            )
        unknown = symbols(set(samples.numbers[atoms][strange[atoms]].tolist()))
        raise OutsideError(
            f"sample '{samples.ids[row]}' contains {unknown}, which descriptor '{self.name}' was "
            f"not fitted for; it knows {', '.join(self.symbols_)}: {self._remedy()}."
        )

    def _remedy(self) -> str:
        """Return what makes unknown elements known."""
        return "add such samples to the training data, or name the elements in 'species'"

    def __getstate__(self) -> dict[str, Any]:
        # What is prepared holds compiled objects; it is cheap to build again.
        return {key: value for key, value in vars(self).items() if key != "_prepared"}
