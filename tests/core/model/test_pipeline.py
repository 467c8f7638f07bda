"""Pipeline and model of tiny methods: what they learn, refuse, save and read back."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.build import molecule

from xreg.core import progress
from xreg.core.data.samples import Parameters, Structures
from xreg.core.errors import (
    CorruptError,
    DataError,
    NotFittedError,
    PluginError,
    SampleError,
    UnknownNameError,
)
from xreg.core.interfaces import Component, FeatureLabel
from xreg.core.model.domain import Domain, Target
from xreg.core.model.features import build_features
from xreg.core.model.filters import FeatureFilter
from xreg.core.model.model import Model
from xreg.core.model.pipeline import Pipeline
from xreg.core.model.preprocessing import Preprocessing
from xreg.core.model.saved import SavedModel
from xreg.plugins.pca.pca import PCA
from xreg_tests.models import Distances, FirstAxis, Linear, OnSamples

METHODS: dict[str, type[Component]] = {m.name: m for m in (Distances, Linear, OnSamples, FirstAxis)}


TARGET = Target("xes", np.linspace(500.0, 510.0, 5))


def find(kind: str, name: str) -> type[Component]:
    return METHODS[name]


def waters(n: int, seed: int = 0) -> Structures:
    rng = np.random.default_rng(seed)
    frames = [molecule("H2O") for _ in range(n)]
    for frame in frames:
        frame.positions += 0.1 * rng.normal(size=(3, 3))
    return Structures.from_atoms(frames, ids=[f"w{seed}-{i}" for i in range(n)])


def spectra_of(samples: Structures) -> np.ndarray:
    r = Distances().transform(samples)
    return 100 + r @ np.array([[1.0, 2, 0, -1, 3], [0, 1, 1, 2, -2]])


@pytest.fixture
def fitted() -> Model:
    samples = waters(20)
    pipeline = Pipeline(Linear(), Distances(), {"axis": FirstAxis()})
    return pipeline.fit(samples, spectra_of(samples), TARGET)


def test_a_linear_world_is_predicted_exactly_in_its_own_units(fitted):
    new = waters(7, seed=1)
    np.testing.assert_allclose(fitted.predict(new), spectra_of(new), rtol=1e-9)


@pytest.mark.parametrize("scaling", ["none", "global", "channel"])
def test_target_scaling_is_undone_in_mean_and_spread(scaling):
    samples = waters(20)
    pipeline = Pipeline(Linear(), Distances(), preprocessing=Preprocessing(targets=scaling))
    model = pipeline.fit(samples, spectra_of(samples), TARGET)
    mean, std = model.predict(samples, return_std=True)
    np.testing.assert_allclose(mean, spectra_of(samples), rtol=1e-9)
    np.testing.assert_allclose(std, np.tile(0.5 * model.target_scaler.scaler.scale, (20, 1)))


def test_scalers_see_training_data_only():
    train, held = waters(20), waters(20, seed=1)
    pipeline = Pipeline(Linear(), Distances())
    alone = pipeline.fit(train, spectra_of(train), TARGET)
    further = (held, spectra_of(held) + 1e3)
    beside = pipeline.fit(train, spectra_of(train), TARGET, validation=further)
    np.testing.assert_array_equal(
        alone.features.scaling.scaler.mean, beside.features.scaling.scaler.mean
    )
    np.testing.assert_array_equal(alone.target_scaler.scaler.mean, beside.target_scaler.scaler.mean)
    assert beside.emulator.had_validation_
    assert not alone.emulator.had_validation_


def test_a_filter_is_fitted_on_training_data_and_all_steps_see_its_columns(tmp_path):
    train, new = waters(20), waters(7, seed=1)

    class Doubled(Distances):
        def transform(self, samples: Any) -> np.ndarray:
            X = super().transform(samples)
            return np.c_[X[:, 0], 2 * X[:, 0], X[:, 1]]

        @property
        def feature_labels(self) -> list[FeatureLabel]:
            return [FeatureLabel("r1"), FeatureLabel("twice r1"), FeatureLabel("r2")]

    model = Pipeline(
        Linear(),
        Doubled(),
        {"axis": FirstAxis()},
        Preprocessing(FeatureFilter(correlation=0.999)),
    ).fit(train, spectra_of(train), TARGET)
    assert [label.name for label in model.feature_labels] == ["r1", "r2"]
    assert model.inputs(new).shape == (7, 2)
    assert model.decomposers["axis"].components_.shape == (2, 2)
    np.testing.assert_allclose(model.predict(new), spectra_of(new), rtol=1e-9)
    model.save(tmp_path / "m")
    again = Model.load(tmp_path / "m", lambda k, n: Doubled if k == "descriptor" else find(k, n))
    assert again.preprocessing.filter == FeatureFilter(correlation=0.999)
    assert again.features.scaling.kept.follows == {1: 0}
    np.testing.assert_array_equal(again.predict(new), model.predict(new))


def test_an_emulator_may_take_samples_themselves():
    samples = waters(20)
    model = Pipeline(OnSamples()).fit(samples, spectra_of(samples), TARGET)
    np.testing.assert_allclose(model.predict(samples[:2])[0], spectra_of(samples).mean(0))
    with pytest.raises(DataError, match="no predictive spread"):
        model.predict(samples, return_std=True)
    assert model.descriptor is None
    assert model.feature_labels == []
    with pytest.raises(DataError, match="'on-samples' takes no features"):
        _ = model.features


def test_steps_must_fit_together():
    with pytest.raises(DataError, match="takes features, so the pipeline needs a descriptor"):
        Pipeline(Linear())
    with pytest.raises(DataError, match="takes samples, so the pipeline must have no descriptor"):
        Pipeline(OnSamples(), Distances())
    with pytest.raises(DataError, match="needs features"):
        Pipeline(OnSamples(), None, {"axis": FirstAxis()})


def test_a_decomposer_sees_what_the_emulator_sees(fitted):
    samples = waters(20)
    covered = fitted.decomposers["axis"].covered_variance(
        fitted.inputs(samples), fitted.target_scaler.transform(spectra_of(samples))
    )
    assert covered[0] < covered[1] == pytest.approx(1)


def test_too_many_directions_are_refused_before_the_emulator_is_trained():
    class Untrained(Linear):
        def _fit(self, X: Any, Y: Any, validation: Any) -> None:
            raise AssertionError("training has begun")

    samples = waters(20)
    pipeline = Pipeline(Untrained(), Distances(), {"pca": PCA(rank=3)})
    with pytest.raises(DataError, match="'pca' cannot find 3 directions among 2 features of 20"):
        pipeline.fit(samples, spectra_of(samples), TARGET)


def test_fit_leaves_the_pipeline_and_earlier_models_as_they_are():
    """It fits clones, as scikit-learn's meta-estimators do."""
    train, other = waters(20), waters(20, seed=1)
    pipeline = Pipeline(Linear(), Distances(power=2), {"axis": FirstAxis()})
    first = pipeline.fit(train, spectra_of(train), TARGET)
    before = first.predict(other)
    second = pipeline.fit(other, spectra_of(other) + 1, TARGET)
    np.testing.assert_array_equal(first.predict(other), before)
    assert np.abs(second.predict(other) - before).max() > 0.5
    for step in (pipeline.emulator, *pipeline.decomposers.values()):
        assert not step.__sklearn_is_fitted__()
    assert pipeline.emulator.zero_intensity is None
    assert second.descriptor.config.power == 2
    for one, another in zip(first.steps.values(), second.steps.values(), strict=True):
        assert one is not another
    assert second.decomposers["axis"].emulator is second.emulator


