"""SPEC files, as silx writes them and as beamlines do."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from silx.io.utils import save1D

from xreg.core.errors import DataError
from xreg.core.readers.importing.log import ImportLog
from xreg.plugins.spec.importer import SpecImporter
from xreg.plugins.spec.plugin import SpecImportConfig

ENERGY = np.arange(7000.0, 7300.0, 0.5)
MU = 0.7 + np.arctan((ENERGY - 7112) / 1.5) / np.pi


def read(path: Path, **settings: object):
    log = ImportLog()
    importer = SpecImporter(SpecImportConfig.parse(settings, "it"))
    return list(importer.entries(path, log)), log


def spec(path: Path, labels: str, *scans: np.ndarray, command: str = "ascan  energy") -> Path:
    lines = ["#F made.spec", "#D Tue Nov 14 22:13:20 2023", ""]
    for i, rows in enumerate(scans, 1):
        lines += [f"#S {i}  {command} 7 7.3 600 1", "#D Tue Nov 14 22:13:20 2023"]
        lines += [f"#N {rows.shape[1]}", f"#L {labels}"]
        lines += [" ".join(f"{v:.9g}" for v in row) for row in rows] + [""]
    path.write_text("\n".join(lines))
    return path


def test_as_silx_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "a.spec"
    save1D(str(path), ENERGY, [MU], xlabel="Energy", ylabels=["mu"], filetype="spec", fmt="%.10g")
    (entry,), log = read(path)
    assert SpecImporter.sniff(path, path.read_bytes()[:4096]) == 0.9
    assert not log.bad
    assert [s.id for s in entry.samples] == ["a"]
    np.testing.assert_allclose(entry.curves["xas"].energy, ENERGY)
    np.testing.assert_allclose(entry.curves["xas"].intensity, MU, rtol=1e-9)


def test_counters_and_keV(tmp_path: Path) -> None:
    i0 = 1e5 + ENERGY
    rows = np.transpose([ENERGY / 1000, i0, i0 * np.exp(-MU)])
    path = spec(tmp_path / "b.spec", "Energy  I0  I1", rows, rows)
    _, log = read(path, columns={"signal": "ln(I0/I1)"})
    assert "say --unit keV" in log.bad[0].reason
    entries, log = read(path, columns={"signal": "ln(I0/I1)", "unit": "keV"})
    assert not log.bad
    assert [e.samples[0].id for e in entries] == ["b-1", "b-2"]
    assert entries[1].labels["scan"] == "2"
    assert entries[1].labels["command"].startswith("ascan")
    np.testing.assert_allclose(entries[0].curves["xas"].energy, ENERGY, atol=1e-5)
    np.testing.assert_allclose(entries[0].curves["xas"].intensity, MU, atol=1e-6)
    _, log = read(path, columns={"unit": "keV"})
    assert "--signal" in log.bad[0].reason


def test_a_scan_of_a_motor_is_passed_over(tmp_path: Path) -> None:
    rows = np.transpose([np.linspace(0, 1, 20), np.linspace(2, 5, 20) ** 2])
    entries, log = read(spec(tmp_path / "c.spec", "pz  I0", rows))
    assert not entries
    assert not log.bad
    assert "none of its columns is named as an energy (pz, I0)" in str(log.passed_over[0])


def test_one_scan_is_chosen(tmp_path: Path) -> None:
    rows = np.transpose([ENERGY, MU])
    path = spec(tmp_path / "d.spec", "Energy  mu", rows, 2 * rows[:, ::1])
    (entry,), _ = read(path, columns={"scan": "1"})
    assert entry.samples[0].id == "d"
    with pytest.raises(DataError, match=r"has 0 scans 7; it has 1\.1, 2\.1"):
        read(path, columns={"scan": "7"})


@pytest.mark.parametrize("content", [b"#S 1 ascan\n#N 2\n#L Energy  mu\n", b"#F x\n\n", b"\0\1\2"])
def test_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "e.spec").write_bytes(content)
    entries: list = []
    with suppress(DataError):
        entries, _ = read(tmp_path / "e.spec")
    assert not entries
