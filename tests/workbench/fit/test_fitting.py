"""Fitting a measured spectrum: minima, uncertainties, and what cannot be known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xreg.core.errors import ConfigError, DataError, RunError, UnknownNameError
from xreg.core.measured.spectrum import Measured
from xreg.core.testing.base import refuses
from xreg.workbench.fit.minima import Minimum, _add, descend, distinct, mirrored
from xreg.workbench.fit.misfit import Misfit, Simulator
from xreg.workbench.fit.problem import Background, Problem, narrowed, range_text
from xreg.workbench.fit.profile import with_intervals
from xreg.workbench.fit.refine import Fit, refine
from xreg.workbench.fit.search import Starts, search
from xreg_tests.lines import (
    GRID,
    HEIGHTS,
    MODEL,
    NAMES,
    RANGES,
    SCALE,
    SHIFT,
    TRUE,
    UNITS,
    measured,
    problem,
)


def fitted(spectrum: Measured) -> tuple[Fit, Starts]:
    misfit = Misfit(problem(spectrum), MODEL)
    starts = search(misfit, starts=8, iterations=100)
    return refine(misfit, [starts.x[i] for i in distinct(list(starts.x), 3)]), starts


# The best fit ------------------------------------------------------------------------------------


def test_truth_is_found_without_noise() -> None:
    fit, starts = fitted(measured(noise=1e-6))
    assert fit.best.values == pytest.approx(TRUE, rel=1e-5)
    assert fit.best.shift == pytest.approx(SHIFT, abs=1e-5)
    assert fit.best.scale == pytest.approx(SCALE, rel=1e-5)
    assert fit.best.heights == pytest.approx(HEIGHTS, rel=1e-5)
    assert starts.misfit[0] < 1e-6
    assert (np.diff(starts.misfit) >= 0).all()


def test_stated_uncertainties_are_those_of_repeated_measurements() -> None:
    near = np.array([*(TRUE - RANGES[:, 0]) / np.diff(RANGES)[:, 0], 0.6])
    fits = [refine(Misfit(problem(measured(seed=k)), MODEL), [near]) for k in range(40)]
    found = np.array([[*f.best.values, f.best.shift] for f in fits])
    heights = np.array([[f.best.scale, *f.best.heights] for f in fits])
    # The standard deviation of 40 draws is known to 11 %: a factor of 1.4 is over three of its σ.
    stated = np.mean([f.std for f in fits], axis=0)
    assert np.abs(np.log(found.std(axis=0) / stated)).max() < np.log(1.4)
    stated = np.mean([f.heights_std for f in fits], axis=0)
    assert np.abs(np.log(heights.std(axis=0) / stated)).max() < np.log(1.4)
    assert np.abs(found.mean(axis=0) - [*TRUE, SHIFT]).max() < 0.05
    assert np.mean([f.noise for f in fits]) == pytest.approx(0.4, rel=0.05)


def test_position_and_shift_are_told_apart_by_the_line_that_stays() -> None:
    fit, _ = fitted(measured())
    assert fit.correlation[0, 3] < -0.2
    assert fit.correlation.diagonal() == pytest.approx(1)
    assert not fit.undetermined
    assert not fit.at_limit


def test_noise_that_is_given_is_believed_until_the_residuals_exceed_it() -> None:
    good, _ = fitted(measured(noise=0.4, given=True))
    assert good.noise == pytest.approx(1, abs=0.15)
    assert good.reduced_chi2 == pytest.approx(1, abs=0.3)
    spectrum = measured(noise=0.4)
    hopeful = Measured(spectrum.energy, spectrum.intensity, np.full(len(spectrum), 0.1))
    fit, _ = fitted(hopeful)
    assert fit.noise == pytest.approx(4, rel=0.15)
    assert fit.std == pytest.approx(good.std, rel=0.2)


def test_what_only_a_sum_enters_is_not_determined() -> None:
    def summed(values: torch.Tensor) -> torch.Tensor:
        both = (values[:, 0] + values[:, 1])[:, None]
        return torch.exp(-((torch.as_tensor(GRID) - 10 - both) ** 2))

    energy = np.linspace(1, 29, 200)
    intensity = np.exp(-((energy - 11) ** 2))
    intensity += 0.01 * np.random.default_rng(0).normal(size=200)
    ranges = np.array([[0.0, 1.0], [0.0, 1.0]])
    task = Problem(Measured(energy, intensity), ("a", "b"), ("", ""), ranges)
    misfit = Misfit(task, Simulator(GRID, summed))
    fit = refine(misfit, [np.array([0.2, 0.7])])
    (vague,) = fit.undetermined
    assert set(vague.weights) == {"a", "b"}
    assert sum(vague.weights.values()) == pytest.approx(0, abs=1e-3)  # the difference a - b
    assert "a" in str(vague)
    # Of each alone nothing is known but its range: σ is what holds 68 % of it, and no more.
    assert fit.covariance[0, 0] > 1
    assert ((fit.std > 0.34) & (fit.std < 0.69)).all()
    assert np.isfinite(fit.heights_std).all()
    assert fit.heights_std[0] < 0.1
    assert fit.best.values.sum() == pytest.approx(1, abs=0.02)


def test_a_second_minimum_that_fits_as_well_is_told() -> None:
    def even(values: torch.Tensor) -> torch.Tensor:
        return torch.exp(-((torch.as_tensor(GRID) - 10 - values[:, :1] ** 2) ** 2))

    energy = np.linspace(1, 29, 200)
    intensity = np.exp(-((energy - 10.49) ** 2))
    intensity += 0.01 * np.random.default_rng(0).normal(size=200)
    task = Problem(Measured(energy, intensity), ("a",), ("eV",), np.array([[-1.0, 1.0]]))
    misfit = Misfit(task, Simulator(GRID, even))
    starts = search(misfit, starts=16)
    fit = refine(misfit, [starts.x[i] for i in distinct(list(starts.x), 4)])
    (other,) = fit.equivalent
    assert sorted([fit.best.values[0], other.values[0]]) == pytest.approx([-0.7, 0.7], abs=0.01)


def lopsided(values: torch.Tensor) -> torch.Tensor:
    """Lines whose place knows a and b by a² + b and nearly not their signs."""
    a, b = values[:, :1], values[:, 1:]
    first = torch.exp(-((torch.as_tensor(GRID) - 10 - a**2 - 0.02 * a) ** 2))
    return first + torch.exp(-((torch.as_tensor(GRID) - 20 - b**2) ** 2))


@pytest.mark.parametrize("start", [(0.85, 0.8), (0.15, 0.8), (0.2, 0.2)])
def test_mirror_images_are_found_from_any_start(start: tuple[float, float]) -> None:
    energy = np.linspace(1, 29, 200)
    intensity = lopsided(torch.tensor([[0.7, 0.6]]).double())[0].numpy()
    intensity = np.interp(energy, GRID, intensity)
    intensity += 0.02 * np.random.default_rng(0).normal(size=200)
    ranges = np.array([[-1.0, 1.0], [-1.0, 1.0]])
    task = Problem(Measured(energy, intensity), ("a", "b"), ("", ""), ranges)
    fit = refine(Misfit(task, Simulator(GRID, lopsided)), [np.array(start)])
    found = sorted(tuple(np.sign(m.values).astype(int).tolist()) for m in fit.minima)
    assert found == [(-1, -1), (-1, 1), (1, -1), (1, 1)]
    assert len(fit.modes) == 4
    assert sum(mode.weight for mode in fit.modes) == pytest.approx(1)
    assert set(fit.open_signs) == {"a", "b"}
    assert fit.open_signs["b"] == pytest.approx(0.5, abs=0.1)
    # best ± σ has to reach the other signs, as the truth is there in half of all cases
    assert (fit.std > 0.9).all()


def winding(values: torch.Tensor) -> torch.Tensor:
    """A line that knows no sign of a, and one that is in its place at b = 0.2, 0.5 and 0.8."""
    a, b = values[:, :1], values[:, 1:]
    first = torch.exp(-((torch.as_tensor(GRID) - 10 - a**2) ** 2))
    place = 20 + 0.3 * torch.sin(2 * np.pi * (b - 0.2) / 0.3)
    return first + torch.exp(-((torch.as_tensor(GRID) - place) ** 2))


def test_minima_of_other_signs_are_parted_where_the_sign_is_zero() -> None:
    """Half-way in b the misfit is no greater, and the way back to either sign is downhill."""
    energy = np.linspace(1, 29, 200)
    intensity = winding(torch.tensor([[0.6, 0.2]]).double())[0].numpy()
    intensity = np.interp(energy, GRID, intensity)
    intensity += 0.02 * np.random.default_rng(0).normal(size=200)
    ranges = np.array([[-1.0, 1.0], [0.0, 1.0]])
    task = Problem(Measured(energy, intensity), ("a", "b"), ("", ""), ranges)
    misfit = Misfit(task, Simulator(GRID, winding))
    found: list[Minimum] = []
    for start in ((0.8, 0.2), (0.2, 0.8)):
        _add(misfit, found, descend(misfit, np.array(start)))
    assert sorted(round(float(m.values[0]), 1) for m in found) == [-0.6, 0.6]
    half_way = descend(misfit, np.array([0.51, 0.5]), fixed=[1])
    assert half_way.chi2 == pytest.approx(found[0].chi2, rel=0.01)  # which told nothing


def test_mirrors_of_what_has_no_sign() -> None:
    task = problem(measured())
    assert mirrored(task, np.full(4, 0.3)) == []  # all parameters positive; a shift has no mirror
    ranges = np.array([[-1.0, 1.0], [-0.2, 1.0], [0.0, 1.0]])
    task = Problem(measured(), NAMES, UNITS, ranges, (-1, 1), Background("linear"))
    images = mirrored(task, np.array([0.75, 0.5, 0.5, 0.4]))
    assert [signs for _, signs in images] == [(0,), (1,), (0, 1)]
    assert images[2][0] == pytest.approx([0.25, 0.0, 0.5, 0.4])  # -0.4 lies beyond -0.2


def test_a_remainder_with_a_shape_is_told_from_noise() -> None:
    fit, _ = fitted(measured())
    assert abs(fit.neighbours) < 4 / np.sqrt(len(fit.problem.measured))
    spectrum = measured(noise=0.01)
    bump = 3 * np.exp(-((spectrum.energy - 14) ** 2))
    shaped, _ = fitted(Measured(spectrum.energy, spectrum.intensity + bump))
    assert shaped.neighbours > 0.7


def test_a_parameter_at_the_end_of_its_range_is_told() -> None:
    ranges = RANGES.copy()
    ranges[1] = 0.5, 1.0  # the truth is 1.1
    task = Problem(measured(), NAMES, UNITS, ranges, (-1, 1), Background("linear"))
    fit = refine(Misfit(task, MODEL), [np.full(4, 0.5)])
    assert fit.at_limit == {"width": "high"}
    assert fit.best.values[1] == pytest.approx(1.0, abs=1e-3)


def test_fixed_parameters_stay() -> None:
    ranges = narrowed(NAMES, RANGES.tolist(), {"ratio": 0.5}, {"position": (9.0, 10.0)})
    task = Problem(measured(), NAMES, UNITS, ranges, (0.3, 0.3), Background("linear"))
    assert task.labels == ("position", "width")
    fit = refine(Misfit(task, MODEL), [np.full(2, 0.5)])
    assert fit.best.values[2] == 0.5
    assert fit.best.shift == 0.3
    assert fit.best.values[0] == pytest.approx(TRUE[0], abs=0.05)


def test_searches_can_be_repeated() -> None:
    misfit = Misfit(problem(measured()), MODEL)
    first, again = (search(misfit, starts=4, iterations=20, seed=5) for _ in range(2))
    assert (first.x == again.x).all()
    assert ((first.x >= 0) & (first.x <= 1)).all()


# Bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("energy", "intensity", "noise", "words"),
    [
        ([1.0, 2.0, 2.0], [1, 2, 3], None, ("strictly", "point 3")),
        ([3.0, 2.0, 1.0], [1, 2, 3], None, ("strictly", "2 eV follows 3 eV")),
        ([1.0, 2.0, 3.0], [1, np.nan, 3], None, ("point 2", "not finite")),
        ([1.0, 2.0, 3.0], [1, 2], None, ("one length",)),
        ([1.0, 2.0, 3.0], [1, 2, 3], [1, 0, 1], ("noise", "point 2", "positive")),
    ],
)
def test_bad_spectrum(energy, intensity, noise, words) -> None:
    with refuses(DataError, *words):
        Measured(
            np.array(energy),
            np.array(intensity, float),
            None if noise is None else np.array(noise, float),
        )


def test_a_spectrum_that_does_not_cover_the_window() -> None:
    spectrum = measured()
    part = spectrum.within(2.0, 20.0).energy
    assert (part[0], part[-1]) == pytest.approx((2.01, 19.95))
    for low, high in ((0.0, 20.0), (5.0, 30.0)):
        with refuses(DataError, "covers 1.1 … 28.", f"{low:g} … {high:g}", "narrower"):
            spectrum.within(low, high)


def test_too_few_points_and_nothing_to_find() -> None:
    few = Measured(np.arange(1.0, 14.0), np.ones(13))
    with refuses(DataError, "13 points", "7 unknowns", "14"):
        problem(few)
    with refuses(ConfigError, "fixed"):
        Problem(measured(), NAMES, UNITS, np.repeat(RANGES[:, :1], 2, axis=1))


def test_bad_ranges() -> None:
    ends = RANGES.tolist()
    with refuses(UnknownNameError, "widht", "did you mean 'width'"):
        narrowed(NAMES, ends, {"widht": 1.0}, {})
    with refuses(ConfigError, "'width' = 3", "0.5 … 2"):
        narrowed(NAMES, ends, {"width": 3.0}, {})
    with refuses(ConfigError, "0.1 … 1", "trained"):
        narrowed(NAMES, ends, {}, {"width": (0.1, 1.0)})
    with refuses(ConfigError, "ascend"):
        narrowed(NAMES, ends, {}, {"width": (1.0, 1.0)})
    with refuses(ConfigError, "both fixed"):
        narrowed(NAMES, ends, {"width": 1.0}, {"width": (0.9, 1.0)})


def test_a_spectrum_upside_down_is_refused() -> None:
    spectrum = measured()
    turned = Measured(spectrum.energy, -spectrum.intensity)
    task = Problem(turned, NAMES, UNITS, RANGES, (0.3, 0.3), Background("linear"))
    x = (TRUE - RANGES[:, 0]) / np.diff(RANGES)[:, 0]
    with refuses(RunError, "sign"):
        refine(Misfit(task, MODEL), [x])


@pytest.mark.parametrize("background", ["none", "constant", "linear"])
def test_a_search_with_the_wrong_sign_is_refused(background: str) -> None:
    spectrum = measured()
    turned = Measured(spectrum.energy, 100 - spectrum.intensity)
    if background == "none":
        turned = Measured(spectrum.energy, -spectrum.intensity)
    task = Problem(turned, NAMES, UNITS, RANGES, (-1, 1), Background(background))
    with refuses(DataError, "upside down", "other sign"):
        search(Misfit(task, MODEL), starts=4, iterations=10)


@pytest.mark.parametrize("level", [0.0, 3.0, 1e6])
def test_a_spectrum_of_nothing_is_refused(level: float) -> None:
    energy = measured().energy
    task = problem(Measured(energy, np.full(len(energy), level)))
    with refuses(DataError, "flat", "column"):
        Misfit(task, MODEL)


@pytest.mark.parametrize(("scale", "offset"), [(1e-12, 0.0), (1e12, 0.0), (1.0, 1e5), (1e-6, -0.1)])
def test_any_unit_of_intensity_gives_the_same_fit(scale: float, offset: float) -> None:
    spectrum = measured()
    other = Measured(spectrum.energy, scale * spectrum.intensity + offset)
    near = np.array([*(TRUE - RANGES[:, 0]) / np.diff(RANGES)[:, 0], 0.6])
    first, again = (refine(Misfit(problem(m), MODEL), [near]) for m in (spectrum, other))
    assert again.best.values == pytest.approx(first.best.values, rel=1e-4)
    assert again.std == pytest.approx(first.std, rel=1e-2)
    assert again.best.scale == pytest.approx(scale * first.best.scale, rel=1e-3)


# Intervals ---------------------------------------------------------------------------------------


def test_intervals_of_a_well_behaved_fit_are_its_standard_deviations() -> None:
    misfit = Misfit(problem(measured()), MODEL)
    near = np.array([*(TRUE - RANGES[:, 0]) / np.diff(RANGES)[:, 0], 0.6])
    fit, intervals = with_intervals(misfit, refine(misfit, [near]))
    values = [*fit.best.values, fit.best.shift]
    for value, std, (interval,) in zip(values, fit.std, intervals, strict=True):
        assert interval.high - value == pytest.approx(std, rel=0.1)
        assert value - interval.low == pytest.approx(std, rel=0.1)
        assert not interval.open_low
        assert not interval.open_high


def cubed(values: torch.Tensor) -> torch.Tensor:
    return torch.exp(-((torch.as_tensor(GRID) - 10 - values[:, :1] ** 3) ** 2))


def bent() -> Problem:
    """A line at 10 + a³ that was measured at 10: the spectrum knows little of a near 0."""
    energy = np.linspace(1, 29, 200)
    intensity = np.exp(-((energy - 9.997) ** 2))
    intensity += 0.02 * np.random.default_rng(0).normal(size=200)
    return Problem(Measured(energy, intensity), ("a",), ("eV",), np.array([[0.0, 1.0]]))


def test_an_interval_where_the_curvature_misleads() -> None:
    misfit = Misfit(bent(), Simulator(GRID, cubed))
    fit, ((interval,),) = with_intervals(misfit, refine(misfit, [np.array([0.15])]))
    assert interval.open_low
    assert interval.low == 0
    # χ² rises by one where the line has moved by its own uncertainty.
    x = np.array([[interval.high]])
    rise = (misfit.residuals(x)[0] ** 2).sum() - fit.best.chi2
    assert rise / fit.noise**2 == pytest.approx(1, abs=0.15)


def test_a_better_minimum_met_on_the_way_is_taken() -> None:
    def two_valleys(values: torch.Tensor) -> torch.Tensor:
        # At a = 0.8 the line is where it should be; near a = 0.2 it is nearly so.
        a = values[:, :1]
        place = 10 + 0.5 * (a - 0.8) * (a - 0.25)
        return torch.exp(-((torch.as_tensor(GRID) - place) ** 2) * (1 + 0.1 * (a - 0.8) ** 2))

    energy = np.linspace(1, 29, 200)
    intensity = np.exp(-((energy - 10) ** 2))
    intensity += 0.02 * np.random.default_rng(0).normal(size=200)
    task = Problem(Measured(energy, intensity), ("a",), ("",), np.array([[0.0, 1.0]]))
    misfit = Misfit(task, Simulator(GRID, two_valleys))
    first = refine(misfit, [np.array([0.2])])
    last, _ = with_intervals(misfit, first)
    assert last.best.chi2 <= first.best.chi2


def test_ranges_in_words() -> None:
    assert range_text(6.6e-06, 0.19997) == "0 … 0.2"
    assert range_text(-1.4, 1.4) == "-1.4 … 1.4"
    assert range_text(1.03, 999.7) == "1 … 1000"
