"""The misfit of a shifted, scaled spectrum on a background, and its gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.interpolate import make_interp_spline

from xreg.core.errors import ConfigError
from xreg.core.measured.spectrum import Measured
from xreg.core.testing.base import refuses
from xreg.workbench.fit.misfit import Misfit, Resample
from xreg.workbench.fit.problem import Background, Problem
from xreg_tests.lines import (
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

# Splines, background -----------------------------------------------------------------------------


def test_shifted_spectra_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    grid = np.sort(rng.uniform(0, 10, 40))
    energy, shift = np.linspace(grid[0] + 0.5, grid[-1] - 0.5, 25), np.array([-0.4, 0.0, 0.31])
    spectra = rng.normal(size=(3, 40))
    found = Resample(grid, energy)(torch.as_tensor(spectra), torch.as_tensor(shift)).numpy()
    for row, moved, known in zip(found, shift, spectra, strict=True):
        wanted = make_interp_spline(grid, known, k=5)(energy - moved)
        assert row == pytest.approx(wanted, abs=1e-8 * np.abs(wanted).max())


def test_narrow_lines_are_read_off_between_grid_points() -> None:
    # A Voigt line as narrow as the published space allows, on its grid of 0.06 eV.
    from scipy.special import voigt_profile

    grid = np.linspace(-15, 15, 501)
    energy = np.linspace(-14, 14, 777)
    profile = voigt_profile(grid, 0.05, 0.15)
    found = Resample(grid, energy)(torch.as_tensor(profile)[None], torch.tensor([0.123]).double())
    wanted = voigt_profile(energy - 0.123, 0.05, 0.15)
    assert np.abs(found[0].numpy() - wanted).max() < 2e-4 * wanted.max()


def test_gradients_of_spectra_and_shifts() -> None:
    resample = Resample(np.linspace(0, 5, 21), np.linspace(1, 4, 7))
    spectra = torch.randn(2, 21, dtype=torch.float64, requires_grad=True)
    shift = torch.tensor([0.11, -0.27], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(resample, (spectra, shift))


def test_background_curves() -> None:
    energy = np.linspace(840.0, 880.0, 401)
    assert Background("none").columns(energy) == {}
    linear = Background("linear").columns(energy)
    assert list(linear) == ["constant", "slope"]
    assert np.ptp(linear["slope"]) == pytest.approx(1)
    steps = Background("linear+steps", (853.0, 870.0), 0.02).columns(energy)["steps"]
    between, after = steps[np.searchsorted(energy, [862.0, 879.9])]
    assert (steps[0], between, after) == pytest.approx((0, 2 / 3, 1), abs=2e-3)  # 2p3/2 : 2p1/2
    with refuses(ConfigError, "edges"):
        Background("steps").columns(energy)


def test_misfit_knows_no_scale_nor_background() -> None:
    misfit = Misfit(problem(measured(noise=0.0)), MODEL)
    x = np.array([[*((TRUE - RANGES[:, 0]) / np.diff(RANGES)[:, 0]), (SHIFT + 1) / 2]])
    assert float(misfit.relative(torch.as_tensor(x))) < 1e-9
    rest, heights = misfit.residuals(x)
    assert np.abs(rest).max() < 1e-5 * SCALE
    assert heights[0] == pytest.approx([SCALE, *HEIGHTS], rel=1e-5)
    upside_down = Measured(misfit.problem.measured.energy, -misfit.problem.measured.intensity)
    turned = Misfit(problem(upside_down), MODEL)
    assert float(turned.relative(torch.as_tensor(x))) == pytest.approx(1)


def test_no_background_at_all() -> None:
    spectrum = measured(noise=0.0)
    bare = Problem(spectrum, NAMES, UNITS, RANGES, (0.0, 0.0), Background("none"))
    assert bare.labels == NAMES
    rest, heights = Misfit(bare, MODEL).residuals(np.full((2, 3), 0.5))
    assert rest.shape == (2, len(spectrum))
    assert heights.shape == (2, 1)


@pytest.mark.parametrize(
    "background",
    [Background("linear+steps", (-3.0, 4.0), 0.3), Background("steps", (-90.0, -80.0))],
)
def test_scales_and_heights_are_those_of_least_squares(background: Background) -> None:
    # With both edges below the window, steps are a constant: nothing tells the heights apart.
    spectrum = measured(noise=0.02)
    some = Problem(spectrum, NAMES, UNITS, RANGES, (-1.0, 1.0), background)
    misfit, x = Misfit(some, MODEL), np.random.default_rng(0).uniform(size=(4, 4))
    rest, heights = misfit.residuals(x)
    shapes = misfit.spectra(torch.as_tensor(x)).numpy()
    known = spectrum.intensity * some.weight
    for own, left, found in zip(shapes, rest, heights, strict=True):
        design = np.column_stack([own, some.curves * some.weight[:, None]])
        wanted = np.linalg.lstsq(design, known, rcond=1e-10)[0]
        assert found == pytest.approx(wanted, rel=1e-8)
        assert left == pytest.approx(known - design @ wanted, abs=1e-9 * np.abs(known).max())
