"""A series of spectra taken apart: how many components, which references they hold, and MCR-ALS."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from xreg.core.arrays import Array
from xreg.core.errors import DataError, MissingRequirementError

__all__ = ["Components", "Resolved", "TargetTest", "components", "resolve", "target_tests"]

FEWEST_SPECTRA = 3
STARTS = 8
# Another solution is as good where it leaves at most so much more than the best.
AS_GOOD = 1.05


@dataclass(frozen=True, eq=False)
class Components:
    """Principal components of a series, and how many of them are no noise.

    Attributes
    ----------
    values
        (s,) singular values of the (s, k) spectra, mean not subtracted.
    curves
        (s, k) components, orthonormal.
    real_error
        (s - 1,) Malinowski's real error with 1, 2, … components.
    indicator
        (s - 1,) his factor indicator function IND, least at the number of real components
        (E. R. Malinowski, Anal. Chem. 49, 612 (1977)).
    count
        Number of components that are taken.
    """

    values: Array
    curves: Array
    real_error: Array
    indicator: Array
    count: int


@dataclass(frozen=True, eq=False)
class TargetTest:
    """Whether a reference can be made of the components of a series.

    Attributes
    ----------
    misfit
        What the components leave of it, as a share of its standard deviation.
    spoil
        Malinowski's SPOIL: below 3 the reference may be a component, above 6 it is none
        (E. R. Malinowski, Anal. Chim. Acta 103, 339 (1978)).
    curve
        (k,) the reference as the components make it.
    """

    misfit: float
    spoil: float
    curve: Array


@dataclass(frozen=True, eq=False)
class Resolved:
    """What MCR-ALS makes of a series.

    Attributes
    ----------
    shares
        (s, c) share of each component in each spectrum.
    low, high
        (s, c) least and greatest share over all starts that ended as well: what the data leave
        open.
    curves
        (c, k) spectra of the components.
    lack_of_fit
        Root of the squares left over those of the spectra.
    as_good, starts
        How many of the starts ended as well as the best.
    """

    shares: Array
    low: Array
    high: Array
    curves: Array
    lack_of_fit: float
    as_good: int
    starts: int


def components(spectra: Array, count: int = 0) -> Components:
    """Return the principal components of (s, k) spectra.

    Parameters
    ----------
    spectra
        The series.
    count
        How many are taken; where IND is least if 0.

    Raises
    ------
    DataError
        If there are fewer than three spectra, or more components than can be.
    """
    s, k = spectra.shape
    if s < FEWEST_SPECTRA:
        raise DataError(f"a series needs {FEWEST_SPECTRA} spectra or more, not {s}.")
    _, values, curves = np.linalg.svd(spectra, full_matrices=False)
    few, many = min(s, k), max(s, k)
    n = np.arange(1, few)
    rest = np.cumsum((values**2)[::-1])[::-1][1:]
    real_error = np.sqrt(rest / (many * (few - n)))
    indicator = real_error / (few - n) ** 2
    if count > few - 1:
        raise DataError(f"{s} spectra have at most {few - 1} components beside noise.")
    return Components(values, curves, real_error, indicator, count or int(indicator.argmin()) + 1)


def target_tests(found: Components, references: Array) -> list[TargetTest]:
    """Test whether (r, k) references lie in the space of a series' components.

    The best combination of the components that are taken is compared with each reference. Its
    apparent error is what differs, its real error what the noise of the components alone would
    make; SPOIL is the error of the reference itself over that.
    """
    curves = found.curves[: found.count]
    error = float(found.real_error[found.count - 1])
    tests = []
    for reference in references:
        along = curves @ reference
        made = along @ curves
        apparent = float(np.sqrt(((reference - made) ** 2).sum() / (len(reference) - found.count)))
        # The components come from the data by these weights, and have its noise so many times.
        real = error * float(np.linalg.norm(along / found.values[: found.count]))
        own = np.sqrt(max(apparent**2 - real**2, 0.0))
        misfit = float(np.sqrt(((reference - made) ** 2).mean()) / reference.std())
        tests.append(TargetTest(misfit, float(own / max(real, 1e-300)), made))
    return tests


def resolve(spectra: Array, count: int, *, closure: bool, seed: int) -> Resolved:
    """Take a series apart into non-negative spectra and shares (MCR-ALS, by pyMCR).

    Without more knowledge such a solution is one of many. It is sought from the most different
    spectra of the series and from random mixtures of them; all that fit as well say how open the
    shares are.

    Parameters
    ----------
    spectra
        (s, k) series, not negative.
    count
        Number of components.
    closure
        Whether shares add up to one.
    seed
        Of the random starts.

    Raises
    ------
    MissingRequirementError
        Without pyMCR.
    DataError
        If spectra are negative beyond their noise.
    """
    try:
        from pymcr.constraints import ConstraintNonneg, ConstraintNorm
        from pymcr.mcr import McrAR
        from pymcr.regressors import NNLS
    except ImportError:
        raise MissingRequirementError(
            'MCR-ALS needs pyMCR: pip install "xreg[match]"; or leave out the series.'
        ) from None
    if spectra.min() < -0.05 * np.abs(spectra).max():
        raise DataError(
            "a series with negative intensities cannot be made of non-negative spectra; take "
            "normalised spectra, or a window without the negative part."
        )
    rng = np.random.default_rng(seed)
    pure = spectra[_most_different(spectra, count)]
    mixed = [rng.dirichlet(np.full(count, 0.5), count) @ pure for _ in range(STARTS - 1)]
    ended = []
    for start in [pure, *mixed]:
        constraints = [ConstraintNonneg(), *([ConstraintNorm()] if closure else [])]
        solver = McrAR(
            max_iter=200,
            tol_increase=1.0,
            c_regr=NNLS(),
            st_regr=NNLS(),
            c_constraints=constraints,
            st_constraints=[ConstraintNonneg()],
        )
        with _without_warnings():
            solver.fit(np.maximum(spectra, 0.0), ST=np.maximum(start, 0.0))
        shares, curves = np.asarray(solver.C_opt_), np.asarray(solver.ST_opt_)
        left = float(np.sqrt(((spectra - shares @ curves) ** 2).sum() / (spectra**2).sum()))
        ended.append((left, shares, curves))
    left, shares, curves = min(ended, key=lambda one: one[0])
    noise = 1e-6  # solutions of data without noise all leave next to nothing
    alike = [_like(shares, one[1]) for one in ended if one[0] <= AS_GOOD * left + noise]
    every = np.stack(alike)
    order = np.argsort(-shares[0], kind="stable")
    return Resolved(
        shares[:, order],
        every.min(axis=0)[:, order],
        every.max(axis=0)[:, order],
        curves[order],
        left,
        len(alike),
        STARTS,
    )


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Keep what pyMCR logs, on the terminal, to itself."""
    logger = logging.getLogger("pymcr.mcr")
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before


def _most_different(spectra: Array, count: int) -> list[int]:
    """Return rows that span the series: each the farthest from the space of those before.

    The successive projections of M. C. U. Araújo et al., Chemom. Intell. Lab. Syst. 57, 65 (2001),
    begun with the spectrum farthest from the mean.
    """
    rows = [int(np.linalg.norm(spectra - spectra.mean(axis=0), axis=1).argmax())]
    while len(rows) < count:
        turn, _ = np.linalg.qr(spectra[rows].T)
        rest = spectra - (spectra @ turn) @ turn.T
        rows.append(int(np.linalg.norm(rest, axis=1).argmax()))
    return rows


def _like(first: Array, other: Array) -> Array:
    """Return the columns of ``other`` in the order in which they resemble those of ``first``."""
    from scipy.optimize import linear_sum_assignment

    cost = ((first[:, :, None] - other[:, None, :]) ** 2).sum(axis=0)
    return np.asarray(other[:, linear_sum_assignment(cost)[1]])
