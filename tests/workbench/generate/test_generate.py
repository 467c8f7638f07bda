"""The generation driver: failures, resume after SIGKILL, earlier versions, bad requests."""

from __future__ import annotations

import errno
import json
import os
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml
from ase.build import bulk
from ase.io import read, write

from xreg.cli import main as cli
from xreg.core.errors import ConfigError, PluginError, RunError
from xreg.registry import plugins as plugin_host
from xreg.registry.stores import layout
from xreg.registry.stores.journal import Finished, Journal
from xreg.registry.stores.store import open_store
from xreg.workbench.generate.generate import _task
from xreg.workbench.generate.recipe import GenerationRecipe
from xreg.workbench.generate.samples import read_samples, sample_keys
from xreg.workbench.recipes.load import load_one
from xreg_tests.generation import GENERATE, computed, kill_after, molecules, recipe, run, tree


def test_a_generated_store_holds_what_the_recipe_says(toy):
    made = run(recipe(toy), workers=2)
    assert (made.samples, made.computed, made.failures) == (30, 30, {})
    assert sorted(p.name for p in toy.iterdir()) == [
        "log", "out.zarr", "recipe.yaml", "site", "water.extxyz",
    ]  # fmt: skip
    dataset = open_store(made.path)
    frames = molecules(30)
    assert dataset.samples.ids.tolist() == [f.info["id"] for f in frames]
    # Positions are rounded first, and spectra are those of the rounded ones.
    positions = np.asarray(dataset.samples.positions)
    original = np.concatenate([f.positions for f in read(toy / "water.extxyz", ":")])
    assert 0 < np.max(np.abs(positions - original) / np.abs(original)) <= 2**-17
    from xreg_toy_generator import Toy

    for i in (0, 17, 29):
        spectrum = Toy().generate(dataset.samples[i])
        stored = np.asarray(dataset.spectra["xes"].intensity[i])
        np.testing.assert_allclose(stored, spectrum.channels["xes"], rtol=2**-12)
        assert dataset.labels["longest"][i] == spectrum.labels["longest"]
    assert dataset.labels["temperature"].tolist() == [300.0 + i for i in range(30)]
    assert dataset.label_units == {"temperature": "K", "longest": "Å"}
    parts = dataset.splits["default"].indices(dataset.samples.ids)
    groups = [set((rows // 5).tolist()) for rows in parts.values()]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 6
    provenance = dataset.metadata.provenance
    assert len(provenance["generator"].pop("code")) == 64
    assert provenance["generator"] == {
        "name": "toy", "version": "toy 1", "plugin": "xreg-toy 1.0",
        "settings": {"width": 0.5, "seconds": 0.0, "fails": {}},
    }  # fmt: skip
    assert len(provenance["samples"]["sha256"]) == 64
    assert str(toy) not in json.dumps(provenance)


def test_killed_again_and_again_it_ends_with_the_same_bytes_and_computes_nothing_twice(toy):
    path = recipe(toy, 40, generator={"name": "toy", "seconds": 0.06})
    command = [*GENERATE, str(path), "--workers", "1", "-o", "killed.zarr"]
    partial = toy / "killed.zarr.partial"
    keys = sample_keys(
        read_samples(load_one(GenerationRecipe, path).samples, toy, {"positions": 16}).samples
    )
    ids = dict(zip(keys, (f.info["id"] for f in molecules(40)), strict=True))
    before = Counter()
    done: set[str] = set()
    for kill in range(3):
        kill_after(command, partial, 1 + kill % 2)
        assert not (toy / "killed.zarr").exists()
        now = computed(toy)
        assert not done & set(now - before), "finished samples were computed again"
        before = now
        with Journal(partial, json.loads((partial / "task.json").read_text())) as journal:
            assert not journal.damaged
            done = {ids[key] for key in journal.place}
        assert done
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    assert f"{40 - len(done)} computed now" in result.stdout
    assert not done & set(computed(toy) - before)
    run(path, "straight.zarr", workers=2)
    assert tree(toy / "killed.zarr") == tree(toy / "straight.zarr")
    assert not partial.exists()


def test_failing_samples_are_set_aside_with_their_reasons(toy):
    fails = {"s0003": "sample", "s0007": "bug", "s0011": "nan", "s0029": "death"}
    changes = {"generator": {"name": "toy", "fails": fails}}
    made = run(recipe(toy, bad="set-aside", **changes))
    reasons = {
        "s0003": "no convergence in 50 cycles",
        "s0007": "ZeroDivisionError: a bug",
        "s0011": "the result is not finite",
        "s0029": "the worker died twice on it (killed, or crashed)",
    }
    assert made.failures == reasons
    dataset = open_store(made.path)
    assert set(fails).isdisjoint(dataset.samples.ids.tolist())
    assert len(dataset) == 26
    assert dataset.metadata.provenance["set_aside"] == [
        {"id": key, "reason": reason} for key, reason in reasons.items()
    ]


def test_a_refused_failure_keeps_the_finished_samples(toy, capsys):
    changes = {"generator": {"name": "toy", "fails": {"s0020": "sample"}}}
    path = recipe(toy, **changes)
    with pytest.raises(SystemExit) as end:
        cli.main(["data", "generate", str(path), "-o", "out.zarr", "--workers", "1"])
    assert end.value.code == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("xreg: sample 's0020': no convergence in 50 cycles; finished samples")
    assert not (toy / "out.zarr").exists()
    first = computed(toy)
    path = recipe(toy, bad="set-aside", **changes)
    cli_end(path)
    assert "set aside: s0020: no convergence" in capsys.readouterr().err
    again = computed(toy) - first
    assert "s0000" in first
    assert "s0000" not in again
    assert "s0020" in again


def cli_end(path: Path) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["data", "generate", str(path), "-o", "out.zarr", "--workers", "1"])
    assert not end.value.code


def test_a_wrong_shape_is_the_plugins_fault(toy):
    changes = {"generator": {"name": "toy", "fails": {"s0001": "shape"}}}
    with pytest.raises(
        PluginError, match=r"'toy' returned the channels .*\(12,\).*'s0001'.*\(13,\)"
    ):
        run(recipe(toy, **changes))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("complex", "the channel 'xes' of generator 'toy' for 's0001' is of type complex128"),
        ("text", "the channel 'xes' of generator 'toy' for 's0001' is of type <U"),
        ("nothing", "'toy' returned NoneType for sample 's0001', where a Spectrum is needed"),
    ],
)
def test_what_is_no_spectrum_is_the_plugins_fault(toy, kind, said):
    with pytest.raises(PluginError, match=said):
        run(recipe(toy, generator={"name": "toy", "fails": {"s0001": kind}}))


