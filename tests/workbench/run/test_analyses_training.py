"""Filters and the analyses that train anew, through a whole run."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from xreg.registry.models import load_model
from xreg.registry.stores.store import open_store
from xreg.workbench.run.recipe import load_recipe
from xreg.workbench.run.run import execute


def run(store: Path, out: Path, **changes: Any) -> Path:
    content = {"dataset": str(store), "descriptor": "wacsf", "emulator": "ridge"}
    return execute(load_recipe(None, content | changes), out)


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_filters_are_recorded_by_label_and_saved_with_the_model(
    water_store: Path, tmp_path: Path
) -> None:
    folder = run(
        water_store,
        tmp_path / "run",
        features={"variance": 1e-12, "correlation": 0.99},
        decomposers={"pca": None},
    )
    told = read(folder / "features.json")
    dropped = told["dropped_by_variance"] + [e["feature"] for e in told["dropped_by_correlation"]]
    assert told["described"] == 97 == len(told["kept"]) + len(dropped)
    assert set(told["constant"]) <= set(told["dropped_by_variance"])
    assert told["dropped_by_correlation"]
    assert read(folder / "summary.json")["samples"]["features"] == len(told["kept"])
    found = read(folder / "metrics.json")["analyses"]["feature-filter"]
    assert found["kept"] == len(told["kept"])
    with (folder / "analyses" / "feature-filter" / "dropped.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert sorted(row["feature"] for row in rows) == sorted(dropped)

    components = zarr.open_group(folder / "components.zarr", mode="r")
    assert components["features/name"][...].tolist() == told["kept"]
    assert components["pca/vectors"].shape[1] == len(told["kept"])

    model, samples = load_model(folder), open_store(water_store).samples
    assert [label.name for label in model.feature_labels] == told["kept"]
    raw = model.descriptor.transform(samples[np.isin(samples.ids, splits(folder)["train"])])
    names = [label.name for label in model.descriptor.feature_labels]
    kept = raw[:, [names.index(name) for name in told["kept"]]]
    assert kept.var(axis=0).min() > 1e-12
    assert (np.abs(np.corrcoef(kept.T)) - np.eye(len(kept.T))).max() <= 0.99
    assert kept.shape[1] == len(told["kept"]) < 97


def splits(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "splits.npz") as stored:
        return dict(stored)


# Analyses that train anew -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def analysed(water_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with every analysis, small."""
    return run(
        water_store,
        tmp_path_factory.mktemp("runs") / "analysed",
        descriptor="internal",
        split={"group": "trajectory", "fractions": [0.5, 0.25, 0.25]},
        analyses={
            "relative-error": {},
            "peaks": {},
            "importance": {"windows": [[520, 527], [527, 532]], "folds": 3},
            "cross-validation": {"folds": 3, "repeats": 2, "group": "trajectory"},
            "learning-curve": {"shares": [0.1, 1.0], "repeats": 2},
            "feature-selection": {"learner": "emulator"},
            "feature-share": {"shares": [0.3, 1.0], "repeats": 1},
        },
    )


def test_cross_validation_never_sees_the_test_part(analysed: Path, water_store: Path) -> None:
    """Its scores are those of scikit-learn's folds of the other parts, by the same ridge."""
    from sklearn.model_selection import GroupKFold

    from xreg.core.metrics import covered_variance
    from xreg.core.model.pipeline import Pipeline

    dataset, parts = open_store(water_store), splits(analysed)
    ids = dataset.samples.ids
    pool = np.flatnonzero(np.isin(ids, np.concatenate([parts["train"], parts["validation"]])))
    groups = dataset.label("trajectory")[pool]
    known = np.asarray(dataset.spectra["xes"].intensity, dtype=float)
    model = load_model(analysed)
    expected = []
    for repeat in range(2):
        for train, held in GroupKFold(3, shuffle=True, random_state=repeat).split(
            pool, None, groups
        ):
            pipeline = Pipeline(type(model.emulator)(model.emulator.config), model.descriptor)
            fresh = pipeline.fit(dataset.samples[pool[train]], known[pool[train]], model.target)
            guess = fresh.predict(dataset.samples[pool[held]])
            expected.append(covered_variance(known[pool[held]], guess))
    found = read(analysed / "metrics.json")["analyses"]["cross-validation"]
    np.testing.assert_allclose(np.ravel(found["held_out"]["r2"]["values"]), expected, rtol=1e-6)
    assert found["held_out"]["r2"]["mean"] == pytest.approx(np.mean(expected))
    assert found["held_out"]["r2"]["std_folds"] == pytest.approx(np.std(expected))
    metrics = read(analysed / "metrics.json")
    wanted = {"r2", "rmse", "r2_standardised", "sample_r2.median", "spectrum_error.median"}
    for part in ("train", "held_out"):
        assert wanted <= set(found[part])
    assert metrics["test"]["samples"] == 100


