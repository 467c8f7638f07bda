"""Athena projects that larch itself writes, and files that only look like one."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("larch", reason="xraylarch is not installed (pip install xraylarch)")

from larch import Group
from larch.io import create_athena
from xreg_larch import AthenaImportConfig
from xreg_larch.importer import AthenaImporter

from xreg.core.errors import DataError
from xreg.core.readers.importing.log import ImportLog
from xreg.core.testing import ImporterSuite

ENERGY = np.arange(6950.0, 7600.0, 0.5)


def mu(edge: float) -> np.ndarray:
    return 0.7 + np.arctan((ENERGY - edge) / 1.5) / np.pi + 1e-5 * (ENERGY - edge)


def project(path: Path, edges: dict[str, float], *, packed: bool = True, shift: float = 0) -> Path:
    made = create_athena(str(path))
    for label, edge in edges.items():
        group = Group(energy=ENERGY.copy(), mu=mu(edge), label=label, filename=label)
        group.energy_shift = shift
        made.add_group(group)
    made.save(str(path))
    if not packed:
        path.write_bytes(gzip.decompress(path.read_bytes()))
    return path


def read(path: Path, **settings: object):
    log = ImportLog()
    return list(AthenaImporter(AthenaImportConfig.parse(settings, "it")).entries(path, log)), log


@pytest.mark.parametrize("packed", [True, False])
def test_as_larch_writes_it(tmp_path: Path, packed: bool) -> None:
    path = project(tmp_path / "fe.prj", {"foil": 7112.0, "rust": 7123.0}, packed=packed)
    assert AthenaImporter.sniff(path, path.read_bytes()[:4096]) == 0.95
    entries, log = read(path)
    assert not log.bad
    assert [e.samples[0].id for e in entries] == ["foil", "rust"]
    assert [e.samples[0].absorber for e in entries] == [26, 26]
    np.testing.assert_allclose(entries[1].curves["xas"].energy, ENERGY, atol=1e-6)
    np.testing.assert_allclose(entries[1].curves["xas"].intensity, mu(7123.0), atol=1e-7)
    assert entries[0].labels["edge"] == "K"
    assert abs(entries[0].labels["e0"] - 7112) < 2


def test_the_shift_of_a_group_is_added(tmp_path: Path) -> None:
    (entry,), log = read(project(tmp_path / "a.prj", {"foil": 7112.0}, shift=1.25))
    np.testing.assert_allclose(entry.curves["xas"].energy, ENERGY + 1.25, atol=1e-6)
    assert entry.labels["energy_shift"] == 1.25
    assert "shifted" in " ".join(log.remarks)


def test_two_groups_of_one_name_are_not_joined(tmp_path: Path) -> None:
    path = project(tmp_path / "a.prj", {"foil": 7112.0, "rust": 7123.0}, packed=False)
    path.write_text(path.read_text().replace("rust", "foil"))
    (first, second), log = read(path)
    assert [e.samples[0].id for e in (first, second)] == ["foil", "foil-2"]
    np.testing.assert_allclose(first.curves["xas"].intensity, mu(7112.0), atol=1e-7)
    np.testing.assert_allclose(second.curves["xas"].intensity, mu(7123.0), atol=1e-7)
    assert "1 group(s) of a name that others have are called foil-2" in log.remarks


def test_names_that_larch_takes_for_one_are_told_apart(tmp_path: Path) -> None:
    path = old_project(tmp_path / "a.prj", np.arange(7000.0, 7200.0), lines="")
    group = path.read_text().partition("\n\n")[2]
    more = [group.replace("foil", name) for name in ("a b", "a-b", "a_b-2", "a-b")]
    path.write_text(path.read_text() + "".join(more) + "1;\n")
    entries, log = read(path)
    assert [e.samples[0].id for e in entries] == ["foil", "a b", "a-b-3", "a_b-2", "a-b-4"]
    assert not log.bad


@pytest.mark.parametrize(
    "line",
    [
        "@x = [str(i) for i in range(3)];",
        "@x = open('/etc/passwd');",
        "system('ls');",
        "$old_group = 'a'.__class__;",
        "@y = ('1') * 10;",
    ],
)
def test_what_a_project_holds_is_never_run(tmp_path: Path, line: str) -> None:
    path = project(tmp_path / "a.prj", {"foil": 7112.0}, packed=False)
    head, rest = path.read_text().split("\n", 1)
    if not head.startswith("# Athena"):
        head, rest = "# Athena project file -- Demeter version 0.9.25", "$old_group = 'abc';\n"
    path.write_text(f"{head}\n{line}\n{rest}")
    with pytest.raises(DataError, match=r"its line 2 is no list of numbers and texts"):
        read(path)


def test_objects_of_demeter_are_passed_over(tmp_path: Path) -> None:
    path = project(tmp_path / "a.prj", {"foil": 7112.0}, packed=False)
    text = path.read_text()
    if not text.startswith("# Athena"):
        pytest.skip("this larch writes projects as JSON, which hold no such objects")
    line = (
        "$xdi = bless( {'metadata' => {'Element' => {'symbol' => 'Fe'}},'ok' => 1}, 'Xray::XDI' );"
    )
    path.write_text(text.replace("[record]", f"{line}\n[record]", 1))
    (entry,), _ = read(path)
    np.testing.assert_allclose(entry.curves["xas"].intensity, mu(7112.0), rtol=1e-8)


def test_three_commands_from_installation_to_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is the installation."""
    from xreg.cli.main import main

    monkeypatch.chdir(tmp_path)
    project(tmp_path / "foils.prj", {"foil": 7112.0, "rust": 7123.0})
    for command in (
        "data import foils.prj -o foils.zarr --grid common",
        "pages explore foils.zarr -o foils.html",
    ):
        with pytest.raises(SystemExit) as end:
            main(command.split())
        assert not end.value.code
    page = (tmp_path / "foils.html").read_text(encoding="utf-8")
    assert "rust" in page


