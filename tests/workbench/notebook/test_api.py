"""``xreg.api``: what a notebook sees of data, runs, predictions and the rest."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule

from xreg import api
from xreg.core import progress
from xreg.core.errors import ConfigError, DataError, SampleError, UnknownNameError
from xreg.workbench.notebook.progress import shown
from xreg.workbench.notebook.tables import LONGEST, Table


@pytest.fixture(scope="module")
def result(water_store: Path, tmp_path_factory: pytest.TempPathFactory) -> api.RunResult:
    emulator = {"name": "mlp", "width": 8, "depth": 1, "epochs": 20, "ensemble": 2}
    recipe = {"dataset": str(water_store), "descriptor": "internal", "emulator": emulator}
    return api.run(recipe, out=tmp_path_factory.mktemp("api") / "run")


def test_importing_it_is_light():
    probe = "import sys, xreg.api; print(*({'numpy', 'torch', 'zarr', 'ase', 'IPython', 'dvc'} & "
    probe += "set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert not done.stdout.split()


def test_nothing_is_printed(result, water_store, capfd, tmp_path):
    api.open_dataset(str(water_store))
    result.model.predict(molecule("H2O"))
    api.evaluate(result, str(water_store), out=tmp_path / "judged", analyses=[])
    assert capfd.readouterr() == ("", "")


def test_a_run_gives_scores_figures_and_arrays(result):
    assert result.scores.columns[:2] == ("part", "samples")
    assert result.scores["part"] == ["train", "validation", "test"]
    assert result.scores["r2"] == [result.metrics[part]["r2"] for part in result.scores["part"]]
    arrays = result.predictions
    test = np.flatnonzero(arrays["part"] == "test")
    known, predicted = arrays["known"][test], arrays["predicted"][test]
    rmse = np.sqrt(np.mean((known - predicted) ** 2))
    assert result.scores["rmse"][2] == pytest.approx(rmse)
    page = result._repr_html_()
    assert "<table>" in page
    assert all(remark.split("'")[0][:20] in page for remark in result.remarks)
    assert len(result.figures) > 3
    first = next(iter(result.figures.values()))
    assert first._repr_png_().startswith(b"\x89PNG")
    assert result.recipe["emulator"]["epochs"] == 20
    assert result.report.is_file()


def test_a_recipe_file_and_settings(result, water_store, tmp_path):
    (tmp_path / "r.yaml").write_text(
        f"dataset: {water_store}\ndescriptor: internal\nemulator: {{name: ridge, alpha: 1.0}}\n"
    )
    again = api.run(tmp_path / "r.yaml", out=tmp_path / "a", settings=["emulator.alpha=0.5"])
    assert again.recipe["emulator"]["alpha"] == 0.5
    with pytest.raises(ConfigError, match="emulatr"):
        api.run({"dataset": str(water_store), "emulatr": "ridge"})


SEVERAL = {"few": {"emulator.alpha": 1.0}, "many": {"emulator.alpha": 0.01}}


def test_a_dictionary_with_each_is_several_runs(water_store, tmp_path, capfd):
    recipe = {
        "dataset": str(water_store),
        "descriptor": "internal",
        "emulator": {"name": "ridge"},
        "analyses": {},
        "each": SEVERAL,
    }
    out = tmp_path / "runs"
    only = api.run(recipe, out=out / "many", only="many")
    assert only.recipe["emulator"]["alpha"] == 0.01
    before = (only.folder / "metrics.json").stat().st_mtime_ns
    found = api.run_each(recipe, out=out)
    assert list(found) == ["few", "many"]
    assert (only.folder / "metrics.json").stat().st_mtime_ns == before
    assert found["few"].recipe["emulator"]["alpha"] == 1.0
    assert found.scores["run"] == ["few"] * 3 + ["many"] * 3
    assert found.scores["r2"] == [*found["few"].scores["r2"], *found["many"].scores["r2"]]
    assert "<td>many</td>" in found._repr_html_()
    assert (out / "scores.csv").is_file()
    assert capfd.readouterr() == ("", "")
    with pytest.raises(ConfigError, match=r"several results: few, many; choose one by only="):
        api.run(recipe)
    with pytest.raises(UnknownNameError, match=r"has no 'fwe' .did you mean 'few'"):
        api.run(recipe, only="fwe")
    with pytest.raises(UnknownNameError, match="no run 'fwe'"):
        found["fwe"]
    with pytest.raises(ConfigError, match="no section 'each'"):
        api.run_each({key: recipe[key] for key in recipe if key != "each"})


def test_a_search_ranks_and_goes_on(water_store, tmp_path, capfd):
    recipe = {
        "dataset": str(water_store),
        "folds": {"count": 2, "group": "trajectory"},
        "families": {"internal": None},
        "emulator": {"name": "ridge", "alpha": {"log": [1e-4, 1e4]}},
        "budget": 0.05,
        "networks": 2,
        "seeds": 1,
        "each": {"one": {"seed": 1}, "two": {"seed": 2}},
    }
    with pytest.raises(ConfigError, match="several results: one, two"):
        api.search(recipe)
    found = api.search(recipe, out=tmp_path / "s", only="one", workers=1)
    assert found.ranking["family"] == ["internal"]
    assert found.ranking["r2"][0] == found.families[0].score > 0.5
    assert list(found.recipes) == ["internal"]
    assert "<td>internal</td>" in found._repr_html_()
    assert found.report.is_file()
    again = api.search(recipe, out=tmp_path / "s", only="one", workers=1)
    assert again.ranking["candidates"] == found.ranking["candidates"]
    assert capfd.readouterr() == ("", "")


def test_predictions_of_files_atoms_and_datasets_agree(result, tmp_path):
    water = molecule("H2O")
    water.write(tmp_path / "w.xyz")
    one = api.predict(result, water)
    file = api.predict(result.folder, tmp_path / "w.xyz", absorber="0")
    model = api.load_model(result.folder)
    samples = model.predict([water, water.copy()])
    both = np.repeat(one.spectra, 2, axis=0)
    np.testing.assert_allclose(file.spectra, one.spectra, atol=1e-6)
    np.testing.assert_allclose(samples.spectra, both, atol=1e-6)  # the network is of single floats
    assert one.ids.tolist() == ["0"]
    assert one.energy.shape == one.spectra[0].shape == one.spread[0].shape
    assert one.trust["level"][0] in ("high", "medium", "low")
    drawing = one.plot()
    assert drawing.figure.axes
    assert drawing._repr_png_().startswith(b"\x89PNG")
    assert "water" not in model._repr_html_()
    assert "absorber O" in model.about.rows[1][1]
    left_out = one.save(tmp_path / "p.npz")
    assert left_out == ("metadata: provenance",)
    np.testing.assert_array_equal(np.load(tmp_path / "p.npz")["spectra_xes"], one.spectra)


def test_what_the_model_cannot_know_is_refused_or_told(result):
    both = [molecule("H2O"), molecule("CO2")]
    with pytest.raises(SampleError, match="contains C"):
        api.predict(result, both)
    found = api.predict(result, both, set_aside=True)
    assert found.ids.tolist() == ["0"]
    assert list(found.refused) == ["1"]
    assert "contains C" in found._repr_html_()
    with pytest.raises(DataError, match="samples are a file"):
        api.predict(result, 3)


def test_an_evaluation_gives_scores(result, water_store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one = api.evaluate(result, str(water_store), part="test", analyses=[])
    two = api.evaluate(result, str(water_store), part="test", analyses=[])
    assert one.folder.parent == Path("evaluations")
    assert two.folder.name == f"{one.folder.name}-1"
    assert one.scores["r2"][0] == pytest.approx(result.metrics["test"]["r2"])


def test_datasets_and_xarray(result, water_store):
    xarray = pytest.importorskip("xarray")
    dataset = api.open_dataset(str(water_store))
    found = dataset.to_xarray()
    assert isinstance(found, xarray.Dataset)
    channel = dataset.spectra["xes"]
    assert found["xes"].dims == ("sample", "energy_xes")
    np.testing.assert_array_equal(found["xes"].values, channel.intensity[:])
    np.testing.assert_array_equal(found["energy_xes"].values, channel.energy)
    assert found["xes"].attrs["units"] == channel.unit
    assert found["energy_xes"].attrs["units"] == "eV"
    assert found["sample"].values.tolist() == dataset.samples.ids.tolist()
    test = dataset.splits["default"].test
    chosen = found.isel(sample=found["split_default"].values == "test")
    assert set(chosen["sample"].values.tolist()) == set(test.tolist())
    assert f"{len(dataset):,} samples" in dataset._repr_html_()


def test_plugins_and_datasets_are_tables():
    every = api.plugins()
    assert {"descriptor", "exporter"} <= set(every["kind"])
    assert set(api.plugins("exporter")["name"]) >= {"csv", "extxyz", "npz", "pairs", "xdi"}
    with pytest.raises(ConfigError, match="'exporters' is no kind"):
        api.plugins("exporters")


def test_a_table_shows_itself():
    table = Table.of([{"a": 1, "b": 0.123456}, {"a": "<b>", "b": None}], "T & U")
    assert list(table)[1] == {"a": "<b>", "b": None}
    assert (table[0]["a"], table["b"]) == (1, [0.123456, None])
    assert repr(table).splitlines() == ["T & U", "a    b", "1    0.1235", "<b>  –"]
    page = table._repr_html_()
    assert "T &amp; U" in page
    assert "&lt;b&gt;" in page
    long = Table(("n",), tuple((i,) for i in range(LONGEST + 5)))
    assert "… 5 more rows" in repr(long)
    assert "… 5 more rows" in long._repr_html_()
    with pytest.raises(UnknownNameError, match="no column 'c'"):
        table["c"]


def test_progress_shows_in_a_notebook_alone_and_goes(monkeypatch):
    calls = []

    class Handle:
        def update(self, content):
            calls.append(content)

    def display(content, display_id):
        calls.append(content)
        return Handle()

    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    pictures = types.ModuleType("IPython.display")
    pictures.display, pictures.HTML = display, str
    monkeypatch.setattr("xreg.workbench.notebook.progress.QUIET", 0.0)
    monkeypatch.setattr("xreg.workbench.notebook.progress.SECONDS", 0.0)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", pictures)
    with shown():
        progress.report("<features>", 1, 4, "soon")
    assert 'value="1" max="4"' in calls[0]
    assert "&lt;features&gt; 1 of 4 soon" in calls[0]
    assert calls[-1] == ""
    del calls[:]
    ipython.get_ipython = lambda: None
    with shown():
        progress.report("features", 1, 4)
    assert calls == []
