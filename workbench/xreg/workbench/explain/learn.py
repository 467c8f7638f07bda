"""A model the other way round: from spectra, as they might be measured, to named quantities.

Spectra of the library are shifted, broadened and made noisy within what may differ from measured
ones, so that the answer does not hang on any of that. Folds keep groups together; intervals are
conformal: so wide that they would have held the stated share of the groups left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.workbench.explain.quantities import Quantity
from xreg.workbench.explain.regression import Regression
from xreg.workbench.match.library import Comparison

__all__ = [
    "LEVELS",
    "STRANGE",
    "Answers",
    "Explainer",
    "Judged",
    "between_groups",
    "learn",
    "mismatch_of",
]

Rows = NDArray[np.intp]

LEVELS = (0.68, 0.95)
FOLDS = 5
COMPONENTS = 24
# Candidates: a linear map, and kernels whose length is so many times the median distance.
LENGTHS = (0.3, 0.7, 1.5)
NEAR = 25  # spectra whose errors say how hard it is here
HALVES = 20  # how often groups are divided to judge intervals
LEAST_SKILL = 0.1
SURE = 2.0  # standard errors by which skill must beat that of the mean
OWN_SHARE = 0.15  # of the likelihood, that makes another value a solution of its own
STRANGE = 4.0  # times the misfit of 95 % of the library: from there on nothing is told
CURVES = (1.0, 12.0)  # eV, how smooth the curves are that stand for what a library lacks
MOST_COMPARED = 400  # spectra whose distance to other groups is looked at
MOST_LEARNED = 2600  # distorted spectra that are learned from: kernels take their square
BATCH = 400


@dataclass(frozen=True, eq=False)
class Judged:
    """How well a quantity is told of groups left out.

    Attributes
    ----------
    skill
        Share by which the mean error is below that of who always says the median.
    error
        Median error.
    coverage
        Share of the groups' spectra within the intervals of each of :data:`LEVELS`, intervals
        from other groups.
    method
        What predicts it.
    known
        Whether the skill is certain enough to tell anything.
    """

    skill: float
    error: float
    coverage: tuple[float, ...]
    method: str
    known: bool


@dataclass(frozen=True, eq=False)
class Answers:
    """What is told of one quantity of q spectra.

    Attributes
    ----------
    value
        (q,) values.
    low, high
        (levels, q) ends of the intervals.
    others
        For each spectrum the solutions, where there are several: values and their shares.
    """

    value: Array
    low: Array
    high: Array
    others: list[list[tuple[float, float]]]


@dataclass(frozen=True, eq=False)
class Explainer:
    """What was learned.

    Attributes
    ----------
    comparison
        The library and what may differ.
    quantities
        What is asked.
    judged
        How well each is told.
    middle, axes
        Of the principal components of spectra.
    maps
        The regressions, by name of the method.
    scores, errors
        (s, c) components of the spectra that were learned from, and (s, t) their errors when their
        group was left out.
    factors
        (t, levels) widths of the intervals in units of the errors nearby.
    apart
        Sorted misfits of spectra of the library with the nearest of another group.
    mismatch
        What measured spectra were taken to differ from the library by.
    """

    comparison: Comparison
    quantities: list[Quantity]
    judged: list[Judged]
    middle: Array
    axes: Array
    maps: dict[str, Regression]
    scores: Array
    errors: Array
    factors: Array
    apart: Array
    mismatch: float

    def strangeness(self, misfit: Array) -> Array:
        """Return (q,) misfits in units of that which 95 % of the library has with other groups."""
        return misfit / max(float(np.quantile(self.apart, 0.95)), 1e-12)

    def widening(self, misfit: Array) -> Array:
        """Return (q,) by how much intervals widen, as spectra are farther than the library's own.

        In proportion to the misfit beyond that which 95 % of the library has with other groups,
        where the mismatch that was learned with does not count already.
        """
        usual = np.hypot(float(np.quantile(self.apart, 0.95)), self.mismatch)
        return np.maximum(1.0, misfit / max(usual, 1e-12))

    def explain(self, spectra: Array) -> tuple[list[Answers], Array, Rows, Rows]:
        """Return the answers to each quantity of (q, k) spectra, and (q,) misfit, row and place.

        These are of the nearest spectrum of the library; see :meth:`Comparison.misfits`.
        """
        parts = [self._explain(spectra[i : i + BATCH]) for i in range(0, len(spectra), BATCH)]
        answers = [
            Answers(
                np.concatenate([one.value for one in same]),
                np.concatenate([one.low for one in same], axis=1),
                np.concatenate([one.high for one in same], axis=1),
                [others for one in same for others in one.others],
            )
            for same in zip(*(part[0] for part in parts), strict=True)
        ]
        misfit, row, place = (np.concatenate([part[i] for part in parts]) for i in (1, 2, 3))
        return answers, misfit, row, place

    def _explain(self, spectra: Array) -> tuple[list[Answers], Array, Rows, Rows]:
        misfit, place = self.comparison.misfits(spectra)
        best = misfit.argmin(axis=1)
        least = misfit.min(axis=1)
        x = (_standard(spectra[:, self.comparison.inside]) - self.middle) @ self.axes
        hard = _nearby(x, self.scores, self.errors, None)
        predicted = {name: one(x) for name, one in self.maps.items()}
        wide = self.widening(least)
        found = []
        for i, (one, judged) in enumerate(zip(self.quantities, self.judged, strict=True)):
            value = predicted[judged.method][:, i]
            half = self.factors[i][:, None] * hard[:, i] * wide
            value = np.clip(value, one.values.min(), one.values.max())
            near = half[0] / 2 + 1e-9 * np.ptp(one.values)
            others = [
                _solutions(one.values, row, self.apart, float(width)) if judged.known else []
                for row, width in zip(misfit, near, strict=True)
            ]
            found.append(Answers(value, value - half, value + half, others))
        return found, least, best, place[np.arange(len(best)), best]


def _solutions(
    values: Array, misfit: Array, apart: Array, width: float
) -> list[tuple[float, float]]:
    """Return the values that references as near as the nearest have, and the share of each.

    References count by exp(−d²/2τ²), τ being half the median misfit between groups; values closer
    than the 68 % interval is wide are one.
    """
    scale = 0.5 * float(np.median(apart))
    weight = np.exp(-(misfit**2 - misfit.min() ** 2) / (2 * scale**2))
    weight /= weight.sum()
    kept = np.flatnonzero(weight > 1e-4 * weight.max())
    kept = kept[np.argsort(values[kept])]
    values, weight = values[kept], weight[kept]
    part = np.cumsum(np.append(0, np.diff(values) > 2 * width)).astype(int)
    share = np.bincount(part, weight)
    centre = np.bincount(part, weight * values) / np.maximum(share, 1e-300)
    return [
        (float(c), float(s))
        for c, s in sorted(zip(centre, share, strict=True), key=lambda pair: -pair[1])
        if s >= OWN_SHARE
    ]


def learn(
    comparison: Comparison,
    found: Sequence[Quantity],
    groups: Rows,
    apart: Array,
    *,
    noise: float,
    mismatch: float = 0.0,
    copies: int = 2,
    seed: int = 0,
) -> Explainer:
    """Learn quantities from the spectra of a library.

    Parameters
    ----------
    comparison
        The library, the measured energies, and what may differ.
    found
        What is asked, a value for each spectrum of the library.
    groups
        (n,) near-copies share a number; no group is divided.
    apart
        Of :func:`between_groups`.
    noise
        Noise of the measured spectra, as a share of their standard deviation.
    mismatch
        What measured spectra differ from the library by beside all that, as a share of their
        standard deviation; library spectra are changed by smooth random curves of that size.
    copies
        How often each spectrum is distorted.
    seed
        Of the distortions and folds.
    """
    rng = np.random.default_rng(seed)
    n = len(comparison.library)
    some = np.sort(rng.permutation(n)[: MOST_LEARNED // copies])
    rows = np.tile(some, copies)
    raw = np.stack(list(comparison.distorted(rows, noise, rng)))
    seen = _standard(raw[:, comparison.inside])
    if mismatch > 0:
        energy = comparison.measured_energy[comparison.inside]
        seen = _standard(seen + mismatch * _curves(energy, len(seen), rng))
    middle = seen.mean(axis=0)
    spread, axes = np.linalg.eigh((seen - middle).T @ (seen - middle))
    axes = axes[:, np.argsort(-spread)[:COMPONENTS]]
    x = (seen - middle) @ axes
    y = np.stack([one.values for one in found], axis=1)
    scale = y.std(axis=0)
    _, own = np.unique(groups[rows], return_inverse=True)
    weight = 1 / np.bincount(own)[own]
    weight /= weight.mean()
    few = x[rng.permutation(len(x))[:200]]
    typical = float(np.median(np.sqrt(np.maximum(
        (few**2).sum(axis=1)[:, None] + (few**2).sum(axis=1) - 2 * few @ few.T, 0
    ))))  # fmt: skip
    methods = {"linear": 0.0} | {f"kernel {share:g}": share * typical for share in LENGTHS}
    told = {name: np.empty((len(x), y.shape[1])) for name in methods}
    null = np.empty((len(x), y.shape[1]))
    names = rng.permutation(np.unique(own))
    for fold in np.array_split(names, min(FOLDS, len(names))):
        held = np.isin(own, fold)
        rest = ~held
        for name, length in methods.items():
            part = Regression.fit(x[rest], y[rows][rest] / scale, weight[rest], length)
            told[name][held] = part(x[held]) * scale
        null[held] = np.median(y[rows][rest], axis=0)
    low, high = y.min(axis=0), y.max(axis=0)
    errors, judged, factors = np.empty_like(null), [], []
    truth = y[rows]
    for i in range(y.shape[1]):
        left = {
            name: np.abs(np.clip(told[name][:, i], low[i], high[i]) - truth[:, i])
            for name in methods
        }
        best = min(left, key=lambda name: float(np.average(left[name], weights=weight)))
        errors[:, i] = left[best]
        judged.append((best, np.abs(null[:, i] - truth[:, i])))
    hard = _nearby(x, x, errors, own)
    results = []
    for i, (best, bare) in enumerate(judged):
        ratio = errors[:, i] / hard[:, i]
        factors.append([_quantile(ratio, own, level) for level in LEVELS])
        results.append(_judge(errors[:, i], bare, ratio, own, weight, best, rng))
    maps = {
        name: Regression.fit(x, truth / scale, weight, length).scaled(scale)
        for name, length in methods.items()
        if name in {one.method for one in results}
    }
    return Explainer(
        comparison, list(found), results, middle, axes, maps, x, errors, np.array(factors),
        apart, mismatch,
    )  # fmt: skip


def mismatch_of(comparison: Comparison, spectra: Array, apart: Array) -> float:
    """Return what (q, k) measured spectra differ by from the library beyond what its own groups do.

    The median over the spectra of the root of the difference of squares; ``apart`` holds misfits
    between groups of the library.
    """
    looked = np.linspace(0, len(spectra) - 1, min(len(spectra), BATCH)).astype(int)
    misfit, _ = comparison.misfits(spectra[looked])
    excess = misfit.min(axis=1) ** 2 - float(np.median(apart)) ** 2
    return float(np.sqrt(max(np.median(excess), 0.0)))


def between_groups(comparison: Comparison, groups: Rows, noise: float, seed: int = 0) -> Array:
    """Return sorted misfits of distorted spectra of a library with the nearest of another group."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(groups))[:MOST_COMPARED]
    raw = np.stack(list(comparison.distorted(rows, noise, rng)))
    misfit, _ = comparison.misfits(raw)
    strangers = np.where(groups[rows][:, None] == groups, np.inf, misfit).min(axis=1)
    apart = np.sort(strangers[np.isfinite(strangers)])
    return apart if len(apart) else np.array([np.inf])


