"""Structures of imports and generations as strangers write them: every frame is told of."""

from __future__ import annotations

import tarfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from xreg.cli import main as cli
from xreg.core.errors import ConfigError, DataError
from xreg.core.model.domain import Domain
from xreg.registry.stores.store import open_store
from xreg.workbench.generate.recipe import SamplesSection
from xreg.workbench.generate.samples import read_samples
from xreg.workbench.importing.collect import BadEntriesError
from xreg.workbench.importing.imports import import_dataset
from xreg.workbench.importing.options import ImportOptions
from xreg.workbench.predict.samples import BadSamplesError
from xreg.workbench.predict.samples import read_samples as read_new

ENERGY = np.linspace(8980.0, 9020.0, 41)
MU = 0.5 + np.arctan(ENERGY - 8990) / np.pi
SPECTRUM = f'xas="{" ".join(map(str, MU))}" xas_energy="{" ".join(map(str, ENERGY))}"'
TABLE = "".join(f"{e} {m}\n" for e, m in zip(ENERGY, MU, strict=True))
FIRST = "no absorber is named, so that the first atom is taken: {} everywhere"
HALF = "data_x\nloop_\n_atom_site_label\n_atom_site_occupancy\nFe1 .5\n"
POSCAR = "Cu4 O4\n1.0\n4.3 0 0\n0 4.3 0\n0 0 4.3\n{symbols}\n4 4\nDirect\n" + (
    "0 0 0\n0 .5 .5\n.5 0 .5\n.5 .5 0\n.5 0 0\n0 .5 0\n0 0 .5\n.5 .5 .5\n"
)


def load(source: Path, **changes: object):
    settings = {"dataset": {"name": "t", "version": "1.0.0"}, **changes}
    return import_dataset(source, ImportOptions.parse(settings, "import"))


def bad_of(source: Path, **changes: object) -> dict[str, str]:
    with pytest.raises(BadEntriesError) as caught:
        load(source, **changes)
    return {Path(bad.file).name: bad.reason for bad in caught.value.entries}


def remarks(dataset) -> list[str]:
    return [said["remark"] for said in dataset.metadata.provenance["remarks"]]


def xmu() -> str:
    rows = (
        f"{e} {e - 8999} {(e - 8990) / 10} {m} {m} 0\n" for e, m in zip(ENERGY, MU, strict=True)
    )
    return "# omega e k mu mu0 chi\n" + "".join(rows)


def site(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "xmu.dat").write_text(xmu())


def material(folder: Path, symbols: str = "Cu O") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "POSCAR").write_text(POSCAR.format(symbols=symbols))
    return folder


# Frames with spectra --------------------------------------------------------------------------


@pytest.mark.parametrize("gap", ["", "\n", "\n \n\t\n"])
def test_all_frames_are_imported_whatever_stands_between_them(tmp_path, gap):
    frames = [
        f"2\ncode=AA{i}X q={i - 2} spin={i / 2} {SPECTRUM}\nFe 0 0 0\nO 0 0 1.{i}\n"
        for i in range(5, 9)
    ]
    path = tmp_path / "a.xyz"
    path.write_text(gap + gap.join(frames) + gap)
    dataset = load(path, layout="extxyz", absorber="Fe")
    assert dataset.samples.ids.tolist() == ["a-0", "a-1", "a-2", "a-3"]
    assert dataset.samples.positions[1::2, 2].tolist() == [1.5, 1.6, 1.7, 1.8]
    assert dataset.labels["code"].tolist() == ["AA5X", "AA6X", "AA7X", "AA8X"]
    assert dataset.labels["q"].tolist() == [3, 4, 5, 6]
    assert dataset.labels["spin"].tolist() == [2.5, 3.0, 3.5, 4.0]


