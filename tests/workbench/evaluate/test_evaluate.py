"""``xreg evaluate`` on real multiplet spectra: the numbers, what it warns of, what it refuses."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from xreg.cli.main import main
from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.grids import coarsen
from xreg.core.data.spectra import Channel, Spectrum
from xreg.core.data.splits import make_split
from xreg.core.errors import DataError, NotApplicableError, UnknownNameError, XregError
from xreg.core.model.domain import Target
from xreg.registry.plugins import host
from xreg.registry.stores.store import open_store
from xreg.registry.stores.writer import write_store
from xreg.workbench.arrays import read_predictions
from xreg.workbench.evaluate.comparison import on_grid
from xreg.workbench.evaluate.evaluate import evaluate
from xreg.workbench.evaluate.recipe import Evaluation
from xreg.workbench.recipes.load import load_one
from xreg.workbench.run.recipe import load_recipe
from xreg.workbench.run.run import execute


def spectra(space: str, count: int, seed: int) -> Dataset:
    """L2,3 spectra of Ni2+ with parameters drawn from a ready space."""
    generator = host().build("generator", "multiplet", {"points": 61})
    samples = generator.spaces()[space].sample(count, method="random", seed=seed, name=space)
    found = generator.generate_many(samples)
    return Dataset(
        samples,
        Spectrum.stack(found, generator.grids()),
        Metadata(name="ni", version="1.0.0"),
        splits={"default": make_split(samples.ids, (0.6, 0.2, 0.2))},
        labels={"space": np.full(count, space)},
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(spectra("published", 300, 0), tmp_path_factory.mktemp("ni") / "ni.zarr")


@pytest.fixture(scope="module")
def run(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    content = {
        "dataset": str(store),
        "descriptor": {"name": "polynomial", "degree": 2},
        "emulator": "ridge",
        "analyses": {},
    }
    return execute(load_recipe(None, content), tmp_path_factory.mktemp("runs") / "ni")


def test_the_part_of_the_run_scores_as_it_did_in_the_run(
    run: Path, store: Path, workplace: Path
) -> None:
    found = evaluate(question(run, store, part="test", analyses={"trust": None}), "out")
    assert not found.remarks
    before = json.loads((run / "metrics.json").read_text())["test"]
    for name in ("samples", "r2", "rmse", "spectrum_error"):
        assert found.metrics["test"][name] == before[name]
    stored, judged = (read_predictions(p / "predictions.zarr") for p in (run, found.folder))
    rows = stored["part"] == "test"
    np.testing.assert_array_equal(stored["ids"][rows], judged["ids"])
    np.testing.assert_allclose(stored["predicted"][rows], judged["predicted"], atol=1e-12)
    summary = json.loads((found.folder / "summary.json").read_text())
    assert summary["dataset"]["split"] == "that of the run"
    assert summary["model"]["trained_on_hash"] == summary["dataset"]["hash"]
    assert len(summary["model"]["hash"]) == 64
    assert summary["components"][0]["name"] == "polynomial"
    trust = read_predictions(found.folder / "analyses" / "trust" / "arrays.zarr")
    assert found.metrics["analyses"]["trust"]["outside"] == trust["outside"].sum()


def test_the_command_judges_an_extrapolation_with_every_analysis_of_an_l_edge(
    run: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_store(spectra("c4v", 60, 1), Path("c4v.zarr"))
    names = ("spectrum-error", "misfit", "correlations", "trust")
    flags = [text for name in names for text in ("--analysis", name)]
    flags += ["--set", "analyses.error-along.parameter=Dq"]
    flags += ["--set", "analyses.spectrum-error.worst=3"]
    with pytest.raises(SystemExit) as end:
        main(["evaluate", str(run), "c4v.zarr", "-o", "out", *flags])
    assert not end.value.code
    printed = capsys.readouterr()
    assert "all         R²" in printed.out
    metrics = json.loads(Path("out/metrics.json").read_text())
    assert list(metrics["analyses"]) == [*names, "error-along"]
    assert metrics["analyses"]["trust"]["outside"] == 60
    along = metrics["analyses"]["error-along"]
    assert along["start"] > -0.02  # it begins at the end nearer to the training samples
    with Path("out/analyses/spectrum-error/worst.csv").open(newline="") as stream:
        head, *worst = csv.reader(stream)
    error = [float(row[1]) for row in worst]
    assert head == ["sample", "spectrum error (%)"]
    assert len(error) == 3
    assert error == sorted(error, reverse=True)
    stored = read_predictions(Path("out/predictions.zarr"))
    row = stored["ids"].tolist().index(worst[0][0])
    known, guess = stored["known"][row], stored["predicted"][row]
    assert error[0] == pytest.approx(
        100 * np.abs(known - guess).sum() / np.abs(known + guess).sum()
    )
    page = Path("out/report.html").read_text()
    assert page.count("data:image/png") == len(list(Path("out/figures").iterdir()))
    for name in (*names, "error-along"):
        assert f"<h2>Analysis: {name}</h2>" in page
    assert "xreg evaluate" in page


def question(run: Path, store: Path, **changes: Any) -> Evaluation:
    settings = changes.pop("settings", ())
    content = {"model": str(run), "dataset": str(store), "analyses": {"misfit": None}, **changes}
    return load_one(Evaluation, None, content, settings)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"channel": "xes"}, UnknownNameError, "has no channel 'xes'.*--channel"),
        ({"split": "odd"}, UnknownNameError, "has no split 'odd'"),
        ({"part": "tset"}, XregError, r"'part' must be .*'test' or 'all', got 'tset'"),
        ({"dataset": "nowhere.zarr"}, XregError, "nowhere.zarr"),
        ({"model": "nothing"}, UnknownNameError, "no model or run 'nothing'"),
        ({"analyses": {"misfitt": None}}, UnknownNameError, r"no analysis 'misfitt' .*'misfit'"),
        ({"analyses": {"learning-curve": None}}, NotApplicableError, "needs the training data"),
        (
            {"settings": ["error-along.parameter=Dq"]},
            UnknownNameError,
            "a setting of analyses is analyses.error-along.parameter",
        ),
        (
            {"settings": ["analyses.spectrum-error.wurst=3"]},
            XregError,
            "unknown key 'wurst'.*'worst'",
        ),
        (
            {"settings": ["analyses.error-along.parameter=dq"]},
            UnknownNameError,
            "no parameter 'dq'.*Dq, Ds",
        ),
        (
            {"settings": ["analyses.branching.boundary=10"]},
            NotApplicableError,
            "outside the spectra",
        ),
    ],
)
def test_bad_questions_are_refused_and_leave_nothing(
    run: Path, store: Path, workplace: Path, changes: dict, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        evaluate(question(run, store, **changes), "out")
    assert not list(Path().iterdir())


def test_a_recipe_asks_for_several_evaluations_and_is_recorded(
    run: Path, store: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = {
        "model": str(run),
        "dataset": {"path": str(store), "frames": ":200"},
        "analyses": {"errors": {"name": "spectrum-error", "worst": 3}, "spectrum-error": {}},
        "each": {"own": {"part": "test"}, "made": {"split": {"fractions": [0.5, 0, 0.5]}}},
    }
    Path("judge.yaml").write_text(yaml.safe_dump(content))
    for _ in range(2):
        with pytest.raises(SystemExit) as end:
            main(["evaluate", "judge.yaml", "-o", "out", "--set", "analyses.errors.worst=4"])
        assert not end.value.code
    printed = capsys.readouterr().out
    assert printed.count("there already") == 2
    own, made = (json.loads(Path(f"out/{n}/metrics.json").read_text()) for n in ("own", "made"))
    assert made["test"]["samples"] == 100
    with np.load(run / "splits.npz") as splits:
        ids = open_store(store).samples.ids[:200]
        assert own["test"]["samples"] == int(np.isin(ids, splits["test"]).sum())
    assert set(own["analyses"]) == {"errors", "spectrum-error"}
    assert len(Path("out/own/analyses/errors/worst.csv").read_text().splitlines()) == 5
    with pytest.raises(SystemExit) as end:
        main(["evaluate", "out/own/recipe.yaml", "-o", "again"])
    assert not end.value.code
    assert json.loads(Path("again/metrics.json").read_text()) == own
    assert yaml.safe_load(Path("again/recipe.yaml").read_text())["format"] == 2


def test_samples_of_another_kind_and_existing_folders_are_refused(
    run: Path, water_store: Path, workplace: Path
) -> None:
    with pytest.raises(DataError, match="trained on parameters, not on structures"):
        evaluate(question(run, water_store, channel="xes"), "out")
    Path("out").mkdir()
    with pytest.raises(DataError, match="exists already"):
        evaluate(question(run, water_store), "out")


def test_training_samples_are_told(run: Path, store: Path, workplace: Path) -> None:
    part = open_store(store).select(np.arange(40))
    write_store(replace(part, splits={}), Path("part.zarr"))
    found = evaluate(question(run, Path("part.zarr")), "out")
    with np.load(run / "splits.npz") as splits:
        seen = int(np.isin(part.samples.ids, splits["train"]).sum())
    assert found.metrics["all"]["samples"] == 40
    assert found.remarks == [
        f"{seen} of the 40 samples were in the model's training set (by id; the dataset is "
        "another): these scores say less than those on unseen samples."
    ]
    page = (found.folder / "report.html").read_text()
    assert f"{seen} of the 40 samples were in the model" in page


def test_a_model_without_its_run_says_what_it_cannot_tell(
    run: Path, store: Path, workplace: Path
) -> None:
    shutil.copytree(run / "model", "bare")
    found = evaluate(question(Path("bare"), store, part="test"), "out")
    assert "does not tell which samples" in found.remarks[0]
    count = len(open_store(store).splits["default"].test)
    assert found.metrics["test"]["samples"] == count


ENERGY = np.linspace(0.0, 10.0, 41)
KNOWN = Channel(np.random.default_rng(0).random((5, 41)), ENERGY)
ROWS = np.array([4, 1])


def compared(energy: np.ndarray, interpolate: bool = False) -> tuple[np.ndarray, str]:
    return on_grid(KNOWN, ROWS, Target("xas", energy), "channel 'xas'", interpolate)


def test_known_spectra_are_compared_on_the_energies_of_the_model() -> None:
    np.testing.assert_array_equal(compared(ENERGY)[0], KNOWN.intensity[ROWS])
    np.testing.assert_array_equal(compared(ENERGY[4:30:2])[0], KNOWN.intensity[ROWS][:, 4:30:2])
    narrow = coarsen(KNOWN.window(2, 8), 5)
    assert narrow.energy is not None
    np.testing.assert_allclose(compared(narrow.energy)[0], narrow.intensity[ROWS], atol=1e-12)
    between = ENERGY[:-1] + np.linspace(0.01, 0.2, 40)
    moved, remark = compared(between, interpolate=True)
    np.testing.assert_allclose(moved[0], np.interp(between, ENERGY, KNOWN.intensity[4]))
    assert "interpolated from 41 points" in remark


def test_energies_that_do_not_match_are_refused() -> None:
    with pytest.raises(DataError, match="--interpolate"):
        compared(ENERGY[:-1] + np.linspace(0.01, 0.2, 40))
    with pytest.raises(DataError, match="where nothing is known"):
        compared(ENERGY + 1, interpolate=True)
    moments = Target("xas", None, ("mean",))
    with pytest.raises(DataError, match=r"features mean, but channel 'xas' has 41.*; give a ch"):
        on_grid(KNOWN, ROWS, moments, "channel 'xas'", True)