def test_each_energy_window_knows_its_own_features(analysed: Path) -> None:
    """The first line follows the longer bond alone, the second the angle (see conftest)."""
    found = read(analysed / "metrics.json")["analyses"]["importance"]["feature"]
    angle, long = "angle(H–O–H)", "r(O–H) long"
    early, late = "520–527 eV", "527–532 eV"
    assert found[long][early]["mean"] > 10 * abs(found[angle][early]["mean"])
    assert found[angle][late]["mean"] > 10 * abs(found[long][late]["mean"])
    for name in (angle, long):
        difference = found[name][early]["mean"] - found[name][late]["mean"]
        assert found[name]["difference"]["mean"] == pytest.approx(difference)
        assert found[name]["whole spectrum"]["std"] > 0


def test_curves_rise_and_end_at_the_model_itself(analysed: Path) -> None:
    metrics = read(analysed / "metrics.json")
    curve = metrics["analyses"]["learning-curve"]
    assert curve["spectra"] == [20, 200]
    assert curve["test"]["mean"][0] < curve["test"]["mean"][1]
    assert curve["test"]["mean"][1] == pytest.approx(metrics["test"]["r2"])
    share = metrics["analyses"]["feature-share"]
    assert share["features"] == [1, 3]
    assert share["test"]["mean"][1] == pytest.approx(metrics["test"]["r2"])
    assert share["test"]["mean"][0] < share["test"]["mean"][1]
    selection = metrics["analyses"]["feature-selection"]
    assert selection["forward"]["kept"] == [1, 2, 3]
    assert selection["backward"]["kept"] == [3, 2, 1]
    assert selection["forward"]["r2"][-1] == pytest.approx(selection["backward"]["r2"][0])