def test_fit_says_what_it_is_at():
    samples, seen = waters(20), []
    pipeline = Pipeline(Linear(), Distances(), {"axis": FirstAxis()})

    @contextmanager
    def stage(name):
        seen.append(name)
        yield
        seen.append("done")

    pipeline.fit(samples, spectra_of(samples), TARGET, stage=stage)
    assert seen == ["emulator linear", "done", "decomposer axis", "done"]


# The domain ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "absorber", "reason"),
    [
        ("H2O", 1, r"has H as absorber; the model was trained on O sites"),
        ("SH2", 0, r"contains S, which the model never saw; it knows H, O"),
    ],
)
def test_a_sample_outside_the_domain_is_refused_by_name(fitted, formula, absorber, reason):
    strange = Structures.from_atoms([molecule(formula)], absorber=absorber, ids=["strange"])
    with pytest.raises(SampleError, match=rf"sample 'strange' {reason}"):
        fitted.predict(strange)


def test_another_kind_of_sample_is_refused(fitted):
    table = Parameters(["p"], np.zeros((1, 1)), ("10Dq",), ("eV",))
    with pytest.raises(DataError, match="trained on structures, not on parameters"):
        fitted.predict(table)
    domain = Domain.of(table)
    domain.require(table)
    with pytest.raises(DataError, match="needs the parameters 10Dq, in this order; got Ds"):
        domain.require(Parameters(["p"], np.zeros((1, 1)), ("Ds",), ("eV",)))
    with pytest.raises(DataError, match="takes structures, but the samples are parameters"):
        build_features(Distances(), table)
    with pytest.raises(DataError, match="takes structures, but the samples are parameters"):
        Pipeline(Linear(), Distances()).fit(table, np.zeros((1, 2)), fitted.target)