def test_what_a_generator_says_of_itself_is_checked(toy, monkeypatch):
    from xreg_toy_generator import GRID, Toy

    def missing(self):
        raise OSError("no program")

    for grid in (GRID[::-1], GRID[:, None], GRID * 1j, GRID * np.nan):
        with monkeypatch.context() as patch:
            patch.setattr(Toy, "grids", lambda self, grid=grid: {"xes": grid})
            with pytest.raises(PluginError, match="energies of channel 'xes' of generator 'toy'"):
                run(recipe(toy))
    monkeypatch.setattr(Toy, "version", missing)
    with pytest.raises(PluginError, match=r"'toy' cannot tell its version .OSError: no program"):
        run(recipe(toy))


def test_all_samples_failing_is_a_failed_run(toy):
    fails = {f"s{i:04d}": "sample" for i in range(3)}
    changes = {"generator": {"name": "toy", "fails": fails}}
    with pytest.raises(RunError, match=r"no sample could be computed \(3 tried\), first 's0000'"):
        run(recipe(toy, 3, bad="set-aside", split=None, **changes))


def test_an_extended_version_takes_the_earlier_samples_over(toy, monkeypatch):
    with monkeypatch.context() as earlier:  # an xreg that cut shards into smaller chunks
        earlier.setattr(layout, "CHUNK_BYTES", 1 << 12)
        base = run(recipe(toy, 1000)).path
    path = recipe(toy, 1020, dataset={"name": "toy", "version": "1.1.0"}, extends=str(base))
    made = run(path, "more.zarr")
    assert (made.samples, made.computed) == (1020, 20)
    assert max(computed(toy).values()) == 1
    old, new = tree(base), tree(made.path)
    shards = [name for name in old if name.startswith("spectra/xes/intensity/c/")
              or name.startswith("samples/structures/positions/c/")]  # fmt: skip
    assert len(shards) == 2
    assert all(new[name] == old[name] for name in shards)
    fresh = run(recipe(toy, 1020, dataset={"name": "toy", "version": "1.1.0"}), "fresh.zarr")
    same, other = open_store(made.path), open_store(fresh.path)
    assert np.array_equal(same.spectra["xes"].intensity, other.spectra["xes"].intensity)
    assert np.array_equal(same.labels["longest"], other.labels["longest"])
    assert same.metadata.provenance["extends"]["dataset"] == "toy 1.0.0"
    for change, text in (
        ({"generator": {"name": "toy", "width": 0.6}}, "setting width is 0.5"),
        ({"precision": {"xes": 9}}, "precision is"),
    ):
        with pytest.raises(ConfigError, match=text):
            run(recipe(toy, 20, extends=str(base), **change), "no.zarr")


