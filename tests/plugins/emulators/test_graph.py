"""The emulator ``graph`` on structures whose spectra are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import eval_legendre

from xreg.core.data.samples import Structures
from xreg.core.emulators.surroundings import describe
from xreg.core.errors import ConfigError, DataError, SampleError
from xreg.core.metrics import covered_variance
from xreg.core.model.domain import Target
from xreg.core.model.model import Model
from xreg.core.model.pipeline import Pipeline
from xreg.core.model.preprocessing import Preprocessing
from xreg.core.testing import EmulatorSuite, clusters, crystals, parameters, waters
from xreg.plugins.graph.graph import Graph
from xreg.plugins.graph.network import harmonics

SMALL = {
    "cutoff": 4.0,
    "radial": 5,
    "l_max": 2,
    "messages": 4,
    "depth": 1,
    "width": 32,
    "dropout": 0.0,
    "batch": 10,
    "epochs": 15,
    "learning_rate": 0.01,
}


class TestGraph(EmulatorSuite):
    component = Graph
    settings = SMALL
    tolerance = 1e-4


class TestGraphOfCrystals(EmulatorSuite):
    component = Graph
    settings = {**SMALL, "ensemble": 2, "registration": 6, "dropout": 0.05}
    tolerance = 1e-4
    waive = {
        "sklearn": "covered with molecules",
        "bounds": "covered with molecules",
        "target_shapes": "one channel has no shift; covered with molecules",
        "refit": "one channel has no shift; covered with molecules",
    }

    def data(self):
        samples = crystals(24)
        return samples, edges(samples)


def edges(samples, channels=30):
    """Edges that stand where the volume puts them, with a line as high as the first shell is near.

    The absorber is the middle of its octahedron only on average, so each spectrum is its own.
    """
    volume = np.abs(np.linalg.det(samples.cell))
    place = 12 + 12 * (volume / volume.mean() - 1)
    x = np.arange(channels) - place[:, None]
    return 1 / (1 + np.exp(-x)) + 0.5 * np.exp(-((x - 6) ** 2) / 8)


def test_registration_predicts_edges_that_move():
    samples = crystals(80, seed=3)
    Y = edges(samples)
    model = Graph(**{**SMALL, "epochs": 40}, registration=6, early_stopping=False)
    model.fit(samples[:60], Y[:60])
    assert covered_variance(Y[60:], model.predict(samples[60:])) > 0.8


def test_registration_needs_the_mean():
    samples = crystals(24)
    Y = edges(samples)
    with pytest.raises(ConfigError, match="scaling: none"):
        Graph(**SMALL, registration=6).fit(samples, Y - Y.mean(axis=0))


def test_supercell_is_the_same_crystal():
    samples = crystals(20)
    model = Graph(**SMALL).fit(samples, edges(samples))
    one = samples[0].to_atoms()
    many = Structures.from_atoms([one * (2, 1, 1), one * (1, 2, 2)], samples[0].absorber)
    want = model.predict(samples[:1])
    np.testing.assert_allclose(model.predict(many), np.repeat(want, 2, axis=0), atol=1e-4)


def test_sites_of_one_crystal_share_its_atoms():
    crystal = crystals(1)
    atoms = crystal[0].to_atoms()
    sites = Structures.from_atoms([atoms] * 3, [0, 3, 5])
    found = describe(sites, np.array([11, 17]), 4.0)
    assert len(found.atoms) == 8
    np.testing.assert_array_equal(found.absorber, [0, 3, 5])


def test_harmonics_obey_the_addition_theorem():
    vectors = np.random.default_rng(0).normal(size=(2, 50, 3))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    first, second = (harmonics(v, 6).astype(float) for v in vectors)
    cosine = (vectors[0] * vectors[1]).sum(-1)
    for degree in range(7):
        part = slice(degree**2, (degree + 1) ** 2)
        want = (2 * degree + 1) * eval_legendre(degree, cosine)
        np.testing.assert_allclose((first[:, part] * second[:, part]).sum(-1), want, atol=1e-5)


def test_same_answer_alone_and_beside_larger_structures():
    samples = clusters(12)
    Y = np.random.default_rng(0).normal(size=(12, 3))
    model = Graph(**{**SMALL, "epochs": 2}, early_stopping=False).fit(samples, Y)
    alone = np.concatenate([model.predict(samples[i : i + 1]) for i in range(12)])
    np.testing.assert_allclose(model.predict(samples), alone, atol=1e-5)


def test_isolated_absorber_is_refused():
    samples = waters(20)
    positions = np.array(samples.positions)
    positions[samples.offsets[3]] += 50.0
    lonely = Structures(samples.ids, samples.numbers, positions, samples.offsets, samples.absorber)
    with pytest.raises(SampleError, match=r"'water-3' has no atom within 4 Å of its absorber"):
        Graph(**SMALL).fit(lonely, np.ones((20, 2)))


def test_atoms_too_close_are_refused():
    samples = waters(20)
    positions = np.array(samples.positions)
    positions[samples.offsets[3] + 1] = positions[samples.offsets[3]] + [0.1, 0, 0]
    crushed = Structures(samples.ids, samples.numbers, positions, samples.offsets, samples.absorber)
    with pytest.raises(SampleError, match=r"'water-3': atoms 0 and 1 are 0.10 Å apart"):
        Graph(**SMALL).fit(crushed, np.ones((20, 2)))


def test_parameters_are_refused():
    with pytest.raises(DataError, match="takes structures, not parameters"):
        Graph(**SMALL).fit(parameters(20), np.ones((20, 2)))


def test_pipeline_without_descriptor(tmp_path):
    samples = crystals(24)
    Y = edges(samples)
    settings = {**SMALL, "registration": 6}
    pipeline = Pipeline(emulator=Graph(**settings), preprocessing=Preprocessing(targets="none"))
    target = Target("xas", np.arange(30.0))
    model = pipeline.fit(samples[:16], Y[:16], target, (samples[16:], Y[16:]))
    model.save(tmp_path / "model")
    again = Model.load(tmp_path / "model", lambda kind, name: Graph)
    assert again.descriptor is None
    np.testing.assert_array_equal(again.predict(samples), model.predict(samples))


def test_gradients_reach_every_weight():
    samples = clusters(10)
    model = Graph(**{**SMALL, "epochs": 1}, early_stopping=False)
    model.fit(samples, np.random.default_rng(0).normal(size=(10, 3)))
    network = model.networks_[0]
    sites = model._sites(describe(samples, model.species_, 4.0))
    network(sites, torch.arange(10))[0].square().sum().backward()
    silent = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert not silent
