"""Measured spectra without structures: imported, stored, shown, processed, and no model of them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from xreg.cli import main as cli
from xreg.core.data.specimens import Specimen, Specimens
from xreg.core.errors import ConfigError, DataError
from xreg.registry.publishing import describe
from xreg.registry.stores.store import open_store
from xreg.registry.stores.writer import write_store
from xreg.workbench.importing.collect import BadEntriesError
from xreg.workbench.importing.imports import import_dataset
from xreg.workbench.importing.options import ImportOptions
from xreg.workbench.process.process import ProcessingRecipe, process_dataset

FOIL, RUST = 7112.0, 7123.0


def options(**changes: object) -> ImportOptions:
    return ImportOptions.parse({"dataset": {"name": "fe", "version": "1.0.0"}, **changes}, "import")


def mu(energy: np.ndarray, edge: float) -> np.ndarray:
    return 0.7 + np.arctan((energy - edge) / 1.5) / np.pi


def xdi(path: Path, edge: float, start: float = 7000.0, extra: str = "", element: str = "Fe"):
    energy = np.arange(start, 7300, 0.5)
    signal = mu(energy, edge)
    i0 = 1e5 + energy
    head = (
        "# XDI/1.0 made\n# Column.1: energy eV\n# Column.2: i0\n# Column.3: itrans\n"
        f"# Column.4: mutrans\n# Element.symbol: {element}\n# Element.edge: K\n"
        f"# Beamline.name: 13-ID-E\n{extra}# ///\n# made up\n#----\n# energy i0 itrans mutrans\n"
    )
    columns = np.transpose([energy, i0, i0 * np.exp(-signal), signal])
    path.write_text(head + "".join(" ".join(f"{v:.8f}" for v in row) + "\n" for row in columns))
    return path


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    extra = "# Sample.stoichiometry: Fe2O3\n# Sample.temperature: 25 C\n# Sample.prep: pellet\n"
    return [
        xdi(tmp_path / "foil.xdi", FOIL, extra="# Sample.temperature: 10 K\n"),
        xdi(tmp_path / "rust.xdi", RUST, extra=extra),
    ]


def test_fields_become_labels(two: list[Path]) -> None:
    found = import_dataset(two, options())
    assert list(found.samples) == [Specimen("foil", "", 26), Specimen("rust", "Fe2O3", 26)]
    labels = {name: values.tolist() for name, values in found.labels.items()}
    assert labels == {
        "signal": ["mutrans"] * 2,
        "mode": ["transmission"] * 2,
        "edge": ["K"] * 2,
        "beamline.name": ["13-ID-E"] * 2,
        "temperature": [10.0, 298.15],
        "sample.prep": ["", "pellet"],
    }
    assert dict(found.label_units) == {"temperature": "K"}
    assert found.metadata.provenance["source"] == ["foil.xdi", "rust.xdi"]
    assert found.metadata.provenance["layout"] == "xdi"
    assert found.splits == {}
    energy = np.arange(7000, 7300, 0.5)
    np.testing.assert_allclose(found.spectra["xas"].intensity[1], mu(energy, RUST), atol=1e-8)


def test_signal_from_counts(two: list[Path]) -> None:
    asked = {"columns": {"signal": "ln(i0/itrans)"}}
    found = import_dataset(two, options(**asked))
    energy = np.arange(7000, 7300, 0.5)
    np.testing.assert_allclose(found.spectra["xas"].intensity[0], mu(energy, FOIL), atol=1e-8)
    assert found.labels["signal"].tolist() == ["ln(i0/itrans)"] * 2


def test_store_round_trip(two: list[Path], tmp_path: Path) -> None:
    found = import_dataset(two, options())
    write_store(found, tmp_path / "fe.zarr")
    read = open_store(tmp_path / "fe.zarr")
    assert isinstance(read.samples, Specimens)
    assert list(read.samples) == list(found.samples)
    for name, values in found.labels.items():
        assert read.labels[name].tolist() == values.tolist()
    np.testing.assert_array_equal(read.spectra["xas"].intensity[:], found.spectra["xas"].intensity)
    entry = describe(tmp_path / "fe.zarr")
    assert (entry.samples, entry.kind, entry.contents) == (2, "specimens", "Fe")
    part = read.select(np.array([1]))
    assert list(part.samples) == [Specimen("rust", "Fe2O3", 26)]


def test_energies_of_their_own_need_a_grid_that_is_told(tmp_path: Path) -> None:
    files = [
        xdi(tmp_path / "a.xdi", FOIL), xdi(tmp_path / "b.xdi", RUST, start=7000.3),
    ]  # fmt: skip
    with pytest.raises(BadEntriesError, match=r"--grid 7000\.3:7299\.5:0\.5"):
        import_dataset(files, options())
    found = import_dataset(files, options(grids={"xas": "7000.3:7299.5:0.5"}))
    assert len(found) == 2
    same = import_dataset(files, options(grids={"": "common"}))
    np.testing.assert_array_equal(same.spectra["xas"].energy, found.spectra["xas"].energy)
    assert same.metadata.provenance["grids"] == {"xas": "7000.3:7299.5:0.5"}
    alone = import_dataset(files[0], options(grids={"": "common"}))
    assert alone.metadata.provenance["interpolation"] == "none"


def test_align_to_the_edge_of_the_named_absorber(two: list[Path]) -> None:
    steps = [
        {"name": "align", "edge": "K", "each": True},
        {"name": "resample", "about": 7112, "first": -40, "last": 100, "points": 281},
    ]
    recipe = ProcessingRecipe.parse({"processing": {"a": {"source": "xas", "steps": steps}}}, "it")
    made = process_dataset(import_dataset(two, options()), recipe.processing)
    values = made.spectra["a"].intensity[:]
    np.testing.assert_allclose(values[0], values[1], atol=0.02)


def test_unknown_absorber_is_named(tmp_path: Path) -> None:
    energy = np.arange(7000, 7300, 0.5)
    np.savetxt(tmp_path / "a.dat", np.transpose([energy, mu(energy, FOIL)]), header="energy mu")
    found = import_dataset(tmp_path / "a.dat", options())
    assert found.samples.absorbers().tolist() == [0]
    step = {"name": "align", "edge": "K"}
    recipe = ProcessingRecipe.parse({"processing": {"a": {"source": "xas", "steps": [step]}}}, "it")
    with pytest.raises(DataError, match="sample 'a' names no absorber"):
        process_dataset(found, recipe.processing)
    named = import_dataset(tmp_path / "a.dat", options(absorber="Fe"))
    assert named.samples.absorbers().tolist() == [26]


def test_absorbers_that_disagree(two: list[Path]) -> None:
    with pytest.raises(BadEntriesError, match="its header says Fe, and --absorber Ni"):
        import_dataset(two, options(absorber="Ni"))
    with pytest.raises(ConfigError, match="give the symbol"):
        import_dataset(two, options(absorber=0))


def test_a_foreign_file_among_many(two: list[Path], tmp_path: Path) -> None:
    (tmp_path / "readme.md").write_text("no spectra\n")
    with pytest.raises(BadEntriesError, match="looks like no known layout"):
        import_dataset([*two, tmp_path / "readme.md"], options())
    found = import_dataset([*two, tmp_path / "readme.md"], options(bad="set-aside"))
    assert len(found) == 2
    assert found.metadata.provenance["set_aside"][0]["file"].endswith("readme.md")


def test_structures_and_specimens_do_not_mix(two: list[Path], tmp_path: Path) -> None:
    energy = np.arange(7000, 7300, 0.5)
    np.savez(
        tmp_path / "set.npz",
        parameters=np.ones((1, 1)),
        parameter_names=["dq"],
        spectra_xas=mu(energy, FOIL)[None],
        energy_xas=energy,
    )
    with pytest.raises(BadEntriesError, match="it gives parameters, those before gave specimens"):
        import_dataset([*two, tmp_path / "set.npz"], options())


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--descriptor", "soap", "--emulator", "ridge"],
        ["run", "--emulator", "graph"],
        ["search", "--family", "soap"],
    ],
)
def test_no_model_of_specimens(
    two: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, arguments: list[str]
) -> None:
    write_store(import_dataset(two, options()), tmp_path / "fe.zarr")
    monkeypatch.chdir(tmp_path)
    head, *rest = arguments
    asked = [head, "--dataset", "fe.zarr", *rest, "--set", "target.channel=xas"]
    with pytest.raises(SystemExit) as ended:
        cli.main(asked)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "neither structure nor parameters" in told
    assert len(told.strip().splitlines()) == 1


def test_arrays_of_spectra_alone_are_specimens(tmp_path: Path) -> None:
    energy = np.arange(7000, 7300, 0.5)
    arrays = {"spectra_xas": np.stack([mu(energy, FOIL), mu(energy, RUST)]), "energy_xas": energy}
    np.savez(tmp_path / "a.npz", **arrays, composition=["Fe", "Fe2O3"])
    found = import_dataset(tmp_path / "a.npz", options(absorber="Fe"))
    assert list(found.samples) == [Specimen("a-0", "Fe", 26), Specimen("a-1", "Fe2O3", 26)]
    np.savez(tmp_path / "b.npz", **arrays, element=["Fe", "Xx"])
    with pytest.raises(DataError, match="'Xx' is no symbol"):
        import_dataset(tmp_path / "b.npz", options())
    np.savez(tmp_path / "c.npz", **arrays, absorber=[0, 0])
    with pytest.raises(DataError, match="no 'numbers' and 'positions' to it"):
        import_dataset(tmp_path / "c.npz", options())


def test_self_absorption_is_warned_of(two: list[Path]) -> None:
    file = two[0]
    file.write_text(file.read_text().replace("mutrans", "mufluor"))
    found = import_dataset(two, options(columns={"signal": "4"}))
    assert found.labels["mode"].tolist() == ["fluorescence", "transmission"]
    (told,) = [one for one in found.metadata.provenance["remarks"] if "absorption" in one["remark"]]
    assert (told["files"], Path(told["first"]).name) == (1, "foil.xdi")


def test_how_much_self_absorption_leaves_is_estimated(two: list[Path]) -> None:
    pytest.importorskip("xraydb")
    for file in two:
        file.write_text(file.read_text().replace("mutrans", "mufluor"))
    found = import_dataset(two, options(columns={"signal": "mufluor"}))
    said = [one["remark"] for one in found.metadata.provenance["remarks"]]
    assert sum("leaves 29% of the structure above the Fe K edge" in one for one in said) == 1
    assert sum("its composition would have to be told" in one for one in said) == 1


@pytest.mark.parametrize(("ratio", "damped"), [(0.5, True), (2.0, True), (200.0, False)])
def test_fluorescence_damped_beside_transmission_is_told(
    ratio: float, damped: bool, tmp_path: Path
) -> None:
    energy = np.arange(7000.0, 7300.0, 0.5)
    jump = 0.5 + np.arctan((energy - 7112) / 1.5) / np.pi
    true = jump * (1 + 0.4 * np.exp(-((energy - 7125) ** 2) / 50) + 0.05 * np.sin(energy / 9))
    # Of a thick sample, with what else absorbs by its jump: the law of Booth and Bridges.
    seen = true * (1 + ratio) / (ratio + true) + 0.1
    head = "# XDI/1.0\n# Column.1: energy eV\n# Column.2: mutrans\n# Column.3: mufluor\n"
    head += "# Element.symbol: Fe\n# Element.edge: K\n#----\n# energy mutrans mufluor"
    np.savetxt(tmp_path / "a.xdi", np.c_[energy, true, seen], header=head, comments="")
    found = import_dataset(tmp_path / "a.xdi", options(columns={"signal": "mufluor"}))
    said = str(found.metadata.provenance["remarks"])
    assert ("as high in fluorescence as in transmission" in said) == damped
    assert "self-absorption may damp" in said


def test_a_folder_of_spectra_is_told_to_be_given_file_by_file(two: list[Path]) -> None:
    with pytest.raises(ConfigError, match="or give its files one by one"):
        import_dataset(two[0].parent, options())


def test_what_is_packed_or_empty_is_told_so(two: list[Path], tmp_path: Path) -> None:
    (tmp_path / "a.xdi.gz").write_bytes(gzip.compress(two[0].read_bytes()))
    with pytest.raises(ConfigError, match=r"a\.xdi\.gz' is packed by gzip; unpack it"):
        import_dataset(tmp_path / "a.xdi.gz", options())
    (tmp_path / "b.xdi").touch()
    with pytest.raises(ConfigError, match=r"b\.xdi' is empty"):
        import_dataset(tmp_path / "b.xdi", options())


@pytest.mark.parametrize("name", ["std", "sigma", "error", "noise"])
def test_noise_may_be_the_same_everywhere(tmp_path: Path, name: str) -> None:
    rows = "\n".join(f"{7000 + i};{1 + i / 60};0.01" for i in range(60))
    (tmp_path / "a.dat").write_text(f"energy(eV);mu;{name}\n{rows}\n")
    spectra = import_dataset(tmp_path / "a.dat", options(absorber="Fe")).spectra
    np.testing.assert_allclose(spectra["xas"].intensity[0], 1 + np.arange(60) / 60)
    assert (np.asarray(spectra["xas_noise"].intensity) == 0.01).all()
    # All that is measured may not.
    (tmp_path / "a.dat").write_text(f"energy(eV);{name};mu\n{rows}\n")
    with pytest.raises(BadEntriesError, match=r"all intensities of the spectrum are 0\.01"):
        import_dataset(tmp_path / "a.dat", options(absorber="Fe"))
