"""Files that other programs of the field write: FDMNES, Quanty, the Materials Project, XANESNET."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from xreg.core.data.specimens import Specimen, Specimens
from xreg.core.errors import ConfigError, DataError
from xreg.core.readers.importing.log import ImportLog
from xreg.plugins.as_is.as_is import AsIs
from xreg.plugins.fdmnes.importer import FdmnesImporter
from xreg.plugins.materials_project.importer import MaterialsProjectImporter
from xreg.plugins.quanty.importer import QuantyImporter
from xreg.plugins.xanesnet.importer import XanesnetImporter
from xreg.workbench.importing.imports import import_dataset
from xreg.workbench.importing.options import ImportOptions

ENERGY = np.arange(7100.0, 7160.5, 0.5)
MU = 0.5 + np.arctan((ENERGY - 7115) / 1.5) / np.pi


def read(importer: type, path: Path, **settings: object):
    log = ImportLog()
    return list(importer(importer.Config.parse(settings, "it")).entries(path, log)), log


def load(*sources: Path, **changes: object):
    told = {"dataset": {"name": "fe", "version": "1.0.0"}, **changes}
    return import_dataset(list(sources), ImportOptions.parse(told, "import"))


# FDMNES ---------------------------------------------------------------------------------------

HEAD = (
    " 7112.000   26  1  1     0.00000  8.123  1.000  -0.120 2 = E_edge, Z, n_edge, j_edge, "
    "Abs_before_edge, VO_interstitial, Eseuil, E_cut, natomsym_f\n"
)


def fdmnes(path: Path, head: str = HEAD, energy: np.ndarray = ENERGY - 7112) -> Path:
    rows = "".join(f" {e:10.3f} {v:14.7E}\n" for e, v in zip(energy, MU, strict=True))
    path.write_text(f"{head}    Energy    <xanes>    \n{rows}")
    return path


def test_fdmnes_raw_of_two_sites(tmp_path: Path) -> None:
    found = load(fdmnes(tmp_path / "out_1.txt"), fdmnes(tmp_path / "out_2.txt"))
    assert isinstance(found.samples, Specimens)
    assert found.samples.ids.tolist() == ["out_1", "out_2"]
    assert found.samples.absorbers().tolist() == [26, 26]
    np.testing.assert_allclose(found.spectra["xas"].energy, ENERGY, atol=1e-3)
    assert found.labels["site"].tolist() == [1, 2]
    assert found.labels["kind"].tolist() == ["raw", "raw"]
    assert found.labels["edge"].tolist() == ["K", "K"]
    assert found.metadata.provenance["layout"] == "fdmnes"


def test_fdmnes_convoluted_takes_the_edge_of_the_raw_file_beside_it(tmp_path: Path) -> None:
    path = fdmnes(tmp_path / "out_conv.txt", head="")
    _, log = read(FdmnesImporter, path)
    assert "--set edge_energy=E" in log.bad[0].reason
    (entry,), _ = read(FdmnesImporter, path, edge_energy=7112)
    np.testing.assert_allclose(entry.curves["xas"].energy, ENERGY, atol=1e-3)
    fdmnes(tmp_path / "out.txt")
    (entry,), log = read(FdmnesImporter, path)
    np.testing.assert_allclose(entry.curves["xas"].energy, ENERGY, atol=1e-3)
    assert entry.labels["kind"] == "convoluted"
    assert "E_edge is that of out.txt" in log.remarks


def test_fdmnes_energies_twice_become_their_mean(tmp_path: Path) -> None:
    path = fdmnes(tmp_path / "out.txt")
    lines = path.read_text().splitlines()
    lines.insert(10, lines[9])
    path.write_text("\n".join(lines) + "\n")
    (entry,), log = read(FdmnesImporter, path)
    np.testing.assert_allclose(entry.curves["xas"].intensity, MU, rtol=1e-6)
    assert "1 rows of energies twice became their mean" in log.remarks


# Quanty ---------------------------------------------------------------------------------------

# Printed by Quanty 0.6 for one electron in two levels, T = a+ a, two operators.
PRINTED = """#Spectra: 2
Emin______Emax      -1.000000000000000E+00  5.000000000000000E+00 -1.000000000000000E+00  5.0E+00
EminPole__EmaxPole   2.000000000000000E+00  2.000000000000000E+00  2.000000000000000E+00  2.0E+00
dE________Gamma      1.000000000000000E+00  3.000000000000000E-01  1.000000000000000E+00  3.0E-01
Energy               Re[0]                  Im[0]                  Re[1]                  Im[1]
-1.0000E+00 -3.325020781379883E-01 -1.662510390689942E-02 -3.325020781379883E-01 -1.6625103906E-02
 0.0000E+00 -4.972032318210068E-01 -3.729024238657551E-02 -4.972032318210068E-01 -3.7290242386E-02
 1.0000E+00 -9.779951100244499E-01 -1.466992665036675E-01 -9.779951100244499E-01 -1.4669926650E-01
 2.0000E+00  0.000000000000000E+00 -6.666666666666667E+00  0.000000000000000E+00 -6.6666666666E+00
 3.0000E+00  9.779951100244499E-01 -1.466992665036675E-01  9.779951100244499E-01 -1.4669926650E-01