def _curves(energy: Array, count: int, rng: np.random.Generator) -> Array:
    """Return (count, k) smooth random curves of unit size: noise seen through Gaussians."""
    found = np.empty((count, len(energy)))
    lengths = np.geomspace(*CURVES, 8)
    away = (energy[:, None] - energy) ** 2
    for number, length in enumerate(lengths):
        filters = np.exp(-away / (2 * length**2))
        part = slice(number, None, len(lengths))
        found[part] = rng.normal(size=found[part].shape) @ filters
    found -= found.mean(axis=1, keepdims=True)
    return np.asarray(found / found.std(axis=1, keepdims=True))


def _standard(spectra: Array) -> Array:
    """Return spectra without their offset and scale."""
    spectra = spectra - spectra.mean(axis=1, keepdims=True)
    return np.asarray(spectra / np.maximum(spectra.std(axis=1, keepdims=True), 1e-300))


def _nearby(x: Array, scores: Array, errors: Array, own: Rows | None) -> Array:
    """Return (q, t) the mean error of the nearest spectra of other groups, and a floor."""
    square = (x**2).sum(axis=1)[:, None] + (scores**2).sum(axis=1) - 2 * x @ scores.T
    if own is not None:
        square[own[:, None] == own] = np.inf
    count = min(NEAR, len(scores) - 1)
    rows = np.argpartition(square, count, axis=1)[:, :count]
    usable = np.isfinite(np.take_along_axis(square, rows, axis=1))[..., None]
    total = (errors[rows] * usable).sum(axis=1) / np.maximum(usable.sum(axis=1), 1)
    overall = errors.mean(axis=0)
    return np.asarray(0.5 * total + 0.5 * overall + 1e-12 * (1 + overall))


