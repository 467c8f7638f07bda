"""Descriptors of the absorbing atom's surroundings, element by element."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from xreg.core.elements import SYMBOLS, atomic_number, symbols
from xreg.core.errors import SampleError
from xreg.core.interfaces import Descriptor, FeatureLabel
from xreg.core.samples import Samples, Structure, Structures

if TYPE_CHECKING:
    from ase import Atoms

__all__ = ["Describe", "SiteDescriptor"]

Describe = Callable[[Structure], NDArray[np.float64]]


class SiteDescriptor(Descriptor):
    """A descriptor whose columns follow from its settings and the elements that may occur.

    A method implements :meth:`prepare`; its settings are a
    :class:`~xreg.core.elements.SiteConfig`. Elements come from the setting ``species`` or, where
    that is not given, from the samples of ``fit``; others are refused.

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
            If a structure holds an element that ``fit`` never saw, or a position that is not
            finite.
        """
        describe, labels = self._ready()
        features = np.empty((len(samples), len(labels)))
        for i in range(len(samples)):
            structure = samples[i]
            self._check(structure)
            features[i] = describe(structure)
        return features

    @property
    def feature_labels(self) -> Sequence[FeatureLabel]:
        """What each of the d columns means."""
        return self._ready()[1]

    @property
    def symbols_(self) -> list[str]:
        """Symbols of ``species_``."""
        return [SYMBOLS[z] for z in self.species_]

    def atoms(self, structure: Structure) -> Atoms:
        """Return a structure as ASE atoms that dscribe takes as they are meant.

        A molecule gets a cell of finite volume too, without periodicity. Atoms of a crystal are
        put into its cell: dscribe 2.1 misses neighbours of those that stand outside.
        """
        from ase import Atoms
        from ase.geometry import complete_cell

        pbc = structure.pbc & self.config.periodic
        cell = complete_cell(structure.cell) if pbc.any() else np.eye(3)
        atoms = Atoms(numbers=structure.numbers, positions=structure.positions, cell=cell, pbc=pbc)
        if pbc.any():
            atoms.wrap()
        return atoms

    def _ready(self) -> tuple[Describe, list[FeatureLabel]]:
        self.require_fitted()
        # Kept between batches, and built anew when settings or elements have changed.
        key = (self.config, tuple(self.species_.tolist()))
        if self._prepared is None or self._prepared[0] != key:
            self._prepared = (key, *self.prepare())
        return self._prepared[1:]

    def _check(self, structure: Structure) -> None:
        if not np.isfinite(structure.positions).all():
            raise SampleError(
                f"sample '{structure.id}' has positions that are not finite; repair it or set it "
                "aside."
            )
        known = set(self.species_.tolist())
        if unknown := set(structure.numbers.tolist()) - known:
            raise SampleError(
                f"sample '{structure.id}' contains {symbols(unknown)}, which descriptor "
                f"'{self.name}' was not fitted for; it knows {symbols(known)}: add such samples "
                "to the training data, or name the elements in the setting 'species'."
            )

    def __getstate__(self) -> dict[str, Any]:
        # What is prepared holds compiled objects; it is cheap to build again.
        return {key: value for key, value in vars(self).items() if key != "_prepared"}
