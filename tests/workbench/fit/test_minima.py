"""The minima of a fit are the same ones however many searches it began with, and wherever.

The model is a polynomial of spectra of Ni2+, quick to make and differentiable; it measures too, so
that what a fit leaves is noise.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xreg.core.data.samples import Parameters
from xreg.core.ions.model import spaces
from xreg.core.measured.spectrum import Measured
from xreg.core.model.domain import Target
from xreg.core.model.pipeline import Pipeline
from xreg.plugins.multiplet.multiplet import Multiplet
from xreg.plugins.polynomial.polynomial import Polynomial
from xreg.plugins.ridge.ridge import Ridge
from xreg.workbench.fit.minima import distinct
from xreg.workbench.fit.misfit import Misfit, Simulator
from xreg.workbench.fit.network import network
from xreg.workbench.fit.problem import Background, Problem
from xreg.workbench.fit.refine import Fit, refine
from xreg.workbench.fit.search import search

KNOWN = {"Dq": 0.13, "Ds": 0.0, "Dt": 0.0, "S1": 0.8, "S2": 0.75, "T": 300.0, "sigma": 0.12,
         "gamma1": 0.45, "gamma2": 0.7}  # fmt: skip
FREE = {"Dq": (0.08, 0.18), "Ds": (-0.4, 0.4), "Dt": (-0.2, 0.2)}


@pytest.fixture(scope="module")
def model() -> Simulator:
    rng = np.random.default_rng(0)
    values = np.tile(list(KNOWN.values()), (1500, 1))
    for name, (low, high) in FREE.items():
        values[:, list(KNOWN).index(name)] = rng.uniform(low, high, 1500)
    ids = [f"set-{i}" for i in range(1500)]
    samples = Parameters(ids, values, tuple(KNOWN), spaces()["published"].units)
    generator = Multiplet(ion="Ni2+", before=8.0, after=24.0, points=161)
    spectra = np.array([s.channels["xas"] for s in generator.generate_many(samples)])
    pipeline = Pipeline(Ridge(), Polynomial(degree=9))
    return network(pipeline.fit(samples, spectra, Target("xas", generator.grids()["xas"])))


def task(model: Simulator, ds: float, dt: float, noise: float = 0.02) -> Misfit:
    true = torch.tensor([list({**KNOWN, "Ds": ds, "Dt": dt}.values())]).double()
    lines = model.spectra(true)[0].numpy()
    lines = lines + noise * lines.max() * np.random.default_rng(1).normal(size=len(lines))
    ranges = np.array([FREE.get(name, (value, value)) for name, value in KNOWN.items()])
    inside = slice(6, -6)  # room for the shift
    measured = Measured(model.energy[inside], lines[inside])
    units = spaces()["published"].units
    return Misfit(
        Problem(measured, tuple(KNOWN), units, ranges, (-0.5, 0.5), Background("linear")), model
    )


def fitted(misfit: Misfit, starts: int, seed: int) -> Fit:
    found = search(misfit, starts=starts, iterations=100, seed=seed)
    return refine(misfit, [found.x[i] for i in distinct(list(found.x), 24)])


@pytest.mark.parametrize(("ds", "dt", "signs"), [(0.05, -0.02, 2), (0.3, 0.1, 1)])
def test_minima_do_not_depend_on_starts_or_seed(model, ds, dt, signs) -> None:
    misfit = task(model, ds, dt)
    fits = [fitted(misfit, *begun) for begun in ((8, 0), (64, 1), (16, 2))]
    sets = [np.array(sorted(mode.minimum.x.tolist() for mode in fit.modes)) for fit in fits]
    for fit, found in zip(fits, sets, strict=True):
        assert found.shape == sets[0].shape
        assert np.abs(found - sets[0]).max() < 0.01  # of the ranges
        assert fit.best.chi2 == pytest.approx(fits[0].best.chi2, rel=1e-4)
        assert fit.std == pytest.approx(fits[0].std, rel=0.05)
        nearest = min(fit.modes, key=lambda mode: abs(mode.minimum.values[1] - ds))
        assert nearest.minimum.values[1] == pytest.approx(ds, abs=0.05)
        assert len({np.sign(mode.minimum.values[1]) for mode in fit.modes}) == signs
