"""What two versions of xreg take for the same files, turn by turn.

Each version answers in a process of its own, so that a busy machine slows both alike; what is
compared is processor time, as the median of the ratios of all turns. Run by hand, with the
interpreter of an environment in which the other version is installed::

    python benchmarks/between.py OTHER_PYTHON [--turns 15] [--only WORD]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

FILES = 200


def make(folder: Path) -> None:
    """Write the files that are read."""
    rng = np.random.default_rng(1)
    for points in (100, 300, 1000):
        for side in ("xyz", "spectra"):
            (folder / f"pairs-{points}" / side).mkdir(parents=True)
        energy = 7100 + 0.25 * np.arange(points)
        for i in range(FILES):
            rows = np.column_stack([energy, rng.uniform(0.1, 1, points)])
            name = folder / f"pairs-{points}" / "spectra" / f"s{i:03}.txt"
            np.savetxt(name, rows, header="energy mu")
            atoms = placed(rng, 20)
            text = "".join(
                f"{'Fe' if n == 0 else 'O'} {x:.6f} {y:.6f} {z:.6f}\n"
                for n, (x, y, z) in enumerate(atoms)
            )
            (folder / f"pairs-{points}" / "xyz" / f"s{i:03}.xyz").write_text(f"20\nplain\n{text}")
    for atoms_each, crystal in ((10, False), (30, False), (100, False), (400, False), (60, True)):
        name = f"frames-{atoms_each}{'-periodic' if crystal else ''}"
        side = 2.2 * round(atoms_each ** (1 / 3) + 0.5)
        lattice = f'Lattice="{side} 0 0 0 {side} 0 0 0 {side}" ' if crystal else ""
        with (folder / f"{name}.extxyz").open("w") as file:
            for _ in range(FILES):
                intensities = " ".join(f"{v:.8f}" for v in rng.uniform(0.1, 1, 100))
                energies = " ".join(f"{7100 + 0.25 * v:.2f}" for v in range(100))
                file.write(
                    f'{atoms_each}\n{lattice}Properties=species:S:1:pos:R:3 xas="{intensities}" '
                    f'xas_energy="{energies}" charge=0\n'
                )
                for n, (x, y, z) in enumerate(placed(rng, atoms_each)):
                    file.write(f"{'Fe' if n == 0 else 'O':2} {x:15.8f} {y:15.8f} {z:15.8f}\n")


def placed(rng: np.random.Generator, count: int) -> np.ndarray[Any, Any]:
    """Return (count, 3) positions that no two atoms share."""
    side = int(np.ceil(count ** (1 / 3)))
    cells = np.stack(np.meshgrid(*[np.arange(side)] * 3), -1).reshape(-1, 3)[:count]
    return 2.2 * cells + rng.uniform(-0.3, 0.3, (count, 3))


def jobs(folder: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield what is timed, for the version that is installed here."""
    try:
        from xreg.workbench.importing.imports import import_dataset
        from xreg.workbench.importing.options import ImportOptions
    except ModuleNotFoundError:  # before there was a workbench
        from xreg.registry.importers.imports import import_dataset
        from xreg.registry.importers.options import ImportOptions
    dataset = {"name": "speed", "version": "1.0.0", "title": "Speed", "licence": "CC0-1.0"}

    def importing(source: Path, **settings: Any) -> Callable[[], Any]:
        options = ImportOptions(dataset=dataset, absorber=0, **settings)
        return lambda: import_dataset(source, options)

    for path in sorted(folder.glob("pairs-*")):
        yield f"import {path.name}", importing(path, layout="pairs")
    for path in sorted(folder.glob("*.extxyz")):
        yield f"import {path.stem}", importing(path, layout="extxyz")
    yield from reading(folder)
    yield from describing(folder)
    yield from learning(folder)
    yield from storing(folder)


