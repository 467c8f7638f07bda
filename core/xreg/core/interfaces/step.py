"""Processing steps: from the spectra of one channel to those of another."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.atoms.edges import Edge, edge_of
from xreg.core.atoms.elements import SYMBOLS
from xreg.core.errors import ConfigError, DataError, UnknownNameError, did_you_mean
from xreg.core.interfaces.component import Component, ConfigT

__all__ = ["Curves", "Step"]


@dataclass(frozen=True, eq=False)
class Curves:
    """Spectra of n samples on one grid, each displaced by its own offset.

    Attributes
    ----------
    grid
        (m,) energies in eV, rising.
    offset
        (n,) what is added to the grid for each sample, in eV.
    intensity
        (n, m) intensities.
    ids
        (n,) names of the samples, for messages.
    labels
        (n,) values of each label.
    absorbers
        (n,) atomic number of each absorber, 0 where not known; None where no sample has one.
    found
        (n,) values that steps found, with their unit, by name; they become labels
        ``<channel>.<name>`` of the dataset.
    """

    grid: Array
    offset: Array
    intensity: Array
    ids: NDArray[np.str_]
    labels: Mapping[str, NDArray[Any]]
    absorbers: NDArray[np.int32] | None = None
    found: Mapping[str, tuple[Array, str]] = field(default_factory=dict)

    def label(self, name: str) -> Array:
        """Return the values of a label, which must be numbers."""
        if name not in self.labels:
            raise UnknownNameError(f"no label '{name}'{did_you_mean(name, self.labels)}.")
        try:
            values = np.asarray(self.labels[name], dtype=np.float64)
        except ValueError:
            raise DataError(f"the label '{name}' holds text, no energies.") from None
        if not np.isfinite(values).all():
            raise DataError(f"the label '{name}' holds values that are not finite.")
        return values

    def edges(self, name: str) -> list[tuple[Edge, NDArray[np.intp]]]:
        """Return the tabulated edge of each absorbing element and the rows of its samples."""
        if self.absorbers is None:
            raise DataError("samples without structures have no absorber: give width or energy.")
        if not self.absorbers.all():
            first = self.ids[int(np.argmin(self.absorbers != 0))]
            raise DataError(f"sample '{first}' names no absorber: give width or energy.")
        found = []
        for number in np.unique(self.absorbers):
            try:
                edge = edge_of(SYMBOLS[number], name)
            except DataError as error:
                raise ConfigError(f"{error}.") from None
            found.append((edge, np.flatnonzero(self.absorbers == number)))
        return found

    def window_means(self, values: Array, window: Sequence[float]) -> Array:
        """Return the mean of each of (n, m) curves over a window, (n,): integral by length.

        Raises
        ------
        DataError
            If the window, in eV, leaves the energies of a sample.
        """
        low, high = window[0] - self.offset, window[1] - self.offset
        outside = np.flatnonzero((low < self.grid[0] - 1e-9) | (high > self.grid[-1] + 1e-9))
        if outside.size:
            i = outside[0]
            raise DataError(
                f"the window {window[0]:g}…{window[1]:g} eV leaves the energies of sample "
                f"'{self.ids[i]}', {self.grid[0] + self.offset[i]:.6g}…"
                f"{self.grid[-1] + self.offset[i]:.6g} eV."
            )
        means = np.empty(len(values))
        for i, curve in enumerate(values):
            inside = self.grid[(self.grid > low[i]) & (self.grid < high[i])]
            nodes = np.concatenate([[low[i]], inside, [high[i]]])
            means[i] = np.trapezoid(np.interp(nodes, self.grid, curve), nodes) / (high[i] - low[i])
        return means


class Step(Component[ConfigT]):
    """One step of a processing: the same curves and settings give the same result.

    A recipe lists steps under ``processing.<channel>.steps``; they stand in the provenance of the
    dataset that is made.
    """

    kind: ClassVar[str] = "step"

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the dataset that the step reads, known before any work."""
        return ()

    def unit(self, before: str) -> str:
        """Return the unit of the intensities after the step; the one that they had, by default."""
        return before

    @abstractmethod
    def apply(self, curves: Curves) -> Curves:
        """Return new curves; those that are given stay as they are.

        Raises
        ------
        ConfigError, DataError
            If the step cannot be done; the message names the sample.
        """