def test_one_bad_frame_is_one_bad_sample(tmp_path):
    good = f"2\nProperties=species:S:1:pos:R:3 {SPECTRUM}\nFe 0 0 0\nO 0 0 2\n"
    path = tmp_path / "a.extxyz"
    path.write_text(
        good * 3 + good.replace("O 0", "X 0") + good + good.replace("2\n", "3\n", 1) + good
    )
    found = bad_of(path, absorber="Fe")
    assert set(found) == {"a.extxyz, frame 3", "a.extxyz, frame 5"}
    assert "atom 1 'X' is a dummy" in found["a.extxyz, frame 3"]
    assert "announces 3 atoms and has 2 lines" in found["a.extxyz, frame 5"]
    dataset = load(path, absorber="Fe", bad="set-aside")
    assert dataset.samples.ids.tolist() == ["a-0", "a-1", "a-2", "a-4", "a-6"]
    assert len(dataset.metadata.provenance["set_aside"]) == 2


def test_labels_that_some_samples_lack_are_said(tmp_path):
    path = tmp_path / "a.xyz"
    one = f"1\nq=1 {{}} {SPECTRUM}\nFe 0 0 0\n"
    path.write_text(one.format("s=2") + one.format(""))
    dataset = load(path, absorber=0)
    assert set(dataset.labels) == {"q"}
    assert "'s' is no label, because 1 samples have none" in remarks(dataset)


@pytest.mark.parametrize(
    ("first", "second", "values", "said"),
    [
        # True became 1 beside numbers, 007 became 7.
        ("q=T", "q=2", ["True", "2"], "'q' is text, because its values are numbers and truth val"),
        ("q=2", "q=high", ["2", "high"], "'q' is text, because its values are numbers and texts"),
        ("q=007", "q=008", ["007", "008"], ""),
        # What followed an empty text was lost.
        ('s="" q=3', "s={} q=4", [3, 4], ""),
        ("zarr.json=1 q=3", "zarr.json=1 q=4", [3, 4], "'zarr.json' is no label"),
    ],
)
def test_labels_keep_what_they_are(tmp_path, first, second, values, said):
    one = f"1\nProperties=species:S:1:pos:R:3 {{}} {SPECTRUM}\nFe 0 0 0\n"
    (tmp_path / "a.xyz").write_text(one.format(f"id=01 {first}") + one.format(f"id=1 {second}"))
    dataset = load(tmp_path / "a.xyz", absorber=0, split=None)
    assert dataset.labels["q"].tolist() == values
    assert said in str(remarks(dataset))
    assert dataset.samples.ids.tolist() == ["01", "1"]


def test_a_label_has_one_unit(tmp_path):
    one = f"1\nd=2 d_unit={{}} {SPECTRUM}\nFe 0 0 0\n"
    (tmp_path / "a.xyz").write_text(one.format("Å") + one.format("nm"))
    told = bad_of(tmp_path / "a.xyz", absorber=0)
    assert list(told.values()) == ["its 'd' is in nm, that of samples before in Å"]


# Pairs ----------------------------------------------------------------------------------------


def pairs(folder: Path, **structures: str) -> Path:
    for kind in ("xyz", "sp"):
        (folder / "pairs" / kind).mkdir(parents=True)
    for name, text in structures.items():
        suffix = "cif" if text.startswith("data_") else "xyz"
        (folder / "pairs" / "xyz" / f"{name}.{suffix}").write_text(text)
        (folder / "pairs" / "sp" / f"{name}.txt").write_text(TABLE)
    return folder / "pairs"


def test_first_atoms_of_several_elements_are_refused(tmp_path):
    first, second = "2\nx\nS 0 0 0\nH 0 0 1.3\n", "2\nx\nH 0 0 1.3\nS 0 0 0\n"
    source = pairs(tmp_path, a=first, b=first, c=second)
    with pytest.raises(DataError, match=r"several elements \(S 2, H 1; H in 'c'\): say which"):
        load(source)
    assert load(source, absorber="S").samples.absorber.tolist() == [0, 0, 1]
    assert load(source, absorber=0).samples.absorbers().tolist() == [16, 16, 1]  # as it is told
    (source / "xyz" / "c.xyz").write_text(first)
    dataset = load(source)
    assert dataset.samples.absorbers().tolist() == [16, 16, 16]
    assert remarks(dataset) == [FIRST.format("S")]


