"""A plugin written for version 1.0 of the interface, with a component of each kind, still works."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xreg.core.interfaces import Curves
from xreg.core.interfaces.kinds import KINDS
from xreg.core.model.domain import Target
from xreg.core.model.model import Model
from xreg.core.model.pipeline import Pipeline
from xreg.core.readers.importing.log import ImportLog
from xreg.core.testing import waters
from xreg.core.testing.model import fitted_context
from xreg.registry.plugins import PluginHost


@pytest.fixture
def frozen(install) -> PluginHost:
    return install("1_0")


def test_it_has_each_kind(frozen: PluginHost) -> None:
    assert not frozen.broken
    # A kind that came after 1.0 has a frozen plugin of its own version.
    assert {i.spec.kind for i in frozen} == set(KINDS) - {"exporter"}


def test_a_model_is_trained_saved_and_loaded(frozen: PluginHost, tmp_path: Path) -> None:
    samples = waters(30)
    generator = frozen.build("generator", "frozen-lines", {})
    known = np.array([s.channels["xas"] for s in generator.generate_many(samples)])
    pipeline = Pipeline(
        frozen.build("emulator", "frozen-line", {}),
        frozen.build("descriptor", "frozen-distances", {"power": 2.0}),
        {"axes": frozen.build("decomposer", "frozen-axes", {"rank": 2})},
    )
    model = pipeline.fit(samples, known, Target("xas", generator.grids()["xas"]))
    predicted = model.predict(samples)
    assert np.corrcoef(predicted.ravel(), known.ravel())[0, 1] > 0.9
    # All axes together are the features: the last covered variance is the emulator's own.
    X, Y = model.inputs(samples), model.target_scaler.transform(known)
    covered = model.decomposers["axes"].covered_variance(X, Y)
    assert covered[1] == pytest.approx(model.emulator.score(X, Y))
    model.save(tmp_path / "model")
    again = Model.load(tmp_path / "model", frozen.load)
    np.testing.assert_allclose(again.predict(samples), predicted)


def test_a_step_is_applied(frozen: PluginHost) -> None:
    grid = np.arange(5.0)
    curves = Curves(grid, np.zeros(1), 2.0 * np.ones((1, 5)), np.array(["a"]), {})
    made = frozen.build("step", "frozen-power", {"power": 3}).apply(curves)
    assert made.intensity.tolist() == [[8.0] * 5]


def test_a_file_is_known_and_read(frozen: PluginHost, tmp_path: Path) -> None:
    file = tmp_path / "a.frozen"
    file.write_text("frozen 1.0\n1 2 3\n0.5 4 5 6\n0.7 7 8 9\n")
    importer = frozen.load("importer", "frozen-table")
    assert importer.sniff(file, file.read_bytes()) == 1
    first, second = importer().entries(file, ImportLog())
    assert (first.samples[0].values, second.samples[0].values) == ({"x": 0.5}, {"x": 0.7})
    assert second.curves["xas"].intensity.tolist() == [7, 8, 9]


def test_an_analysis_looks_at_a_model(frozen: PluginHost) -> None:
    context = fitted_context()
    found = frozen.load("analysis", "frozen-largest")().analyse(context)
    result = context.result
    assert found.metrics["largest"] == np.abs(result.predicted - result.known).max()
