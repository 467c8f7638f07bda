"""What no training sample resembles, seen without knowing any spectrum.

Three things are looked at, each against the training samples: what stands about the absorber (how
many atoms, how far, of which elements, in a crystal or not), the parameters' ranges, and the
features (distance to the nearest training samples, and what the leading principal components of the
training features leave over). Limits are what 99 % of the training samples stay under among
themselves, when each third of them is judged by the others, with a little room. With few samples
that is too strict for ranges and features together, so that their limits are widened by one factor
until 95 % of the training samples, each third judged by the others, keep them (conformal quantile).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.atoms.elements import SYMBOLS, symbols
from xreg.core.atoms.neighbours import Neighbours, neighbours
from xreg.core.data.samples import Parameters, Samples, Structure, Structures

__all__ = ["Novelty"]

REACH = 6.0  # Å
NEAR = 3.0  # Å
BONDED = 1.3  # times the sum of the covalent radii
LINKED = 1.35  # times the same: bonded, or nearly
SLACK, LOOSE = 0.03, 0.3  # Å, about the distances of many training samples, or of few
MARGIN = 0.05  # of a range, on either side; more for few samples
USUAL = 0.99  # of the training samples set the limit,
LEEWAY = 1.1  # times this
INNER = 4.0  # Å: atoms within have their own neighbours inside REACH
MOST_ATOMS = 200
MOST = 2000  # training samples that are looked at
PARTS = 3
LEVEL = 0.95  # of samples like those in training stay inside all limits together
NEAREST = 5
DIRECTIONS = 16
LEAST = 1e-9
FACTS = (
    "{:.0f} atoms within 3 Å of the absorber",
    "{:.0f} atoms bonded to the absorber",
    "{:.0f} atoms within 6 Å of the absorber",
    "a nearest atom at {:.2f} times the sum of covalent radii",
    "its four nearest atoms at {:.2f} times the sum of covalent radii on average",
    "two atoms at {:.2f} times the sum of covalent radii",
    "atoms whose nearest are at {:.2f} times the sum of covalent radii on average",
    "{:.0f} directions of periodicity",
)


@dataclass(frozen=True, eq=False)
class Novelty:
    """What is kept of the training samples.

    Attributes
    ----------
    low, high
        (q,) ranges of the facts about surroundings; empty without structures.
    bonded
        Atomic numbers of the elements that were bonded to an absorber.
    shortest
        (119, 3) by atomic number: shortest and longest distance (Å) of the nearest atom of an
        element within 6 Å that was bonded, and of how many training samples.
    mean, spread, points
        (q,), (q,) and (r, q): facts of training samples, standardised.
    centre, axes, scale, reference
        (d,), (k, d), (k,) and (r, k): principal components of features; empty without features.
    limits
        (3,) usual distance in facts, distance in components, and remainder beside them.
    widened
        (2,) factor of the room about facts, and how far beyond its range, in units of that range, a
        parameter may lie.
    """

    low: Array
    high: Array
    bonded: NDArray[np.int64]
    shortest: Array
    mean: Array
    spread: Array
    points: Array
    centre: NDArray[np.float32]
    axes: NDArray[np.float32]
    scale: NDArray[np.float32]
    reference: NDArray[np.float32]
    limits: Array
    widened: Array = field(default_factory=lambda: np.array([1.0, 0.0]))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything by name, to be stored."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Take back what :meth:`arrays` returned; where there is nothing, nothing is ever new."""
        if arrays:
            return cls(**arrays)
        none, flat = np.empty(0), np.empty((0, 0))
        facts = none, none, np.empty(0, np.int64), _unseen(), none, none, flat
        return cls(*facts, *_empty_space(), np.full(3, np.inf))

    @classmethod
    def fit(cls, samples: Samples, inputs: Any, seed: int = 0) -> Self:
        """Learn what training samples are like.

        Parameters
        ----------
        samples
            n training samples.
        inputs
            Their (n, d) scaled features, or samples: then features are not looked at.
        seed
            Of the choice where there are many.
        """
        rows = np.sort(np.random.default_rng(seed).permutation(len(samples))[:MOST])
        part = np.arange(len(rows)) % PARTS
        np.random.default_rng(seed).shuffle(part)
        limits = np.full(3, np.inf)
        strain = np.zeros(len(rows))  # of each sample, judged by the other parts: 1 at a limit
        shortest = _unseen()
        low = high = mean = spread = np.empty(0)
        points, bonded = np.empty((0, 0)), np.empty(0, np.int64)
        if isinstance(samples, Structures) and len(rows):
            table, bonded, shortest = _facts(samples[rows])
            low, high = table.min(axis=0), table.max(axis=0)
            mean, spread = table.mean(axis=0), table.std(axis=0)
            spread = np.where(spread > LEAST, spread, 1.0)
            points = (table - mean) / spread
            strain = np.maximum(strain, _by_parts(table, part, _beyond_facts))
            limits[0] = _limit(_by_parts(points, part, _nearest))
        space = _empty_space()
        if isinstance(inputs, np.ndarray) and len(rows) > 2 * PARTS:
            some = inputs[rows].astype(np.float64)
            space = _space(some, seed)

            def measures(others: Array, held: Array) -> Array:
                # The scale of a column comes from training samples, as it will of a new one.
                scale = others.std(axis=0)
                scale = np.where(scale > LEAST, scale, 1.0)
                return np.column_stack(_measures(_space(others / scale, seed), held / scale))

            for i, found in enumerate(_by_parts(some, part, measures).T, start=1):
                limits[i] = _limit(found)
                strain = np.maximum(strain, _share(found, limits[i]))
        factor = max(1.0, _conformal(strain, LEVEL))
        margin = 0.0
        if isinstance(samples, Parameters) and len(rows) > 2 * PARTS:
            beyond = _by_parts(np.asarray(samples[rows].values), part, _beyond)
            # At least what uniform samples leave open at the ends of their ranges at that level.
            ends = 2 * samples.values.shape[1] / len(rows) / (1 - LEVEL)
            margin = max(np.log(ends) / len(rows), _conformal(beyond, LEVEL), 0.0)
        widened = np.array([factor, margin])
        kept = low, high, bonded, shortest, mean, spread, points
        # How facts come together is left as it is: few are called new by that alone.
        return cls(*kept, *space, limits * [1.0, factor, factor], widened)

    def distance(self, inputs: Any, among: Any = None) -> Array:
        """Return the (n,) mean distance of samples to the nearest training samples.

        Parameters
        ----------
        inputs
            Their (n, d) scaled features; without features, all are equally far (ones).
        among
            (t, d) scaled features of other samples to measure to, of which at most 2,000 count.
        """
        if not (len(self.axes) and isinstance(inputs, np.ndarray)):
            return np.ones(len(inputs))
        centre, axes = self.centre.astype(np.float64), self.axes.astype(np.float64)
        points = self.reference.astype(np.float64)
        if among is not None:
            points = (np.asarray(among)[:: max(1, len(among) // MOST)] - centre) @ axes.T
        return _nearest(points, (np.asarray(inputs, np.float64) - centre) @ axes.T)

    def reasons(self, samples: Samples, inputs: Any) -> list[str]:
        """Return for each sample what is new about it; empty where nothing is."""
        found: list[list[str]] = [[] for _ in range(len(samples))]
        if isinstance(samples, Structures) and len(self.low):
            margin = _margin(self.low, self.high, len(self.points)) * self.widened[0]
            for words, structure in zip(found, samples, strict=True):
                words.extend(self._reasons(structure, margin))
        if len(self.axes) and isinstance(inputs, np.ndarray) and len(inputs):
            space = self.centre, self.axes, self.scale, self.reference
            distance, rest = _measures(space, np.asarray(inputs, np.float64))
            far = (distance > self.limits[1]) | (rest > self.limits[2]) | ~np.isfinite(rest)
            for row in np.flatnonzero(far).tolist():
                share = max(distance[row] / self.limits[1], rest[row] / self.limits[2])
                found[row].append(
                    f"its features lie {share:.2g} times as far from training samples as 99 % of "
                    "those from the others"
                )
        return ["; ".join(words) for words in found]

    def _reasons(self, structure: Structure, margin: Array) -> list[str]:
        facts, near, nearest = _of(structure)
        words = [
            f"{text.format(value)} (training: {low:.3g} to {high:.3g})"
            for text, value, low, high, outside in zip(
                FACTS,
                facts,
                self.low,
                self.high,
                (facts < self.low - margin) | (facts > self.high + margin),
                strict=True,
            )
            if outside
        ]
        if new := set(near.tolist()) - set(self.bonded.tolist()):
            words.append(f"{symbols(new)} bonded to the absorber, never so in training")
        for number, r in nearest.items():
            low, high, count = self.shortest[number]
            slack = SLACK + min(LOOSE, 2 / max(count, 1))
            if count and not low - slack <= r <= high + slack:
                words.append(
                    f"{SYMBOLS[number]} at {r:.2f} Å from the absorber (training: {low:.2f} to "
                    f"{high:.2f} Å)"
                )
        if not words:
            far = _nearest(self.points, ((facts - self.mean) / self.spread)[None])[0]
            if far > self.limits[0]:
                words.append("numbers and distances of its neighbours that never came together")
        return words


def _of(structure: Structure) -> tuple[Array, NDArray[np.int64], dict[int, float]]:
    """Return the facts about one site, the elements bonded to the absorber, and how far they are.

    Far, in Å, are the nearest of their elements.
    """
    from ase.data import covalent_radii

    around = neighbours(structure, REACH)
    if not len(around.distances) and not structure.pbc.any():
        around = neighbours(structure)
    r = around.distances
    own = covalent_radii[structure.numbers[structure.absorber]]
    ratio = r / (own + covalent_radii[around.numbers])
    near = around.numbers[ratio < BONDED]
    least = np.sort(ratio)[:4]
    far = REACH / own  # stands for nothing at all
    facts = np.array(
        [
            np.sum(r < NEAR),
            len(near),
            np.sum(r < REACH),
            least[0] if len(least) else far,
            least.mean() if len(least) else far,
            *_contacts(structure, around, far),
            structure.pbc.sum(),
        ],
        dtype=np.float64,
    )
    elements, first = np.unique(around.numbers[ratio < LINKED], return_index=True)
    nearest = dict(zip(elements.tolist(), r[ratio < LINKED][first].tolist(), strict=True))
    return facts, np.unique(near).astype(np.int64), nearest


def _contacts(structure: Structure, around: Neighbours, far: float) -> tuple[float, float]:
    """Return the least of all contacts about the absorber, and the mean of each atom's least.

    In sums of covalent radii. Bonds vary little, so that a structure at a wrong scale shows here.
    """
    from ase.data import covalent_radii
    from scipy.spatial.distance import pdist, squareform

    if not len(around.distances):
        return far, far
    places = np.vstack([np.zeros((1, 3)), around.vectors])[:MOST_ATOMS]
    numbers = np.concatenate([[structure.numbers[structure.absorber]], around.numbers])
    radii = covalent_radii[numbers[:MOST_ATOMS]]
    ratio = squareform(pdist(places)) / (radii[:, None] + radii)
    np.fill_diagonal(ratio, np.inf)
    inner = np.linalg.norm(places, axis=1) < INNER
    least = ratio.min(axis=1)[inner]
    return float(least.min()), float(least.mean())


def _facts(samples: Structures) -> tuple[Array, NDArray[np.int64], Array]:
    rows, bonded, shortest = [], set(), _unseen()
    for structure in samples:
        facts, near, nearest = _of(structure)
        rows.append(facts)
        bonded.update(near.tolist())
        for number, r in nearest.items():
            low, high, count = shortest[number]
            shortest[number] = min(low, r), max(high, r), count + 1
    return np.array(rows), np.array(sorted(bonded), dtype=np.int64), shortest


def _unseen() -> Array:
    return np.tile([np.inf, -np.inf, 0.0], (len(SYMBOLS), 1))


def _limit(values: Array) -> float:
    """Return what all but a hundredth of the values stay under, with a little room."""
    values = values[np.isfinite(values)]
    return LEEWAY * float(np.quantile(values, USUAL)) + LEAST if len(values) else np.inf


def _margin(low: Array, high: Array, count: int) -> Array:
    """Return how far facts may lie beyond the range of a number of samples."""
    return (MARGIN + 2 / count) * (high - low) + LEAST


def _by_parts(
    table: Array, part: NDArray[np.intp], measure: Callable[[Array, Array], Array]
) -> Array:
    """Return what a measure finds of each row by those of other parts; zeros without any."""
    parts = [np.flatnonzero(part == p) for p in range(PARTS)]
    found = [
        measure(table[part != p], table[rows])
        if 0 < len(rows) < len(table)
        else np.zeros(len(rows))
        for p, rows in enumerate(parts)
    ]
    return np.concatenate(found)[np.argsort(np.concatenate(parts))]


def _beyond(others: Array, held: Array) -> Array:
    """Return how far rows lie beyond the range of others, in units of it, at their worst column."""
    low, high = others.min(axis=0), others.max(axis=0)
    width = np.where(high > low, high - low, np.inf)
    return np.asarray((np.maximum(low - held, held - high) / width).max(axis=1, initial=0.0))


def _beyond_facts(others: Array, held: Array) -> Array:
    """Return how far facts lie beyond the range of others, in units of the room about it."""
    low, high = others.min(axis=0), others.max(axis=0)
    margin = _margin(low, high, len(others))
    # A fact that is the same everywhere tells strangers, and no widening may change that.
    beyond = np.where(high > low, np.maximum(low - held, held - high) / margin, 0.0)
    return np.asarray(beyond.max(axis=1, initial=0.0))


def _share(values: Array, limit: float) -> Array:
    return values / limit if np.isfinite(limit) else np.zeros(len(values))


def _conformal(values: Array, level: float) -> float:
    """Return what a further value of the kind stays under at a level, the highest if they are few.

    The quantile with the correction for the number of values (V. Vovk, A. Gammerman, G. Shafer,
    Algorithmic Learning in a Random World, 2005).
    """
    values = np.sort(values[np.isfinite(values)])
    if not len(values):
        return 0.0
    return float(values[min(int(np.ceil(level * (len(values) + 1))), len(values)) - 1])


def _nearest(points: Array, others: Array) -> Array:
    """Return the mean distance of each of the others to the nearest points."""
    from scipy.spatial import cKDTree

    count = min(NEAREST, len(points))
    if not count or not len(others):
        return np.full(len(others), np.inf)
    if not points.shape[1]:  # nothing varies, so that all are in one place
        return np.zeros(len(others))
    distances = cKDTree(points).query(others, count)[0].reshape(len(others), count)
    return np.asarray(distances.mean(axis=1))


Space = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def _space(some: Array, seed: int) -> Space:
    from sklearn.decomposition import PCA

    count = max(1, min(DIRECTIONS, some.shape[1], len(some) - 1))
    solver = "full" if min(some.shape) <= 10 * DIRECTIONS else "randomized"
    found = PCA(count, svd_solver=solver, random_state=seed).fit(some)
    spread = np.sqrt(found.explained_variance_)
    real = spread > 1e-6 * spread.max(initial=LEAST)
    axes = found.components_[real]
    space = found.mean_, axes, spread[real], (some - found.mean_) @ axes.T
    return tuple(part.astype(np.float32) for part in space)


def _empty_space() -> Space:
    none, flat = np.empty(0, np.float32), np.empty((0, 0), np.float32)
    return none, flat, none, flat


def _measures(space: Space, inputs: Array) -> tuple[Array, Array]:
    """Return distances to the nearest reference and what components leave over, (n,) each."""
    centre, axes, _, reference = (part.astype(np.float64) for part in space)
    moved = inputs - centre
    components = moved @ axes.T
    # Not by a difference of squares, of which single precision leaves 3e-4 where nothing is.
    rest = np.sqrt(np.square(moved - components @ axes).sum(1))
    # A remainder of rounding alone is none.
    rest[rest < 1e-5 * (1 + np.sqrt(np.square(moved).sum(1)))] = 0.0
    return _nearest(reference, components), rest
