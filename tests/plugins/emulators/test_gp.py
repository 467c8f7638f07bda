"""The emulator ``gp`` on structures whose spectra are known."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern

from xreg.core.emulators.registration import aligned, put_back, register
from xreg.core.errors import ConfigError
from xreg.core.metrics import covered_variance
from xreg.core.model.calibration import spread_factor
from xreg.core.testing import EmulatorSuite, crystals
from xreg.plugins.gp.features import site_features
from xreg.plugins.gp.gp import GP

SMALL = {"cutoff": [4.0], "sigma": [0.4], "n_max": 3, "l_max": 2}


class TestGP(EmulatorSuite):
    component = GP
    settings = SMALL
    tolerance = 1e-4


def edges(samples, channels=30):
    """Edges with a line above, which stand where the volume puts them."""
    volume = np.abs(np.linalg.det(samples.cell))
    x = np.arange(channels) - 12 - 12 * (volume / volume.mean() - 1)[:, None]
    return 1 / (1 + np.exp(-x)) + 0.5 * np.exp(-((x - 6) ** 2) / 8)


def test_each_radius_needs_a_width():
    with pytest.raises(
        ConfigError, match=r"2 radii \(cutoff\) need as many widths \(sigma\), not 1"
    ):
        GP(cutoff=[4.0, 3.0], sigma=[0.4])


def test_mean_and_spread_are_those_of_scikit_learn():
    samples = crystals(30)
    Y = edges(samples)
    model = GP(**SMALL, noise=0.01).fit(samples[:20], Y[:20])
    kernel = Matern(length_scale=model.config.length_scale, nu=1.5)
    other = GaussianProcessRegressor(kernel, alpha=0.01, optimizer=None)
    other.fit(model.points_, Y[:20] - Y[:20].mean(axis=0))
    points = model._standard(site_features(samples[20:], model.species_, model.config))
    want, std = other.predict(points, return_std=True)
    mean, spread = model.predict(samples[20:], return_std=True)
    np.testing.assert_allclose(mean, want + Y[:20].mean(axis=0), atol=1e-5)
    noisy = np.sqrt(np.square(std) + 0.01)
    np.testing.assert_allclose(spread / model.amplitude_, noisy, rtol=1e-4)


def test_leave_one_out_errors_give_the_amplitude():
    samples = crystals(12)
    Y = edges(samples)
    model = GP(**SMALL).fit(samples, Y)
    kernel = model._kernel(model.points_) + model.config.noise * np.eye(12)
    total = np.zeros(Y.shape[1])
    for i in range(12):
        rest = np.delete(np.arange(12), i)
        solved = np.linalg.solve(kernel[np.ix_(rest, rest)], kernel[rest, i])
        centred = Y - Y.mean(axis=0)
        error = centred[i] - solved @ centred[rest]
        total += error**2 / (kernel[i, i] - solved @ kernel[rest, i])
    np.testing.assert_allclose(model.amplitude_, np.sqrt(total / 12), rtol=1e-4)


def test_registration_predicts_edges_that_move():
    samples = crystals(80, seed=3)
    Y = edges(samples)
    model = GP(**SMALL, registration=6).fit(samples[:60], Y[:60])
    assert covered_variance(Y[60:], model.predict(samples[60:])) > 0.9
    with pytest.raises(ConfigError, match="scaling: none"):
        GP(**SMALL, registration=6).fit(samples, Y - Y.mean(axis=0))


def test_spread_is_calibrated_on_the_validation_set():
    samples = crystals(60, seed=5)
    Y = edges(samples)
    held = (samples[40:], Y[40:])
    model = GP(**SMALL).fit(samples[:40], Y[:40], validation=held)
    mean, std = model.predict(held[0], return_std=True)
    assert np.mean(np.abs(held[1] - mean) <= std) == pytest.approx(0.683, abs=0.01)
    plain = GP(**SMALL, calibrate=False).fit(samples[:40], Y[:40], validation=held)
    assert plain.spread_factor_ == 1
    np.testing.assert_allclose(plain.predict(held[0]), mean)


def test_spread_factor_of_known_errors():
    rng = np.random.default_rng(0)
    std = rng.uniform(0.5, 2, (4000, 3))
    assert spread_factor(3 * std * rng.normal(size=std.shape), std) == pytest.approx(3, rel=0.03)
    std[0] = 0  # claims nothing
    errors = np.ones_like(std)
    assert np.isfinite(spread_factor(errors, std))
    assert spread_factor(errors[:1], std[:1]) == 1


def test_shapes_are_learned_from_the_surroundings_alone():
    samples = crystals(30)
    Y = edges(samples)
    model = GP(**SMALL, noise=0.01, registration=6).fit(samples[:20], Y[:20])
    shifts = register(Y[:20], 6)
    shapes = aligned(Y[:20], shifts, 6)
    kernel = Matern(length_scale=model.config.length_scale, nu=1.5)
    near = GaussianProcessRegressor(kernel, alpha=0.01, optimizer=None)
    far = GaussianProcessRegressor(kernel, alpha=0.01, optimizer=None)
    near.fit(model.points_[:, : model.local_], shapes - shapes.mean(axis=0))
    far.fit(model.points_, shifts - shifts.mean())
    points = model._standard(site_features(samples[20:], model.species_, model.config))
    shape = near.predict(points[:, : model.local_]) + shapes.mean(axis=0)
    registered = put_back(shape, far.predict(points) + shifts.mean(), 6)
    direct = GP(**SMALL, noise=0.01).fit(samples[:20], Y[:20]).predict(samples[20:])
    smooth = partial(gaussian_filter1d, sigma=6, axis=1, mode="nearest")
    want = smooth((direct + registered) / 2) + registered - smooth(registered)
    assert model.local_ < points.shape[1]
    np.testing.assert_allclose(model.predict(samples[20:]), want, atol=1e-5)


def test_sharpening_raises_what_is_finer_than_detail():
    x = np.arange(200.0)
    narrow, wide = (np.cos(2 * np.pi * x / period)[None] for period in (8, 200))
    model = GP(**SMALL, registration=6, detail=6, sharpening=0.25)
    inside = slice(40, 160)  # the ends are held
    raised = model._joined(narrow, narrow)[:, inside]
    np.testing.assert_allclose(raised, 1.25 * narrow[:, inside], atol=1e-3)
    np.testing.assert_allclose(model._joined(wide, wide)[:, inside], wide[:, inside], atol=0.01)
    np.testing.assert_allclose(model._joined(0 * narrow, narrow)[:, inside], raised, atol=1e-3)
    halfway = model._joined(0 * wide, wide)[:, inside]
    np.testing.assert_allclose(halfway, wide[:, inside] / 2, atol=0.02)
