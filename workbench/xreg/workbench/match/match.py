"""Measured spectra found in a library: the nearest references, combinations, and what is sure."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.errors import DataError, XregError
from xreg.workbench.match import series as of_series
from xreg.workbench.match.candidates import candidates
from xreg.workbench.match.combination import Combination, combine
from xreg.workbench.match.library import Comparison, Library, noise_share
from xreg.workbench.match.nearest import Match, nearest
from xreg.workbench.match.probability import Calibration, calibrate
from xreg.workbench.match.recipe import MatchRecipe, MatchSettings, SeriesSection
from xreg.workbench.match.series import Components, Resolved, TargetTest
from xreg.workbench.measured.named import Named, by_grid, read_spectra

__all__ = ["Answer", "Matched", "Series", "compared", "match_spectra"]

# Least share of the library's own spectra that is so far from all others: less is told.
STRANGE = 0.05


@dataclass(frozen=True, eq=False)
class Answer:
    """What a library says of one spectrum.

    Attributes
    ----------
    spectrum
        The spectrum.
    comparison
        The library as it was compared.
    matches
        The nearest references, nearest first.
    probabilities
        Probability of each value of the label, or of each reference by its row.
    resemblance
        Share of the library's own spectra that are as far from all others.
    resembles
        Whether it is like something in the library (where no label is sought: whether it is one of
        the references), so that its probabilities mean something.
    combinations
        Linear combinations, the one to be believed first; empty where none was asked for or found.
    remarks
        What a reader has to know.
    """

    spectrum: Named
    comparison: Comparison
    matches: list[Match]
    probabilities: Array
    resemblance: float
    resembles: bool
    combinations: list[Combination] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Series:
    """What spectra that belong together are made of.

    Attributes
    ----------
    energy
        (k,) energies in eV on which they were compared.
    found
        Principal components.
    tests
        Rows of references in the library and their tests, the best first.
    resolved
        MCR-ALS.
    likely
        For each of its spectra the row of the nearest reference, and the misfit.
    """

    energy: Array
    found: Components
    tests: list[tuple[int, TargetTest]]
    resolved: Resolved
    likely: list[tuple[int, float]]


@dataclass(frozen=True, eq=False)
class Matched:
    """All answers, and the library that gave them.

    ``seconds`` holds the time of preparing and calibrating, of the nearest references, of
    combinations and of the series.
    """

    library: Library
    answers: list[Answer]
    calibrations: list[Calibration]
    series: Series | None
    facts: dict[str, Any]

    def calibration_of(self, answer: Answer) -> Calibration:
        """Return the calibration that an answer's probabilities come from."""
        return self.calibrations[self.facts["calibration"][answer.spectrum.name]]


