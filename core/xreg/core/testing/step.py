"""Checks of processing steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import UnknownNameError
from xreg.core.interfaces import Curves, Step
from xreg.core.testing.base import ComponentSuite, close, refuses, same, untouched

__all__ = ["StepSuite"]


class StepSuite(ComponentSuite):
    """Checks of a processing step on three Fe K edges, each with energies of its own.

    Attributes
    ----------
    component
        The class of the step.
    tolerance
        Largest relative deviation where samples come in another order.
    """

    component: ClassVar[type[Step[Any]]]
    tolerance: ClassVar[float] = 1e-9

    def curves(self) -> Curves:
        """Return the spectra to work on; override for others."""
        grid = np.linspace(-20.0, 60.0, 161)
        edge = np.array([[0.0], [1.0], [2.5]])
        rise = 0.5 + np.arctan((grid - edge) / 0.8) / np.pi
        line = 0.6 * np.exp(-(((grid - edge - 4) / 2) ** 2))
        return Curves(
            grid,
            np.array([7112.0, 7112.5, 7111.0]),
            0.02 + rise + line,
            np.array(["a", "b", "c"]),
            {"moved": np.array([0.5, 0.0, -0.5])},
            np.array([26, 26, 26], dtype=np.int32),
        )

    def output(self, component: Any) -> NDArray[np.float64]:
        """Return the numbers by which two steps count as equal."""
        made = component.apply(self.curves())
        return np.concatenate([made.grid, made.offset, made.intensity.ravel()])

    def test_shapes(self) -> None:
        """What comes out is one finite curve a sample on a rising grid, in the given order."""
        given = self.curves()
        made = self.build().apply(given)
        assert isinstance(made, Curves)
        assert made.ids.tolist() == given.ids.tolist()
        assert made.intensity.shape == (len(given.ids), len(made.grid))
        assert made.offset.shape == given.offset.shape
        assert (np.diff(made.grid) > 0).all(), "energies must rise"
        assert np.isfinite(made.intensity).all()
        assert np.isfinite(made.offset).all()

    def test_pure(self) -> None:
        """It changes nothing that it is given, and repeats itself bit by bit."""
        given = self.curves()
        with untouched(given.grid, given.offset, given.intensity):
            made = self.build().apply(given)
        same(self.build().apply(given).intensity, made.intensity)

    def test_order_of_samples(self) -> None:
        """Samples in another order give the same spectra."""
        given, order = self.curves(), np.array([2, 0, 1])
        turned = replace(
            given,
            offset=given.offset[order],
            intensity=given.intensity[order],
            ids=given.ids[order],
            labels={name: np.asarray(values)[order] for name, values in given.labels.items()},
            absorbers=None if given.absorbers is None else given.absorbers[order],
        )
        made, again = self.build().apply(given), self.build().apply(turned)
        close(again.intensity, made.intensity[order], self.tolerance)
        close(again.offset, made.offset[order], self.tolerance)

    def test_labels(self) -> None:
        """A label that it reads and the data lack is told as such, not as a bug."""
        step = self.build()
        assert all(isinstance(name, str) and name for name in step.labels)
        if step.labels:
            with refuses(UnknownNameError, step.labels[0]):
                step.apply(replace(self.curves(), labels={"another": self.curves().offset}))
