"""``xreg calibrate`` fine-tunes a network, and keeps that where it is better."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xreg.core.data.spectra import Channel, Spectra
from xreg.core.model.transfer.calibrated import CalibratedModel
from xreg.core.model.transfer.instrument import Instrument
from xreg.registry.cards.model import _calibration
from xreg.registry.models import describe_model, find_model, load_model
from xreg.registry.stores.store import open_store
from xreg.registry.stores.writer import write_store
from xreg.workbench.run.recipe import load_recipe
from xreg.workbench.run.run import execute
from xreg_tests.commands import run

DONE = Instrument(0.8, 0.0, 20.0)


def made(water_store: Path, emulator: dict[str, object], out: Path) -> Path:
    content = {"dataset": str(water_store), "descriptor": "internal", "emulator": emulator}
    return execute(load_recipe(None, {**content, "analyses": {}}), out)


@pytest.fixture(scope="module")
def hasty(water_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that has learned next to nothing of what it could, so that more is to be had."""
    emulator = {"name": "mlp", "epochs": 4, "depth": 1, "width": 32, "ensemble": 2}
    return made(water_store, emulator, tmp_path_factory.mktemp("models") / "hasty")


@pytest.fixture(scope="module")
def ridge(water_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(water_store, {"name": "ridge"}, tmp_path_factory.mktemp("models") / "ridge")


@pytest.fixture(scope="module")
def measured(water_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty samples, as an instrument would show their spectra."""
    whole = open_store(water_store)
    part = whole.select(np.arange(60))
    channel = part.spectra["xes"]
    seen = np.asarray(channel.intensity) @ DONE.matrix(channel.grid).T
    spectra = Spectra({"xes": Channel(seen, channel.energy, (), "counts")})
    labels = {**part.labels, "half": np.where(np.arange(60) < 30, np.nan, 1.0)}
    part = replace(part, spectra=spectra, splits={}, labels=labels)
    return write_store(part, tmp_path_factory.mktemp("measured") / "seen.zarr")


WORDS = ["--set", "reach=2", "--set", "correct=false", "--set", "emulator.epochs=200"]


@pytest.fixture(scope="module")
def tuned(hasty: Path, measured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tuned") / "out"
    assert run("calibrate", hasty, measured, "-o", out, *WORDS) == 0
    return out


def test_from_fifty_spectra_on_the_better_of_both_is_kept(
    hasty: Path, measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("calibrate", hasty, measured, "-o", tmp_path / "out", *WORDS) == 0
    said = capsys.readouterr().out
    assert "behind the network fine-tuned on these spectra" in said
    assert "calibrated alone: misaligned by" in said
    assert said.count("(kept)") == 1
    facts = json.loads((tmp_path / "out" / "calibration.json").read_text())
    told = facts["fine_tuned"]
    assert told["kept"]
    assert told["settings"] == {"epochs": 200}
    both = told["held_out"]
    assert both["fine-tuned"] == facts["held_out"]
    assert both["fine-tuned"]["rms_after"] < 0.8 * both["calibrated alone"]["rms_after"]
    head = (tmp_path / "out" / "calibration.csv").read_text().splitlines()[0]
    assert head.endswith("rms calibrated alone,shift fine-tuned (eV),rms fine-tuned")


def test_a_fine_tuned_model_is_one_like_any_other(
    tuned: Path, hasty: Path, measured: Path, water_store: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    model, before = load_model(tuned), load_model(hasty)
    assert isinstance(model, CalibratedModel)
    assert model.target.unit == "counts"
    # Samples that neither fine-tuning nor its stopping has seen.
    rest = open_store(water_store).select(np.arange(60, 120))
    channel = rest.spectra["xes"]
    known = np.asarray(channel.intensity) @ DONE.matrix(channel.grid).T
    first = before.predict(rest.samples) @ DONE.matrix(channel.grid).T
    error = np.square(model.predict(rest.samples) - known).mean()
    assert error < 0.6 * np.square(first - known).mean()
    assert model.base.check is not None
    assert model.base.emulator.config.ensemble == 2
    assert model.base.emulator.config.epochs == 200
    rows = dict(describe_model(find_model(tuned)))
    start = f"{hasty.name} ({model.calibration.facts['fine_tuned']['start']['hash']})"
    assert rows["fine-tuned from"] == start
    assert rows["calibrated on"] == "60 spectra of water 1.0.0"
    assert "R² test, before calibration" in rows
    assert f"fine-tuning began with {start}" in _calibration(model)
    assert run("evaluate", tuned, measured, "-o", tmp_path / "judged") == 0
    assert "60 of the 60 samples calibrated the model" in capsys.readouterr().err
    assert run("models", "show", tuned) == 0
    assert run("calibrate", tuned, measured, "-o", tmp_path / "again") == 2


def test_what_is_learned_no_better_is_not_kept(
    hasty: Path, measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*WORDS[:4], "--set", "emulator.epochs=1", "--set", "emulator.learning_rate=1e-9"]
    assert run("calibrate", hasty, measured, "-o", tmp_path / "out", *words) == 0
    said = capsys.readouterr()
    assert "calibration alone, which is kept" in said.err
    assert "behind the network" not in said.out
    told = json.loads((tmp_path / "out" / "calibration.json").read_text())
    assert told["fine_tuned"]["kept"] is False
    assert "fine-tuned from" not in dict(describe_model(find_model(tmp_path / "out")))


def test_it_can_be_forbidden_and_forced(
    hasty: Path, measured: Path, water_store: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    words = ["--set", "reach=2"]
    out = tmp_path / "forbidden"
    assert run("calibrate", hasty, measured, "-o", out, "--no-fine-tune", *words) == 0
    assert "fine_tuned" not in json.loads((out / "calibration.json").read_text())
    few = tmp_path / "few.zarr"
    write_store(open_store(measured).select(np.arange(12)), few)
    assert run("calibrate", hasty, few, "-o", tmp_path / "unasked", *words) == 0
    told = json.loads((tmp_path / "unasked" / "calibration.json").read_text())
    assert "fine_tuned" not in told
    capsys.readouterr()
    assert run("calibrate", hasty, few, "-o", tmp_path / "forced", "--fine-tune", *words) == 0
    assert "  fine-tuned: misaligned by" in capsys.readouterr().out
    write_store(open_store(measured).select(np.arange(7)), tmp_path / "fewer.zarr")
    words += ["--fine-tune", "-o", tmp_path / "x"]
    assert run("calibrate", hasty, tmp_path / "fewer.zarr", *words) == 2
    assert "7 spectra of 7 group(s) are too few to fine-tune" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--no-fine-tune"], []])
def test_settings_of_no_training_are_refused(
    words: list[str], hasty: Path, measured: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    few = tmp_path / "few.zarr"
    write_store(open_store(measured).select(np.arange(12)), few)
    words = [*words, "--set", "emulator.epochs=3", "-o", str(tmp_path / "x")]
    assert run("calibrate", hasty, few, *words) == 2
    assert "'emulator' has settings for fine-tuning" in capsys.readouterr().err


def test_an_emulator_without_weights_is_told_so(
    ridge: Path, measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("calibrate", ridge, measured, "-o", tmp_path / "out", "--set", "reach=2") == 0
    assert (
        "emulator 'ridge' is not trained from first weights; calibration alone"
        in capsys.readouterr().err
    )
    assert run("calibrate", ridge, measured, "-o", tmp_path / "x", "--fine-tune") == 2
    assert "cannot start from a trained model" in capsys.readouterr().err


def test_unknown_settings_are_refused(
    hasty: Path, measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-o", tmp_path / "x", "--set", "emulator.epoch=3"]
    assert run("calibrate", hasty, measured, *words) == 2
    assert "did you mean 'epochs'" in capsys.readouterr().err
    words = ["-o", tmp_path / "x", "--set", "emulator.width=64"]
    assert run("calibrate", hasty, measured, *words) == 2
    assert "'width: 32', which cannot become 64" in capsys.readouterr().err


def test_samples_without_a_group_are_refused(
    ridge: Path, measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-o", tmp_path / "x", "--group", "half", "--set", "reach=2"]
    assert run("calibrate", ridge, measured, *words) == 2
    assert "30 of 60 samples have no group" in capsys.readouterr().err


@pytest.mark.parametrize(
    "method",
    [
        {"emulator": {"name": "graph", "epochs": 1}},
        {"descriptor": ["internal", "coulomb"], "emulator": {"name": "mlp", "epochs": 1}},
    ],
    ids=["of samples", "of several descriptors"],
)
def test_whatever_can_start_is_fine_tuned(
    method: dict[str, object], water_store: Path, measured: Path, tmp_path: Path
) -> None:
    recipe = load_recipe(None, {"dataset": str(water_store), **method, "analyses": {}})
    model = execute(recipe, tmp_path / "model")
    few = tmp_path / "few.zarr"
    write_store(open_store(measured).select(np.arange(12)), few)
    words = ["--fine-tune", "--set", "reach=2", "--set", "emulator.epochs=60"]
    assert run("calibrate", model, few, "-o", tmp_path / "out", *words) == 0
    found = load_model(tmp_path / "out")
    assert isinstance(found, CalibratedModel)
    assert "fine_tuned" in found.calibration.facts
    samples = open_store(few).samples
    assert found.predict(samples).shape == (12, len(found.target.grid))
