"""Generation on a real Dask cluster, one of whose workers is killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest
import yaml

from xreg.registry.stores.store import open_store
from xreg.workbench.generate.generate import generate
from xreg.workbench.generate.recipe import GenerationRecipe
from xreg.workbench.recipes.load import load_one

distributed = pytest.importorskip("distributed")

COUNT = 60


def tree(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def recipe(folder: Path) -> Path:
    content = {
        "dataset": {"name": "fe2", "version": "1.0.0"},
        "samples": {"space": "published", "count": COUNT},
        "generator": {"name": "multiplet", "ion": "Fe2+", "points": 51},
        "split": {"counts": [40, 10, 10]},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def kill_one(cluster, partial: Path, killed: list[int]) -> None:
    """Kill a worker process once the first batch is finished, while it has work in hand."""
    limit = time.monotonic() + 120
    while not list(partial.glob("*.batch")) and time.monotonic() < limit:
        time.sleep(0.002)
    pid = cluster.workers[0].pid
    os.kill(pid, signal.SIGKILL)
    killed.append(pid)


def test_a_killed_dask_worker_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loaded = load_one(GenerationRecipe, recipe(tmp_path))
    straight = generate(loaded, tmp_path, Path("process.zarr"), workers=1).path
    killed: list[int] = []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        before = {worker.pid for worker in cluster.workers.values()}
        killer = threading.Thread(
            target=kill_one, args=(cluster, tmp_path / "dask.zarr.partial", killed)
        )
        killer.start()
        made = generate(
            loaded,
            tmp_path,
            Path("dask.zarr"),
            executor="dask",
            scheduler=cluster.scheduler_address,
        )
        killer.join()
        after = {worker.pid for worker in cluster.workers.values()}
    assert len(killed) == 1
    assert killed[0] in before
    assert killed[0] not in after
    assert (made.samples, made.computed, made.failures) == (COUNT, COUNT, {})
    assert tree(made.path) == tree(straight)
    assert len(open_store(made.path)) == COUNT