def test_several_candidates_are_a_sample_each_or_refused(tmp_path):
    source = pairs(tmp_path, a="3\nx\nFe 0 0 0\nFe 0 0 2.5\nO 0 0 4.2\n")
    assert "2 atoms of Fe (Fe 0, Fe 1): say which" in bad_of(source, absorber="Fe")["a.xyz"]
    dataset = load(source, absorber="Fe", sites="all")
    assert dataset.samples.ids.tolist() == ["a-0", "a-1"]
    assert dataset.samples.absorber.tolist() == [0, 1]
    np.testing.assert_array_equal(*dataset.spectra["xas"].intensity)
    with pytest.raises(ConfigError, match="--sites all needs --absorber ELEMENT"):
        load(source, sites="all")


def test_the_entry_of_a_structure_names_its_absorber(tmp_path):
    source = pairs(tmp_path, a="2\nabsorber=1\nO 0 0 0\nFe 0 0 2\n")
    assert load(source).samples.absorbers().tolist() == [26]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("3\nx\nFe 0 0 0\nO 0 0 2\nO 0 0 2\n", "atoms 1 and 2 (O and O) are in one place"),
        ("3\nx\nFe 0 0 0\nO 0 0 .2\nO 0 0 -.2\n", "not nanometres?"),
        ("2\nx\nFe 0 0 0\nO 0 0 21\n", "more than 21 Å apart"),
        (
            HALF,
            "Fe1 0.5 are not occupied",
        ),
        ("2\nx\nFe 0 0 0\nQ 0 0 2\n", "'Q' is a dummy"),
        ("1\nx\nFe 0 0 0\n1\nx\nFe 0 0 0\n", "2 frames where one is needed"),
    ],
)
def test_what_predict_refuses_import_refuses(tmp_path, text, reason):
    name, why = next(iter(bad_of(pairs(tmp_path, a=text), absorber="Fe").items()))
    assert name in ("a.xyz", "a.cif")
    assert reason in why
    file = tmp_path / "pairs" / "xyz" / name
    new = read_new(file, Domain("structures", (8, 26), (26,)), "Fe")
    if "2 frames" not in reason:
        assert new.bad[0][1] == why
        section = SamplesSection(file=file.name, absorber="Fe")
        if file.suffix == ".xyz":
            with pytest.raises(DataError, match="none of 1 structures can be read"):
                read_samples(section, file.parent)


def test_deuterium_is_hydrogen_and_other_files_are_passed_over(tmp_path):
    source = pairs(tmp_path, a="3\nx\nFe 0 0 0\nO 0 0 2\nD 0 0 3\n")
    (source / "xyz" / "README").write_text("hello")
    (source / "xyz" / "old").mkdir()
    (source / "xyz" / "gone.xyz").symlink_to("nowhere.xyz")
    assert bad_of(source, absorber="Fe") == {"gone.xyz": "it is a link that leads nowhere"}
    dataset = load(source, absorber="Fe", bad="set-aside")
    assert dataset.samples.numbers.tolist() == [26, 8, 1]
    assert remarks(dataset) == ["D is read as hydrogen"]
    passed = [Path(one["file"]).name for one in dataset.metadata.provenance["passed_over"]]
    assert passed == ["README", "old"]


# npz ------------------------------------------------------------------------------------------


def npz(folder: Path, **changes: np.ndarray) -> Path:
    content = {
        "numbers": np.array([[26, 8, 0], [26, 8, 8]]),
        "positions": 0.4 * np.arange(18.0).reshape(2, 3, 3),
        "spectra": np.array([MU, MU]),
        "energy": ENERGY,
    }
    np.savez(folder / "a.npz", **{**content, **changes})
    return folder / "a.npz"