def reading(folder: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield the readers alone."""
    try:
        from xreg.core.readers.spectra.spectrum import read_spectrum as read
        from xreg.core.readers.structures import parse_frames
    except ModuleNotFoundError:
        from xreg.registry.importers.common import Curve, read_columns

        def read(content: bytes) -> Any:
            table = read_columns(content, 2)
            curve = Curve(table[:, 0], table[:, 1])
            curve.check()
            return curve

        parse_frames = None
    for points in (100, 300, 1000):
        contents = [p.read_bytes() for p in (folder / f"pairs-{points}" / "spectra").iterdir()]
        yield f"read {points} points", lambda contents=contents: [read(c) for c in contents]
    import io

    import ase.io

    for path in sorted(folder.glob("*.extxyz")):
        content = path.read_bytes()
        if parse_frames is None:
            yield (
                f"read {path.stem}",
                lambda content=content: ase.io.read(
                    io.StringIO(content.decode()), index=":", format="extxyz"
                ),
            )
        else:
            yield (
                f"read {path.stem}",
                lambda content=content: list(parse_frames(content, "a.extxyz")),
            )


def describing(folder: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield descriptors of the frames."""
    try:
        from xreg.core.data.samples import Structure, Structures
    except ModuleNotFoundError:
        from xreg.core.samples import Structure, Structures
    from importlib import import_module

    rng = np.random.default_rng(2)
    for name in ("MBDF", "SOAP", "LMBTR", "ACSF", "GT", "Coulomb"):
        kind = getattr(import_module(f"xreg.plugins.{name.lower()}.{name.lower()}"), name)
        for atoms in (10, 40, 100):
            numbers = np.array([26] + [8, 6, 1] * atoms)[:atoms].astype(np.int32)
            no_cell, no_pbc = np.zeros((3, 3)), np.zeros(3, bool)
            some = [
                Structure(f"s{i}", numbers, placed(rng, atoms), no_cell, no_pbc, 0)
                for i in range(30)
            ]
            samples = _structures(Structures, some)
            fitted = kind().fit(samples)
            yield (
                f"{name.lower()} {atoms} atoms",
                lambda fitted=fitted, samples=samples: fitted.transform(samples),
            )


def learning(folder: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield the training of networks, and what they predict."""
    from xreg.plugins.mlp.mlp import MLP

    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(1000, 30))
    outputs = np.tanh(inputs @ rng.normal(size=(30, 100)) / 5)
    settings = {"epochs": 20, "threads": 1, "early_stopping": False}
    yield "train mlp", lambda: MLP(**settings, seed=0).fit(inputs, outputs)
    trained = MLP(**settings, seed=0).fit(inputs, outputs)
    yield "predict mlp", lambda: [trained.predict(inputs) for _ in range(20)]


def storing(folder: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield the writing, opening and reading of a store."""
    try:
        from xreg.core.data.dataset import Dataset, Metadata
        from xreg.core.data.samples import Structure, Structures
        from xreg.core.data.spectra import Channel, Spectra
        from xreg.registry.stores.store import open_store
        from xreg.registry.stores.writer import write_store
    except ModuleNotFoundError:
        from xreg.core.dataset import Dataset, Metadata
        from xreg.core.samples import Structure, Structures
        from xreg.core.spectra import Channel, Spectra

        from xreg.registry.stores import open_store, write_store
    rng = np.random.default_rng(4)
    numbers = np.array([26, *[8] * 19], np.int32)
    some = [
        Structure(f"s{i}", numbers, placed(rng, 20), np.zeros((3, 3)), np.zeros(3, bool), 0)
        for i in range(2000)
    ]
    spectra = Spectra({"xas": Channel(rng.uniform(size=(2000, 200)), np.arange(200.0))})
    metadata = Metadata(name="speed", version="1.0.0")
    whole = Dataset(_structures(Structures, some), spectra, metadata)
    path = folder / f"store-{os.getpid()}.zarr"
    write_store(whole, path)

    def read() -> None:
        found = open_store(path)
        np.asarray(found.spectra["xas"].intensity[:])
        np.asarray(found.samples.positions[:])
        for _ in found.samples.batches(256):
            pass

    yield "open a store", lambda: open_store(path)
    yield "open and read a store", read


def _structures(kind: Any, some: list[Any]) -> Any:
    if hasattr(kind, "of"):
        return kind.of(some)
    return kind(
        [s.id for s in some],
        np.concatenate([s.numbers for s in some]).astype(np.int32),
        np.concatenate([s.positions for s in some]),
        np.concatenate([[0], np.cumsum([len(s.numbers) for s in some])]),
        [s.absorber for s in some],
        np.array([s.cell for s in some]),
        np.array([s.pbc for s in some]),
    )


def serve(folder: Path) -> None:
    """Time the job that each line of the input names."""
    known = dict(jobs(folder))
    print(json.dumps(list(known)), flush=True)
    for line in sys.stdin:
        job = known[json.loads(line)]
        start = time.process_time()
        job()
        print(json.dumps(time.process_time() - start), flush=True)


def main(other: str, turns: int, only: str) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)
        servers = [
            subprocess.Popen(
                [python, __file__, python, "--serve", str(folder)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
            )
            for python in (other, sys.executable)
        ]  # fmt: skip

        def answer(server: subprocess.Popen[str]) -> Any:
            assert server.stdout is not None
            return json.loads(server.stdout.readline())

        before, _ = (answer(server) for server in servers)
        print(f"| median of {turns} turns | before (ms) | now (ms) | ratio (quartiles) |")
        print("|---|---:|---:|---:|")
        for job in filter(lambda job: only in job, before):
            times = []
            for turn in range(turns + 2):
                row = {}
                for number in (0, 1) if turn % 2 else (1, 0):
                    print(json.dumps(job), file=servers[number].stdin, flush=True)
                    row[number] = answer(servers[number])
                times.append((row[0], row[1]))
            found = 1e3 * np.array(times[2:])  # the first turns warm up
            low, middle, high = np.quantile(found[:, 1] / found[:, 0], [0.25, 0.5, 0.75])
            old, new = np.median(found, axis=0)
            print(f"| {job} | {old:.0f} | {new:.0f} | {middle:.2f} ({low:.2f} … {high:.2f}) |")
        for server in servers:
            assert server.stdin is not None
            server.stdin.close()
            server.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Two versions, turn by turn.")
    parser.add_argument("other", help="Python of an environment with the other version")
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--only", default="", help="what the name of a job must hold")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(Path(given.serve))
    else:
        main(given.other, given.turns, given.only)
