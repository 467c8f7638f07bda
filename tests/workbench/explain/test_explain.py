"""What spectra tell of a bond length that they follow and of a label that they do not; refusals."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import zarr
from ase import Atoms

from xreg import api
from xreg.cli.main import main
from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Structures
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.model.domain import Target
from xreg.core.model.pipeline import Pipeline
from xreg.plugins.internal.internal import Internal
from xreg.plugins.ridge.ridge import Ridge
from xreg.registry.stores.writer import write_store
from xreg.workbench.explain.learn import between_groups, learn, mismatch_of
from xreg.workbench.explain.quantities import Quantity
from xreg.workbench.match.library import Comparison, Library

GRID = np.arange(7100.0, 7180.0, 0.5)
COUNT, GROUPS = 120, 24


def edges(distance: Any) -> Any:
    """Edges whose line and oscillation follow a bond length; a second valley beyond 2.2 Å."""
    d = np.atleast_1d(distance)[:, None]
    x = GRID - 7118.0
    shape = 0.5 + np.arctan(x / 1.5) / np.pi + 0.5 * np.exp(-(((x - 6) / 3) ** 2)) * (2.6 - d)
    return shape + 0.15 * np.sin(1.6 * d * np.sqrt(np.maximum(x, 0))) * (x > 0)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A model of Fe–O pairs and the folder of its run."""
    folder = tmp_path_factory.mktemp("explain")
    rng = np.random.default_rng(0)
    group = np.arange(COUNT) // (COUNT // GROUPS)
    distance = np.repeat(rng.uniform(1.8, 2.3, GROUPS), COUNT // GROUPS)
    distance += 0.02 * rng.normal(size=COUNT)
    frames = [Atoms("FeO", [[0, 0, 0], [0, 0, d]]) for d in distance]
    samples = Structures.from_atoms(frames, ids=[f"s{i}" for i in range(COUNT)])
    labels = {
        "batch": np.array([f"b{i:02d}" for i in group]),
        "day": rng.uniform(0, 10, COUNT),
        "unknown": np.full(COUNT, np.nan),
    }
    spectra = edges(distance)
    dataset = Dataset(samples, Spectra({"xanes": Channel(spectra, GRID)}),
                      Metadata(name="pairs", version="1.0.0"), labels)  # fmt: skip
    write_store(dataset, folder / "pairs.zarr")
    Pipeline(Ridge(), Internal()).fit(samples, spectra, Target("xanes", GRID)).save(
        folder / "run" / "model"
    )
    ids = np.array([f"s{i}" for i in range(COUNT)])
    np.savez(folder / "run" / "splits.npz", train=ids[group < 18], test=ids[group >= 18])
    told = {"name": "pairs", "version": "1.0.0", "path": str(folder / "pairs.zarr")}
    (folder / "run" / "summary.json").write_text(json.dumps({"dataset": told}))
    return SimpleNamespace(folder=folder / "run", distance=distance, group=group, spectra=spectra)


def write(path: Path, y: Any, energy: Any = None, noise: float = 2e-3) -> Path:
    at = np.arange(7104.0, 7176.0, 0.4) if energy is None else energy
    seen = np.interp(at - 0.3, GRID, np.ravel(y))
    seen = seen + np.random.default_rng(5).normal(0, noise, len(at))
    np.savetxt(path, np.c_[at, seen], header="energy(eV) mu", fmt="%.6f")
    return path


def xreg(*arguments: object) -> int:
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_a_bond_length_is_told_and_a_label_without_skill_is_not(run, tmp_path, capsys):
    write(tmp_path / "a.dat", edges(2.05))
    code = xreg("explain", tmp_path / "a.dat", "--model", run.folder, "-o", tmp_path / "out")
    told = capsys.readouterr()
    assert code == 0, told.err
    result = json.loads((tmp_path / "out" / "explain.json").read_text())
    (one,) = result["spectra"]
    bond = one["told"]["nearest neighbour"]
    assert bond["value"] == pytest.approx(2.05, abs=0.05)
    low, high = bond["interval_95"]
    assert low < 2.05 < high
    assert high - low < 0.3
    assert "day" not in one["told"]
    assert "Nothing is told of day" in told.err
    assert "Samples of one batch are a group" in told.err
    assert "'unknown' is not known of every sample" in told.err
    judged = {row["name"]: row for row in result["quantities"]}
    assert not judged["day"]["known"]
    assert judged["nearest neighbour"]["skill"] > 0.7
    assert 0.5 < judged["nearest neighbour"]["coverage"][0] <= 1
    assert (tmp_path / "out" / "spectrum-1.png").stat().st_size > 5000
    rows = list(csv.reader((tmp_path / "out" / "answers.csv").open()))
    assert rows[1][:2] == ["a.dat", rows[1][1]]


def test_a_map_with_dead_pixels_and_a_stranger(run, tmp_path, capsys):
    at = np.arange(7104.0, 7176.0, 0.4)
    distance = np.array([1.9, 2.0, 2.1, 2.2, 2.0, 2.0])
    rng = np.random.default_rng(1)
    stack = np.array([np.interp(at, GRID, y) for y in edges(distance)])
    stack += rng.normal(0, 2e-3, stack.shape)
    stack[4], stack[5] = 0.0, np.cos(at) + np.sin(at / 7)
    np.savez(tmp_path / "map.npz", energy=at, mu=stack.reshape(2, 3, -1))
    code = xreg("explain", tmp_path / "map.npz", "--model", run.folder, "-o", tmp_path / "out",
                "--quantity", "nearest neighbour", "--group", "batch")  # fmt: skip
    told = capsys.readouterr()
    assert code == 0, told.err
    assert "1 pixel of 6 left out as dead (1 zero): 1, 1" in told.err
    assert "1 of 5 spectra resemble nothing" in told.err
    root = zarr.open_group(tmp_path / "out" / "explain.zarr", mode="r")
    value = root["nearest neighbour"][...].ravel()
    np.testing.assert_allclose(value[:4], distance[:4], atol=0.07)
    assert np.isnan(value[4:]).all()
    assert (tmp_path / "out" / "maps.png").exists()


def test_the_notebook_says_the_same(run, tmp_path):
    write(tmp_path / "a.dat", edges(1.95))
    found = api.explain(
        tmp_path / "a.dat", run.folder, settings={"quantities": ["nearest neighbour"]}
    )
    (row,) = found.answers
    assert row["value"] == pytest.approx(1.95, abs=0.05)
    assert "<table" in found._repr_html_()
    assert any("batch" in remark for remark in found.remarks)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("far", (), "are none of the model's"),
        ("kev", (), "say --unit keV"),
        ("wide", (), "take another library, other shifts or a narrower window"),
        ("constant", (), "a constant"),
        ("good", ("--quantity", "bond"), "no quantity 'bond'"),
        ("good", ("--group", "site"), "no label 'site'"),
        ("good", ("--model", "nothing@1.0.0"), "nothing"),
        ("good", ("--window", "7120:7121"), "measured points lie"),
        ("missing", (), "cannot be read"),
    ],
)
def test_bad_requests_get_a_sentence(run, tmp_path, capsys, name, arguments, message):
    at = np.arange(7104.0, 7176.0, 0.4)
    curves = {
        "far": np.c_[at + 1500, np.arctan(at - 7118)],
        "kev": np.c_[at / 1000, np.arctan(at - 7118)],
        "wide": np.c_[np.linspace(6400, 7600, 300), np.arctan(np.linspace(-50, 50, 300))],
        "constant": np.c_[at, np.ones_like(at)],
        "good": np.c_[at, np.arctan(at - 7118)],
    }
    if name in curves:
        np.savetxt(tmp_path / f"{name}.dat", curves[name], header="energy mu", fmt="%.7f")
    model = () if "--model" in arguments else ("--model", run.folder)
    code = xreg("explain", tmp_path / f"{name}.dat", *model, *arguments, "-o", tmp_path / "out")
    text = capsys.readouterr().err
    assert code == 2, text
    assert message in text
    assert not (tmp_path / "out").exists()


