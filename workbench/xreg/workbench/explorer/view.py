"""What an explorer shows, before it becomes a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.samples import Samples

__all__ = ["Curves", "Map", "Quantity", "View"]


@dataclass(frozen=True, eq=False)
class Curves:
    """The spectra, or target features, of one channel.

    Attributes
    ----------
    name, unit
        Channel, and unit of its values.
    true
        (n, m) spectra or values of features.
    predicted, spread
        (n, m) what a model says, and its standard deviation, where there is such.
    energy
        (m,) in eV; None for target features.
    features
        Names of the target features.
    """

    name: str
    unit: str
    true: NDArray[Any]
    predicted: NDArray[Any] | None = None
    spread: NDArray[Any] | None = None
    energy: NDArray[np.float64] | None = None
    features: Sequence[str] = ()

    def select(self, rows: NDArray[np.intp]) -> Curves:
        """Return those of some samples."""
        return replace(
            self,
            true=self.true[rows],
            predicted=None if self.predicted is None else self.predicted[rows],
            spread=None if self.spread is None else self.spread[rows],
        )


@dataclass(frozen=True, eq=False)
class Map:
    """A plane, or more dimensions, in which every sample is a point.

    Attributes
    ----------
    name
        What it is (``eca``, ``principal components of xes``).
    scores
        (n, k) coordinates t₁ … t_k; NaN for a sample that has none.
    curves
        Name of the curves that belong to it.
    """

    name: str
    scores: NDArray[np.float64]
    curves: str


@dataclass(frozen=True, eq=False)
class Quantity:
    """Something known of every sample: a label, a parameter, an error.

    Attributes
    ----------
    values
        (n,) numbers, NaN where not known, or texts.
    unit
        Unit of the numbers.
    role
        ``label``, ``parameter`` or ``score``.
    """

    values: NDArray[Any]
    unit: str = ""
    role: str = "label"


@dataclass(frozen=True, eq=False)
class View:
    """Everything that one explorer shows.

    Attributes
    ----------
    title, about
        Heading, and lines below it.
    ids
        (n,) sample ids.
    maps, curves
        At least one of each.
    quantities
        By name.
    samples
        The samples themselves; None where they are not there.
    remarks
        What a reader must know, a sentence each.
    """

    title: str
    about: Sequence[str]
    ids: NDArray[np.str_]
    maps: Sequence[Map]
    curves: Sequence[Curves]
    quantities: Mapping[str, Quantity] = field(default_factory=dict)
    samples: Samples | None = None
    remarks: Sequence[str] = ()

    def select(self, rows: NDArray[np.intp], remark: str) -> View:
        """Return the view of some samples, and say so."""
        return replace(
            self,
            ids=self.ids[rows],
            maps=[replace(shown, scores=shown.scores[rows]) for shown in self.maps],
            curves=[shown.select(rows) for shown in self.curves],
            quantities={
                name: replace(known, values=known.values[rows])
                for name, known in self.quantities.items()
            },
            samples=None if self.samples is None else self.samples[rows],
            remarks=[*self.remarks, remark],
        )
