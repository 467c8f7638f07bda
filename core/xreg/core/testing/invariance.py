"""What every method that looks at structures must hold to, whatever it makes of them."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from xreg.core.data.samples import Structures
from xreg.core.errors import SampleError
from xreg.core.testing import examples
from xreg.core.testing.base import ComponentSuite, close, refuses

__all__ = ["InvarianceChecks"]

STRANGERS = (2, 10, 18, 36, 54)
"""Noble gases: one of them is not among the samples."""


class InvarianceChecks(ComponentSuite):
    """Checks of a component's answer to structures that were moved, or spoiled.

    Attributes
    ----------
    tolerance
        Largest relative deviation that invariances allow.
    """

    tolerance: ClassVar[float] = 1e-6

    def structures(self) -> Structures:
        """Return the samples (at least three), or skip the check where they are no structures."""
        raise NotImplementedError

    def answer(self, component: Any, samples: Structures) -> NDArray[np.float64]:
        """Return what the component makes of samples: one row each."""
        raise NotImplementedError

    def test_rotation(self) -> None:
        """Turning a structure (with its cell) changes nothing."""
        samples, rng = self.structures(), np.random.default_rng(1)
        turned = examples.moved(
            samples, turns=[examples.rotation(rng) for _ in range(len(samples))]
        )
        self._invariant(samples, turned)

    def test_translation(self) -> None:
        """Shifting a structure changes nothing."""
        samples, rng = self.structures(), np.random.default_rng(2)
        self._invariant(
            samples, examples.moved(samples, shifts=rng.uniform(-3, 3, (len(samples), 3)))
        )

    def test_permutation(self) -> None:
        """The order of the atoms carries no meaning."""
        samples, rng = self.structures(), np.random.default_rng(3)
        self._invariant(
            samples, examples.moved(samples, orders=[rng.permutation(k) for k in samples.sizes])
        )

    def test_like_atoms(self) -> None:
        """Two like atoms that change places (neither the absorber) change nothing."""
        samples = self.structures()
        orders = []
        for structure in samples:
            order = np.arange(len(structure.numbers))
            for z in np.unique(structure.numbers):
                like = np.flatnonzero(structure.numbers == z)
                like = like[like != structure.absorber]
                order[like] = like[::-1]
            orders.append(order)
        self._invariant(samples, examples.moved(samples, orders=orders))

    def test_periodic_image(self) -> None:
        """In a crystal, any image of an atom stands for it."""
        samples, rng = self.structures(), np.random.default_rng(4)
        if not samples.pbc.all():
            pytest.skip("the samples are not periodic")
        owner = np.repeat(np.arange(len(samples)), samples.sizes)
        hops = rng.integers(-1, 2, (len(owner), 3)).astype(np.float64)
        shift = np.einsum("ai,aij->aj", hops, samples.cell[owner])
        self._invariant(
            samples, examples.replaced(samples, positions=np.asarray(samples.positions) + shift)
        )

    def _invariant(self, samples: Structures, moved: Structures) -> None:
        component = self.fitted()
        close(self.answer(component, moved), self.answer(component, samples), self.tolerance)

    # Bad input ---------------------------------------------------------------------------------

    def test_unknown_element(self) -> None:
        """An element that ``fit`` never saw is refused; sample and element are named.

        One that the component says it ``takes`` gives finite numbers.
        """
        from ase.data import chemical_symbols

        samples, component = self.structures(), self.fitted()
        stranger = next(z for z in STRANGERS if z not in samples.species())
        numbers = np.array(samples.numbers)
        atom = int(samples.offsets[1])  # an atom of the second sample, not its absorber
        atom += int(samples.absorber[1] == 0)
        numbers[atom] = stranger
        changed = examples.replaced(samples, numbers=numbers)
        takes = getattr(component, "takes", None)  # of an emulator it is a word
        if callable(takes) and takes(stranger):
            assert np.isfinite(self.answer(component, changed)).all()
            return
        with refuses(SampleError, str(samples.ids[1]), chemical_symbols[stranger]):
            self.answer(component, changed)

    def test_not_finite(self) -> None:
        """A position that is not finite is refused, and the sample named."""
        samples, component = self.structures(), self.fitted()
        positions = np.array(samples.positions)
        positions[int(samples.offsets[1])] = np.nan
        with refuses(SampleError, str(samples.ids[1])):
            self.answer(component, examples.replaced(samples, positions=positions))
