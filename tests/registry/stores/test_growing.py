"""Stores that grow: readable at any moment, and the same after any number of kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml

from xreg.core.errors import CorruptError, DataError, RunError
from xreg.registry import plugins as plugin_host
from xreg.registry.datasets import open_dataset
from xreg.registry.publishing import describe
from xreg.registry.stores.growing import GrowingStore
from xreg.registry.stores.journal import Journal, _load
from xreg.registry.stores.store import open_store
from xreg.workbench.generate.generate import generate
from xreg.workbench.generate.recipe import GenerationRecipe
from xreg.workbench.generate.store import Growth
from xreg.workbench.recipes.load import load_one

FAILING = {
    "name": "toy-table", "fails": [f"wide-{i}" for i in range(2100, 2200)]
}  # fmt: skip
TOY = Path(__file__).parents[2] / "toy_distribution"
SHARD = 1000
pytestmark = pytest.mark.usefixtures("warm_workers")


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Make the toy distribution importable and known to the plugin host, here and in children."""
    info = tmp_path / "site" / "xreg_toy-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: xreg-toy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[xreg]\ntoy = xreg_toy\n")
    for path in (TOY, info.parent):
        monkeypatch.syspath_prepend(str(path))
    monkeypatch.setenv("PYTHONPATH", f"{TOY}{os.pathsep}{info.parent}")
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    monkeypatch.chdir(tmp_path)
    plugin_host.host.cache_clear()
    yield tmp_path
    plugin_host.host.cache_clear()