def test_the_domain_of_parameters_knows_units_and_ranges(tmp_path):
    values = np.random.default_rng(0).uniform((0.0, 1.0), (0.2, 1000.0), (30, 2))
    table = Parameters([str(i) for i in range(30)], values, ("Dq", "T"), ("eV", "K"))
    domain = Domain.of(table)
    assert domain.units == ("eV", "K")
    assert domain.ranges == tuple(zip(values.min(0), values.max(0), strict=True))
    target = Target("xas", np.arange(2.0))
    Pipeline(OnSamples()).fit(table, values, target).save(tmp_path / "m")
    assert Model.load(tmp_path / "m", find).domain == domain


def test_no_decomposer_predicts_without_an_emulator():
    with pytest.raises(NotFittedError):
        FirstAxis().fit(np.eye(2), np.eye(2)).predict(np.eye(2))


# Features -----------------------------------------------------------------------------------------


class Wrong(Distances):
    name = "wrong"

    def transform(self, samples: Any) -> np.ndarray:
        return super().transform(samples)[:, :1]


class Holes(Distances):
    name = "holes"

    def transform(self, samples: Any) -> np.ndarray:
        features = super().transform(samples)
        features[samples.ids == "w0-5"] = np.nan
        return features


def test_features_come_in_batches_and_report_progress():
    told: list[tuple[str, float, float]] = []
    samples = waters(10)
    with progress.listen(lambda task, done, total, remark: told.append((task, done, total))):
        features = build_features(Distances(), samples, batch=4)
    np.testing.assert_array_equal(features, Distances().transform(samples))
    assert told == [("features", 4, 10), ("features", 8, 10), ("features", 10, 10)]


def test_a_plugin_with_a_wrong_shape_or_holes_is_named():
    with pytest.raises(PluginError, match=r"'wrong' returned .* \(4, 1\) for 4 samples and 2"):
        build_features(Wrong(), waters(10), batch=4)
    with pytest.raises(SampleError, match=r"'holes' .* not finite for sample 'w0-5'"):
        build_features(Holes(), waters(10), batch=4)


def test_bad_training_data_are_refused_by_row():
    X, Y = np.ones((4, 2)), np.ones((4, 3))
    bad = Y.copy()
    bad[2, 1] = np.nan
    with pytest.raises(DataError, match="target row 2 is not finite"):
        Linear().fit(X, bad)
    with pytest.raises(DataError, match="feature row 2 is not finite"):
        Linear().fit(bad, Y)
    with pytest.raises(DataError, match="4 inputs do not match 3 targets"):
        Linear().fit(X, Y[:3])
    with pytest.raises(DataError, match=r"must be a matrix; got an array of shape \(4,\)"):
        Linear().fit(X[:, 0], Y)
    with pytest.raises(DataError, match="trained on 2 features and got 3"):
        Linear().fit(X, Y).predict(np.ones((1, 3)))


