"""How far a prediction may be trusted, judged by what is known when it is made.

A model is judged once on samples that it was not trained on. What their spectrum errors go with,
among things that any new sample has too (see :func:`evidence`), is learned by a linear model of the
error's logarithm. For a new sample it gives the spectrum error to be expected, and the trust: the
probability that the error stays under 10 %, beyond which a spectrum counts as an outlier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.arrays import Array
from xreg.core.data.samples import Parameters, Samples
from xreg.core.metrics import spectrum_error
from xreg.core.storage import LearnedArrays

if TYPE_CHECKING:
    from xreg.core.model.domain import Domain

__all__ = ["FEWEST", "OUTLIER", "Assessment", "Trust", "ranges_left"]

OUTLIER = 10.0  # per cent
FEWEST = 30
MARGIN = 1.0  # of the judged range, beyond which evidence is of another kind
DIRECTIONS = 16
REFERENCES = 2000
NEIGHBOURS = 5
LEAST = 1e-6
LEVELS = {"high": 0.95, "medium": 0.5, "low": 0.0}


@dataclass(frozen=True, eq=False)
class Assessment:
    """What to expect of n predictions.

    Attributes
    ----------
    expected
        (n,) spectrum error to be expected, in per cent (the median of such cases).
    trust
        (n,) probability of a spectrum error under 10 %.
    outside
        (n,) whether a sample lies outside what the model was trained on: a parameter beyond its
        range, features farther from training samples than any that were judged, or a piece of
        evidence far beyond them, or surroundings that none of them has. Its ``expected`` is a
        guess, as is its ``trust``; that of a structure is halved, so that it is low.
    reasons
        What is new about each sample; empty for one inside.
    """

    expected: Array
    trust: Array
    outside: NDArray[np.bool_]
    reasons: tuple[str, ...] = ()

    @property
    def judged(self) -> bool:
        """Whether errors are known to expect; without, only what lies outside is told."""
        return not len(self.trust) or bool(np.isfinite(self.trust).any())

    @property
    def level(self) -> NDArray[np.str_]:
        """``high`` from 95 % trust, ``medium`` from 50 %, else ``low``; ``low`` outside.

        ``unknown`` for what lies inside where no error was ever judged.
        """
        if not self.judged:
            return np.where(self.outside, "low", "unknown")
        names = np.array(list(LEVELS))
        bounds = np.array(list(LEVELS.values()))
        found = names[np.argmax(self.trust[:, None] >= bounds, axis=1)]
        return np.where(self.outside, "low", found)


@dataclass(frozen=True, eq=False)
class Trust(LearnedArrays):
    """What was learned from the judged samples; a few hundred kilobytes of arrays.

    Attributes
    ----------
    centre, axes, scale
        (d,), (k, d) and (k,): principal components of the scaled features and their spread; empty
        for an emulator that takes samples.
    reference
        (r, k) components of some training samples, to measure distances to.
    low, high
        (q,) range of each piece of evidence over the judged samples; a new one counts as no more
        than that, except a larger spread.
    weights
        (q + 1,) the intercept, and the weight of each piece of evidence.
    noise
        (1,) standard deviation of the logarithm of true over expected error.
    """

    centre: NDArray[np.float32]
    axes: NDArray[np.float32]
    scale: NDArray[np.float32]
    reference: NDArray[np.float32]
    low: Array
    high: Array
    weights: Array
    noise: Array

    def evidence(self, inputs: Any, predicted: Array, spread: Array | None) -> dict[str, Array]:
        """Return the (n,) pieces of evidence by name; positive ones as their logarithm.

        ``spread``: the ensemble's, summed over energies, relative to the intensity (only where the
        emulator has one). ``roughness``: second differences of the spectrum, relative to it.
        ``negative``: share of negative intensity. ``distance``: mean distance to the five nearest
        training samples, in the space of the leading principal components of the features; and
        those components themselves, which say in which region the model errs.
        """
        total = np.abs(predicted).sum(axis=1)
        total = np.where(total > 0, total, 1.0)
        found = {}
        if spread is not None:
            found["spread"] = np.log(spread.sum(axis=1) / total + LEAST)
        bends = np.abs(np.diff(predicted, 2, axis=1)).sum(axis=1)
        found["roughness"] = np.log(bends / total + LEAST)
        found["negative"] = np.log(np.clip(-predicted, 0, None).sum(axis=1) / total + LEAST)
        if self.axes.size:
            from scipy.spatial import cKDTree

            components = (np.asarray(inputs) - self.centre) @ self.axes.T
            count = min(NEIGHBOURS, len(self.reference))
            distances, _ = cKDTree(self.reference).query(components, count)
            distances = distances.reshape(len(components), count)
            found["distance"] = np.log(distances.mean(axis=1) + LEAST)
            for number, column in enumerate((components / self.scale).T, 1):
                found[f"component {number}"] = column
        return found

    def assess(
        self,
        inputs: Any,
        predicted: Array,
        spread: Array | None,
        outside: ArrayLike = False,
        reasons: Sequence[str] = (),
        doubt: bool = False,
    ) -> Assessment:
        """Judge predictions.

        Parameters
        ----------
        inputs
            What the emulator was given: (n, d) scaled features, or samples.
        predicted, spread
            (n, m) spectra and their ensemble spread, as predicted.
        outside
            (n,) samples that are known to lie outside.
        reasons
            Why they do.
        doubt
            Whether the trust in what lies outside is halved.
        """
        from scipy.special import ndtr  # scipy.stats takes half a second to import

        found = self.evidence(inputs, predicted, spread)
        table = np.stack(list(found.values()), axis=1)
        far = np.broadcast_to(np.asarray(outside), len(table))
        if "distance" in found:
            far = far | (found["distance"] > self.high[list(found).index("distance")])
        capped = np.clip(table, self.low, self.high)
        # A few per cent of like samples exceed the range of some piece; none does by that much.
        slack = MARGIN * np.where(np.isfinite(self.high), self.high - self.low, np.inf)
        far = far | (np.abs(table - capped) > slack).any(axis=1)
        expected = np.exp(self.weights[0] + capped @ self.weights[1:])
        trust = ndtr((np.log(OUTLIER) - np.log(expected)) / self.noise[0])
        words = list(reasons) or [""] * len(far)
        for row in np.flatnonzero(far & np.array([not why for why in words], dtype=bool)):
            words[row] = "its features or its spectrum are unlike those that were judged"
        return Assessment(expected, np.where(far & doubt, trust / 2, trust), far, tuple(words))

    @classmethod
    def fit(
        cls,
        train: Any,
        held: Any,
        predicted: Array,
        spread: Array | None,
        known: Array,
        seed: int = 0,
        fewest: int = FEWEST,
    ) -> Self | None:
        """Learn from samples that were not trained on which predictions go wrong.

        Parameters
        ----------
        train, held
            Scaled features of training samples, (t, d), and of n others, (n, d); or samples, of
            which nothing is learned then but from their spectra.
        predicted, spread, known
            (n, m) spectra of those others; ``spread`` where the emulator has one.
        seed
            Of the choice of training samples to measure distances to.
        fewest
            Samples whose error must be known.

        Returns
        -------
        Trust or None
            None for fewer samples whose error is known.
        """
        from sklearn.linear_model import RidgeCV

        error = 100 * spectrum_error(known, predicted)
        sound = np.isfinite(error)
        if sound.sum() < fewest:
            return None
        nothing = np.empty(0)
        space = _space(train, seed) if isinstance(train, np.ndarray) else _empty_space()
        blank = cls(*space, nothing, nothing, nothing, nothing)
        found = blank.evidence(held, predicted, spread)
        table = np.stack(list(found.values()), axis=1)[sound]
        target = np.log(error[sound] + LEAST)
        centre, scale = table.mean(axis=0), table.std(axis=0)
        scale = np.where(scale > LEAST, scale, np.inf)  # what never varies is no evidence
        ridge = RidgeCV(np.logspace(-3, 4, 15)).fit((table - centre) / scale, target)
        weights = ridge.coef_ / scale
        noise = np.std(target - ridge.predict((table - centre) / scale))
        high = np.where(np.array(list(found)) == "spread", np.inf, table.max(axis=0))
        return cls(
            *space,
            low=table.min(axis=0),
            high=high,
            weights=np.array([ridge.intercept_ - weights @ centre, *weights]),
            noise=np.array([max(float(noise), LEAST)]),
        )


Space = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def _space(train: Array, seed: int) -> Space:
    """Return centre, axes, scale and reference of some rows of (t, d) scaled features."""
    from sklearn.decomposition import PCA

    rows = np.random.default_rng(seed).permutation(len(train))[:REFERENCES]
    some = train[rows]
    count = min(DIRECTIONS, *some.shape)
    solver = "full" if min(some.shape) <= 10 * DIRECTIONS else "randomized"
    found = PCA(count, svd_solver=solver, random_state=seed).fit(some)
    spread = np.sqrt(found.explained_variance_)
    real = spread > LEAST * spread.max(initial=0)
    axes = found.components_[real]
    space = (found.mean_, axes, spread[real], (some - found.mean_) @ axes.T)
    return tuple(part.astype(np.float32) for part in space)


def _empty_space() -> Space:
    """Return the space of an emulator that takes no features."""
    none = np.empty(0, np.float32)
    return none, np.empty((0, 0), np.float32), none, np.empty((0, 0), np.float32)


def ranges_left(domain: Domain, samples: Samples, margin: float = 0.0) -> list[str]:
    """Return which parameters of each sample lie outside the range of the training samples.

    Up to ``margin`` beyond, in units of the range, counts as inside.
    """
    if not isinstance(samples, Parameters) or not domain.ranges:
        return [""] * len(samples)
    low, high = np.array(domain.ranges).T
    values = np.asarray(samples[:].values)
    slack = margin * (high - low)
    outside = ~((values >= low - slack) & (values <= high + slack))
    return [
        "; ".join(
            f"{domain.parameters[column]} {values[row, column]:.6g} (training: {low[column]:.6g} "
            f"to {high[column]:.6g})"
            for column in np.flatnonzero(outside[row])
        )
        for row in range(len(values))
    ]