def test_indices_that_count_from_one_are_told(tmp_path):
    dataset = load(npz(tmp_path, absorber=np.array([1, 1])))
    assert dataset.samples.absorbers().tolist() == [8, 8]
    assert remarks(dataset) == [
        "absorber indices count from 0 and hit O; counted from 1 all of them would hit Fe"
    ]
    assert remarks(load(npz(tmp_path, absorber=np.array([0, 0])))) == []
    found = bad_of(npz(tmp_path, absorber=np.array([2, 1])))
    assert "2 is none of its 2 atoms (from 0; counted from 1" in found["a.npz, row 0"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"numbers": np.array([[26, 0, 8], [26, 8, 8]])},
            "the atomic number 0, a dummy",
        ),
        ({"numbers": np.array([[26, 8, 0], [26, 8, 200]])}, "atomic number 200, no element"),
        ({"numbers": np.zeros((2, 3), int)}, "it has no atoms"),
        ({"positions": np.zeros((2, 3, 3))}, "in one place"),
        ({"cell": np.zeros((2, 3, 3))}, "cell vector of no length"),
    ],
)
def test_rows_of_npz_are_judged_as_files_are(tmp_path, changes, reason):
    assert reason in next(iter(bad_of(npz(tmp_path, **changes)).values()))


# Trees ----------------------------------------------------------------------------------------


def test_links_are_followed_and_lost_ones_listed(tmp_path):
    tree = tmp_path / "tree"
    site(material(tree / "real") / "000_Cu")
    site(material(tmp_path / "elsewhere" / "m2") / "001_Cu")
    (tree / "linked").symlink_to(tmp_path / "elsewhere" / "m2")
    (tree / "notes.txt").write_text("hello")
    dataset = load(tree)
    assert dataset.samples.ids.tolist() == ["linked-001", "real-000"]
    assert dataset.metadata.provenance["passed_over"][0]["file"] == "notes.txt"
    (tree / "loop").symlink_to(tree)
    (tree / "real" / "back").symlink_to(tree / "real")
    (tree / "broken").symlink_to("nowhere")
    assert bad_of(tree) == {
        "loop": "it is a link back to a folder above it",
        "back": "it is a link back to a folder above it",
        "broken": "it is a link that leads nowhere",
    }
    for name in ("loop", "broken", "linked"):
        (tree / name).unlink()
    (tree / "real" / "back").unlink()
    # What git writes in place of a link where it may make none.
    for name, target in (("linked", "../elsewhere/m2"), ("beside", "real")):
        (tree / name).write_text(target)
        assert f"holds the path of a link ('{target}')" in bad_of(tree)[name]
    (tree / "beside").unlink()
    (tree / "linked").unlink()
    (tree / "linked").symlink_to(tmp_path / "elsewhere" / "m2")
    packed = tmp_path / "tree.tar"
    with tarfile.open(packed, "w") as file:
        file.add(tree, "tree")
    assert bad_of(packed)["linked"] == "it is a link, which is not followed in an archive"


@pytest.mark.parametrize(
    ("between", "structure"), [("", "."), ("FEFF-XANES", "."), ("FEFF", "."), ("", "VASP")]
)
def test_trees_of_lightshow_are_known_by_their_looks(tmp_path, between, structure):
    for n in (1, 2):
        folder = tmp_path / "tree" / f"mp-{n}"
        material(folder / structure)
        site(folder / between / f"00{n - 1}_Cu")
    dataset = load(tmp_path / "tree")
    assert dataset.samples.ids.tolist() == ["mp-1-000", "mp-2-001"]
    assert dataset.samples.absorber.tolist() == [0, 1]
    assert dataset.labels["material"].tolist() == ["mp-1", "mp-2"]
    assert dataset.samples.absorbers().tolist() == [29, 29]


def test_a_material_without_a_structure_takes_no_other(tmp_path):
    site(tmp_path / "tree" / "mp-1" / "000_Cu")
    material(tmp_path / "tree" / "mp-2")
    assert bad_of(tmp_path / "tree") == {
        "xmu.dat": "there is no POSCAR",
        "POSCAR": "no site with a spectrum is beside it",
    }


