"""What two versions of xreg take for the main commands, turn by turn.

Each command is a process of its own; what is compared is its processor time, children included, and
the time on the clock, as the medians of the ratios of all turns. Each version works in a folder of
its own with its own cache, which the first turn fills; both fit with the network that the other
version trained. Run by hand, with a working copy of the other version and the interpreter of an
environment in which it is installed, alike but for xreg::

    python benchmarks/commands.py OTHER_COPY OTHER_PYTHON [--turns 5] [--only WORD]
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from between import placed
from xreg.core.data.samples import ParameterSet
from xreg.plugins.multiplet.multiplet import Multiplet

FRAMES, PAIRS = 2000, 1000
EPOCHS = 50  # the training itself is timed by between.py
POINTS = 100
SEARCH = """\
dataset: h2o@1.0.0
target: {{channel: xes}}
folds: {{count: 2, group: trajectory}}
families: {families}
emulator: {{name: mlp, space: {space}}}
budget: 10
"""
# As recipes of the first language have them, and those of today.
SPELLINGS = {
    "search-old.yaml": {"families": "[internal, coulomb]", "space": "defaults"},
    "search.yaml": {"families": "{internal: {}, coulomb: {}}", "space": "wide"},
}


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
        make = ["--name", "new", "--title", "New", "--licence", "CC0-1.0"]
        pairs = ["{}/../xyz", "--spectra", "{}/../spectra", "--layout", "pairs", "--absorber", "Fe"]
        engine = "--engine" if self.old else "--generator"
        recipe = "{}/../search-old.yaml" if self.old else "{}/../search.yaml"
        fit = ["fit", "{}/../before/l-edge", "-o", "{}/fit", "--starts", "8"]
        return {
            "--help": ["--help"],
            "plugins list": ["plugins", "list"],
            "plugins show soap": ["plugins", "show", "soap"],
            "run h2o-internal": [
                "run", "examples/recipes/h2o-internal.yaml", "-o", "{}/model",
                "--set", f"emulator.epochs={EPOCHS}",
            ],
            "run l-edge": [
                "run", "--dataset", "ni2-xas2p@1.0.0", "--channel", "xas", "-o", "{}/l-edge",
                "--descriptor", "polynomial", "--emulator", "mlp", "--set", "emulator.loss=mse",
                "--set", "emulator.activation=silu", "--set", "emulator.width=64",
                "--set", "emulator.epochs=8", "--set", "emulator.early_stopping=false",
            ],
            "run soap": [
                "run", "--dataset", "fe-k@1.0.0", "--channel", "xanes", "--descriptor", "soap",
                "--emulator", "ridge", "-o", "{}/soap",
            ],
            "evaluate": ["evaluate", "{}/model", "h2o@1.0.0", "-o", "{}/evaluated"],
            "predict 1,000 samples": ["predict", "{}/model", "{}/../water.xyz", "-o", "{}/p.csv"],
            "fit, network alone": [*fit, "{}/../one.txt", engine, "none"],
            "fit": [*fit, "{}/../one.txt"],
            "fit, two minima": [*fit, "{}/../two.txt"],
            f"import of {FRAMES:,} frames": [
                "data", "import", "{}/../frames.extxyz", out, "{}/new.zarr", *make,
                "--absorber", "0",
            ],
            f"import of {PAIRS:,} pairs": ["data", "import", *pairs, out, "{}/new.zarr", *make],
            "data show": ["data", "show", "h2o@1.0.0"],
            "search": ["search", recipe, "-o", "{}/search"],
        }  # fmt: skip

    def seconds(self, name: str) -> tuple[float, float]:
        """Return the processor time of a command, and that on the clock."""
        words = [word.format(self.folder) for word in self.commands()[name]]
        for flag, made in itertools.pairwise(words):
            if flag in ("-o", "--out", "--output"):
                shutil.rmtree(made, ignore_errors=True)
                for stale in Path(made).parent.glob(f"{Path(made).stem}.*"):
                    stale.unlink() if stale.is_file() else shutil.rmtree(stale)
        environment = {
            **os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
            "XREG_CACHE": str(self.folder / "cache"),
            "PYTHONPYCACHEPREFIX": str(self.folder / "pycache"),
        }  # fmt: skip
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            [self.python, "-m", "xreg.cli.main", *words],
            cwd=self.copy, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - start
        if done.returncode:
            raise SystemExit(f"{self.copy}: xreg {' '.join(words)}\n{done.stderr}")
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def make(folder: Path) -> None:
    """Write what the commands read."""
    rng = np.random.default_rng(1)
    for name, words in SPELLINGS.items():
        (folder / name).write_text(SEARCH.format(**words))
    with (folder / "water.xyz").open("w") as file:
        for _ in range(1000):
            first, second = rng.uniform(0.9, 1.05, 2)
            angle = np.deg2rad(rng.uniform(98, 112))
            file.write(
                f"3\nwater\nO 0 0 0\nH {first:.6f} 0 0\n"
                f"H {second * np.cos(angle):.6f} {second * np.sin(angle):.6f} 0\n"
            )
    energies = 7100 + 0.25 * np.arange(POINTS)
    for side in ("xyz", "spectra"):
        (folder / side).mkdir()
    for i in range(PAIRS):
        rows = np.column_stack([energies, rng.uniform(0.1, 1, POINTS)])
        np.savetxt(folder / "spectra" / f"s{i:04}.txt", rows, header="energy mu")
        text = "".join(
            f"{'Fe' if n == 0 else 'O'} {x:.6f} {y:.6f} {z:.6f}\n"
            for n, (x, y, z) in enumerate(placed(rng, 20))
        )
        (folder / "xyz" / f"s{i:04}.xyz").write_text(f"20\nplain\n{text}")
    header = " ".join(f"{v:.2f}" for v in energies)
    with (folder / "frames.extxyz").open("w") as file:
        for _ in range(FRAMES):
            intensities = " ".join(f"{v:.8f}" for v in rng.uniform(0.1, 1, POINTS))
            file.write(
                f'20\nProperties=species:S:1:pos:R:3 xas="{intensities}" '
                f'xas_energy="{header}" charge=0\n'
            )
            for n, (x, y, z) in enumerate(placed(rng, 20)):
                file.write(f"{'Fe' if n == 0 else 'O':2} {x:15.8f} {y:15.8f} {z:15.8f}\n")


def nickel(path: Path, ds: float, dt: float) -> None:
    """Write the spectrum of the tutorial of fits, with a crystal field of its own."""
    known = {
        "Dq": 0.13, "Ds": ds, "Dt": dt, "S1": 0.8, "S2": 0.75, "T": 300.0, "sigma": 0.12,
        "gamma1": 0.45, "gamma2": 0.7,
    }  # fmt: skip
    exact = Multiplet(ion="Ni2+", before=8, after=28, points=361)
    energy = exact.grids()["xas"]
    measured = 2000 * exact.generate(ParameterSet("truth", known)).channels["xas"] + 60
    measured += 0.01 * measured.max() * np.random.default_rng(1).normal(size=len(energy))
    np.savetxt(path, np.column_stack([energy + 0.5, measured]), fmt="%.4f")


def main(copy: Path, python: str, turns: int, only: str) -> None:
    here = Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)
        nickel(folder / "one.txt", 0.15, -0.05)
        nickel(folder / "two.txt", 0.027, 0.029)  # its mirror is a minimum as good
        versions = [
            Version(copy.resolve(), python, folder / "before", True),
            Version(here, sys.executable, folder / "now", False),
        ]
        for version in versions:
            version.folder.mkdir()
        print(f"| median of {turns} turns | before (s) | now (s) | ratio (quartiles) | clock |")
        print("|---|---:|---:|---:|---:|", flush=True)
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
            low, middle, high = np.quantile(found[:, 1, 0] / found[:, 0, 0], [0.25, 0.5, 0.75])
            clock = np.median(found[:, 1, 1] / found[:, 0, 1])
            old, new = np.median(found[:, :, 0], axis=0)
            print(
                f"| `xreg {job}` | {old:.2f} | {new:.2f} | {middle:.2f} ({low:.2f} … {high:.2f}) | "
                f"{clock:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Two versions, command by command.")
    parser.add_argument("copy", type=Path, help="working copy of the other version")
    parser.add_argument("python", help="Python of an environment with the other version")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--only", default="", help="what the name of a command must hold")
    main(**vars(parser.parse_args()))
