"""``xreg data import`` of text spectra from strangers: the right numbers, or a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xreg.cli.main import main
from xreg.core.data.dataset import Dataset
from xreg.registry.stores.store import open_store
from xreg.workbench.importing.collect import BadEntriesError
from xreg.workbench.importing.imports import import_dataset
from xreg.workbench.importing.options import ImportOptions

ENERGY = 7100 + 0.5 * np.arange(40)
MU = np.round(0.025 * np.arange(40), 4)


def rows(separator: str = " ", energies: np.ndarray = ENERGY, form: str = ".1f") -> str:
    return "".join(f"{e:{form}}{separator}{v:.4f}\n" for e, v in zip(energies, MU, strict=True))


def load(folder: Path, content: bytes | str, absorber: str = "Fe", **columns: str) -> Dataset:
    for name in ("xyz", "sp"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "xyz" / "a.xyz").write_bytes(b"2\nx\nFe 0 0 0\nO 0 0 2.0\n")
    content = content if isinstance(content, bytes) else content.encode()
    (folder / "sp" / "a.txt").write_bytes(content)
    options = ImportOptions.parse(
        {
            "dataset": {"name": "a", "version": "1.0.0"},
            "layout": "pairs",
            "absorber": absorber,
            "spectra": str(folder / "sp"),
            "columns": columns,
            "split": {"fractions": [1, 0, 0]},
        },
        "import",
    )
    return import_dataset(folder / "xyz", options)


XDI = "# XDI/1.0\n# Column.1: energy {}\n# Column.2: {}\n# ///\n#---\n"
RAW = " 7112.000   26  1  1     0.00000 = E_edge, Z, n_edge, j_edge, Abs_before_edge\n"
SPEC = "#F a\n#S 1 escan\n#N 2\n#L Energy  mu\n"


@pytest.mark.parametrize(
    "content",
    [
        rows("\t").replace(".", ","),
        XDI.format("keV", "mutrans") + rows(energies=ENERGY / 1000, form=".5f"),
        b"# \xb5(E)\n" + rows().encode(),
        b"\xef\xbb\xbf" + rows().encode(),
        rows().encode("utf-16"),
        "energy,mu\n" + rows(","),
        "energy;mu\r\n" + rows(";").replace("\n", "\r\n").replace(".", ","),
        XDI.format("eV", "i0").replace("# ///", "# Column.3: mutrans\n# ///")
        + rows().replace(" ", " 30000 "),
        RAW + "    Energy    <xanes>\n" + rows(energies=ENERGY - 7112),
        SPEC + rows(),
        "".join(reversed(rows().splitlines(keepends=True))),
    ],
    ids=["comma", "kev", "latin-1", "bom", "utf-16", "csv", "german", "xdi", "fdmnes", "spec",
         "falling"],
)  # fmt: skip
def test_one_spectrum_in_many_forms(tmp_path, content):
    channel = load(tmp_path, content).spectra["xas"]
    np.testing.assert_allclose(channel.energy, ENERGY, rtol=1e-12)
    np.testing.assert_allclose(channel.intensity, [MU], rtol=1e-12)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (rows().replace("0.5000", "-9999"), "is -9999 at point 21 (7110 eV)"),
        (SPEC + rows() + "\n" + SPEC.replace("#S 1", "#S 2")[5:] + rows(), "it holds 2 scans"),
        (rows() + rows(), "as 2 scans one after the other do"),
        (rows().replace(" ", " 1 "), "3 columns without names"),
        (rows(",").replace(".", ","), "may be decimal commas"),
        ("# Element.symbol: Cu\n" + rows(), "its header says Cu, and the absorber is Fe"),
        (RAW.replace(" 26 ", " 8 ") + rows(), "its header says O, and the absorber is Fe"),
        ("".join(f"{e} 0.0\n" for e in ENERGY), "all intensities of the spectrum are zero"),
    ],
)
def test_what_cannot_be_one_spectrum_is_bad(tmp_path, content, reason):
    with pytest.raises(BadEntriesError) as caught:
        load(tmp_path, content)
    assert reason in caught.value.entries[0].reason


def test_what_was_done_is_in_the_provenance(tmp_path):
    content = XDI.format("keV", "mutrans") + rows(energies=ENERGY[::-1] / 1000, form=".5f")
    dataset = load(tmp_path, content)
    np.testing.assert_allclose(dataset.spectra["xas"].intensity[0], MU[::-1])
    said = {one["remark"]: one["files"] for one in dataset.metadata.provenance["remarks"]}
    assert said == {
        "energies in keV were converted to eV": 1,
        "the energies fall, and were sorted": 1,
    }


def test_the_options_of_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    two = "".join(
        f"{e / 1000:.5f} {1000 * np.exp(v):.9f} 1000 1\n" for e, v in zip(ENERGY, MU, strict=True)
    )
    with pytest.raises(BadEntriesError, match="4 columns without names"):
        load(tmp_path, two)
    command = ["data", "import", "xyz", "--spectra", "sp", "--layout", "pairs", "--absorber", "Fe",
               "--fractions", "1", "0", "0", "-o"]  # fmt: skip
    said = ["--energy", "1", "--signal", "ln(2/3)", "--noise", "4", "--unit", "keV"]
    with pytest.raises(SystemExit) as end:
        main([*command, "out.zarr", *said])
    assert not end.value.code
    assert "note: sp/a.txt: energies in keV were converted to eV" in capsys.readouterr().err
    dataset = open_store(Path("out.zarr"))
    np.testing.assert_allclose(dataset.spectra["xas"].energy, ENERGY)
    np.testing.assert_allclose(dataset.spectra["xas"].intensity[0], MU, atol=1e-8)
    assert dataset.metadata.provenance["columns"]["signal"] == "ln(2/3)"
    for wrong, words in ((["--unit", "Ry"], "unit"), (["--signal", "mu"], "no column 'mu'")):
        with pytest.raises(SystemExit) as end:
            main([*command, "no.zarr", *wrong])
        assert end.value.code == 2
        assert words in capsys.readouterr().err


def test_arrays_in_kev(tmp_path):
    np.savez(
        tmp_path / "a.npz", numbers=[[26, 8]], positions=np.array([[[0, 0, 0], [0, 0, 2.0]]]),
        spectra=[MU], energy=ENERGY / 1000, absorber=[0],
    )  # fmt: skip
    told = {"dataset": {"name": "a", "version": "1.0.0"}, "split": {"fractions": [1, 0, 0]}}
    options = ImportOptions.parse({**told, "columns": {"unit": "keV"}}, "import")
    found = import_dataset(tmp_path / "a.npz", options).spectra["xas"]
    np.testing.assert_allclose(found.energy, ENERGY)
    options = ImportOptions.parse({**told, "columns": {"signal": "2"}}, "import")
    with pytest.raises(
        Exception, match=r"--signal is for text spectra of the layout .*pairs.*, not for .npz"
    ):
        import_dataset(tmp_path / "a.npz", options)