@pytest.mark.parametrize("symbols", ["Cu/1a2b3c4d O/5e6f7a8b", "Cu_pv O", "Cu_pv/0f O_s/1"])
def test_symbols_of_new_vasp(tmp_path, symbols):
    site(material(tmp_path / "tree" / "m", symbols) / "003_Cu")
    dataset = load(tmp_path / "tree")
    assert dataset.samples.numbers.tolist() == [29] * 4 + [8] * 4
    assert any("is read as Cu" in said for said in remarks(dataset))


# Generations and predictions ------------------------------------------------------------------


def test_samples_of_a_generation(tmp_path):
    good = "2\nq={} absorber=1\nO 0 0 0\nFe 0 0 2\n"
    path = tmp_path / "a.xyz"
    path.write_text(
        "\n" + good.format(1) + "\n \n" + good.format(2).replace("Fe", "X") + good.format(3) + "\n"
    )
    section = SamplesSection(file="a.xyz", labels={"q": None})
    table = read_samples(section, tmp_path)
    assert table.samples.ids.tolist() == ["a-0", "a-2"]
    assert table.samples.absorber.tolist() == [1, 1]
    assert table.labels["q"].tolist() == [1, 3]
    assert list(table.bad) == ["a-1"]
    assert "frame 1: its atom 1 'X' is a dummy" in table.bad["a-1"]
    every = read_samples(SamplesSection(file="a.xyz", absorber="O", sites="all"), tmp_path)
    assert every.samples.absorber.tolist() == [0, 0]
    path.write_text("1\nx\nFe 0 0 0\n1\nx\nO 0 0 0\n")
    with pytest.raises(DataError, match=r"several elements .*give 'absorber'"):
        read_samples(SamplesSection(file="a.xyz"), tmp_path)
    path.write_text("1\nx\nFe 0 0 0\n")
    assert read_samples(SamplesSection(file="a.xyz"), tmp_path).notes == [
        "a.xyz: " + FIRST.format("Fe")
    ]


def test_samples_of_a_prediction(tmp_path):
    domain = Domain("structures", (8, 26), (26,))
    path = tmp_path / "a.xyz"
    frames = ["2\nx\n26 0 0 0\n8 0 0 2\n", "2\nx\nFe 0 0 0\nCl 0 0 2\n"]
    frames.append("3\nx\nFe 0 0 0\nFe 0 0 3\nO 0 0 1.5\n")
    path.write_text("\n" + "\n \n".join(frames) + "\n")
    found = read_new(path, domain)
    assert found.samples.ids.tolist() == ["0", "1"]
    ((where, reason),) = found.bad
    assert where == "a.xyz, frame 2"
    assert reason.startswith("it has 2 atoms of Fe (Fe 0, Fe 1): say which with --absorber INDEX")
    known = found.known_to(SimpleNamespace(domain=domain, refusals=domain.outside_domain))
    assert known.samples.ids.tolist() == ["0"]
    assert [where for where, _ in known.bad] == ["a.xyz, frame 2", "sample '1'"]
    assert "2 of 3 samples cannot be predicted, first a.xyz, frame 2: it has 2" in str(
        BadSamplesError(known)
    )
    every = read_new(path, domain, sites="all")
    assert every.samples.ids.tolist() == ["0", "1", "2/Fe0", "2/Fe1"]


def test_the_command_says_what_it_read(tmp_path, capsys):
    source = pairs(tmp_path, a="2\nx\nFe 0 0 0\nD 0 0 2\n")
    for arguments, code, said in (
        (
            [],
            0,
            FIRST.format("Fe"),
        ),
        (["--absorber", "Fe"], 0, "note: a.xyz, frame 0: D is read as hydrogen"),
        (["--absorber", "2"], 2, "2 is none of its 2 atoms"),
        (["--sites", "some"], 2, "sites"),
    ):
        out = tmp_path / f"{len(list(tmp_path.iterdir()))}.zarr"
        command = ["data", "import", str(source), "-o", str(out), "--fractions", "1", "0", "0"]
        with pytest.raises(SystemExit) as end:
            cli.main([*command, *arguments])
        assert (end.value.code or 0) == code
        assert said in capsys.readouterr().err
    assert len(open_store(next(tmp_path.glob("*.zarr")))) == 1