def test_a_model_of_parameters_is_sent_to_fit(tmp_path, capsys, monkeypatch):
    from xreg.workbench.explain import explain as module

    model = SimpleNamespace(domain=SimpleNamespace(kind="parameters"))
    entry = SimpleNamespace(reference="ni@1.0.0", folder=tmp_path)
    monkeypatch.setattr(module, "find_model", lambda *_: entry)
    monkeypatch.setattr(module, "load_model", lambda *_, **__: model)
    write(tmp_path / "a.dat", edges(2.0))
    code = xreg("explain", tmp_path / "a.dat", "--model", "ni@1.0.0", "-o", tmp_path / "out")
    assert code == 2
    assert "xreg fit ni@1.0.0 SPECTRUM" in capsys.readouterr().err


def test_several_solutions_and_what_the_library_lacks():
    """Spectra that do not tell two bond lengths apart give both; a strange engine widens."""
    rng = np.random.default_rng(0)
    n = 160
    near = rng.uniform(1.7, 2.3, n)
    value = near + (rng.random(n) < 0.5) * (near > 2.0)  # from 2 Å on the spectrum knows no more
    library = Library(np.arange(n).astype(str), GRID, edges(near), None, np.arange(n) // 4)
    comparison = Comparison.between(
        library, GRID, (7105.0, 7175.0), shift=(-0.5, 0.5), broadening=1.0, scale=True, offset=True
    )
    apart = between_groups(comparison, library.groups, 2e-3)
    asked = [Quantity("bond", "Å", value)]
    found = learn(comparison, asked, library.groups, apart, noise=2e-3)
    new = edges(np.array([1.8, 2.15])) + rng.normal(0, 2e-3, (2, len(GRID)))
    (answer,), misfit, row, _ = found.explain(new)
    (one,), two = answer.others[0], sorted(answer.others[1])
    assert one == (pytest.approx(1.8, abs=0.02), pytest.approx(1.0, abs=0.01))
    assert [value for value, _ in two] == pytest.approx([2.15, 3.15], abs=0.02)
    assert min(share for _, share in two) > 0.3
    assert np.abs(near[row] - [1.8, 2.15]).max() < 0.02
    assert (found.strangeness(misfit) < 2).all()
    other = new + 0.05 * np.sin((GRID - 7100) / 5)
    assert mismatch_of(comparison, other, apart) > 0.03
    assert mismatch_of(comparison, new, apart) < 0.01