def match_spectra(recipe: MatchRecipe) -> Matched:
    """Find measured spectra in a library, as a recipe says.

    Raises
    ------
    XregError
        If a spectrum, the library, or what both have in common is no good.
    """
    from xreg.workbench.recipes.data import open_section

    began = time.perf_counter()
    dataset, filled = open_section(recipe.library)
    library = Library.of(dataset, recipe.channel, recipe.label, recipe.group)
    channel = recipe.channel or next(iter(dataset.spectra))
    spectra = read_spectra(recipe.spectra, recipe.columns, recipe.measured_channel, channel)
    named = library.rows_of(recipe.references)
    opened = time.perf_counter()
    answers: dict[str, Answer] = {}
    calibrations: list[Calibration] = []
    which: dict[str, int] = {}
    seconds = {"opening": opened - began, "calibration": 0.0, "nearest": 0.0, "combinations": 0.0}
    for alike in by_grid(spectra):
        first = alike[0]
        comparison = compared(library, recipe, first.measured.energy, f"spectrum '{first.name}'")
        start = time.perf_counter()
        misfit, place = comparison.misfits(np.stack([one.measured.intensity for one in alike]))
        seconds["nearest"] += time.perf_counter() - start
        start = time.perf_counter()
        noise = float(np.median([noise_share(one.measured, comparison.inside) for one in alike]))
        calibration = calibrate(comparison, noise, recipe.simulated, recipe.seed)
        calibrations.append(calibration)
        seconds["calibration"] += time.perf_counter() - start
        shares = calibration.probabilities(misfit)
        for i, one in enumerate(alike):
            start = time.perf_counter()
            near = nearest(comparison, one.measured, misfit[i], place[i], recipe.nearest)
            seconds["nearest"] += time.perf_counter() - start
            start = time.perf_counter()
            sums, why = _combinations(comparison, one, misfit[i], near, named, recipe)
            seconds["combinations"] += time.perf_counter() - start
            least = float(misfit[i].min())
            like = calibration.resemblance(least)
            sure = like >= STRANGE
            if calibration.labels is None:
                sure = calibration.in_library(least)
            answer = Answer(one, comparison, near, shares[i], like, sure, sums)
            answer.remarks.extend([*_remarks(answer, calibration), *why])
            answers[one.name], which[one.name] = answer, len(calibrations) - 1
    start = time.perf_counter()
    series = None
    if recipe.series is not None:
        series = _series(library, recipe, recipe.series, spectra)
    seconds["series"] = time.perf_counter() - start
    facts = {
        "library": filled,
        "channel": channel,
        "unit": dataset.spectra[channel].unit,
        "settings": recipe.model_dump(mode="json", include=set(MatchSettings.model_fields)),
        "calibration": which,
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return Matched(library, [answers[one.name] for one in spectra], calibrations, series, facts)


def compared(library: Library, recipe: MatchRecipe, energy: Array, what: str) -> Comparison:
    """Compare a library with measured energies as a recipe says; ``what`` was measured there."""
    try:
        return Comparison.between(
            library,
            energy,
            recipe.window,
            shift=recipe.shift,
            broadening=recipe.broadening,
            scale=recipe.scale == "free",
            offset=recipe.offset == "free",
        )
    except XregError as error:
        raise type(error)(f"{what}: {error}") from None


def _combinations(
    comparison: Comparison,
    one: Named,
    misfit: Array,
    near: list[Match],
    named: NDArray[np.intp],
    recipe: MatchRecipe,
) -> tuple[list[Combination], list[str]]:
    """Return combinations, or why there are none."""
    if not recipe.combine:
        return [], []
    try:
        rows = candidates(comparison, one.measured, misfit, near, named)
        found = combine(
            comparison, one.measured, rows, recipe.combine, sum_to_one=recipe.sum_to_one
        )
    except DataError as error:
        if len(named):
            raise
        return [], [f"No linear combination: {error}"]
    return found, []


def _remarks(answer: Answer, calibration: Calibration) -> list[str]:
    comparison = answer.comparison
    found = [f"In {answer.spectrum.name}, {note}." for note in answer.spectrum.notes]
    found += comparison.remarks()
    if answer.resemblance < STRANGE:
        found.append(
            "Nothing in the library is like it: only "
            f"{answer.resemblance:.0%} of the library's own spectra are as far from all others."
        )
    elif not answer.resembles:
        found.append(
            f"It is none of the references: the nearest leaves {answer.matches[0].misfit:.2%}, and "
            f"a reference itself, so noisy, at most {calibration.own[-1]:.2%}."
        )
    best = answer.matches[0]
    for what, value, (low, high) in (
        ("shift", best.shift, comparison.shift),
        ("broadening", best.width, (0.0, comparison.broadening)),
    ):
        ends = (high,) if what == "broadening" else (low, high)
        if high > low and any(abs(value - end) < 1e-3 for end in ends):
            found.append(
                f"The {what} of the nearest reference ends at its limit, {value:.3g} eV; allow "
                "more if that makes sense."
            )
    if not len(calibration.stated):
        found.append(
            "No probability could be checked: too few references have a value that another, not "
            "its near-copy, shares."
        )
    return found


def _series(
    library: Library, recipe: MatchRecipe, section: SeriesSection, spectra: Sequence[Named]
) -> Series:
    """Take the spectra apart, on the energies of the first that all have."""
    first = spectra[0].measured.energy
    low = max(one.measured.energy[0] for one in spectra)
    high = min(one.measured.energy[-1] for one in spectra)
    low, high = max(low, library.energy[0]), min(high, library.energy[-1])
    if recipe.window is not None:
        low, high = max(low, recipe.window[0]), min(high, recipe.window[1])
    energy = first[(first >= low) & (first <= high)]
    if len(energy) <= len(spectra):
        raise DataError(
            f"{len(spectra)} spectra have {len(energy)} energies in common, "
            "and a series needs more than that."
        )
    values = np.stack([
        np.interp(energy, one.measured.energy, one.measured.intensity) for one in spectra
    ])  # fmt: skip
    found = of_series.components(values, section.components)
    references = np.stack([np.interp(energy, library.energy, y) for y in library.intensity])
    tests = list(enumerate(of_series.target_tests(found, references)))
    tests.sort(key=lambda pair: pair[1].misfit)
    resolved = of_series.resolve(values, found.count, closure=section.closure, seed=recipe.seed)
    comparison = compared(library, recipe, energy, "spectrum 'series'")
    misfit, _ = comparison.misfits(resolved.curves)
    likely = [(int(row.argmin()), float(row.min())) for row in misfit]
    return Series(energy, found, tests[: recipe.nearest], resolved, likely)