def test_parameter_tables_are_samples_too(toy):
    (toy / "table.csv").write_text("name,dq,ds,kind\na,0.1,1,x\nb,0.2,-1,y\n")
    samples = {
        "file": "table.csv",
        "id": "name",
        "labels": {"kind": None},
        "parameters": {"dq": "eV", "ds": "eV"},
    }
    path = recipe(toy, samples=samples, generator={"name": "toy-table"}, split=None, precision={})
    made = run(path)
    dataset = open_store(made.path)
    assert dataset.samples.units == ("eV", "eV")
    assert dataset.labels["kind"].tolist() == ["x", "y"]
    from xreg_toy_generator import GRID

    assert np.array_equal(dataset.spectra["xas"].intensity[:], [0.1 * GRID + 1, 0.2 * GRID - 1])


def journal(folder: Path, **task: object) -> Journal:
    return Journal(folder / "work", {"name": "toy", **task})


def test_samples_computed_by_other_code_are_not_mixed(tmp_path):
    with journal(tmp_path):
        pass  # of a version that did not write the code down
    with journal(tmp_path, code="a"):
        pass
    with journal(tmp_path / "new", code="a"):
        pass
    with (
        pytest.raises(ConfigError, match=r"other code of the generator 'toy'.*changed since"),
        journal(tmp_path / "new", code="b"),
    ):
        pass


def finished(*keys: str) -> Finished:
    n = len(keys)
    return Finished(keys, [None] * n, {"xes": np.arange(3.0 * n).reshape(n, 3)}, {"e": np.ones(n)})


def test_a_damaged_journal_file_is_thrown_away(tmp_path):
    with journal(tmp_path) as first:
        first.add(finished("a", "b"))
        first.add(finished("c"))
    files = sorted((tmp_path / "work").glob("*.batch"))
    victim = next(f for f in files if f.stat().st_size == max(g.stat().st_size for g in files))
    content = bytearray(victim.read_bytes())
    content[-1] ^= 1
    victim.write_bytes(bytes(content))
    (tmp_path / "work" / "half.part").write_bytes(b"cut short")
    with journal(tmp_path) as again:
        assert again.damaged == [victim.name]
        assert set(again.place) == {"c"}
        np.testing.assert_array_equal(again.channel("xes", ["c"]), [[0, 1, 2]])
        again.remove()
    assert not (tmp_path / "work").exists()