"""


def test_quanty_spectra_are_lorentzians(tmp_path: Path) -> None:
    (tmp_path / "two.spec").write_text(PRINTED)
    entries, log = read(QuantyImporter, tmp_path / "two.spec", origin=853.0, absorber="Ni")
    assert [e.samples[0].id for e in entries] == ["two-0", "two-1"]
    energy = np.arange(-1.0, 4.0)
    lorentzian = 0.15 / np.pi / ((energy - 2) ** 2 + 0.15**2)
    np.testing.assert_allclose(entries[0].curves["xas"].energy, energy + 853)
    np.testing.assert_allclose(entries[0].curves["xas"].intensity, lorentzian, rtol=1e-9)
    assert entries[1].labels == {"spectrum": 1, "gamma": 0.3}
    assert entries[0].samples[0].absorber == 28
    assert not log.remarks
    _, log = read(QuantyImporter, tmp_path / "two.spec")
    assert any("counted from the ground state" in text for text in log.remarks)


@pytest.mark.parametrize(
    "content",
    ["#Spectra: 1\n", PRINTED.replace("Im[1]", "Xx"), PRINTED[:800], PRINTED.replace("-1.0", "x")],
)
def test_quanty_damaged(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.spec").write_text(content)
    with pytest.raises(DataError, match=r"a\.spec"):
        read(QuantyImporter, tmp_path / "a.spec")


# The Materials Project ------------------------------------------------------------------------


def document(index: int | None = 0, species: tuple[str, ...] = ("Fe", "O")) -> dict:
    """Return a document as pymatgen writes it; its answer was looked at for this."""
    sites = [
        {
            "species": [{"element": name, "occu": 1}],
            "abc": [0.5 * i, 0.5 * i, 0.0],
            "properties": {},
            "label": name,
        }
        for i, name in enumerate(species)
    ]
    structure = {
        "@module": "pymatgen.core.structure",
        "@class": "Structure",
        "charge": 0,
        "lattice": {"matrix": (4.3 * np.eye(3)).tolist(), "pbc": [True, True, True], "a": 4.3},
        "properties": {},
        "sites": sites,
    }
    element = {"@module": "pymatgen.core.periodic_table", "@class": "Element", "element": "Fe"}
    spectrum = {
        "@module": "pymatgen.analysis.xas.spectrum",
        "@class": "XAS",
        "x": ENERGY.tolist(),
        "y": {"@module": "numpy", "@class": "array", "dtype": "float64", "data": MU.tolist()},
        "structure": structure,
        "absorbing_element": element,
        "edge": "K",
        "spectrum_type": "XANES",
        "absorbing_index": index,
    }
    return {"spectrum": spectrum, "material_id": "mp-1", "edge": "K", "absorbing_element": "Fe"}


def test_materials_project(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps({"data": [document()], "meta": {"total_doc": 1}}))
    found = load(path)
    assert found.samples.absorbers().tolist() == [26]
    sample = found.samples[0]
    assert sample.numbers.tolist() == [26, 8]
    np.testing.assert_allclose(sample.positions[1], [2.15, 2.15, 0])
    assert sample.pbc.all()
    np.testing.assert_allclose(found.spectra["xas"].intensity[0], MU)
    labels = {name: values.tolist() for name, values in found.labels.items()}
    assert labels == {
        "material": ["mp-1"],
        "edge": ["K"],
        "type": ["XANES"],
        "formula": ["FeO"],
        "site_averaged": [False],
    }


def test_a_mean_over_sites_is_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document(None, ("Fe", "Fe"))))
    _, log = read(MaterialsProjectImporter, path)
    assert log.bad
    (entry,), _ = read(MaterialsProjectImporter, path, absorber="Fe", sites="all")
    assert [s.absorber for s in entry.samples] == [0, 1]
    assert entry.labels["site_averaged"] is True


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"absorbing_index": 7}, "absorbing_index 7 is none of its 2 atoms"),
        ({"absorbing_index": 1}, "its atom 1 is O"),
        ({"structure": None}, "not as pymatgen writes one"),
        ({"x": ["a"]}, "'x' is no list of numbers"),
        ({"absorbing_element": "Xx"}, "'Xx' is none"),
    ],
)
def test_a_bad_document_is_told(tmp_path: Path, change: dict, reason: str) -> None:
    one = document()
    one["spectrum"] |= change
    if "absorbing_element" in change:
        del one["absorbing_element"]
    (tmp_path / "a.json").write_text(json.dumps([document(), one]))
    entries, log = read(MaterialsProjectImporter, tmp_path / "a.json")
    assert len(entries) == 1
    assert reason in log.bad[0].reason


def test_no_document(tmp_path: Path) -> None:
    for content in ("{}", "[", '{"a": [1, 2]}', "[" * 100_000):
        (tmp_path / "a.json").write_text(content)
        with pytest.raises(DataError, match=r"a\.json"):
            read(MaterialsProjectImporter, tmp_path / "a.json")


# XANESNET -------------------------------------------------------------------------------------


def xanesnet(folder: Path, layout: str) -> Path:
    for i, part in enumerate(["train", "train", "train", "valid", "test"]):
        for name in ("xyz", "xanes"):
            place = folder / layout.format(name=name, part=part)
            place.mkdir(parents=True, exist_ok=True)
            if name == "xyz":
                atoms = Atoms("FeO", positions=[[0, 0, 0], [0, 0, 1.9 + 0.01 * i]])
                write(place / f"s{i}.xyz", atoms)
            else:
                fdmnes(place / f"s{i}.txt")
    return folder


@pytest.mark.parametrize("layout", ["{name}_{part}", "{part}/{name}"])
def test_the_folders_of_xanesnet_stay_a_split(tmp_path: Path, layout: str) -> None:
    found = load(xanesnet(tmp_path / "fe", layout))
    assert found.metadata.provenance["layout"] == "xanesnet"
    split = found.splits["default"]
    assert split.train.tolist() == ["s0", "s1", "s2"]
    assert split.validation.tolist() == ["s3"]
    assert split.test.tolist() == ["s4"]
    assert found.metadata.provenance["split"] == "that of the source"
    assert found.samples.absorbers().tolist() == [26] * 5
    np.testing.assert_allclose(found.spectra["xas"].energy, ENERGY, atol=1e-3)


def test_another_split_may_be_asked_for(tmp_path: Path) -> None:
    source = xanesnet(tmp_path / "fe", "{name}_{part}")
    asked = {"split": {"fractions": (0.4, 0.2, 0.4)}}
    split = load(source, **asked).splits["default"]
    assert (len(split.train), len(split.validation), len(split.test)) == (2, 1, 2)


def test_dataset_npz_of_xanesnet(tmp_path: Path) -> None:
    path = tmp_path / "dataset.npz"
    ids = np.array(["a", "b"])
    x = np.arange(14.0).reshape(2, 7)
    np.savez_compressed(path, ids=ids, x=x, y=np.stack([MU, 2 * MU]), e=ENERGY)
    found = load(path)
    assert found.metadata.provenance["layout"] == "xanesnet"
    assert found.samples.ids.tolist() == ["a", "b"]
    assert found.samples.names == tuple(f"x{i}" for i in range(1, 8))
    np.testing.assert_array_equal(found.samples.values[:], x)
    np.testing.assert_array_equal(AsIs().fit(found.samples).transform(found.samples), x)
    np.testing.assert_allclose(found.spectra["xas"].intensity[1], 2 * MU)


def test_dataset_npz_of_xanesnet_without_energies_or_features(tmp_path: Path) -> None:
    path = tmp_path / "dataset.npz"
    np.savez(path, x=np.ones((2, 3)), y=np.stack([MU, 2 * MU]))
    assert XanesnetImporter.sniff(path, path.read_bytes()[:4096]) > 0.95
    with pytest.raises(DataError, match=r"no energies 'e'.*--set energies"):
        read(XanesnetImporter, path)
    with pytest.raises(ConfigError, match="must rise"):
        XanesnetImporter(energies=(10, 5))
    entries, log = read(XanesnetImporter, path, energies=(7100, 7175))
    assert [entry.samples[0].id for entry in entries] == ["dataset-0", "dataset-1"]
    assert list(log.parameter_units) == ["x1", "x2", "x3"]
    np.testing.assert_allclose(entries[0].curves["xas"].energy, np.linspace(7100, 7175, len(MU)))
    np.savez(path, y=np.stack([MU, 2 * MU]), e=ENERGY)
    entries, _ = read(XanesnetImporter, path)
    assert isinstance(entries[0].samples[0], Specimen)
    np.savez(path, x=np.ones((3, 3)), y=np.stack([MU, 2 * MU]), e=ENERGY)
    with pytest.raises(DataError, match="are no features of 2 samples"):
        read(XanesnetImporter, path)


def test_unmatched_files_are_told(tmp_path: Path) -> None:
    source = xanesnet(tmp_path / "fe", "{name}_{part}")
    (source / "xanes_test" / "s4.txt").unlink()
    (source / "xyz_test" / "notes.md").write_text("notes\n")
    entries, log = read(XanesnetImporter, source)
    assert len(entries) == 4
    assert "no spectrum of that name" in log.bad[0].reason
    assert "notes.md" in str(log.passed_over[0])