def test_processes_change_no_number(
    analysed: Path, water_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xreg.core.analysis import retraining

    monkeypatch.setattr(retraining, "WORTHWHILE_SECONDS", -1.0)
    monkeypatch.setattr(retraining, "cores", lambda: 2)
    folder = run(
        water_store,
        tmp_path / "run",
        descriptor="internal",
        split={"group": "trajectory", "fractions": [0.5, 0.25, 0.25]},
        analyses={"learning-curve": {"shares": [0.1, 1.0], "repeats": 2}},
    )
    found, expected = (
        read(path / "metrics.json")["analyses"]["learning-curve"] for path in (folder, analysed)
    )
    assert found == expected


def test_all_findings_are_in_the_report_and_on_disk(analysed: Path) -> None:
    page = (analysed / "report.html").read_text()
    figures = {path.stem for path in (analysed / "figures").iterdir()}
    for name in read(analysed / "metrics.json")["analyses"]:
        assert f"Analysis: {name}" in page
        assert any(figure.startswith(name) for figure in figures), name
    energies = zarr.open_group(analysed / "analyses" / "peaks" / "arrays.zarr", mode="r")["energy"]
    assert energies.attrs["unit"] == "eV"
    assert np.abs(np.diff(energies[...], axis=1)).max() < 3


def test_the_example_asks_for_what_exists() -> None:
    from xreg.registry.plugins import host

    known = {installed.spec.name for installed in host().of_kind("analysis")}

    example = Path(__file__).parents[3] / "examples" / "xanes" / "analyses.yaml"
    recipe = load_recipe(example)
    assert recipe.analyses is not None
    assert set(recipe.analyses) <= known
    settings = {label: section.settings for label, section in recipe.analyses.items()}
    assert settings["cross-validation"] == {
        "folds": 5,
        "repeats": 5,
        "group": "material",
        "seed": 0,
    }


def test_an_emulator_of_samples_is_cross_validated_too(
    water_store: Path, tmp_path: Path, workplace: Path, odd_plugin: Path
) -> None:
    folder = run(
        water_store,
        tmp_path / "run",
        descriptor=None,
        emulator="dull",
        analyses={
            "cross-validation": {"folds": 4, "repeats": 1},
            "learning-curve": {"shares": [0.5, 1.0], "repeats": 1},
        },
    )
    found = read(folder / "metrics.json")["analyses"]
    # It predicts the mean spectrum of the training rows: nothing of the variance is covered.
    assert found["cross-validation"]["train"]["r2"]["mean"] == pytest.approx(0, abs=1e-12)
    assert -0.1 < found["cross-validation"]["held_out"]["r2"]["mean"] < 0
    assert found["learning-curve"]["spectra"] == [160, 320]
    assert not (folder / "features.json").exists()


@pytest.mark.parametrize(
    ("analysis", "reason"),
    [
        ({"name": "cross-validation", "group": "trajectry"}, "did you mean 'trajectory'"),
        ({"name": "peaks", "window": [600, 700]}, "window 600–700 eV holds 0 energies"),
        ({"name": "importance", "folds": 1}, "'folds' must be 0 or at least 2"),
        ({"name": "peaks", "window": [530, 520]}, "'window' must rise"),
    ],
)
def test_what_the_data_lack_is_refused_before_training(
    water_store: Path, tmp_path: Path, analysis: dict[str, Any], reason: str, odd_plugin: Path
) -> None:
    from xreg.core.errors import XregError

    failing = {"name": "dull", "fail": True}  # would fail the run if it were trained
    with pytest.raises(XregError, match=reason):
        run(
            water_store,
            tmp_path / "run",
            descriptor=None,
            emulator=failing,
            analyses={analysis["name"]: analysis},
        )


def test_what_only_the_features_forbid_costs_no_model(water_store: Path, tmp_path: Path) -> None:
    asked = {"learner": "emulator", "most_trainings": 8}
    analyses = {"feature-selection": asked}
    folder = run(water_store, tmp_path / "run", descriptor="internal", analyses=analyses)
    load_model(folder)
    told = "Analysis 'feature-selection' was left out: "
    (remark,) = [one for one in read(folder / "summary.json")["remarks"] if told in one]
    assert "one step takes 9 trainings; raise 'most_trainings'" in remark
    assert not read(folder / "metrics.json")["analyses"]


def test_a_window_without_energies_is_refused(water_store: Path, tmp_path: Path) -> None:
    from xreg.core.errors import DataError

    analyses = {"importance": {"windows": [[520, 525], [1, 2]]}}
    with pytest.raises(DataError, match="window 1–2 eV holds 0"):
        run(water_store, tmp_path / "run", descriptor="internal", analyses=analyses)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"correlation": 1.0}, "features.correlation"),
        ({"variance": -1}, "features.variance"),
        ({"correlaton": 0.9}, "did you mean 'correlation'"),
    ],
)
def test_bad_thresholds_are_named(water_store: Path, bad: dict[str, Any], reason: str) -> None:
    from xreg.core.errors import ConfigError

    with pytest.raises(ConfigError, match=reason):
        load_recipe(None, {"dataset": str(water_store), "emulator": "ridge", "features": bad})


def test_an_analysis_that_turns_out_not_to_apply_does_not_cost_the_model(
    water_store: Path, tmp_path: Path
) -> None:
    """Only after training is it known that no feature was dropped."""
    folder = run(
        water_store,
        tmp_path / "run",
        descriptor="internal",
        analyses={"feature-filter": None, "trust": None},
    )
    load_model(folder)
    assert list(read(folder / "metrics.json")["analyses"]) == ["trust"]
    told = "Analysis 'feature-filter' was left out: no feature was dropped and none is constant."
    assert told in read(folder / "summary.json")["remarks"]
    assert "feature-filter&#39; was left out" in (folder / "report.html").read_text("utf-8")