def test_a_failure_is_tried_again_where_it_is_refused(toy):
    """Set aside by a call that was killed, then refused: it is computed again, and stands."""
    fails = {"s0002": "sample"}
    path = recipe(toy, 6, split=None, generator={"name": "toy", "fails": fails})
    loaded = load_one(GenerationRecipe, path)
    from xreg_toy_generator import Toy

    task = {**_task(Toy(fails=fails), plugin_host.host()), "precision": loaded.precision}
    samples = read_samples(loaded.samples, toy, loaded.precision).samples
    nothing = {"xes": np.full((1, 13), np.nan)}, {"longest": np.full(1, np.nan)}
    with Journal(toy / "out.zarr.partial", task) as work:
        work.add(Finished([sample_keys(samples)[2]], ["failed before"], *nothing))
    with pytest.raises(RunError, match="no convergence in 50 cycles"):
        run(path)
    assert computed(toy)["s0002"] == 1
    made = run(recipe(toy, 6, split=None, bad="set-aside",
                      generator={"name": "toy", "fails": fails}))  # fmt: skip
    assert made.failures == {"s0002": "failed before"}
    assert computed(toy)["s0002"] == 1


def test_structures_without_the_absorber_are_marked_and_the_others_done(toy):
    path = recipe(toy, 6, split=None, bad="set-aside")
    frames = molecules(6)
    frames[1].numbers[0] = 16
    frames[4].numbers[1] = 8
    write(toy / "water.extxyz", frames)
    made = run(path)
    assert (made.samples, made.computed) == (4, 4)
    assert open_store(made.path).samples.ids.tolist() == ["s0000", "s0002", "s0003", "s0005"]
    assert made.failures == {
        "s0001": f"'{toy / 'water.extxyz'}', frame 1: it has no absorber: no atom is O, only H, S",
        "s0004": f"'{toy / 'water.extxyz'}', frame 4: it has 2 atoms of O (O 0, O 1): give "
        "'absorber', an index (from 0) or an element, or 'sites: all' for a sample each",
    }
    assert computed(toy) == dict.fromkeys(["s0000", "s0002", "s0003", "s0005"], 1)
    set_aside = open_store(made.path).metadata.provenance["set_aside"]
    assert {entry["id"]: entry["reason"] for entry in set_aside} == made.failures


def test_a_success_stands_whatever_failed(tmp_path):
    failed = Finished(
        ["a"], ["no luck"], {"xes": np.full((1, 3), np.nan)}, {"e": np.full(1, np.nan)}
    )
    with journal(tmp_path) as work:
        work.add(failed)
        assert work.failed == {"a": "no luck"}
        work.add(finished("a", "b"))
        assert not work.failed
    with journal(tmp_path) as again:
        assert not again.failed
        assert set(again.place) == {"a", "b"}


def test_a_full_disk_is_told_and_loses_nothing(tmp_path, monkeypatch):
    with journal(tmp_path) as first:
        first.add(finished("a"))

        def full(descriptor: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(RunError, match=r"keeping finished samples in .*: no space left"):
                first.add(finished("b"))
    with journal(tmp_path) as again:
        assert set(again.place) == {"a"}
        assert not list(again.folder.glob("*.part"))


def test_sites_that_symmetry_makes_equal_are_computed_once(toy):
    atoms = bulk("Cu", "fcc", 3.61, cubic=True).repeat((2, 1, 1))
    atoms.numbers[4] = 8
    atoms.info["id"] = "doped"
    path = recipe(toy, samples={"file": "doped.extxyz", "absorber": "Cu", "sites": "distinct"})
    content = yaml.safe_load(path.read_text())
    content["samples"]["labels"] = {}
    content["split"] = None
    path.write_text(yaml.safe_dump(content))
    write(toy / "doped.extxyz", atoms)
    dataset = open_store(run(path).path)
    assert dataset.samples.ids.tolist() == ["doped-0", "doped-1", "doped-2", "doped-5"]
    assert dataset.labels["multiplicity"].tolist() == [1, 1, 4, 1]
    assert set(dataset.labels["structure"]) == {"doped"}
    content["samples"]["labels"] = {"structure": {"key": "id"}}
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match="gives the label 'structure'; rename yours"):
        run(path, "again.zarr")
