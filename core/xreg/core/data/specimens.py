"""Samples of which neither structure nor parameters are known, as those that were measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.samples import Samples
from xreg.core.errors import DataError, SampleError

__all__ = ["Specimen", "Specimens"]

HIGHEST = 118


@dataclass(frozen=True, slots=True)
class Specimen:
    """A sample known by its name.

    Attributes
    ----------
    id
        Stable name of the sample.
    composition
        What it is made of, as its source writes it (``Fe2O3``); empty where not known.
    absorber
        Atomic number of the absorbing element; 0 where not known.
    """

    id: str
    composition: str = ""
    absorber: int = 0


class Specimens(Samples):
    """Samples with a name, and no more than a composition and an absorbing element beside it.

    What else is known of them (temperature, beamline, way of detection) are labels of the dataset.

    Parameters
    ----------
    ids
        (n,) names, all different.
    composition
        (n,) texts; none are known where not given.
    absorber
        (n,) atomic numbers; 0 where not known.

    Raises
    ------
    DataError
        Where the arrays do not fit together, ids repeat, or an atomic number is none.
    """

    kind = "specimens"
    limitation: ClassVar[str] = "neither structure nor parameters"

    def __init__(
        self,
        ids: Sequence[str] | NDArray[np.str_],
        composition: Sequence[str] | NDArray[np.str_] | None = None,
        absorber: Any = None,
    ) -> None:
        self.ids = np.asarray(ids, dtype=np.str_)
        n = len(self.ids)
        self.composition = np.asarray([""] * n if composition is None else composition, np.str_)
        self.absorber = np.asarray(np.zeros(n) if absorber is None else absorber, dtype=np.int32)
        for name in ("composition", "absorber"):
            if (shape := getattr(self, name).shape) != (n,):
                raise DataError(f"specimens: '{name}' has shape {shape} where {n} samples are.")
        self._require_different_ids()
        bad = np.flatnonzero((self.absorber < 0) | (self.absorber > HIGHEST))
        if bad.size:
            i = int(bad[0])
            raise SampleError(
                f"sample '{self.ids[i]}' has the absorber {self.absorber[i]}; give an atomic "
                "number, or 0 where it is not known."
            )

    @classmethod
    def of(cls, samples: Sequence[Specimen]) -> Self:
        """Build from single specimens."""
        return cls(
            [sample.id for sample in samples],
            [sample.composition for sample in samples],
            [sample.absorber for sample in samples],
        )

    def absorbers(self) -> NDArray[np.int32]:
        """(n,) atomic number of each absorbing element; 0 where not known."""
        return self.absorber

    def __getitem__(self, key: Any) -> Any:
        """Return a :class:`Specimen` for an int, else :class:`Specimens`."""
        if isinstance(key, int | np.integer):
            i = range(len(self))[int(key)]
            return Specimen(str(self.ids[i]), str(self.composition[i]), int(self.absorber[i]))
        rows = self._positions_of(key)
        part = type(self)(self.ids[rows], self.composition[rows], self.absorber[rows])
        return self._labelled(part, rows)

    def __iter__(self) -> Iterator[Specimen]:
        for i in range(len(self)):
            yield self[i]
