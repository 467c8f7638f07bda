"""A plugin written for version 1.2 of the interface still works: what that version added."""

from __future__ import annotations

import numpy as np
import pytest

from xreg.core.data.samples import ParameterSet
from xreg.core.errors import DataError, SampleError
from xreg.registry.plugins import PluginHost


@pytest.fixture
def frozen(install) -> PluginHost:
    return install("1_2")


def test_an_emulator_starts_from_another(frozen: PluginHost) -> None:
    assert not frozen.broken
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(30, 3)), rng.normal(size=(3, 2))
    trained = frozen.build("emulator", "frozen-line", {"steps": 500}).fit(X, X @ w)
    one = frozen.build("emulator", "frozen-line", {"steps": 1})
    anew = one.fit(X, X @ w).predict(X)
    one.start_from(trained)
    started = one.__sklearn_clone__().fit(X, X @ w).predict(X)
    assert np.abs(started - X @ w).max() < 1e-6 < np.abs(anew - X @ w).max()
    with pytest.raises(DataError, match="'bias: True', which cannot become False"):
        frozen.build("emulator", "frozen-line", {"bias": False}).start_from(trained)
    with pytest.raises(DataError, match="one of 3 features and got 2"):
        one.fit(X[:, :2], X @ w)


def test_a_generator_refuses_what_lies_outside(frozen: PluginHost) -> None:
    generator = frozen.build("generator", "frozen-within", {})
    assert generator.generate(ParameterSet("a", {"x": 1.0})).channels["xas"].argmax() == 10
    with pytest.raises(SampleError, match="x"):
        generator.generate(ParameterSet("b", {"x": 9.0}))
