"""Models and predictions: what is found, what is refused, that results come back as written."""

from __future__ import annotations

import csv
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.io import read, write

from xreg.core.data.samples import Structures
from xreg.core.errors import CorruptError, DataError, XregError
from xreg.registry.models import find_model, list_models, load_model
from xreg.workbench.arrays import read_predictions
from xreg.workbench.importing.imports import import_dataset
from xreg.workbench.importing.options import ImportOptions
from xreg.workbench.predict.predict import predict
from xreg.workbench.run.recipe import load_recipe
from xreg.workbench.run.run import execute
from xreg_tests.commands import run


@pytest.fixture(scope="module")
def trained(water_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a small ensemble, which has a spread."""
    emulator = {"name": "mlp", "width": 8, "depth": 1, "epochs": 20, "ensemble": 2}
    content = {"dataset": str(water_store), "descriptor": "internal", "emulator": emulator}
    return execute(load_recipe(None, content), tmp_path_factory.mktemp("models") / "run")


def molecule(long: float = 1.0, angle: float = 104.5, **info: Any) -> Atoms:
    half = np.radians(angle) / 2
    positions = [
        [0, 0, 0],
        [0.95 * np.cos(half), 0.95 * np.sin(half), 0],
        [long * np.cos(half), -long * np.sin(half), 0],
    ]
    return Atoms("OH2", positions, info=info)


@pytest.fixture
def structures(workplace: Path) -> Path:
    path = workplace / "new.extxyz"
    write(path, [molecule(), molecule(1.05, id="stretched")], format="extxyz")
    return path


def test_csv_comes_back_as_predicted(trained: Path, structures: Path) -> None:
    assert run("predict", trained, structures, "-o", "out.csv") == 0
    with Path("out.csv").open(newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["energy (eV)", "0", "stretched", "0 std", "stretched std"]
    table = np.array(rows, dtype=float)
    frames = Structures.from_atoms(read(structures, index=":"))
    mean, std = load_model(trained).predict(frames, return_std=True)
    np.testing.assert_allclose(table[:, 0], np.linspace(520, 532, 61), atol=1e-9)
    np.testing.assert_array_equal(table[:, 1:3].T, mean)
    np.testing.assert_array_equal(table[:, 3:].T, std)
    assert std.max() > 0
    with Path("out.trust.csv").open(newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header[:3] == ["id", "trust", "level"]
    assert [row[0] for row in rows] == ["0", "stretched"]
    assert all(0 <= float(row[1]) <= 1 and float(row[3]) > 0 for row in rows)


def test_one_spectrum_is_singular(
    trained: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("one.xyz", molecule())
    assert run("predict", trained, "one.xyz", "-o", "one.csv") == 0
    assert "\n1 spectrum of channel xes" in capsys.readouterr().out


def test_a_result_below_a_file_is_refused(
    trained: Path, structures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("predict", trained, structures, "-o", structures / "out.csv") == 2
    assert "is a file; choose another folder." in capsys.readouterr().err


def test_a_plot_of_target_features_is_refused_before_anything_is_written(
    water_store: Path, structures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = {
        "dataset": str(water_store),
        "target": {"moments": {"main": [522, 530]}},
        "descriptor": "internal",
        "emulator": "ridge",
    }
    folder = execute(load_recipe(None, content), "moments")
    assert run("predict", folder, structures, "-o", "out.csv", "--plot", "out.png") == 2
    assert "leave --plot out" in capsys.readouterr().err
    assert not list(Path.cwd().glob("out*"))


def test_zarr_comes_back_as_predicted_and_the_plot_is_a_picture(
    trained: Path, structures: Path
) -> None:
    assert run("predict", trained, structures, "-o", "out.zarr", "--plot", "out.png") == 0
    stored = read_predictions(Path("out.zarr"))
    assert stored["ids"].tolist() == ["0", "stretched"]
    mean = load_model(trained).predict(Structures.from_atoms(read(structures, index=":")))
    np.testing.assert_array_equal(stored["predicted"], mean)
    assert stored["std"].shape == mean.shape
    assert set(stored["level"].tolist()) <= {"high", "medium", "low"}
    for name in ("trust", "expected_error", "outside"):
        assert stored[name].shape == (2,)
    assert Path("out.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in Path().iterdir()} == {"new.extxyz", "out.zarr", "out.png"}


def test_an_exporter_writes_it(
    trained: Path, structures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("predict", trained, structures, "-o", "out", "--to", "xdi") == 0
    channels = ("xes", "xes_std", "xes_interval_68", "xes_interval_95")
    assert {path.name for path in Path("out").glob("stretched.*")} == {
        f"stretched.{channel}.xdi" for channel in channels
    }
    assert run("predict", trained, structures, "-o", "out.nxs") == 0
    half = predict(
        load_model(trained), Structures.from_atoms(read(structures, index=":"))
    ).intervals
    for file in (Path("out.nxs"), Path("out") / "stretched.xes_interval_68.xdi"):
        options = {
            "dataset": {"name": "back", "version": "1.0.0"}, "channels": ["xes_interval_68"],
        }  # fmt: skip
        back = import_dataset(file, ImportOptions.parse(options, "test"))
        found = back.spectra["xes_interval_68"].intensity
        np.testing.assert_array_equal(found, half[0.68][-len(found) :])
    words = ["-o", "two", "--to", "columns", "--set"]
    assert run("predict", trained, structures, *words, "to.channel=xes") == 0
    assert "left out, as columns cannot hold it: the structures" in capsys.readouterr().err
    assert run("predict", trained, structures, *words, "to.chanel=xes") == 2
    assert "chanel" in capsys.readouterr().err
    assert not Path("out.csv").exists()


@pytest.mark.parametrize(
    ("frame", "absorber", "said"),
    [
        (Atoms("OHF", np.eye(3)), None, "sample '0' contains F, which the model never saw"),
        (
            Atoms("H2", np.eye(3)[:2]),
            None,
            "frame 0: it has no absorber: no atom is O, only H",
        ),
        (
            Atoms("O2H", np.eye(3)),
            None,
            "it has 2 atoms of O (O 0, O 1): say which with",
        ),
        (molecule(), "H", "sample '0/H1' has H as absorber; the model was trained on O sites"),
        (molecule(), "1", "sample '0' has H as absorber"),
        (molecule(), "3", "3 is none of its 3 atoms (from 0; counted from 1"),
        (molecule(), "S", "no atom is S, only H, O"),
        (molecule(), "Oxygen", "'Oxygen' is neither an element nor in its comment line"),
        (molecule(absorber=9), None, "9 is none of its 3 atoms (from 0)"),
        (Atoms("OH3", [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]), None, "sample '0'"),
    ],
)
def test_what_the_model_cannot_know_is_refused(
    trained: Path,
    workplace: Path,
    capsys: pytest.CaptureFixture[str],
    frame: Atoms,
    absorber: str | None,
    said: str,
) -> None:
    write("bad.extxyz", frame, format="extxyz")
    flags = ["--absorber", absorber] if absorber else []
    assert run("predict", trained, "bad.extxyz", "-o", "out.csv", *flags) == 2
    *listed, sentence = capsys.readouterr().err.strip().splitlines()
    assert sentence.startswith("xreg: ")
    assert said in sentence
    assert all(line.startswith("bad: ") for line in listed)  # where there are several
    assert [path.name for path in Path().iterdir()] == ["bad.extxyz"]


def test_parameters_are_read_by_name(tmp_path: Path) -> None:
    from xreg.core.model.domain import Domain
    from xreg.workbench.predict.samples import read_samples

    domain = Domain("parameters", parameters=("Dq", "T"), units=("eV", "K"))
    path = tmp_path / "table.csv"
    path.write_text("T,id,Dq\n300,a,0.1\n10,b,0.2\n")
    found = read_samples(path, domain).samples
    assert found.ids.tolist() == ["a", "b"]
    assert found[1].values == {"Dq": 0.2, "T": 10.0}
    assert found.units == ("eV", "K")
    for content in (
        "\ufeffT,id,Dq\r\n300,a,0.1\r\n10,b,2D-1\r\n".encode(),
        "T;id;Dq\n300;a;0,1\n10;b;0,2\n".encode("utf-16"),
        b"T\tid\tDq\n300\ta\t0,1\n10\tb\t0,2\n",
    ):
        path.write_bytes(content)
        again = read_samples(path, domain).samples
        np.testing.assert_allclose(again.values, found.values)
        assert again.ids.tolist() == ["a", "b"]
    for text, said in (
        ("T\n1\n", "lacks the column 'Dq'"),
        ("T,Dq\n1,x\n", "row 2"),
        ("T,Dq\n", "has no rows"),
        ("T,Dq\n1,nan\n", "row 2, column 'Dq': 'nan' is no number"),
        ("T,Dq\n1,\n", "row 2, column 'Dq': it is empty"),
        ("T,Dq\n90%,1\n", "row 2, column 'T': '90%' is no number"),
        ("id,T,Dq\na,1,1\n,1,1\n", "row 3, column 'id': it is empty"),
        ("id,T,Dq\na,1,1\na,1,1\n", "the id 'a' occurs more than once"),
        ("id,T,Dq\na,300,0,13\n", "row 2: 4 cells under a header of 3"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=said):
            read_samples(path, domain)


def test_columns_that_a_model_does_not_need_are_told(workplace: Path) -> None:
    from xreg.core.model.domain import Domain
    from xreg.workbench.predict.samples import read_samples

    domain = Domain("parameters", parameters=("T", "Dq"))
    Path("p.csv").write_text(",T,Dq,Ds,note\n0,1,2,3,x\n")
    assert read_samples(Path("p.csv"), domain).notes == {
        "columns that the model does not need are not read: Ds, note": ["p.csv"]
    }


def test_results_are_never_overwritten(trained: Path, structures: Path) -> None:
    Path("out.csv").write_text("mine")
    assert run("predict", trained, structures, "-o", "out.csv") == 2
    assert Path("out.csv").read_text() == "mine"
    assert run("predict", trained, structures, "-o", "out.dat") == 2


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "'bad.xyz': it is empty"),
        (b"3\nwrong\nO 0 0\n", "bad.xyz, frame 0: it announces 3 atoms and has 0 lines of atoms"),
        (b"\x80\x04N.", "'bad.xyz'"),
    ],
)
def test_files_that_hold_no_structures_are_named(
    trained: Path, workplace: Path, capsys: pytest.CaptureFixture[str], content: bytes, told: str
) -> None:
    Path("bad.xyz").write_bytes(content)
    assert run("predict", trained, "bad.xyz", "-o", "out.csv") == 2
    assert told in capsys.readouterr().err


def test_a_changed_byte_is_noticed_in_every_file(trained: Path, tmp_path: Path) -> None:
    files = sorted(path.relative_to(trained) for path in (trained / "model").rglob("*.*"))
    assert len(files) == 6
    rng = np.random.default_rng(0)
    good = load_model(trained).predict(Structures.from_atoms([molecule()]))
    for number, name in enumerate(files):
        copy = tmp_path / str(number)
        shutil.copytree(trained, copy)
        data = bytearray((copy / name).read_bytes())
        for place in rng.choice(len(data), 12, replace=False):
            changed = data.copy()
            changed[place] ^= 1 << int(rng.integers(8))
            (copy / name).write_bytes(changed)
            try:
                again = load_model(copy).predict(Structures.from_atoms([molecule()]))
            except CorruptError as error:
                assert "\n" not in str(error)  # noqa: PT017
            else:  # white space between the values of a JSON file
                assert name.suffix == ".json"
                np.testing.assert_array_equal(again, good)


def test_a_missing_file_and_a_part_of_another_model_are_noticed(
    trained: Path, tmp_path: Path, structures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    (copy / "model" / "emulator" / "arrays.safetensors").unlink()
    assert run("predict", copy, structures, "-o", "out.csv") == 2
    assert "arrays.safetensors is missing" in capsys.readouterr().err


def test_pickles_are_never_read(
    workplace: Path, structures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (workplace / "sprung",))

    Path("model.pkl").write_bytes(pickle.dumps(Trap()))
    assert run("predict", "model.pkl", structures, "-o", "out.csv") == 2
    assert "never runs" in capsys.readouterr().err
    Path("folder/model").mkdir(parents=True)
    shutil.copy("model.pkl", "folder/model/component.json")
    assert run("predict", "folder", structures, "-o", "out.csv") == 2
    assert "damaged" in capsys.readouterr().err
    shutil.copy("model.pkl", "trap.xyz")
    assert not (workplace / "sprung").exists()


def test_models_are_found_by_run_and_by_name(
    trained: Path, workplace: Path, registry: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained, "runs/2026-01-01-water")
    for version in ("1.9.0", "1.10.0"):
        shutil.copytree(trained, registry / "models" / "water-xes" / version)
    assert [e.reference for e in list_models(registry)] == [
        "runs/2026-01-01-water",
        "water-xes@1.10.0",
        "water-xes@1.9.0",
    ]
    assert find_model("water-xes", registry).reference == "water-xes@1.10.0"
    assert find_model("water-xes@1.9.0", registry).folder.parent.name == "1.9.0"
    assert find_model("2026-01-01-water").origin == "run"
    for reference, said in (
        ("water-xse", r"no model or run 'water-xse' \(did you mean 'water-xes"),
        ("water-xes@2.0.0", "has no version 2.0.0"),
        ("some/where", "there is no folder"),
    ):
        with pytest.raises(XregError, match=said):
            find_model(reference, registry)
    assert run("models", "list", "--registry", registry) == 0
    listed = capsys.readouterr().out
    assert listed.count("water 1.0.0  R² ") == 3
    assert run("models", "show", "2026-01-01-water") == 0
    shown = capsys.readouterr().out
    assert "structures of H, O" in shown
    assert "xes, 61 energies, 520 … 532 eV" in shown


def test_models_list_says_that_there_are_none(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("models", "list") == 0
    assert "no models here" in capsys.readouterr().out


@pytest.mark.parametrize("file", ["out.extxyz", "out.npz"])
def test_another_ending_is_an_exporters(
    file: str, trained: Path, structures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("predict", trained, structures, "-o", file) == 0
    told = capsys.readouterr().err
    assert f"left out, as {Path(file).suffix} cannot hold it: metadata: provenance" in told
    halves = ["xes_interval_68", "xes_interval_95"]
    options = {
        "dataset": {"name": "back", "version": "1.0.0"},
        "channels": ["xes", "xes_std", *halves],
    }
    back = import_dataset(Path(file), ImportOptions.parse(options, "test"))
    frames = Structures.from_atoms(read(structures, index=":"))
    mean, std = load_model(trained).predict(frames, return_std=True)
    intervals = predict(load_model(trained), frames).intervals
    for name, half in zip(halves, intervals.values(), strict=True):
        assert (half > 0).all()
        np.testing.assert_array_equal(back.spectra[name].intensity, half)
    np.testing.assert_array_equal(back.spectra["xes"].intensity, mean)
    np.testing.assert_array_equal(back.spectra["xes_std"].intensity, std)
    np.testing.assert_allclose(back.spectra["xes"].energy, np.linspace(520, 532, 61))
    assert back.samples.ids.tolist() == ["0", "stretched"]
    np.testing.assert_allclose(back.samples.positions, frames.positions)
    assert set(back.labels) == {"trust", "level", "expected_error", "outside", "reason"}
    assert back.label_units == {"expected_error": "%"}
    assert run("predict", trained, structures, "-o", file) == 2
    assert f"'{file}' exists already" in capsys.readouterr().err


def test_an_unknown_ending_is_refused_before_any_work(
    structures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("predict", "no-such-model", structures, "-o", "out.pdf") == 2
    told = capsys.readouterr().err
    assert ".csv and .zarr are predictions" in told
    assert "npz (.npz)" in told
