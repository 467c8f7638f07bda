"""Imports on common grids, as a command, and the choice of an importer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from hypothesis import given, settings
from hypothesis import strategies as st

from xreg.core.errors import ConfigError, DataError, UnknownNameError
from xreg.core.readers.importing.curve import Curve, parse_grid
from xreg.registry.stores.store import open_store
from xreg_tests.imports import ENERGY, edge, load, run

# Grids, tables, and the command ----------------------------------------------------------------


@settings(max_examples=30)
@given(
    start=st.floats(-100, 10000),
    step=st.sampled_from([0.01, 0.1, 0.2, 0.25, 0.3, 1.0, 2.5]),
    n=st.integers(1, 400),
)
def test_a_grid_has_both_ends(start, step, n):
    grid = parse_grid(f"{start!r}:{start + n * step!r}:{step}")
    assert len(grid) == n + 1
    assert grid[0] == start
    np.testing.assert_allclose(grid[-1], start + n * step, atol=1e-6)


@settings(max_examples=30)
@given(st.integers(2, 30), st.integers(0, 2**31))
def test_interpolation_keeps_points_and_invents_nothing(n, seed):
    rng = np.random.default_rng(seed)
    curve = Curve(np.cumsum(rng.uniform(0.1, 1, n)), rng.normal(size=n))
    assert np.array_equal(curve.on(curve.energy, 0), curve.intensity)
    grid = np.linspace(curve.energy[0], curve.energy[-1], 50)
    on = curve.on(grid, 0)
    assert curve.intensity.min() <= on.min()
    assert on.max() <= curve.intensity.max()
    with pytest.raises(DataError, match="short"):
        curve.on(grid + 0.01, 0)


@pytest.mark.parametrize("text", ["", "1:2", "1:2:0", "2:1:1", "1:2:x", "1:nan:1", "0:1e9:1e-3"])
def test_bad_grids_are_refused(text):
    with pytest.raises(ConfigError, match="grid"):
        parse_grid(text)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"channels": ["a", "b"]}, "has one channel"),
        ({"layout": "npz"}, "wants a file"),
        ({"grids": {"xes": "1:2:1"}}, "grid is given for no channel 'xes'"),
        ({"split": {"group": "matrial"}}, "did you mean 'material'"),
    ],
)
def test_options_that_do_not_fit_are_refused(feff, changes, text):
    with pytest.raises((ConfigError, UnknownNameError), match=text):
        load(feff, **changes)


def test_the_command_writes_a_store(feff, tmp_path, capsys):
    output = tmp_path / "cu-k.zarr"
    command = [str(feff), "-o", str(output), "--grid", "8985:9015:0.25", "--split-by", "material",
               "--fractions", "0.5", "0", "0.5", "--precision", "xas=12",
               "--licence", "CC0-1.0"]  # fmt: skip
    assert run(*command) == 0
    assert "3 samples" in capsys.readouterr().out
    dataset = open_store(output)
    assert (dataset.metadata.name, dataset.metadata.licence) == ("cu-k", "CC0-1.0")
    assert dataset.spectra["xas"].intensity.dtype == np.float32
    assert run(*command) == 2
    assert "exists already" in capsys.readouterr().err


def test_the_command_lists_bad_entries_and_leaves_nothing(feff, tmp_path, capsys):
    (feff / "mp-1" / "001_Cu" / "xmu.dat").write_text("")
    (feff / "mp-2" / "000_Cu").mkdir()
    output = tmp_path / "cu.zarr"
    assert run(str(feff), "-o", str(output)) == 2
    err = capsys.readouterr().err
    assert "bad: mp-1/001_Cu/xmu.dat: it is empty" in err
    assert "bad: mp-2/000_Cu/xmu.dat: there is no xmu.dat" in err
    assert "xreg: 2 of 4 entries cannot be imported, first mp-1/001_Cu/xmu.dat: it is empty" in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["tree"]
    assert (
        run(str(feff), "-o", str(output), "--bad", "set-aside", "--fractions", "1", "0", "0") == 0
    )
    assert "set aside: mp-1/001_Cu/xmu.dat: it is empty" in capsys.readouterr().err
    assert len(open_store(output)) == 2


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nowhere", "-o", "x.zarr"], "'nowhere' does not exist"),
        (["."], "a dataset needs a name"),
        ([".", "-o", "x.zarr"], "looks like no known layout"),
        ([".", "-o", "x.zarr", "--layout", "fef"], "layout"),
        ([".", "--name", "../x"], "dataset.name"),
        ([".", "-o", "x.zarr", "--grid", "1:2"], "must be start:stop:step"),
        ([".", "-o", "x.zarr", "--precision", "xas"], "write CHANNEL=bits"),
        ([".", "-o", "x.zarr", "--bad", "drop"], "bad"),
    ],
)
def test_bad_requests_end_in_one_sentence(tmp_path, monkeypatch, capsys, arguments, text):
    monkeypatch.chdir(tmp_path)
    if "--grid" in arguments:
        arguments = ["--layout", "feff", *arguments]
    assert run(*arguments) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("xreg: ")
    assert text in last
    assert not list(tmp_path.iterdir())


def test_an_unknown_source_says_who_was_asked(tmp_path):
    (tmp_path / "notes.dat").write_text("no spectra\n")
    with pytest.raises(ConfigError, match=r"asked were .*extxyz.*, feff.*, npz, .*pairs") as caught:
        load(tmp_path / "notes.dat")
    assert "--layout" in str(caught.value)
    with pytest.raises(UnknownNameError, match=r"--layout ffef: no importer 'ffef'.*'feff'"):
        load(tmp_path / "notes.dat", layout="ffef")


def test_a_source_is_known_by_its_content_too(tmp_path):
    atoms = Atoms("CuO", positions=[[0, 0, 0], [0, 0, 2]])
    atoms.info |= {"xas": edge(ENERGY), "xas_energy": ENERGY}
    write(tmp_path / "frames.out", atoms, format="extxyz")
    assert load(tmp_path / "frames.out").metadata.provenance["layout"] == "extxyz"
    np.savez(tmp_path / "a.npz", numbers=[[29]], positions=[[[0.0, 0, 0]]], spectra=[edge(ENERGY)],
             energy=ENERGY)  # fmt: skip
    (tmp_path / "a.npz").rename(tmp_path / "arrays")
    assert load(tmp_path / "arrays").metadata.provenance["layout"] == "npz"


def test_an_importer_that_fails_at_a_glance_hurts_no_other(tmp_path, monkeypatch):
    def crash(path: Path, head: bytes) -> float:
        raise OSError("no luck")

    monkeypatch.setattr("xreg.plugins.npz.importer.NpzImporter.sniff", crash)
    atoms = Atoms("CuO", positions=[[0, 0, 0], [0, 0, 2]])
    atoms.info |= {"xas": edge(ENERGY), "xas_energy": ENERGY}
    write(tmp_path / "a.extxyz", atoms)
    remarks = load(tmp_path / "a.extxyz").metadata.provenance["remarks"]
    assert any("'npz' failed to look at it (OSError: no luck)" in r["remark"] for r in remarks)


@pytest.mark.parametrize("value", [5.0, -1, "yes", None, float("nan")])
def test_an_importer_that_is_surer_than_sure_is_not_asked(tmp_path, monkeypatch, value):
    monkeypatch.setattr("xreg.plugins.npz.importer.NpzImporter.sniff", lambda path, head: value)
    atoms = Atoms("CuO", positions=[[0, 0, 0], [0, 0, 2]])
    atoms.info |= {"xas": edge(ENERGY), "xas_energy": ENERGY}
    write(tmp_path / "a.extxyz", atoms)
    about = load(tmp_path / "a.extxyz").metadata.provenance
    assert about["layout"] == "extxyz"
    said = f"it says {value!r} where a number from 0 to 1 is needed"
    assert any("'npz' failed to look at it" in r["remark"] and said in r["remark"]
               for r in about["remarks"])  # fmt: skip


def test_an_importer_of_folders_claims_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr("xreg.plugins.feff.importer.FeffImporter.sniff", lambda path, head: 1.0)
    atoms = Atoms("CuO", positions=[[0, 0, 0], [0, 0, 2]])
    atoms.info |= {"xas": edge(ENERGY), "xas_energy": ENERGY}
    write(tmp_path / "a.extxyz", atoms)
    assert load(tmp_path / "a.extxyz").metadata.provenance["layout"] == "extxyz"


def test_two_importers_as_sure_are_both_named(tmp_path, monkeypatch):
    monkeypatch.setattr("xreg.plugins.npz.importer.NpzImporter.sniff", lambda path, head: 0.95)
    write(tmp_path / "a.extxyz", Atoms("CuO", positions=[[0, 0, 0], [0, 0, 2]], info={"a": 1}))
    with pytest.raises(ConfigError, match="like extxyz and like npz; name one"):
        load(tmp_path / "a.extxyz")