def recipe(folder: Path, count: int, seconds: float = 0.0, **changes: object) -> Path:
    content = {
        "dataset": {"name": "toy", "version": "1.0.0"},
        "samples": {
            "sets": {
                "wide": {"space": {"dq": [0, 1], "ds": [-1, 1]}, "count": count - 200},
                "flat": {"space": {"dq": 0, "ds": [-1, 1]}, "count": 200, "seed": 1},
            }
        },
        "generator": {"name": "toy-table", "seconds": seconds},
        "split": {"fractions": [0.8, 0.1, 0.1], "within": {"set": "wide"}},
        "precision": {"xas": 12, "parameters": 23},
        **changes,
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def run(path: Path, output: str = "out.zarr", workers: int = 1):
    return generate(load_one(GenerationRecipe, path), path.parent, Path(output), workers=workers)


def computed(folder: Path) -> Counter[str]:
    log = folder / "log"
    return Counter(log.read_text().split()) if log.exists() else Counter()


def tree(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def check_partial(path: Path, planned: int) -> int:
    """Open a growing store, compare every spectrum in it, and return how many there are."""
    from xreg_toy_generator import GRID

    if not list(path.glob("*.shard")):
        return 0
    dataset = open_dataset(str(path))
    n = len(dataset)
    assert dataset.metadata.provenance["incomplete"] == {"finished": n, "planned": planned}
    assert len(dataset.samples.ids) == len(dataset.labels["set"]) == n
    values = np.asarray(dataset.samples.values)
    expected = values[:, :1] * GRID + values[:, 1:]
    stored = np.asarray(dataset.spectra["xas"].intensity)
    np.testing.assert_allclose(stored, expected, rtol=2**-13, atol=0)
    assert np.array_equal(dataset.spectra["xas"].intensity[3:5], stored[3:5])
    parts = dataset.splits["default"].indices(dataset.samples.ids)
    assert sum(map(len, parts.values())) == (dataset.labels["set"] == "wide").sum()
    return n


def test_killed_at_random_moments_it_can_be_read_and_ends_with_the_same_bytes(toy):
    n = 3300
    path = recipe(toy, n, seconds=5e-4)
    run(path, "straight.zarr", workers=2)
    (toy / "log").unlink()
    command = [
        sys.executable,
        "-m",
        "xreg.cli.main",
        "data",
        "generate",
        str(path),
        "-o",
        "out.zarr",
    ]
    partial = toy / "out.zarr.partial"
    rng = np.random.default_rng(int.from_bytes(os.urandom(4)))
    seen = [0]
    for _ in range(4):
        child = subprocess.Popen(
            command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        limit, before = time.monotonic() + 120, sum(computed(toy).values())
        while sum(computed(toy).values()) < before + 30 and child.poll() is None:
            assert time.monotonic() < limit
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.5))
        if partial.exists():
            try:
                seen.append(check_partial(partial, n))  # while it is written
            except DataError:  # it was finished between the two lines
                assert not partial.exists()
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if not partial.exists():  # it was quicker
            break
        seen.append(check_partial(partial, n))
        assert not (toy / "out.zarr").exists()
    if not (toy / "out.zarr").exists():
        run(path, workers=2)
    assert seen == sorted(seen)
    assert tree(toy / "out.zarr") == tree(toy / "straight.zarr")
    assert not partial.exists()
    # A kill costs at most the batches in hand.
    assert sum(computed(toy).values()) - len(computed(toy)) < 5 * 4 * SHARD


def half(toy: Path) -> Path:
    """Leave a work folder whose first two shards are finished, as a kill would; return it."""
    with pytest.raises(RunError, match="no luck"):
        run(recipe(toy, 2400, generator=FAILING))
    folder = toy / "out.zarr.partial"
    assert {p.name for p in folder.glob("*.shard")} == {"000000.shard", "000001.shard"}
    return folder


def finish(toy: Path, count: int = 2400, output: str = "out.zarr"):
    return run(recipe(toy, count, generator=FAILING, bad="set-aside"), output)


def test_an_unfinished_store_is_marked_and_cannot_be_published_or_taken_for_whole(toy):
    folder = half(toy)
    dataset = open_store(folder)
    assert len(dataset) == 2000
    assert dataset.hash == open_store(folder).hash
    with pytest.raises(DataError, match=r"holds 2000 of 2400 samples; repeat its `xreg data gen"):
        describe(folder)
    with pytest.raises(CorruptError, match=r"is not finished: repeat its .*out\.zarr\.partial'"):
        open_store(folder / "store.zarr")
    begun = toy / "new.zarr.partial"
    begun.mkdir()
    (begun / "task.json").write_text("{}")
    with pytest.raises(DataError, match="no finished samples"):
        open_store(begun)


def test_only_unfinished_samples_are_computed_again_and_batches_do_not_pile_up(toy):
    folder = half(toy)
    settled = {key for k in (0, 1) for key in _load(folder / f"00000{k}.shard").keys}
    assert all(set(_load(path).keys) - settled for path in folder.glob("*.batch"))
    made = finish(toy)
    assert (made.samples, len(made.failures)) == (2300, 100)
    twice = {name for name, times in computed(toy).items() if times > 1}
    assert twice <= {f"wide-{i}" for i in range(2000, 2200)}
    dataset = open_store(made.path)
    assert not set(dataset.samples.ids) & set(made.failures)
    assert set(dataset.splits) == {"default", "flat"}
    assert dataset.splits["flat"].test.tolist() == [f"flat-{i}" for i in range(200)]
    assert not folder.exists()


def test_more_samples_go_on_from_a_growing_store(toy):
    half(toy)
    before = computed(toy)
    made = finish(toy, 3400)
    again = {name for name in before if computed(toy)[name] > 1}
    assert again <= {f"wide-{i}" for i in range(2000, 2200)}
    assert made.samples == 3300
    assert tree(made.path) == tree(finish(toy, 3400, "fresh.zarr").path)


def test_failures_set_aside_in_finished_shards_are_tried_again_where_they_are_refused(toy):
    """The shard is opened again; its good samples are not computed twice."""
    fails = ["wide-7", "wide-1500"]
    generator = {"name": "toy-table", "fails": fails}
    with pytest.MonkeyPatch.context() as patch:  # a kill at the very end
        patch.setattr(Growth, "finish", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(recipe(toy, 2400, generator=generator, bad="set-aside"))
    partial = open_store(toy / "out.zarr.partial")
    assert len(partial) == 2398
    assert not set(fails) & set(partial.samples.ids)
    before = computed(toy)
    with pytest.raises(RunError, match=r"'wide-(7|1500)': no luck"):
        run(recipe(toy, 2400, generator=generator))
    assert set((computed(toy) - before).elements()) <= set(fails)


@pytest.mark.parametrize("end", [None, 5000], ids=["a bit turned", "cut short"])
def test_a_damaged_shard_of_a_growing_store_is_computed_again(toy, end):
    folder = half(toy)
    victim = folder / "store.zarr" / "spectra" / "xas" / "intensity" / "c" / "1" / "0"
    content = bytearray(victim.read_bytes())
    content[40] ^= 1
    victim.write_bytes(bytes(content[:end]))
    (victim.parent / "0.abc.partial").write_bytes(b"left by a kill")
    with pytest.raises(CorruptError, match=r"c/1/0 is (truncated or )?damaged"):
        np.asarray(open_store(folder).spectra["xas"].intensity)
    (folder / "000000.shard").write_bytes(b"cut short")
    before = computed(toy)
    made = finish(toy)
    again = set(computed(toy) - before)
    assert {f"wide-{i}" for i in range(1000)} <= again  # its record was damaged
    assert again & {f"wide-{i}" for i in range(1000, 2000)}  # its spectra were
    assert tree(made.path) == tree(finish(toy, output="fresh.zarr").path)


def test_batches_that_are_in_the_store_are_deleted_on_resume(toy):
    """Killed between the record of a shard and the deletion of its batches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "forget", lambda self, keys: None)
        folder = half(toy)
    left = len(list(folder.glob("*.batch")))
    before = computed(toy)
    half(toy)
    assert len(list(folder.glob("*.batch"))) < left
    assert set(computed(toy) - before) <= {f"wide-{i}" for i in range(2000, 2200)}


def test_a_kill_between_the_last_touches_and_the_final_name_loses_nothing(toy):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GrowingStore, "_finish", lambda self: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            run(recipe(toy, 1200))
    assert not (toy / "out.zarr").exists()
    before = computed(toy)
    made = run(recipe(toy, 1200))
    assert made.computed == 0
    assert computed(toy) == before
    assert tree(made.path) == tree(run(recipe(toy, 1200), "fresh.zarr").path)


def test_a_reader_of_a_store_that_was_finished_meanwhile_is_told(toy):
    partial = half(toy)
    dataset = open_dataset(str(partial))
    (partial / "store.zarr").rename(toy / "finished.zarr")
    with pytest.raises(DataError, match="has finished; open the finished store"):
        np.asarray(dataset.spectra["xas"].intensity)
