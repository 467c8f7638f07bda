"""Shape and shift apart, by a Gaussian process on features of several descriptors."""

from __future__ import annotations

import numpy as np
import pytest

from xreg.core.emulators.registration import put_back
from xreg.core.errors import ConfigError
from xreg.core.metrics import covered_variance
from xreg.plugins.gp.on_features import GPFeatures

CHANNELS = np.arange(40.0)
REACH = 8


def edges(X: np.ndarray) -> np.ndarray:
    """Return edges whose place follows the second feature, and whose line follows the first."""
    x = CHANNELS - 20 - 5 * X[:, 1:2]
    return 1 / (1 + np.exp(-3 * x)) + (0.5 + 0.2 * X[:, :1]) * np.exp(-((x - 6) ** 2) / 4)


@pytest.fixture(scope="module")
def fitted() -> tuple[GPFeatures, np.ndarray, np.ndarray]:
    X = np.random.default_rng(0).uniform(-1.5, 1.5, (260, 3))
    model = GPFeatures(registration=REACH)
    model.sources = ["line", "place", "noise"]
    return model.fit(X[:60], edges(X[:60])), X, edges(X)


def test_edges_that_move_are_predicted(fitted) -> None:
    model, X, Y = fitted
    assert covered_variance(Y[60:], model.predict(X[60:])) > 0.995


def test_shift_and_shape_weigh_blocks_each_in_its_own_way(fitted) -> None:
    model = fitted[0]
    shift, shape = model.shift_block_weights_, model.shape_block_weights_
    assert shift["place"] > 30 * shift["line"] > 0
    assert shape["line"] > 3 * shape["place"] > 0
    assert max(shift["noise"], shape["noise"]) < 0.05


def test_the_spectrum_is_the_mean_of_both_ways(fitted) -> None:
    model, X, _ = fitted

    def process(part: str) -> np.ndarray:
        scale = np.ones(3) if part == "" else getattr(model, f"{part}scale_")
        points = model.points_ * scale
        r = np.linalg.norm((X[60:] * model.scale_ * scale)[:, None] - points, axis=2) * np.sqrt(3)
        kernel = (1 + r) * np.exp(-r)
        return kernel @ getattr(model, f"{part}weights_") + getattr(model, f"{part}start_")

    registered = put_back(process("shape_"), process("shift_")[:, 0], REACH)
    want = (process("") + registered) / 2
    np.testing.assert_allclose(model.predict(X[60:]), want, atol=1e-8)


def test_it_predicts_as_before_when_read_again(fitted, tmp_path) -> None:
    model, X, _ = fitted
    model.save(tmp_path / "model")
    again = GPFeatures.load(tmp_path / "model")
    for got, want in zip(again.predict(X, True), model.predict(X, True), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)


def test_spectra_without_their_mean_are_refused() -> None:
    X = np.random.default_rng(1).normal(size=(30, 2))
    Y = edges(X)
    with pytest.raises(ConfigError, match="gp-features: registration needs spectra as they are"):
        GPFeatures(registration=REACH).fit(X, Y - Y.mean(axis=0))
