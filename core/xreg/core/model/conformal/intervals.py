"""Intervals that hold a stated share of the errors, on groups that training never saw too.

Errors of samples that a model was not trained on are divided by a size that is known when a
prediction is made, and quantiles of the ratios taken: conformal prediction (Vovk, Gammerman &
Shafer, Algorithmic Learning in a Random World (2005)). Samples of one group err alike, so that each
group weighs the same, and a new group counts as one that may exceed all (Dunn, Wasserman & Ramdas,
J. Am. Stat. Assoc. 118, 2491 (2023), their pooled quantile). Where samples have formulas, those
that training has seen and the others have quantiles of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.arrays import Array
from xreg.core.atoms.groups import formula
from xreg.core.data.samples import Samples, Structures
from xreg.core.storage import LearnedArrays, digest

__all__ = ["FEWEST_GROUPS", "LEVELS", "Errors", "Intervals", "familiar_formulas"]

LEVELS = (0.68, 0.95)
"""Shares of the errors that intervals are stated for."""
FEWEST_GROUPS = 5
KINDS = ("seen", "unseen")
STEPS = np.concatenate([np.arange(0.02, 0.9, 0.02), np.arange(0.9, 0.9951, 0.005)])
LEAST = 1e-12
STEEPEST = 3.0  # errors may grow with this power of the distance to training samples at most


@dataclass(frozen=True, eq=False)
class Errors:
    """What is known of n samples that training did not see.

    Attributes
    ----------
    error
        (n, m) true minus predicted, in the units of the data.
    spread
        (n, m) predicted standard deviations, where the emulator has them.
    distance
        (n,) distance to the training samples, where features tell one; else ones.
    groups
        (n,) group of each; members of one group err alike.
    familiar
        (n,) whether training has seen its formula.
    """

    error: Array
    spread: Array | None
    distance: Array
    groups: NDArray[Any]
    familiar: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Intervals(LearnedArrays):
    """What was learned of errors; a few kilobytes of arrays.

    Attributes
    ----------
    channel
        (m,) root mean square error of each channel, the size of errors where there is no spread.
    floor
        (1,) least size of an error relative to ``channel``, where there is a spread.
    distance
        (2,) power with which errors grow with the distance to training samples, and the distance
        that counts as one.
    seen, unseen
        (s,) quantiles of the size of errors, in units of what is expected, at the shares
        :data:`STEPS`; infinite where so few groups cannot tell. NaN throughout for a kind that was
        not among the errors.
    groups
        (2,) how many groups each of both rests on.
    formulas
        (f,) hashes of the formulas of training samples; empty where formulas tell nothing.
    """

    channel: Array
    floor: Array
    distance: Array
    seen: Array
    unseen: Array
    groups: NDArray[np.int64]
    formulas: NDArray[np.uint64]

    @classmethod
    def fit(cls, errors: Errors, formulas: NDArray[np.uint64]) -> Self | None:
        """Learn from errors on samples that training did not see.

        Parameters
        ----------
        errors
            Of those samples.
        formulas
            Hashes of the formulas of training samples (:func:`familiar_formulas`).

        Returns
        -------
        Intervals or None
            None for fewer than five groups.
        """
        if len(np.unique(errors.groups)) < FEWEST_GROUPS:
            return None
        channel = np.sqrt(np.mean(errors.error**2, axis=0))
        channel = np.maximum(channel, LEAST + 1e-6 * channel.max(initial=0.0))
        floor = np.zeros(1)
        power = np.array([0.0, 1.0])
        if errors.spread is not None:
            # Where members of an ensemble happen to agree, nothing is certain all the same.
            floor[:] = np.quantile(errors.spread / channel, 0.05)
        else:
            power = _growth(errors, channel)
        blank = np.full(len(STEPS), np.nan)
        found = cls(channel, floor, power, blank, blank, np.zeros(2, np.int64), formulas)
        ratio = np.abs(errors.error) / found.size(errors.spread, errors.distance)
        kinds, counts = [], []
        for rows in (errors.familiar, ~errors.familiar):
            own = np.unique(errors.groups[rows])
            counts.append(len(own))
            enough = len(own) >= FEWEST_GROUPS
            kinds.append(_quantiles(ratio[rows], errors.groups[rows]) if enough else blank)
        return cls(channel, floor, power, kinds[0], kinds[1], np.array(counts), formulas)

    def size(self, spread: Array | None, distance: ArrayLike) -> Array:
        """Return (n, m) sizes of errors that are expected, but for one factor."""
        if spread is not None:
            return np.maximum(spread, self.floor * self.channel)
        far = np.maximum(np.asarray(distance, np.float64), LEAST) / self.distance[1]
        return self.channel * far[:, None] ** self.distance[0]

    def half_width(
        self, level: float, familiar: NDArray[np.bool_], spread: Array | None, distance: ArrayLike
    ) -> Array:
        """Return the (n, m) half widths of intervals about predictions.

        Parameters
        ----------
        level
            Share of the errors that they are to hold.
        familiar
            (n,) whether training has seen the formula of each sample.
        spread, distance
            As in :class:`Errors`.

        Returns
        -------
        ndarray
            Infinite where the groups that errors are known of are too few for this level. A kind
            that was not among the errors has the intervals of the other.
        """
        seen, unseen = (np.interp(level, STEPS, one) for one in (self.seen, self.unseen))
        seen = unseen if np.isnan(seen) else seen
        unseen = seen if np.isnan(unseen) else unseen
        factor = np.where(familiar, seen, unseen)
        return np.asarray(factor[:, None] * self.size(spread, distance))

    def familiar(self, samples: Samples) -> NDArray[np.bool_]:
        """Return whether training has seen the formula of each of n samples."""
        if not len(self.formulas):
            return np.ones(len(samples), dtype=bool)
        return np.isin(_hashes(samples), self.formulas)


def familiar_formulas(samples: Samples) -> NDArray[np.uint64]:
    """Return hashes of the formulas of training samples; none where all have the same, or none."""
    found = np.unique(_hashes(samples))
    return found if len(found) > 1 else np.empty(0, np.uint64)


def _hashes(samples: Samples) -> NDArray[np.uint64]:
    if not isinstance(samples, Structures):
        return np.zeros(len(samples), dtype=np.uint64)
    known: dict[bytes, int] = {}
    found = []
    for batch in samples.batches(1024):
        for one in batch:
            key = one.numbers.tobytes()
            if key not in known:
                known[key] = int(digest(formula(one))[:15], 16)
            found.append(known[key])
    return np.array(found, dtype=np.uint64)


def _growth(errors: Errors, channel: Array) -> Array:
    """Return the power with which errors grow with distance, and the median distance.

    One number learned by least squares of logarithms: no more, so that quantiles of the very same
    errors stay honest.
    """
    size = np.log(np.sqrt(np.mean((errors.error / channel) ** 2, axis=1)) + LEAST)
    far = np.log(np.maximum(errors.distance, LEAST))
    middle = float(np.median(far))
    centred = far - far.mean()
    total = float(np.sum(centred**2))
    if total <= LEAST * len(far):
        return np.array([0.0, np.exp(middle)])
    power = float(np.sum(centred * size)) / total
    return np.array([np.clip(power, 0.0, STEEPEST), np.exp(middle)])


def _quantiles(ratio: Array, groups: NDArray[Any]) -> Array:
    """Return quantiles of (n, m) ratios at :data:`STEPS`, each group of the same weight.

    One group more stands for the new one, and may lie above all.
    """
    _, member, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    weight = 1 / (sizes[member] * ratio.shape[1] * (len(sizes) + 1))
    order = np.argsort(ratio, axis=None)
    below = np.cumsum(np.repeat(weight, ratio.shape[1])[order])
    values = np.append(ratio.ravel()[order], np.inf)
    # Above all weights there is no value; rounding of their sum is no reason to be above.
    at = np.searchsorted(below, STEPS - 1e-9)
    return values[at]
