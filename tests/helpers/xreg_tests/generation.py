"""Generations of a toy: recipes, and commands that are killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import yaml
from ase import Atoms
from ase.io import write

from xreg.workbench.generate.generate import generate
from xreg.workbench.generate.recipe import GenerationRecipe
from xreg.workbench.recipes.load import load_one

GENERATE = [sys.executable, "-m", "xreg.cli.main", "data", "generate"]


def molecules(n: int) -> list[Atoms]:
    rng = np.random.default_rng(0)
    frames = []
    for i in range(n):
        positions = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0)]) + rng.normal(0, 0.1, (3, 3))
        atoms = Atoms("OH2", positions)
        atoms.info = {"id": f"s{i:04d}", "trajectory": i // 5, "T": 300.0 + i, "site": 0}
        frames.append(atoms)
    return frames


def recipe(folder: Path, n: int = 30, **changes: object) -> Path:
    write(folder / "water.extxyz", molecules(n))
    content = {
        "dataset": {"name": "toy", "version": "1.0.0", "title": "Toy", "licence": "CC0-1.0"},
        "samples": {
            "file": "water.extxyz",
            "id": "id",
            "absorber": "O",
            "labels": {"trajectory": None, "temperature": {"key": "T", "unit": "K"}},
        },
        "generator": {"name": "toy"},
        "split": {"fractions": [0.5, 0.25, 0.25], "group": "trajectory", "seed": 3},
        "precision": {"xes": 11, "positions": 16},
    }
    for key, value in changes.items():
        if isinstance(value, dict) and key != "precision":
            content[key] = {**content.get(key, {}), **value}
        else:
            content[key] = value
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def run(path: Path, output: str = "out.zarr", **options: object):
    options = {"workers": 1, **options}
    return generate(load_one(GenerationRecipe, path), path.parent, Path(output), **options)


def computed(folder: Path) -> Counter[str]:
    log = folder / "log"
    return Counter(log.read_text().split()) if log.exists() else Counter()


def tree(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def kill_after(command: list[str], partial: Path, batches: int) -> None:
    """Start a generation and kill it after so many more batches are finished."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    limit = time.monotonic() + 120
    wanted = len(list(partial.glob("*.batch"))) + batches
    while len(list(partial.glob("*.batch"))) < wanted:
        assert child.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < limit, "no batch was finished"
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait()
    time.sleep(0.3)  # its workers notice