def _quantile(ratio: Array, own: Rows, level: float) -> float:
    """Return the conformal quantile in which each group counts as one.

    With G groups it is that of the share level·(G + 1)/G, the largest at most (V. Vovk et al.,
    Algorithmic Learning in a Random World, Springer 2005).
    """
    count = len(np.unique(own))
    order = np.argsort(ratio)
    mass = np.cumsum((1 / np.bincount(own)[own])[order]) / count
    place = int(np.searchsorted(mass, min(level * (count + 1) / count, 1.0) - 1e-9))
    return float(ratio[order[min(place, len(order) - 1)]])


def _judge(
    error: Array,
    bare: Array,
    ratio: Array,
    own: Rows,
    weight: Array,
    method: str,
    rng: np.random.Generator,
) -> Judged:
    groups = np.unique(own)
    per = np.array([
        [error[own == group].mean(), bare[own == group].mean()] for group in groups
    ])  # fmt: skip
    gain = per[:, 1] - per[:, 0]
    skill = float(1 - per[:, 0].sum() / max(per[:, 1].sum(), 1e-300))
    sure = gain.mean() > SURE * gain.std() / np.sqrt(max(len(gain), 1))
    inside: list[list[float]] = [[] for _ in LEVELS]
    for _ in range(HALVES if len(groups) > 3 else 0):
        half = np.isin(own, rng.permutation(groups)[: len(groups) // 2])
        for store, level in zip(inside, LEVELS, strict=True):
            _, part = np.unique(own[half], return_inverse=True)
            limit = _quantile(ratio[half], part, level)
            store.append(float(np.average(ratio[~half] <= limit, weights=weight[~half])))
    coverage = tuple(float(np.mean(part)) if part else float("nan") for part in inside)
    known = skill >= LEAST_SKILL and bool(sure)
    return Judged(skill, float(np.median(error)), coverage, method, known)
