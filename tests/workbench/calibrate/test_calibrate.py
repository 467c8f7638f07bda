"""``xreg calibrate``: its model predicts what was measured, and is taken wherever models are."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xreg.core import storage
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.errors import CorruptError
from xreg.core.model.model import Model
from xreg.core.model.transfer.calibrated import CalibratedModel
from xreg.core.model.transfer.instrument import Instrument
from xreg.registry.cards.model import _calibration
from xreg.registry.models import describe_model, find_model, load_model
from xreg.registry.stores.store import open_store
from xreg.registry.stores.writer import write_store
from xreg.workbench.run.recipe import load_recipe
from xreg.workbench.run.run import execute
from xreg_tests.commands import run

DONE = Instrument(0.8, 0.6, 20.0)


@pytest.fixture(scope="module")
def trained(water_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    content = {"dataset": str(water_store), "descriptor": "internal", "emulator": "ridge"}
    recipe = load_recipe(None, {**content, "analyses": {}})
    return execute(recipe, tmp_path_factory.mktemp("models") / "run")


@pytest.fixture(scope="module")
def measured(water_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty test samples, as an instrument would show their spectra."""
    whole = open_store(water_store)
    rows = np.flatnonzero(np.isin(whole.samples.ids, whole.splits["default"].test))[:20]
    part = whole.select(rows)
    channel = part.spectra["xes"]
    seen = np.asarray(channel.intensity) @ DONE.matrix(channel.grid).T
    spectra = Spectra({"xes": Channel(seen, channel.energy, (), "counts")})
    folder = tmp_path_factory.mktemp("measured")
    return write_store(replace(part, spectra=spectra, splits={}), folder / "seen.zarr")


@pytest.fixture(scope="module")
def calibrated(trained: Path, measured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("calibrated") / "out"
    words = ["--group", "trajectory", "--set", "reach=2", "--set", "correct=false"]
    assert run("calibrate", trained, measured, "-o", out, *words) == 0
    return out


def test_the_command_tells(
    trained: Path, measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("calibrate", trained, measured, "-o", tmp_path / "out", "--set", "reach=2") == 0
    said = capsys.readouterr().out
    assert "20 spectra of 20 groups: shift +0.8" in said
    assert "held-out groups: misaligned by 0.8" in said
    facts = json.loads((tmp_path / "out" / "calibration.json").read_text())
    assert facts["samples"] == 20
    assert facts["instrument"]["shift"] == pytest.approx(0.8, abs=0.1)
    assert (tmp_path / "out" / "figures" / "calibration.png").stat().st_size > 1000
    assert len((tmp_path / "out" / "calibration.csv").read_text().splitlines()) == 21


def test_it_predicts_what_was_measured(trained: Path, measured: Path, calibrated: Path) -> None:
    model, before, seen = load_model(calibrated), load_model(trained), open_store(measured)
    assert isinstance(model, CalibratedModel)
    known = np.asarray(seen.spectra["xes"].intensity)
    after = np.abs(model.predict(seen.samples) - known).mean()
    assert after < 0.2 * np.abs(before.predict(seen.samples) - known).mean()
    assert model.target.unit == "counts"
    assert model.trust is None
    assert before.changes() == model.changes()
    matrix, constant = model.calibration.affine(model.target.grid)
    np.testing.assert_allclose(
        model.predict(seen.samples), before.predict(seen.samples) @ matrix.T + constant
    )


def test_the_network_view_is_that_of_the_arrays(calibrated: Path) -> None:
    torch = pytest.importorskip("torch")
    transform = load_model(calibrated).target_scaler
    values = np.random.default_rng(0).normal(size=(3, transform.width))
    found = transform.torch_inverse()(torch.as_tensor(values)).numpy()
    np.testing.assert_allclose(found, transform.inverse_transform(values))


def test_models_are_taken_as_ever(
    calibrated: Path, measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("evaluate", calibrated, measured, "-o", tmp_path / "judged") == 0
    assert "20 of the 20 samples calibrated the model" in capsys.readouterr().err
    metrics = json.loads((tmp_path / "judged" / "metrics.json").read_text())
    assert metrics["all"]["r2"] > 0.9
    rows = dict(describe_model(find_model(calibrated)))
    assert rows["calibrated"].startswith("shift +0.8")
    assert "Calibrated on 20 spectra of water 1.0.0" in _calibration(load_model(calibrated))
    capsys.readouterr()
    assert run("calibrate", calibrated, measured, "-o", tmp_path / "again") == 2
    assert "is calibrated already" in capsys.readouterr().err
    assert not (tmp_path / "again").exists()


def test_another_label_is_named(
    trained: Path, measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-o", tmp_path / "out", "--group", "trajektory"]
    assert run("calibrate", trained, measured, *words) == 2
    assert "has no label 'trajektory' (did you mean 'trajectory'?)" in capsys.readouterr().err


def test_every_byte_counts(calibrated: Path, trained: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(calibrated / "model", copy)
    shutil.rmtree(copy / "base")
    other = load_model(trained)
    other.domain = replace(other.domain, elements=(1, 8, 9))
    other.save(copy / "base")
    with pytest.raises(CorruptError, match="does not belong to this calibration"):
        load_model(copy)
    meta = json.loads((calibrated / "model" / storage.META).read_text())
    for key in ("digest", "arrays", "format"):
        meta.pop(key)
    shutil.copytree(calibrated / "model" / "base", tmp_path / "odd" / "base")
    storage.write(tmp_path / "odd", {**meta, "instrument": {"shift": "far"}}, {})
    with pytest.raises(CorruptError, match="the file is damaged"):
        load_model(tmp_path / "odd")
    assert Model.steps_in(calibrated / "model" / "base")