# Saving -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pipeline", [Pipeline(OnSamples()), Pipeline(Linear(), Distances(power=2))]
)
def test_a_saved_model_predicts_the_same(tmp_path, pipeline):
    samples = waters(20)
    model = pipeline.fit(samples, spectra_of(samples), TARGET)
    model.save(tmp_path / "m")
    again = Model.load(tmp_path / "m", find)
    np.testing.assert_array_equal(again.predict(samples), model.predict(samples))
    assert again.domain == model.domain
    np.testing.assert_array_equal(again.target.energy, TARGET.energy)
    assert again.preprocessing == Preprocessing(FeatureFilter(), "standard", "global")
    assert repr(again.descriptor) == repr(model.descriptor)


def test_decomposers_come_back_with_their_emulator(tmp_path, fitted):
    fitted.save(tmp_path / "m")
    axis = Model.load(tmp_path / "m", find).decomposers["axis"]
    X = fitted.inputs(waters(3))
    np.testing.assert_array_equal(axis.predict(X), fitted.decomposers["axis"].predict(X))


def test_every_file_of_a_model_is_guarded(tmp_path, fitted):
    fitted.save(tmp_path / "m")
    files = [path for path in (tmp_path / "m").rglob("*") if path.is_file()]
    assert len(files) == 8
    for path in files:
        good = path.read_bytes()
        path.write_bytes(good[:-2] + bytes([good[-2] ^ 1]) + good[-1:])
        with pytest.raises(CorruptError):
            Model.load(tmp_path / "m", find)
        path.unlink()
        with pytest.raises(CorruptError, match="missing"):
            Model.load(tmp_path / "m", find)
        path.write_bytes(good)
    Model.load(tmp_path / "m", find)


def test_a_step_of_another_model_is_noticed(tmp_path, fitted):
    fitted.save(tmp_path / "m")
    other = waters(20, seed=3)
    Pipeline(Linear(), Distances()).fit(other, spectra_of(other), TARGET).save(tmp_path / "o")
    for name in ("component.json", "arrays.safetensors"):
        (tmp_path / "o" / "emulator" / name).replace(tmp_path / "m" / "emulator" / name)
    with pytest.raises(CorruptError, match="does not belong to this model"):
        Model.load(tmp_path / "m", find)


def test_a_component_is_no_model_and_no_other_component(tmp_path):
    Distances(power=3).save(tmp_path / "d")
    assert Distances.load(tmp_path / "d").config.power == 3
    with pytest.raises(DataError, match="holds descriptor 'distances', not emulator 'linear'"):
        Linear.load(tmp_path / "d")
    with pytest.raises(DataError, match="holds no model but a descriptor"):
        Model.load(tmp_path / "d", find)


def test_nothing_but_json_and_safetensors_is_written(tmp_path, fitted):
    fitted.save(tmp_path / "m")
    for path in (tmp_path / "m").rglob("*.*"):
        assert path.suffix in (".json", ".safetensors")
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))


def test_half_of_a_surrogate_pair_in_a_saved_model_is_told() -> None:
    """As a kind it comes into the words of a validator, which pydantic cannot hand on."""
    ridge = Path(__file__).parents[2] / "artefacts" / "e23b448" / "models" / "ridge"
    meta = json.loads((ridge / "component.json").read_text())
    meta.pop("digest")
    assert SavedModel.of(meta, Path("m")).steps["emulator"] == ("emulator", "ridge")
    for kind, told in (("odd", "has a odd as emulator"), ("\ud800", "no valid Unicode")):
        meta["steps"]["emulator"] = [kind, "ridge"]
        with pytest.raises(CorruptError, match=told):
            SavedModel.of(meta, Path("m"))


def test_a_decomposer_predicts_in_place_of_the_emulator(fitted):
    samples = waters(20, seed=3)
    seen = fitted.through("axis")
    inputs = fitted.inputs(samples)
    want = fitted.target_scaler.inverse_transform(fitted.decomposers["axis"].predict(inputs))
    np.testing.assert_array_equal(seen.predict(samples), want)
    assert seen.trust is None
    with pytest.raises(UnknownNameError, match=r"no decomposer 'axes' .did you mean 'axis'"):
        fitted.through("axes")
