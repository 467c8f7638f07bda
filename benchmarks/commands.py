"""What two versions of xreg take for the main commands, turn by turn.

Each command is a process of its own; what is compared is its processor time, children included, as
the median of the ratios of all turns. Each version works in a folder of its own with its own cache,
which the first turn fills. Run by hand, with a working copy of the other version and the
interpreter of an environment in which it is installed::

    python benchmarks/commands.py OTHER_COPY OTHER_PYTHON [--turns 5] [--only WORD]
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from between import placed

FRAMES = 2000
EPOCHS = 50  # the training itself is timed by between.py
POINTS = 100
SEARCH = """\
dataset: h2o@1.0.0
target: {channel: xes}
folds: {count: 2, group: trajectory}
families: [internal, coulomb]
emulator: {name: mlp, space: wide}
budget: 10
"""


@dataclass(frozen=True)
class Version:
    """A working copy, its interpreter, and the folder in which its results are made."""

    copy: Path
    python: str
    folder: Path
    old: bool

    def commands(self) -> Mapping[str, list[str]]:
        """Return what is timed, in the order in which one needs what another made."""
        out = "--output" if self.old else "--out"
        make = ["--name", "frames", "--title", "Frames", "--licence", "CC0-1.0", "--absorber", "0"]
        return {
            "--help": ["--help"],
            "plugins list": ["plugins", "list"],
            "run h2o-internal": [
                "run", "examples/recipes/h2o-internal.yaml", "-o", "{}/model",
                "--set", f"emulator.epochs={EPOCHS}",
            ],
            "evaluate": ["evaluate", "{}/model", "h2o@1.0.0", "-o", "{}/evaluated"],
            "predict 1,000 samples": ["predict", "{}/model", "{}/../water.xyz", "-o", "{}/p.csv"],
            f"import of {FRAMES:,} frames": [
                "data", "import", "{}/../frames.extxyz", out, "{}/frames.zarr", *make
            ],
            "data show": ["data", "show", "h2o@1.0.0"],
            "search": ["search", "{}/../search.yaml", "-o", "{}/search"],
        }  # fmt: skip

    def seconds(self, name: str) -> float:
        """Return the processor time of a command."""
        made = {"run h2o-internal": "model", "evaluate": "evaluated", "search": "search"}
        for stale in (made.get(name, "-"), "p.csv", "frames.zarr"):
            shutil.rmtree(self.folder / stale, ignore_errors=True)
            (self.folder / stale).unlink(missing_ok=True)
        words = [word.format(self.folder) for word in self.commands()[name]]
        environment = {
            **os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
            "XREG_CACHE": str(self.folder / "cache"),
            "PYTHONPYCACHEPREFIX": str(self.folder / "pycache"),
        }  # fmt: skip
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [self.python, "-m", "xreg.cli.main", *words],
            cwd=self.copy, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise SystemExit(f"{self.copy}: xreg {' '.join(words)}\n{done.stderr}")
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def make(folder: Path) -> None:
    """Write what the commands read."""
    rng = np.random.default_rng(1)
    (folder / "search.yaml").write_text(SEARCH)
    with (folder / "water.xyz").open("w") as file:
        for _ in range(1000):
            first, second = rng.uniform(0.9, 1.05, 2)
            angle = np.deg2rad(rng.uniform(98, 112))
            file.write(
                f"3\nwater\nO 0 0 0\nH {first:.6f} 0 0\n"
                f"H {second * np.cos(angle):.6f} {second * np.sin(angle):.6f} 0\n"
            )
    energies = " ".join(f"{7100 + 0.25 * v:.2f}" for v in range(POINTS))
    with (folder / "frames.extxyz").open("w") as file:
        for _ in range(FRAMES):
            intensities = " ".join(f"{v:.8f}" for v in rng.uniform(0.1, 1, POINTS))
            file.write(
                f'20\nProperties=species:S:1:pos:R:3 xas="{intensities}" '
                f'xas_energy="{energies}" charge=0\n'
            )
            for n, (x, y, z) in enumerate(placed(rng, 20)):
                file.write(f"{'Fe' if n == 0 else 'O':2} {x:15.8f} {y:15.8f} {z:15.8f}\n")


def main(copy: Path, python: str, turns: int, only: str) -> None:
    here = Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)
        versions = [
            Version(copy.resolve(), python, folder / "before", True),
            Version(here, sys.executable, folder / "now", False),
        ]
        for version in versions:
            version.folder.mkdir()
        print(f"| median of {turns} turns | before (s) | now (s) | ratio (quartiles) |")
        print("|---|---:|---:|---:|", flush=True)
        for job in versions[0].commands():
            wanted = only in job
            times = []
            for turn in range(turns + 1 if wanted else job.startswith("run")):
                order = versions if turn % 2 else versions[::-1]
                row = {version.old: version.seconds(job) for version in order}
                times.append((row[True], row[False]))
            if not wanted:
                continue
            found = np.array(times[1:])  # the first turn compiles and fills caches
            low, middle, high = np.quantile(found[:, 1] / found[:, 0], [0.25, 0.5, 0.75])
            old, new = np.median(found, axis=0)
            print(
                f"| `xreg {job}` | {old:.2f} | {new:.2f} | {middle:.2f} ({low:.2f} … {high:.2f}) |",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Two versions, command by command.")
    parser.add_argument("copy", type=Path, help="working copy of the other version")
    parser.add_argument("python", help="Python of an environment with the other version")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--only", default="", help="what the name of a command must hold")
    main(**vars(parser.parse_args()))
