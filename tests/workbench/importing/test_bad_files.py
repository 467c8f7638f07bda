"""What is wrong with a file of a beamline is told in one sentence, whatever its format is."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from xreg.core.data.dataset import Dataset
from xreg.core.errors import XregError
from xreg.workbench.importing.imports import import_dataset
from xreg.workbench.importing.options import ImportOptions

E = np.arange(7000.0, 7300.0)
BOTH = np.arange(7000.0, 8000.0, 2.0)
FDMNES = (
    " 7112.000 26 1 1 0.0 = E_edge, Z, n_edge, j_edge, Abs_before_edge\n    Energy    <xanes>\n"
)
SPEC = "#F a\n#D Mon Jan 01 00:00:00 2024\n\n#S 1 ascan energy 7000 7300 300 1\n#N 2\n#L {}\n"


def mu(energy: np.ndarray) -> np.ndarray:
    jump = np.arctan((energy - 7112) / 1.5) + 0.6 * np.arctan((energy - 7709) / 1.5)
    return 0.7 + jump / np.pi


def rows(energy: np.ndarray, signal: np.ndarray) -> str:
    return "".join(f"{a:.6f} {b:.8f}\n" for a, b in zip(energy, signal, strict=True))


def xdi(energy: np.ndarray, signal: np.ndarray, unit: str = "eV", name: str = "mutrans") -> str:
    head = f"# XDI/1.0 made\n# Column.1: energy {unit}\n# Column.2: {name}\n# Element.symbol: Fe\n"
    return f"{head}# Element.edge: K\n#----\n# energy {name}\n{rows(energy, signal)}"


def columns(energy: np.ndarray, signal: np.ndarray, unit: str = "", name: str = "xmu") -> str:
    return f"# energy{f'({unit})' if unit else ''} {name}\n{rows(energy, signal)}"


def spec(energy: np.ndarray, signal: np.ndarray, unit: str = "", name: str = "mu") -> str:
    return SPEC.format(f"energy{f'({unit})' if unit else ''}  {name}") + rows(energy, signal)


def fdmnes(energy: np.ndarray, signal: np.ndarray, unit: str = "", name: str = "") -> str:
    return FDMNES + rows(energy - 7112, signal)


def nexus(energy: np.ndarray, signal: np.ndarray, unit: str = "eV", name: str = "mu") -> bytes:
    with h5py.File("made", "w", driver="core", backing_store=False) as file:
        data = file.create_group("entry/data")
        data.attrs["signal"] = name
        data["energy"], data[name] = energy, signal
        data["energy"].attrs["units"] = unit
        file.flush()
        return bytes(file.id.get_file_image())


Write = Callable[..., str | bytes]
FORMATS: dict[str, tuple[Write, str]] = {
    "xdi": (xdi, "xdi"),
    "columns": (columns, "dat"),
    "spec": (spec, "spec"),
    "fdmnes": (fdmnes, "txt"),
    "nexus": (nexus, "nxs"),
}
EACH = pytest.mark.parametrize("layout", FORMATS)


def read(path: Path, content: str | bytes) -> Dataset:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    options = {"dataset": {"name": "a", "version": "1.0.0"}}
    return import_dataset(path, ImportOptions.parse(options, "import"))


def refused(path: Path, content: str | bytes) -> str:
    with pytest.raises(XregError) as caught:
        read(path, content)
    said = str(caught.value)
    assert "\n" not in said
    assert path.name in said
    assert len(said) < 500
    return said


@EACH
def test_the_ending_tells_nothing(layout: str, tmp_path: Path) -> None:
    write, _ = FORMATS[layout]
    found = read(tmp_path / "a.png", write(E, mu(E)))
    assert found.metadata.provenance["layout"] == layout
    np.testing.assert_allclose(found.spectra["xas"].energy, E)


@EACH
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_packed(layout: str, ending: str, tmp_path: Path) -> None:
    write, suffix = FORMATS[layout]
    content = write(E, mu(E))
    packed = gzip.compress(content if isinstance(content, bytes) else content.encode())
    assert "gzip; unpack it" in refused(tmp_path / f"a.{suffix}{ending}", packed)


@EACH
def test_falling_energies_are_sorted(layout: str, tmp_path: Path) -> None:
    write, suffix = FORMATS[layout]
    found = read(tmp_path / f"a.{suffix}", write(E[::-1], mu(E)[::-1]))
    np.testing.assert_allclose(found.spectra["xas"].intensity[0], mu(E), atol=1e-7)
    assert "the energies fall, and were sorted" in str(found.metadata.provenance["remarks"])


@EACH
def test_two_scans_in_one_table(layout: str, tmp_path: Path) -> None:
    write, suffix = FORMATS[layout]
    twice = write(np.r_[E, E], np.r_[mu(E), mu(E)])
    assert "choose one with --scan N" in refused(tmp_path / f"a.{suffix}", twice)


@pytest.mark.parametrize("layout", ["xdi", "columns", "fdmnes"])
def test_cut_off_within_a_number_is_told(layout: str, tmp_path: Path) -> None:
    write, suffix = FORMATS[layout]
    content = write(E, mu(E))
    whole = read(tmp_path / f"a.{suffix}", content.rstrip("\n"))
    assert "cut off" not in str(whole.metadata.provenance["remarks"])
    cut = read(tmp_path / f"b.{suffix}", content[:-6])
    assert "was the file cut off?" in str(cut.metadata.provenance["remarks"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("7001.000000 ", "7001.000000 nan", "holds a value that is no number"),
        ("7001.000000 ", "", "its line 8 has 1 columns where line 7 has 2"),
        ("7001.000000 ", "7001.000000 \0", "it is no text"),
    ],
)
def test_rows_of_spec_that_hold_more_or_less(old: str, new: str, said: str, tmp_path: Path) -> None:
    assert said in refused(tmp_path / "a.spec", spec(E, mu(E)).replace(old, new))


@EACH
def test_two_edges_in_one_scan(layout: str, tmp_path: Path) -> None:
    write, suffix = FORMATS[layout]
    found = read(tmp_path / f"a.{suffix}", write(BOTH, mu(BOTH)))
    assert "as at 2 edges; --grid cuts" in str(found.metadata.provenance["remarks"])
    one = read(tmp_path / f"b.{suffix}", write(E, mu(E)))
    assert "as at" not in str(one.metadata.provenance["remarks"])


@pytest.mark.parametrize("layout", ["xdi", "columns", "spec", "nexus"])
@pytest.mark.parametrize(
    ("factor", "unit", "said"),
    [
        (1e-3, "eV", "look like keV; say --unit keV"),
        (1.0, "keV", "no edge lies so high; say --unit eV"),
        (1.0, "furlong", "the unit 'furlong' of its energies is not known"),
    ],
)
def test_units_unlike_the_label(
    layout: str, factor: float, unit: str, said: str, tmp_path: Path
) -> None:
    write, suffix = FORMATS[layout]
    if layout == "columns" and unit == "furlong":
        pytest.skip("a word in brackets behind a name is part of it unless it is a unit")
    assert said in refused(tmp_path / f"a.{suffix}", write(factor * E, mu(E), unit))


@pytest.mark.parametrize("layout", ["xdi", "columns", "spec"])
def test_counts_of_the_beam_are_no_signal(layout: str, tmp_path: Path) -> None:
    write, suffix = FORMATS[layout]
    said = refused(tmp_path / f"a.{suffix}", write(E, 1e5 + E, name="i0"))
    assert "say which is the signal" in said


@pytest.mark.parametrize("layout", ["xdi", "columns", "spec"])
def test_a_missing_column(layout: str, tmp_path: Path) -> None:
    write, suffix = FORMATS[layout]
    lines = str(write(E, mu(E))).splitlines()
    cut = "\n".join(line if line.startswith("#") else line.split()[0] for line in lines if line)
    said = refused(tmp_path / f"a.{suffix}", cut)
    asked = ("names 2 columns, and its rows have 1", "it has 1 column where", "no known layout")
    assert any(words in said for words in asked)


def test_columns_that_lie_in_another_file(tmp_path: Path) -> None:
    path = tmp_path / "a.nxs"
    with h5py.File(path, "w") as file:
        for name in ("energy", "mu"):
            file[f"entry/data/{name}"] = h5py.ExternalLink("other.h5", name)
    said = refused(path, path.read_bytes())
    assert "they lie in another file, which is not read: give that" in said


def test_nothing_named_as_an_energy(tmp_path: Path) -> None:
    said = refused(tmp_path / "a.spec", spec(E, mu(E)).replace("energy  mu", "th  det"))
    assert "none of its columns is named as an energy (th, det)" in said


@pytest.mark.parametrize(
    "content", ["hello\n", "# Athena project file -- Demeter version 0.9.26\n"]
)
def test_an_athena_project_names_who_reads_it(content: str, tmp_path: Path) -> None:
    said = refused(tmp_path / "a.prj", content)
    assert "xreg-larch" in said or "athena" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("energy (eV),a,b\n1,2,3\n2,3\n", "row 3 has 2 cells where the first has 3"),
        ("energy (eV),a,b\n1,2,x\n2,3,1\n", "row 2 holds 'x', which is no number"),
        ("energy (eV),a,a\n1,2,2\n2,3,1\n", "two columns called 'a'; rename one"),
        ("energy (eV),a\n3,2\n2,3\n", "the energies do not increase from 3 to 2 eV"),
        ("energy (eV),a\n", "holds no table"),
    ],
)
def test_tables_of_xreg(content: str, said: str, tmp_path: Path) -> None:
    assert said in refused(tmp_path / "a.csv", content)
