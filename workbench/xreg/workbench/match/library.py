"""Reference spectra, and what a measured spectrum may differ from them by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.data.dataset import Dataset, require_finite
from xreg.core.errors import DataError, UnknownNameError, did_you_mean
from xreg.core.measured.spectrum import Measured
from xreg.workbench.measured.ranges import kev_hint

__all__ = ["Comparison", "Library", "broadened", "noise_share"]

FWHM = 2 * np.sqrt(2 * np.log(2))
TAIL = 4.3  # standard deviations
# Fewer points hold too little shape to be told apart, and less than this share of what was
# measured is another spectrum.
FEWEST_POINTS = 8
LEAST_SHARE = 0.5
# Steps in which shifts and widths are looked through before the best are refined.
FINEST_SHIFT = 0.25
MOST_SHIFTS = 41
WIDTHS = 4
BLOCK = 20_000_000  # products held at once


@dataclass(frozen=True, eq=False)
class Library:
    """Reference spectra on one grid.

    Attributes
    ----------
    ids
        (n,) names of the references.
    energy
        (m,) energies in eV.
    intensity
        (n, m) intensities.
    labels
        (n,) value of the label that is sought; None for the references themselves.
    groups
        (n,) near-copies share a number.
    """

    ids: NDArray[np.str_]
    energy: Array
    intensity: Array
    labels: NDArray[Any] | None = None
    groups: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))

    @classmethod
    def of(cls, dataset: Dataset, channel: str = "", label: str = "", group: str = "") -> Library:
        """Take the spectra of a dataset's channel.

        Raises
        ------
        UnknownNameError
            If there is no such channel or label.
        DataError
            If the channel has no energies, or values are not finite.
        """
        names = list(dataset.spectra)
        name = channel or names[0]
        if name not in names:
            raise UnknownNameError(
                f"the library has no channel '{name}'{did_you_mean(name, names)}."
            )
        found = dataset.spectra[name]
        if found.energy is None:
            raise DataError(f"channel '{name}' of the library has target features, no spectra.")
        intensity = np.asarray(found.intensity[:], np.float64)
        ids = dataset.samples.ids
        require_finite(intensity, ids, f"channel '{name}' of the library")
        every = np.arange(len(ids)) if not group else dataset.label(group)
        _, groups = np.unique(every, return_inverse=True)
        labels = dataset.label(label) if label else None
        return cls(ids, found.energy, intensity, labels, groups)

    def __len__(self) -> int:
        return len(self.ids)

    def rows_of(self, names: tuple[str, ...]) -> NDArray[np.intp]:
        """Return the rows of references by id, or say which does not exist."""
        known = {str(name): row for row, name in enumerate(self.ids.tolist())}
        for name in names:
            if name not in known:
                raise UnknownNameError(
                    f"the library has no reference '{name}'{did_you_mean(name, known)}."
                )
        return np.array([known[name] for name in names], dtype=np.intp)


def broadened(energy: Array, width: float) -> Any:
    """Return the sparse (m, m) matrix that broadens spectra on a grid: ``matrix @ intensity.T``.

    A Gaussian of full width ``width`` (eV) at half maximum, cut where it is below 1e-4; near the
    ends of the grid its weights still add up to one. The identity for a width of zero.
    """
    from scipy.sparse import csr_array, eye_array

    m = len(energy)
    if width <= 0:
        return eye_array(m, format="csr")
    reach = TAIL * width / FWHM
    first = np.searchsorted(energy, energy - reach, side="left")
    count = np.searchsorted(energy, energy + reach, side="right") - first
    starts = np.append(0, np.cumsum(count))
    # The columns of each row stand side by side, from its first on.
    row = np.repeat(np.arange(m), count)
    column = np.arange(starts[-1]) - starts[:-1][row] + first[row]
    values = np.exp(-0.5 * ((energy[row] - energy[column]) * FWHM / width) ** 2)
    values *= np.gradient(energy)[column]
    values /= np.add.reduceat(values, starts[:-1])[row]
    return csr_array((values, column, starts), shape=(m, m))


@dataclass(frozen=True, eq=False)
class Comparison:
    """A library made ready to be compared with spectra that were measured on one grid.

    The misfit of a reference is what is left of the measured spectrum, after the best shift,
    broadening, scale and offset, as a share of its standard deviation over the window: 0 for the
    same shape, 1 for a flat line.

    Attributes
    ----------
    library
        The references.
    measured_energy
        (k,) energies of the measured spectra in eV.
    window
        Least and greatest measured energy at which the library has a value for every shift.
    reach
        Least and greatest measured energy that may be looked at.
    shift
        Least and greatest shift of the measured energies in eV.
    broadening
        Widest broadening of the references (full width at half maximum, eV).
    scale, offset
        Whether these are free.
    """

    library: Library
    measured_energy: Array
    window: tuple[float, float]
    reach: tuple[float, float]
    shift: tuple[float, float]
    broadening: float
    scale: bool
    offset: bool

    @classmethod
    def between(
        cls,
        library: Library,
        energy: Array,
        window: tuple[float, float] | None,
        *,
        shift: tuple[float, float],
        broadening: float,
        scale: bool,
        offset: bool,
    ) -> Comparison:
        """Compare where both have energies at every shift.

        Raises
        ------
        DataError
            If the library covers too little of what was measured, or of the window asked for.
        """
        first, last = library.energy[0] + shift[1], library.energy[-1] + shift[0]
        asked = window or (float(energy[0]), float(energy[-1]))
        reach = (max(asked[0], float(energy[0])), min(asked[1], float(energy[-1])))
        low, high = max(reach[0], first), min(reach[1], last)
        points = int(((energy >= low) & (energy <= high)).sum())
        share = (high - low) / (asked[1] - asked[0])
        if share >= LEAST_SHARE and points < FEWEST_POINTS:
            raise DataError(
                f"only {points} measured points lie from {low:g} to {high:g} eV; a comparison "
                f"needs {FEWEST_POINTS}."
            )
        if share < (1 - 1e-9 if window else LEAST_SHARE):
            raise DataError(
                f"the library has spectra from {library.energy[0]:g} to {library.energy[-1]:g} eV, "
                f"with shifts of {shift[0]:g} … {shift[1]:g} eV for measured energies of "
                f"{first:g} … {last:g} eV only, which is not "
                f"{'all' if window else 'half'} of {asked[0]:g} … {asked[1]:g} eV; take another "
                "library, other shifts or a narrower window."
                f"{kev_hint(energy, float(library.energy[0]), float(library.energy[-1]))}"
            )
        return cls(library, energy, (low, high), reach, shift, broadening, scale, offset)

    def remarks(self, how: str = "Compared") -> list[str]:
        """Say from where to where measured spectra are compared, if that is not everywhere."""
        low, high = self.window
        share = (high - low) / float(np.ptp(self.measured_energy))
        if share >= 1 - 1e-9:
            return []
        return [f"{how} from {low:g} to {high:g} eV, {share:.0%} of what was measured."]

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """(k,) which measured energies are compared."""
        low, high = self.window
        return (self.measured_energy >= low) & (self.measured_energy <= high)

    @cached_property
    def shifts(self) -> Array:
        """(t,) shifts that are looked through."""
        low, high = self.shift
        count = min(MOST_SHIFTS, round((high - low) / FINEST_SHIFT) + 1)
        return np.linspace(low, high, count)

    @cached_property
    def widths(self) -> Array:
        """(w,) broadenings that are looked through."""
        if self.broadening <= 0:
            return np.zeros(1)
        return np.linspace(0.0, self.broadening, WIDTHS)

    @cached_property
    def _nodes(self) -> tuple[Array, Array]:
        """Library energies that were measured at every shift, and the roots of their weights."""
        low, high = self.reach[0] - self.shift[0], self.reach[1] - self.shift[1]
        energy = self.library.energy
        nodes = energy[(energy >= low - 1e-9) & (energy <= high + 1e-9)]
        if len(nodes) < FEWEST_POINTS:
            raise DataError(
                f"only {len(nodes)} points of the library were measured at every shift; take a "
                "wider window or fewer shifts."
            )
        weights = np.gradient(nodes)
        return nodes, np.sqrt(weights / weights.sum())

    @cached_property
    def _rows(self) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """For each width the (n, p) weighted references and the squares of their norms."""
        nodes, roots = self._nodes
        energy = self.library.energy
        kept = np.isin(energy, nodes)
        found = []
        for width in self.widths.tolist():
            rows = (broadened(energy, width) @ self.library.intensity.T)[kept].T
            rows = self._centred(rows, roots)
            found.append((rows.astype(np.float32), (rows**2).sum(axis=1).astype(np.float32)))
        return found

    def _centred(self, rows: Array, roots: Array) -> Array:
        """Return rows without their mean, where the offset is free, times the weights' roots."""
        if self.offset:
            rows = rows - (rows @ roots**2)[:, None]
        return np.asarray(rows * roots)

    def misfits(self, spectra: Array) -> tuple[Array, NDArray[np.intp]]:
        """Compare (q, k) measured spectra with all references.

        One product of matrices for each broadening does the work: of all references with all
        spectra at all shifts.

        Returns
        -------
        misfit
            (q, n).
        place
            (q, n) index of the best pair of broadening and shift, ``width * t + shift``.
        """
        count, n, t = len(spectra), len(self.library), len(self.shifts)
        misfit = np.empty((count, n))
        place = np.empty((count, n), np.intp)
        size = max(1, BLOCK // (n * t))
        for start in range(0, count, size):
            part = slice(start, min(start + size, count))
            misfit[part], place[part] = self._misfits(spectra[part])
        return misfit, place

    def _misfits(self, spectra: Array) -> tuple[Array, NDArray[np.intp]]:
        nodes, roots = self._nodes
        t, n = len(self.shifts), len(self.library)
        at = nodes + self.shifts[:, None]
        moved = np.stack([np.interp(at, self.measured_energy, y) for y in spectra])
        flat = moved.reshape(-1, len(nodes))
        mean = flat @ roots**2
        spread = ((flat - mean[:, None]) ** 2 @ roots**2).reshape(-1, t)
        queries = self._centred(flat, roots).astype(np.float32)
        norms = (queries**2).sum(axis=1).reshape(-1, t)
        best = np.full((len(spectra), n), np.inf, np.float32)
        place = np.zeros((len(spectra), n), np.intp)
        for number, (rows, squares) in enumerate(self._rows):
            products = (rows @ queries.T).reshape(n, -1, t)
            left = self._left(products, squares[:, None, None], norms)
            left /= np.maximum(spread, 1e-30)
            where = left.argmin(axis=2).T
            least = np.take_along_axis(left, where.T[:, :, None], axis=2)[:, :, 0].T
            better = least < best
            best[better] = least[better]
            place[better] = (number * t + where)[better]
        return np.sqrt(np.maximum(best, 0)).astype(np.float64), place

    def _left(self, products: Any, squares: Any, norms: Any) -> Any:
        """Return the squares that are left, in place of (n, q, t) products, which are large."""
        if self.scale:
            np.maximum(products, 0, out=products)
            np.square(products, out=products)
            products /= np.maximum(squares, 1e-30)
            np.subtract(norms, products, out=products)
        else:
            products *= -2
            products += squares
            products += norms
        return np.maximum(products, 0, out=products)

    def settings_at(self, place: int) -> tuple[float, float]:
        """Return shift and broadening of an index of :meth:`misfits`."""
        width, shift = divmod(int(place), len(self.shifts))
        return float(self.shifts[shift]), float(self.widths[width])

    def references_at(self, rows: NDArray[np.intp], shift: float, width: float) -> Array:
        """Return references (r, k') broadened and shifted, at the measured energies inside."""
        energy = self.library.energy
        at = np.clip(self.measured_energy[self.inside] - shift, energy[0], energy[-1])
        cell = np.clip(np.searchsorted(energy, at, side="right") - 1, 0, len(energy) - 2)
        part = ((at - energy[cell]) / np.diff(energy)[cell])[:, None]
        wide = broadened(energy, width) @ self.library.intensity[rows].T
        return np.asarray(((1 - part) * wide[cell] + part * wide[cell + 1]).T)

    def distorted(
        self, rows: NDArray[np.intp], noise: float, rng: np.random.Generator
    ) -> Iterator[Array]:
        """Yield library spectra as they might be measured: (k,) each.

        Shift and broadening are drawn from what is free; ``noise`` is a share of a spectrum's
        standard deviation.
        """
        energy = self.library.energy
        for row in rows.tolist():
            width = self.broadening * float(rng.random())
            shift = float(rng.uniform(*self.shift))
            spectrum = broadened(energy, width) @ self.library.intensity[row]
            seen = np.interp(self.measured_energy - shift, energy, spectrum)
            yield seen + noise * seen[self.inside].std() * rng.normal(size=len(seen))


def noise_share(measured: Measured, inside: NDArray[np.bool_]) -> float:
    """Return the noise of a measured spectrum as a share of its standard deviation.

    From its own column where it has one, else from third differences of neighbouring points, which
    a smooth spectrum hardly has (of independent noise their variance is 20 times its own).
    """
    values = measured.intensity[inside]
    if measured.noise is not None:
        return float(np.median(measured.noise[inside]) / values.std())
    jumps = np.diff(values, 3)
    return float(np.median(np.abs(jumps)) / 0.6745 / np.sqrt(20) / values.std())
