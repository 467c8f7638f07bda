"""SPEC files, as programs write them and as beamlines do."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

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
    rows = "\n".join(f"{e:.10g}  {mu:.10g}" for e, mu in zip(ENERGY, MU, strict=True))
    path.write_text(f"#F {path}\n#D 2023-11-14T22:13:20\n\n#S 1 mu\n#N 2\n#L Energy  mu\n{rows}\n")
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
    with pytest.raises(DataError, match=r"has no scan 7; it has 1\.1, 2\.1"):
        read(path, columns={"scan": "7"})


@pytest.mark.parametrize("content", [b"#S 1 ascan\n#N 2\n#L Energy  mu\n", b"#F x\n\n", b"\0\1\2"])
def test_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "e.spec").write_bytes(content)
    entries: list = []
    with suppress(DataError):
        entries, _ = read(tmp_path / "e.spec")
    assert not entries


ROW = "7020 100020 89980 0.2"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("7020 100020 x 0.2", "its line 25 '7020 100020 x 0.2' holds a value that is no number"),
        ("7020 100020", "its line 25 has 2 columns where line 5 has 4"),
        ("7020 100020 89980 0.2 5", "its line 25 has 5 columns where line 5 has 4"),
        ("7020 100020 89980,5 0,2", "hold both points and commas"),
        ("7020 100020 0x10 0.2", "holds a value that is no number"),
        ("7020 1e5e5 89980 0.2", "holds a value that is no number"),
        ("7020 100020 89980 1.2.3", "holds a value that is no number"),
        ("7020 100020 89980 nan", "is not finite at point 21: line 25 holds 'nan'"),
        ("7020 100020 89980 ---", "is not finite at point 21: line 25 holds '---'"),
        ("", None),
        ("#C Thu Jan 1 1970.  Aborted, and resumed.", None),
        ("@A 1 2 3 4\\\n 5 6 7 8", None),
    ],
)
def test_a_row_that_is_none(tmp_path: Path, row: str, reason: str | None) -> None:
    rows = [f"{7000 + i} {1e5 + i} {9e4 - i} {i * 0.01:.2f}" for i in range(60)]
    text = "#F a\n\n#S 1 ascan energy\n#L Energy  I0  I1  mu\n"
    good = "\n\n#S 2 ascan energy\n#L Energy  mu\n" + "\n".join(
        f"{7000 + i} 1{i}" for i in range(9)
    )
    (tmp_path / "a.spec").write_text(text + "\n".join([*rows[:20], row, *rows[21:]]) + good)
    entries, log = read(tmp_path / "a.spec", columns={"signal": "mu"})
    assert [entry.labels["scan"] for entry in entries] == (["2"] if reason else ["1", "2"])
    if reason:
        assert reason in log.bad[0].reason
    else:
        np.testing.assert_array_equal(
            entries[0].curves["xas"].energy, np.delete(7000.0 + np.arange(60), 20)
        )


def test_numbers_of_fortran(tmp_path: Path) -> None:
    rows = "\n".join(f"7.{i:03}D+03 {i + 1}.5-101" for i in range(20))
    (tmp_path / "a.spec").write_text(f"#F a\n#S 1 ascan\n#L Energy  mu\n{rows}\n")
    (entry,), _ = read(tmp_path / "a.spec")
    np.testing.assert_allclose(entry.curves["xas"].energy, 7000.0 + np.arange(20))
    np.testing.assert_allclose(entry.curves["xas"].intensity, (np.arange(20) + 1.5) * 1e-101)


def test_a_scan_without_points_is_passed_over(tmp_path: Path) -> None:
    rows = np.transpose([ENERGY, MU])
    path = spec(tmp_path / "a.spec", "Energy  mu", rows)
    path.write_text(path.read_text() + "\n#S 2 ascan energy\n#N 2\n#L Energy  mu\n#C Aborted\n")
    (entry,), log = read(path)
    assert entry.samples[0].id == "a-1"
    assert "scan 2: it has no points" in str(log.passed_over[0])


def test_labels_of_other_columns(tmp_path: Path) -> None:
    path = spec(tmp_path / "a.spec", "Energy  I0  mu", np.transpose([ENERGY, MU]))
    _, log = read(path)
    assert "its rows have 2 columns, and its header names others" in log.bad[0].reason


def test_random_damage_is_told(tmp_path: Path) -> None:
    """A parser in C that was used before died of a tenth of these files."""
    rows = np.transpose([ENERGY[:60], MU[:60]])
    content = spec(tmp_path / "a.spec", "Energy  mu", rows, rows).read_bytes()
    rng = np.random.default_rng(1)
    for _ in range(200):
        damaged = bytearray(content)
        for place in rng.integers(len(content), size=16):
            damaged[place] = rng.integers(256)
        (tmp_path / "b.spec").write_bytes(damaged)
        with suppress(DataError):
            read(tmp_path / "b.spec", columns={"signal": "mu"})


@pytest.mark.parametrize(
    ("command", "points", "told"),
    [
        ("ascan  energy 7 7.3 599 1", 600, False),
        ("ascan  energy 7 7.3 599 1", 300, True),
        ("a2scan  energy 7 7.3 theta 1 2 599 -1", 20, True),
        ("dscan  energy -1 1 19 0.1", 20, False),
        ("EXAFS Fe K 7000 7300 1000 1", 20, False),  # a macro, which counts in its own way
        ("ascan energy", 20, False),
    ],
)
def test_a_scan_that_was_aborted_is_told(
    tmp_path: Path, command: str, points: int, told: bool
) -> None:
    rows = np.transpose([ENERGY, MU])[:points]
    path = spec(tmp_path / "a.spec", "Energy  mu", rows)
    path.write_text(path.read_text().replace("ascan  energy 7 7.3 600 1", command))
    (entry,), log = read(path)
    assert len(entry.curves["xas"].energy) == points
    assert any(f"it has {points} points of the" in text for text in log.remarks) is told


def test_rows_before_the_first_scan_are_told(tmp_path: Path) -> None:
    path = spec(tmp_path / "a.spec", "Energy  mu", np.transpose([ENERGY, MU]))
    path.write_text(
        path.read_text().replace("#D Tue Nov 14 22:13:20 2023\n", "7000 1\n7001 2\n", 1)
    )
    entries, log = read(path)
    assert len(entries) == 1
    assert "line 2" in log.passed_over[0].path
    assert log.passed_over[0].reason == "2 row(s) of numbers stand before the first scan"


def test_columns_without_names(tmp_path: Path) -> None:
    path = spec(tmp_path / "a.spec", "x", np.transpose([ENERGY, MU]))
    path.write_text(path.read_text().replace("#L x\n", ""))
    entries, log = read(path)
    assert not entries
    assert "--energy N --signal N" in log.passed_over[0].reason
    (entry,), _ = read(path, columns={"energy": "1", "signal": "2"})
    np.testing.assert_allclose(entry.curves["xas"].intensity, MU, rtol=1e-8)


def test_a_file_that_ends_within_a_number(tmp_path: Path) -> None:
    path = spec(tmp_path / "a.spec", "Energy  mu", np.transpose([ENERGY, MU]))
    path.write_text(path.read_text().rstrip()[:-4])
    _, log = read(path)
    assert any("was the file cut off?" in text for text in log.remarks)
