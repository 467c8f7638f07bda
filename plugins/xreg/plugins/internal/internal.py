"""Internal coordinates of small molecules of one composition."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.atoms.elements import SYMBOLS
from xreg.core.atoms.neighbours import refuse_coincident
from xreg.core.data.samples import Samples, Structures
from xreg.core.errors import DataError, OutsideError, SampleError
from xreg.core.interfaces import Descriptor, FeatureLabel
from xreg.plugins.internal.plugin import InternalConfig

__all__ = ["Internal"]

ROWS = 4096


class Internal(Descriptor[InternalConfig]):
    """Distances from the absorber and angles at it, each kind sorted from large to small.

    Sorting makes like atoms exchangeable, and keeps the features continuous. For H2O seen from its
    oxygen they are the long and the short O–H bond (Å) and the H–O–H angle (°). In a periodic cell
    the nearest images count. With a ``degree`` above 1 the columns are products of these
    coordinates, boxed as the descriptor ``polynomial`` boxes parameters: a polynomial model of the
    geometry (Niskanen et al., R. Soc. Open Sci. 9, 220093 (2022)) is ``ridge`` on them.

    Attributes
    ----------
    absorber_
        Atomic number of the absorber.
    numbers_
        Atomic numbers of the other atoms, ascending.
    limits_
        (2, c) least and greatest value of each coordinate in training, for products of them; else
        empty.
    """

    name = "internal"
    Config = InternalConfig
    absorber_: int
    numbers_: NDArray[np.int64]
    limits_: Array

    def fit(self, samples: Samples, y: Any = None) -> Self:
        """Learn the composition from the first sample; :meth:`transform` refuses any other.

        For products of coordinates, learn the range of each too.
        """
        assert isinstance(samples, Structures)
        if not len(samples):
            raise DataError("descriptor 'internal' cannot be fitted without samples.")
        first = samples[0]
        if len(first.numbers) < 2:
            raise SampleError(
                f"sample '{first.id}' is a single atom, which has no internal coordinates."
            )
        self.absorber_ = int(first.numbers[first.absorber])
        self.numbers_ = np.sort(np.delete(first.numbers, first.absorber)).astype(np.int64)
        self.limits_ = np.empty((2, 0))
        if self.config.degree > 1:
            parts = [self._coordinates(block) for block in samples.batches(ROWS)]
            self.limits_ = np.array(
                [
                    np.min([part.min(axis=0) for part in parts], axis=0),
                    np.max([part.max(axis=0) for part in parts], axis=0),
                ]
            )
        return self

    def transform(self, samples: Samples) -> Array:
        """Return the (n, d) internal coordinates of n molecules.

        Raises
        ------
        SampleError
            If a molecule has another composition or absorber than that of ``fit``, or two atoms
            in one place.
        """
        self.require_fitted()
        assert isinstance(samples, Structures)
        coordinates = self._coordinates(samples[:])
        if self.config.degree == 1:
            return coordinates
        from xreg.core.descriptors.products import products

        low, high = self.limits_
        width = np.where(high > low, high - low, 1.0)
        return products((coordinates - low) / width, self.config.degree)

    def _coordinates(self, block: Structures) -> Array:
        arms = self._bond_vectors(block)
        lengths = np.linalg.norm(arms, axis=2)
        columns = [lengths[:, group] for _, group in self._distances()]
        with np.errstate(invalid="ignore", divide="ignore"):
            ways = arms / lengths[:, :, None]
        for _, pairs in self._angles():
            first, second = np.transpose(pairs)
            one, other = ways[:, first], ways[:, second]
            if self.config.angles == "cosine":
                columns.append(np.clip(np.einsum("njx,njx->nj", one, other), -1, 1))
            else:
                columns.append(_degrees(one, other))
        features = np.concatenate([-np.sort(-column, axis=1) for column in columns], axis=1)
        bad = np.flatnonzero(~np.isfinite(lengths).all(axis=1))
        if bad.size:
            raise SampleError(
                f"sample '{block.ids[bad[0]]}' has a position that is not finite; repair it or set "
                "it aside."
            )
        refuse_coincident(block)
        return features

    @property
    def feature_labels(self) -> list[FeatureLabel]:
        """Bonds from long to short, then angles from wide to narrow (cosines: narrow to wide).

        Of a higher degree: their products, which are pure numbers.
        """
        self.require_fitted()
        single = self._coordinate_labels()
        if self.config.degree == 1:
            return single
        from xreg.core.descriptors.products import powers, product_names

        names = [label.name for label in single]
        return [
            FeatureLabel(name)
            for name in product_names(names, powers(len(names), self.config.degree))
        ]

    def _coordinate_labels(self) -> list[FeatureLabel]:
        labels: list[FeatureLabel] = []
        for name, group in self._distances():
            words = ("long", "short") if len(group) == 2 else _counted(len(group))
            labels += [FeatureLabel(f"{name} {w}".rstrip(), "Å", block=name) for w in words]
        unit = "" if self.config.angles == "cosine" else "°"
        for name, pairs in self._angles():
            words = _counted(len(pairs))
            labels += [FeatureLabel(f"{name} {w}".rstrip(), unit, block=name) for w in words]
        return labels

    def _distances(self) -> Iterator[tuple[str, NDArray[np.intp]]]:
        """Yield the name and the atoms of each kind of bond."""
        centre = SYMBOLS[self.absorber_]
        for z in np.unique(self.numbers_):
            yield f"r({centre}–{SYMBOLS[z]})", np.flatnonzero(self.numbers_ == z)

    def _angles(self) -> Iterator[tuple[str, list[tuple[int, int]]]]:
        """Yield the name and the pairs of atoms of each kind of angle at the absorber."""
        if self.config.angles == "none":
            return
        word = "cos" if self.config.angles == "cosine" else "angle"
        kinds: dict[str, list[tuple[int, int]]] = {}
        for j, k in combinations(range(len(self.numbers_)), 2):
            a, b = SYMBOLS[self.numbers_[j]], SYMBOLS[self.numbers_[k]]
            kinds.setdefault(f"{word}({a}–{SYMBOLS[self.absorber_]}–{b})", []).append((j, k))
        yield from kinds.items()

    def _bond_vectors(self, samples: Structures) -> Array:
        """Return the (n, a, 3) vectors from the absorber to the others, by ascending number."""
        n, width = len(samples), len(self.numbers_) + 1
        self._check(samples)
        numbers = np.asarray(samples.numbers, dtype=np.int64).reshape(n, width)
        positions = np.asarray(samples.positions, dtype=np.float64).reshape(n, width, 3)
        rank = numbers.copy()
        rank[np.arange(n), samples.absorber] = 0
        order = np.argsort(rank, axis=1, kind="stable")
        ordered = np.take_along_axis(positions, order[:, :, None], axis=1)
        arms = ordered[:, 1:] - ordered[:, :1]
        for i in np.flatnonzero(samples.pbc.any(axis=1)):
            from ase.geometry import find_mic

            arms[i] = find_mic(arms[i], samples.cell[i], samples.pbc[i])[0]
        return arms

    def _check(self, samples: Structures) -> None:
        for structure in samples:
            centre = int(structure.numbers[structure.absorber])
            others = np.sort(np.delete(structure.numbers, structure.absorber))
            if centre != self.absorber_ or not np.array_equal(others, self.numbers_):
                want = _formula([self.absorber_, *self.numbers_.tolist()])
                raise OutsideError(
                    f"sample '{structure.id}' is {_formula(structure.numbers.tolist())} seen from "
                    f"{SYMBOLS[centre]}, but descriptor 'internal' was fitted on {want} seen from "
                    f"{SYMBOLS[self.absorber_]}; it describes molecules of one composition."
                )


def _counted(count: int) -> list[str]:
    return [""] if count == 1 else [str(i + 1) for i in range(count)]


def _degrees(one: Array, other: Array) -> Array:
    """Return the angles between unit vectors; exact for straight ones too (Kahan's formula)."""
    apart, along = np.linalg.norm(one - other, axis=2), np.linalg.norm(one + other, axis=2)
    angle: Array = np.degrees(2 * np.arctan2(apart, along))
    return angle


def _formula(numbers: list[int]) -> str:
    """Return a sum formula, lightest element first (``H2O``)."""
    counts = {z: numbers.count(z) for z in sorted(set(numbers))}
    return "".join(f"{SYMBOLS[z]}{count if count > 1 else ''}" for z, count in counts.items())