@pytest.mark.parametrize(
    "content",
    [b"", b"no project\n", b"\x1f\x8bxx", gzip.compress(b"# Athena project file -- what\n"), b"{}"],
)
def test_no_project(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.prj").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.prj"):
        read(tmp_path / "a.prj")


class TestAthena(ImporterSuite):
    component = AthenaImporter
    plugin = "xreg_larch"

    def write(self, folder: Path) -> Path:
        edges = {"a": 7112.0, "b": 7115.0, "c": 7123.0}
        return project(folder / "set.prj", edges, packed=False)

    def damage(self, source: Path) -> None:
        text = source.read_text()
        values = [f"{v}" for v in mu(7115.0)]
        first = next(t for t in (values[0], f"{mu(7115.0)[0]:.9f}", f"{mu(7115.0)[0]:.10g}"))
        assert first in text
        source.write_text(text.replace(first, "nan", 1))


def old_project(path, energy, lines="1;\n"):
    """Write a project of one group as Demeter does."""
    x = ",".join(f"'{e:.6f}'" for e in energy)
    y = ",".join(f"'{0.5 + np.arctan((i - 100) / 2) / np.pi:.6f}'" for i in range(len(energy)))
    path.write_text(
        "# Athena project file -- Demeter version 0.9.26\n\n$old_group = 'foil';\n"
        "@args = ('label','foil','is_xmu','1','bkg_e0','7112','bkg_z','Fe');\n"
        f"@x = ({x});\n@y = ({y});\n[record]\n\n{lines}"
    )
    return path


def test_a_project_that_is_cut_off_is_told(tmp_path):
    energy = np.arange(7000.0, 7200.0)
    path = old_project(tmp_path / "a.prj", energy, lines="$old_group = 'oxide';\n")
    _, log = read(path)
    assert "it is cut off within a group" in log.bad[0].reason
    (_,), log = read(old_project(tmp_path / "b.prj", energy, lines=""))
    assert not log.bad
    assert any("groups behind may be cut off" in remark for remark in log.remarks)
    _, log = read(old_project(tmp_path / "c.prj", energy))
    assert not log.bad
    assert not log.remarks


def test_energies_that_larch_sorts_are_told(tmp_path):
    energy = np.arange(7000.0, 7200.0)
    (entry,), log = read(old_project(tmp_path / "a.prj", energy[::-1]))
    assert any("fall or repeat: larch sorts them" in remark for remark in log.remarks)
    assert (np.diff(entry.curves["xas"].energy) > 0).all()
    _, log = read(old_project(tmp_path / "b.prj", energy))
    assert not log.remarks


def test_energies_in_kev_are_refused_or_converted(tmp_path):
    path = old_project(tmp_path / "a.prj", np.arange(7.0, 7.2, 0.001))
    entries, log = read(path)
    assert not entries
    assert "look like keV" in log.bad[0].reason
    (entry,), log = read(path, columns={"unit": "keV"})
    assert entry.curves["xas"].energy[0] == 7000
