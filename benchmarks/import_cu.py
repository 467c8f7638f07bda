"""Import of the Cu K-edge set, 4,357 FEFF spectra, onto a common grid.

Run by hand::

    python benchmarks/import_cu.py cu-k-feff.tar.xz
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from xreg.registry.stores.store import open_store
from xreg.registry.stores.writer import write_store
from xreg.workbench.importing.imports import import_dataset
from xreg.workbench.importing.options import ImportOptions

OPTIONS = {
    "dataset": {"name": "cu-k", "version": "1.0.0"},
    "grids": {"": "8983:9018:0.25"},
    "hold_ends": 6.0,  # the spectra begin between 8983.2 and 8988.7 eV
    "split": {"group": "material"},
}


def main(source: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder, "cu-k.zarr")
        start = time.perf_counter()
        dataset = import_dataset(Path(source), ImportOptions.parse(OPTIONS, "import"))
        read = time.perf_counter()
        write_store(dataset, store, precision={"xas": 23, "positions": 23})
        written = time.perf_counter()
        opened = open_store(store)
        size = sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
        materials = len(set(opened.labels["material"].tolist()))
        points = len(opened.spectra["xas"].energy)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(opened)} spectra of {materials} materials, {points} energies, one core")
    print("| step | s |")
    print("|---|---:|")
    print(f"| read and put on the grid | {read - start:.1f} |")
    print(f"| write and validate the store ({size / 1e6:.1f} MB) | {written - read:.1f} |")
    print(f"| together | {written - start:.1f} |")
    print(f"\npeak memory {peak:.0f} MiB")


if __name__ == "__main__":
    main(*sys.argv[1:])
