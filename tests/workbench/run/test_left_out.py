"""Single samples of which a method says nothing: named, left out or refused; the rest goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xreg.cli.main import main
from xreg.core.data.samples import Structures
from xreg.core.data.spectra import Channel
from xreg.core.data.splits import Split
from xreg.core.errors import DataError, SampleError
from xreg.core.model.preprocessing import Preprocessing
from xreg.registry.models import load_model
from xreg.registry.stores.store import open_store
from xreg.registry.stores.writer import write_store
from xreg.workbench.run.estimate import estimate
from xreg.workbench.run.recipe import load_recipe
from xreg.workbench.run.run import execute
from xreg.workbench.search.candidates import Fold, cross_validate

GP = {"name": "gp", "cutoff": [4.0], "sigma": [0.4], "n_max": 2, "l_max": 1}


def waters(store: Path, folder: Path, spoilt: dict[str, Any]) -> tuple[Path, dict[str, list[str]]]:
    """Write 60 molecules, some of them with a hydrogen moved; return ids of each part too.

    ``spoilt`` tells by part where both hydrogens of its first molecule stand, in Å from oxygen.
    """
    whole = open_store(store)
    samples = whole.samples[:60]
    assert isinstance(samples, Structures)
    parts = {"train": samples.ids[:40], "validation": samples.ids[40:48], "test": samples.ids[48:]}
    positions = np.array(samples.positions)
    for part, far in spoilt.items():
        start = 3 * samples.ids.tolist().index(parts[part][0])
        positions[start + 1] = positions[start] + [far, 0, 0]
        positions[start + 2] = positions[start] + [0, far, 0]
    moved = Structures(samples.ids, samples.numbers, positions, samples.offsets, samples.absorber)
    channel = whole.spectra["xes"]
    made = replace(
        whole,
        samples=moved,
        spectra=type(whole.spectra)({"xes": Channel(channel.intensity[:60], channel.energy)}),
        labels={},
        label_units={},
        splits={"default": Split(**parts)},
    )
    found = {part: ids.tolist() for part, ids in parts.items()}
    return write_store(made, folder / "some" / "1.0.0.zarr"), found


def recipe(store: Path, **changes: Any) -> Any:
    return load_recipe(None, {"dataset": str(store), "emulator": GP, **changes})


def left_out(folder: Path) -> list[str]:
    summary = json.loads((folder / "summary.json").read_text())
    return [entry["id"] for entry in summary["samples"]["set_aside"]]


def test_a_lone_site_that_is_judged_is_left_out_and_named(
    water_store: Path, workplace: Path
) -> None:
    store, parts = waters(water_store, workplace, {"test": 30.0, "validation": 40.0})
    folder = execute(recipe(store), "run")
    gone = {parts["validation"][0], parts["test"][0]}
    assert set(left_out(folder)) == gone
    metrics = json.loads((folder / "metrics.json").read_text())
    assert [metrics[p]["samples"] for p in ("train", "validation", "test")] == [40, 7, 11]
    remarks = json.loads((folder / "summary.json").read_text())["remarks"]
    assert any("1 of 12 test samples" in r and "no atom within 4 Å" in r for r in remarks)


def test_what_is_trained_on_or_at_fault_is_refused_or_set_aside_as_asked(
    water_store: Path, workplace: Path
) -> None:
    store, parts = waters(water_store, workplace, {"train": 30.0, "test": 0.1})
    with pytest.raises(SampleError, match=r"no atom within 4 Å .*2 such samples; .*set-aside"):
        execute(recipe(store), "refused")
    folder = execute(recipe(store, bad="set-aside"), "run")
    assert set(left_out(folder)) == {parts["train"][0], parts["test"][0]}


def test_predict_names_the_site_and_predicts_the_others(
    water_store: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from ase import Atoms
    from ase.io import write

    store, _ = waters(water_store, workplace, {})
    model = execute(recipe(store), "run")
    bonds = [[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]]
    good = Atoms("OH2", bonds, info={"id": "good"})
    lone = Atoms("O", info={"id": "lone"})
    strange = Atoms("OHF", bonds, info={"id": "strange"})
    write("three.extxyz", [lone, good, strange], format="extxyz")

    def run(*flags: str) -> int:
        try:
            main(["predict", str(model), "three.extxyz", "-o", "out.csv", *flags])
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    assert run() == 2
    told = capsys.readouterr().err
    assert "2 of 3 samples cannot be predicted" in told
    assert "--bad set-aside" in told
    assert "sample 'lone' has no atom within 4 Å" in told
    assert "sample 'strange' contains F" in told
    assert not Path("out.csv").exists()
    assert run("--bad", "set-aside") == 0
    told = capsys.readouterr().err
    assert "'lone' has no atom" in told
    assert "'strange' contains F" in told
    assert Path("out.csv").read_text().splitlines()[0] == "energy (eV),good,good std"
    assert set(load_model(model).refusals(open_store(store).samples[:5])) == set()


def test_in_a_fold_of_a_search_single_samples_are_passed_over() -> None:
    from xreg.plugins.ridge.ridge import Ridge

    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2))
    Y = X @ rng.normal(size=(2, 5)) + 0.1 * rng.normal(size=(30, 5))
    fold = Fold(np.arange(20), np.arange(20, 24), np.arange(24, 30))
    spoilt = X.copy()
    spoilt[[3, 21, 25]] = np.nan
    plain = Preprocessing(targets="none")
    (score,) = cross_validate([Ridge()], spoilt, Y, [fold], plain)[0]
    few = Fold(np.delete(fold.train, 3), np.delete(fold.stop, 1), np.array([24, 26, 27, 28, 29]))
    model = Ridge()
    cross_validate([model], X, Y, [few], plain)
    seen = X[few.train]
    guess = model.predict((X[fold.held] - seen.mean(axis=0)) / seen.std(axis=0))
    guess[1] = Y[few.train].mean(axis=0)  # what nobody described
    wanted = 1 - np.sum((Y[fold.held] - guess) ** 2) / np.sum(
        (Y[fold.held] - Y[fold.held].mean(axis=0)) ** 2
    )
    assert score == pytest.approx(wanted, abs=1e-9)


def test_in_a_fold_of_a_search_a_lone_site_is_passed_over(
    water_store: Path, tmp_path: Path
) -> None:
    from xreg.plugins.gp.gp import GP as Process

    store, _ = waters(water_store, tmp_path, {"train": 30.0, "test": 30.0})
    data = open_store(store)
    Y = np.asarray(data.spectra["xes"].intensity, dtype=float)
    fold = Fold(np.arange(30), np.arange(30, 40), np.arange(40, 60))
    settings = {key: value for key, value in GP.items() if key != "name"}
    (score,) = cross_validate([Process(**settings)], data.samples[:], Y, [fold], Preprocessing())[0]
    assert 0.3 < score < 1


def test_what_a_descriptor_cannot_learn_from_is_refused_or_set_aside_as_asked(
    water_store: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xreg.plugins.internal.internal import Internal as Descriptor

    store, parts = waters(water_store, workplace, {})
    spoilt = [parts["train"][3], parts["train"][17]]
    plain = Descriptor.fit

    def fit(self: Any, samples: Any, y: Any = None) -> Any:
        if at := [name for name in samples.ids.tolist() if name in spoilt]:
            raise SampleError(f"sample '{at[0]}' teaches nothing.")
        return plain(self, samples, y)

    monkeypatch.setattr(Descriptor, "fit", fit)
    changes = {"descriptor": "internal", "emulator": "ridge"}
    with pytest.raises(SampleError, match=rf"'{spoilt[0]}' teaches nothing \(2 such samples; .*"):
        execute(recipe(store, **changes), "refused")
    folder = execute(recipe(store, **changes, bad="set-aside"), "run")
    assert left_out(folder) == spoilt
    metrics = json.loads((folder / "metrics.json").read_text())
    assert [metrics[p]["samples"] for p in ("train", "validation", "test")] == [38, 8, 12]
    found = estimate(recipe(store, **changes, bad="set-aside"))
    assert found.measured == 38


def test_what_nothing_can_be_trained_on_has_no_cost(water_store: Path, workplace: Path) -> None:
    store, _ = waters(water_store, workplace, {})
    cut = {"path": str(store), "frames": "40:"}
    with pytest.raises(DataError, match="fewer than two training samples remain"):
        estimate(load_recipe(None, {"dataset": cut, "descriptor": "internal", "emulator": "ridge"}))


def test_what_no_single_sample_is_guilty_of_ends_the_run(
    water_store: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xreg.plugins.internal.internal import Internal as Descriptor

    store, _ = waters(water_store, workplace, {})
    plain = Descriptor.fit

    def fit(self: Any, samples: Any, y: Any = None) -> Any:
        if len(samples) > 30:
            raise SampleError("too many of them.")
        return plain(self, samples, y)

    monkeypatch.setattr(Descriptor, "fit", fit)
    changes = {"descriptor": "internal", "emulator": "ridge", "bad": "set-aside"}
    with pytest.raises(SampleError, match="too many of them"):
        execute(recipe(store, **changes), "run")
