"""The edge of a measured spectrum: where it is, how high it is, and the spectrum without both.

The method is that of larch's ``find_e0`` and ``pre_edge`` (M. Newville, J. Phys. Conf. Ser. 430,
012007 (2013)), whose numbers it repeats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xreg.core.arrays import Array
from xreg.core.errors import DataError

__all__ = ["Normalised", "Ranges", "derivative", "find_e0", "normalise"]

FEWEST = 8
# Points around the steepest one that are looked at again, smoothed.
AROUND = 75
HIGHEST_DEGREE = 5


@dataclass(frozen=True)
class Ranges:
    """What is fitted below and above an edge.

    Attributes
    ----------
    pre, post
        Energies from E0 in eV; chosen by the length of the spectrum where not given.
    pre_degree
        1 for a line below the edge, 0 for a constant.
    degree
        Degree of the polynomial above the edge; 2, or less for short ranges, where not given.
    victoreen
        Power of the energy that the spectrum is multiplied by before the line is fitted.
    """

    pre: tuple[float, float] | None = None
    post: tuple[float, float] | None = None
    pre_degree: int = 1
    degree: int | None = None
    victoreen: int = 0


@dataclass(frozen=True, eq=False)
class Normalised:
    """A spectrum without its background.

    Attributes
    ----------
    e0, step
        Energy of the edge in eV, and its height in the unit of the spectrum.
    below, above
        (m,) the curves fitted below and above the edge, in the unit of the spectrum.
    norm, flat
        (m,) the spectrum less ``below``, over ``step``; and flattened above the edge.
    """

    e0: float
    step: float
    below: Array
    above: Array
    norm: Array
    flat: Array


def derivative(energy: Array, mu: Array) -> Array:
    """Return (m,) the slope of a spectrum, by differences of neighbours."""
    return np.gradient(mu) / np.gradient(energy)


def find_e0(energy: Array, mu: Array) -> float:
    """Return the energy of the edge: where a spectrum, a little smoothed, is steepest.

    Parameters
    ----------
    energy, mu
        (m,) rising energies in eV, and the absorption.

    Raises
    ------
    DataError
        If there are too few points.
    """
    count = len(energy)
    if count < FEWEST:
        raise DataError(f"{count} points are too few to find an edge")
    place, fine = _steepest(energy, mu, None)
    first, low, high = float(energy[place]), max(3, place - AROUND), min(place + AROUND, count - 3)
    if place < 0.05 * count:  # a glitch at the beginning, more likely than an edge
        first, low, high = float(energy.mean()), max(3, place - 20), count - 3
    width = 0.5 * (_bounded(fine) + _bounded(first / 25_000))
    part, spectrum = energy[low:high], mu[low:high]
    if len(part) < FEWEST:
        return first
    place, _ = _steepest(part, spectrum, width)
    return float(energy[low + 2] if place < 1 else part[place])


def _bounded(step: float) -> float:
    return 1.0 if np.isnan(step) else max(0.01, min(1.0, step))


def _steepest(energy: Array, mu: Array, width: float | None) -> tuple[int, float]:
    """Return the steepest point among steep neighbours, and the step of the energies in eV."""
    energy, mu = energy[:-1], mu[:-1]
    slope = derivative(energy, mu)
    step = _fine_step(energy) if width is None else width
    if width is not None:
        slope = _smoothed(energy, slope, width)
    margin = max(3, int(len(energy) * 0.02))
    inside = slope[margin:-margin]
    if not len(inside):
        return int(np.argmax(slope)), step
    slope = (slope - inside.min()) / max(1e-10, float(np.ptp(inside)))
    level = 0.6 if len(energy) > 20 else 0.3
    steep = slope > level
    for _ in range(2):
        if steep.sum() >= 3:
            break
        level *= 0.5
        steep = slope > level
    if steep.sum() < 3:
        steep = np.isfinite(slope)
    good = steep.copy()
    good[1:] &= steep[:-1]
    good[:-1] &= steep[1:]
    good[0] = good[-1] = False
    good[:margin] = False
    good[len(energy) - margin + 1 :] = False
    good &= slope > 0
    return (int(np.argmax(np.where(good, slope, -np.inf))) if good.any() else 0), step


def _fine_step(energy: Array) -> float:
    """Return the step of the energies without the very smallest; NaN where there are too few."""
    skipped = int(0.01 * len(energy))
    steps = np.sort(np.diff(energy[:-1][skipped : -skipped or 0]))
    part = steps[skipped : skipped + 10]
    return float(part.mean()) if part.size else float("nan")


def _smoothed(energy: Array, values: Array, width: float) -> Array:
    """Return values convolved with a Lorentzian of half-width ``width``, in eV."""
    pad = 5
    first = width * int((energy.min() - pad * width) / width)
    last = width * int((energy.max() + pad * width) / width)
    count = min(1 + int(abs(last - first + width * 0.1) / width), 50 * len(energy))
    grid = np.linspace(first, last, count)
    even = np.interp(grid, energy, values)
    window = 1 / (1 + (np.arange(2 * count) - count) ** 2.0)
    mirrored = np.concatenate((even[count:0:-1], even, even[-1 : -count - 1 : -1]))
    # Long arrays are convolved far faster by their transforms, to the rounding of numbers.
    from scipy.signal import fftconvolve

    out = fftconvolve(window / window.sum(), mirrored, mode="valid")
    if len(out) > count:
        out = out[(len(out) - count) // 2 :][:count]
    return np.interp(energy, grid, out)


def normalise(
    energy: Array,
    mu: Array,
    ranges: Ranges,
    *,
    e0: float | None = None,
    step: float | None = None,
) -> Normalised:
    """Return a spectrum less its line below the edge, over the height of the edge.

    Parameters
    ----------
    energy, mu
        (m,) rising energies in eV, and the absorption.
    ranges
        What is fitted.
    e0, step
        Energy in eV and height of the edge, where they are known.

    Raises
    ------
    DataError
        If E0 is outside of the spectrum, or the spectrum does not rise at it.
    """
    if len(energy) < FEWEST:
        raise DataError(f"{len(energy)} points are too few to normalise")
    if e0 is None:
        e0 = find_e0(energy, mu)
    elif not energy[1] <= e0 <= energy[-2]:
        raise DataError(
            f"E0 = {e0:g} eV is outside of its energies, {energy[0]:.6g}…{energy[-1]:.6g} eV"
        )
    at = int(np.abs(energy - e0).argmin())
    below = _below(energy, mu, e0, at, ranges)
    low, high, degree = _post_range(energy, e0, ranges)
    first, last = _index(energy, low + e0), int(np.abs(energy - (high + e0)).argmin())
    first = min(first, len(energy) - 3)
    if last - first < 2:
        first, degree = first - 2, 0
    elif last - first < 5:
        degree = min(1, degree)
    part = slice(first, last)
    fitted = np.polynomial.Polynomial.fit(energy[part], (mu - below)[part], degree)
    rise = fitted(energy)
    height = float(rise[at]) if step is None else step
    if not height > 1e-9 * float(np.ptp(mu)):
        raise DataError(f"its edge at {e0:g} eV is {height:.3g} high; it has to rise there")
    norm = (mu - below) / height
    flat = norm - rise / height + rise[at] / height
    flat[:at] = norm[:at]
    return Normalised(float(e0), height, below, below + rise, norm, flat)


def _below(energy: Array, mu: Array, e0: float, at: int, ranges: Ranges) -> Array:
    if ranges.pre is None:
        unit = 5.0 if at > 20 else 2.0
        low = unit * round((energy[1] - e0) / unit)  # the first point is often bad
        low = max(low, energy.min() - e0)
        high = 0.5 * low
    else:
        low, high = max(ranges.pre[0], energy.min() - e0), ranges.pre[1]
    low, high = min(low, high), max(low, high)
    few = _index(energy - e0, high) - _index(energy - e0, low) < 3
    power = 0 if few else ranges.victoreen
    first, last = _index(energy, low + e0), int(np.abs(energy - (high + e0)).argmin())
    if few or ranges.pre_degree == 0:
        return np.full(len(energy), mu[first : max(last, first + 1)].mean())
    if last - first < 2:
        last = min(len(energy), first + 2)
    part = slice(first, last)
    line = np.polynomial.Polynomial.fit(energy[part], mu[part] * energy[part] ** float(power), 1)
    return np.asarray(line(energy) * energy ** (-float(power)))


def _post_range(energy: Array, e0: float, ranges: Ranges) -> tuple[float, float, int]:
    """Return where the polynomial above the edge begins and ends from E0 in eV, and its degree."""
    end = energy.max() - e0
    if ranges.post is None:
        high = 5.0 * round(end / 5.0)
        if high < 0:
            high = end - high
        high = min(high, end)
        low = min(25.0, 5.0 * round(high / 15.0))
    else:
        low, high = ranges.post[0], min(ranges.post[1], end)
    low, high = min(low, high), max(low, high)
    low = min(low, high - 2)
    degree = ranges.degree
    if degree is None:
        degree = 0 if high - low < 30 else 1 if high - low < 300 else 2
    return low, high, min(degree, HIGHEST_DEGREE)


def _index(values: Array, value: float) -> int:
    """Return the index of the last value that is not above ``value``; 0 where all are."""
    return max(int(np.searchsorted(values, value, side="right")) - 1, 0)
