"""How sure a match is: misfits turned into probabilities by what the library itself tells."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.workbench.match.library import Comparison, Library

__all__ = ["Calibration", "calibrate"]

SCALES = np.geomspace(1e-4, 1.0, 81)
# A measured spectrum is a reference itself where no more than so many times the worst is left.
SLACK = 1.5
BINS = (0.0, 0.2, 0.5, 0.8, 0.95, 1.0)


@dataclass(frozen=True, eq=False)
class Calibration:
    """What spectra of the library, distorted and noisy, say about misfits.

    The probability of a reference falls with its misfit d as ``exp(-d² / 2τ²)``; τ is the one under
    which half of the simulated spectra are most probably what they are. The other half judges it.

    Attributes
    ----------
    scale
        τ.
    labels
        (c,) the values whose probability is given; None where it is that of each reference.
    member
        (n,) index of each reference's value.
    stated, right
        (j,) for each simulated spectrum that judges: the probability stated of the best answer, and
        whether it was right.
    null
        Share of right answers of who always gives the most frequent value.
    own, apart
        (s,) sorted misfits of simulated spectra with the reference that they come from, and with
        the nearest that is neither this nor a near-copy.
    """

    scale: float
    labels: NDArray[Any] | None
    member: NDArray[np.intp]
    stated: Array
    right: NDArray[np.bool_]
    null: float
    own: Array
    apart: Array

    def probabilities(self, misfit: Array) -> Array:
        """Return the probability of each value or reference, (q, c), of (q, n) misfits."""
        return _shares(misfit, self.scale, self.member)

    def resemblance(self, misfit: float) -> float:
        """Return which share of the library's spectra is as far from all others, or farther."""
        first = int(np.searchsorted(self.apart, misfit, side="left"))
        return (len(self.apart) - first) / len(self.apart)

    def in_library(self, misfit: float) -> bool:
        """Return whether a misfit is one that a spectrum of the library itself may have."""
        return misfit <= SLACK * float(self.own[-1])

    def reliability(self) -> list[dict[str, float]]:
        """Return for each range of stated probabilities their mean, the share right, the number."""
        rows = []
        for low, high in pairwise(BINS):
            last = high == BINS[-1]
            inside = (self.stated >= low) & ((self.stated < high) | last)
            if inside.any():
                rows.append(
                    {
                        "from": low,
                        "to": high,
                        "stated": float(self.stated[inside].mean()),
                        "right": float(self.right[inside].mean()),
                        "count": int(inside.sum()),
                    }
                )
        return rows


def calibrate(comparison: Comparison, noise: float, count: int, seed: int) -> Calibration:
    """Match spectra of the library, changed as measured ones may be, against the library.

    Parameters
    ----------
    comparison
        The library and what is free.
    noise
        Noise of the measured spectra, as a share of their standard deviation.
    count
        Number of simulated spectra; all references take a turn where there are fewer.
    seed
        Of the draw.
    """
    library = comparison.library
    rng = np.random.default_rng(seed)
    n = len(library)
    rows = np.concatenate([rng.permutation(n) for _ in range(-(-count // n))])[:count]
    misfit, _ = comparison.misfits(np.stack(list(comparison.distorted(rows, noise, rng))))
    copies = library.groups[rows][:, None] == library.groups
    copies[np.arange(len(rows)), rows] = True
    strangers = np.where(copies, np.inf, misfit)
    labels, member = _members(library)
    # A label is to be told by others than the sample itself; a reference only by itself.
    judged = misfit if labels is None else strangers
    truth = member[rows]
    told = np.isfinite(judged).any(axis=1)
    if labels is not None:  # a value that no stranger has cannot be found
        told &= np.array([
            bool((member[np.isfinite(row)] == value).any())
            for row, value in zip(judged, truth, strict=True)
        ])  # fmt: skip
    half = np.flatnonzero(told)[::2], np.flatnonzero(told)[1::2]
    scale = _best_scale(judged[half[0]], truth[half[0]], member) if half[0].size else 0.05
    shares = _shares(judged[half[1]], scale, member)
    answers = shares.argmax(axis=1) if half[1].size else np.zeros(0, np.intp)
    apart = strangers.min(axis=1)
    return Calibration(
        scale,
        labels,
        member,
        shares.max(axis=1) if half[1].size else np.zeros(0),
        answers == truth[half[1]],
        float(np.bincount(member).max() / n),
        np.sort(misfit[np.arange(len(rows)), rows]),
        np.sort(apart[np.isfinite(apart)]) if np.isfinite(apart).any() else np.array([np.inf]),
    )


def _members(library: Library) -> tuple[NDArray[Any] | None, NDArray[np.intp]]:
    if library.labels is None:
        return None, np.arange(len(library))
    values, member = np.unique(library.labels, return_inverse=True)
    return values, member


def _shares(misfit: Array, scale: float, member: NDArray[np.intp]) -> Array:
    """Return (q, c) probabilities of the values that references have."""
    weights = np.exp(-(misfit**2 - (misfit**2).min(axis=1, keepdims=True)) / (2 * scale**2))
    shares = weights
    if not np.array_equal(member, np.arange(len(member))):  # else each is a value of its own
        shares = np.zeros((len(misfit), int(member.max()) + 1))
        np.add.at(shares.T, member, weights.T)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _best_scale(misfit: Array, truth: NDArray[np.intp], member: NDArray[np.intp]) -> float:
    rows = np.arange(len(truth))
    told = [
        float(np.log(np.maximum(_shares(misfit, scale, member)[rows, truth], 1e-12)).sum())
        for scale in SCALES.tolist()
    ]
    return float(SCALES[int(np.argmax(told))])
