"""Peak memory of pulling a small and a large dataset, from a folder and over HTTP.

Run by hand: ``python benchmarks/pull_memory.py [small MB] [large MB]``. Each pull is a process of
its own; the figure is the most memory that it ever had resident.
"""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import tempfile
import threading
from functools import partial
from pathlib import Path

import numpy as np

from xreg.core.data.dataset import Metadata
from xreg.core.data.samples import Parameters
from xreg.registry.publishing import publish
from xreg.registry.stores.store import ChannelSpec
from xreg.registry.stores.writer import StoreWriter

POINTS = 500
PULL = """
import resource, sys, time
from xreg.registry.datasets import pull
start = time.perf_counter()
pull(sys.argv[1], registry=sys.argv[2])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kB on Linux
print(f"{peak:10.0f} MB {time.perf_counter() - start:8.1f} s")
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def write(path: Path, name: str, megabytes: int) -> None:
    """Write noise, which no codec makes smaller, a shard at a time."""
    rows = megabytes * 1_000_000 // (POINTS * 8)
    rng = np.random.default_rng(0)
    samples = Parameters([str(i) for i in range(rows)], np.zeros((rows, 1)), ["x"], [""])
    channels = {"xes": ChannelSpec(np.arange(float(POINTS)))}
    with StoreWriter(path, Metadata(name=name, version="1.0.0"), samples, channels) as writer:
        for start in range(0, rows, writer.shard_rows):
            count = min(writer.shard_rows, rows - start)
            writer.write_rows(start, {"xes": rng.random((count, POINTS))})
        writer.commit()


def main() -> None:
    sizes = [int(a) for a in sys.argv[1:]] or [20, 400]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "registry")
        (root / ".dvc").mkdir(parents=True)
        subprocess.run(["git", "init", "--quiet", root], check=True)
        config = root / ".dvc" / "config"
        config.write_text('[core]\n remote = x\n[remote "x"]\n url = ../remote\n')
        os.environ["XREG_CACHE"] = str(Path(folder, "cache"))
        for size in sizes:
            write(store := Path(folder, f"{size}.zarr"), f"noise-{size}", size)
            publish(store, root)
        subprocess.run(["rm", "-r", root / ".dvc" / "cache", root / "datasets"], check=True)
        handler = partial(Quiet, directory=str(root / "remote"))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            print(f"{'remote':10}{'dataset':>10}{'peak':>13}{'time':>10}")
            for remote, url in (
                ("folder", "../remote"),
                ("http", f"http://127.0.0.1:{server.server_address[1]}"),
            ):
                config.write_text(f'[core]\n remote = x\n[remote "x"]\n url = {url}\n')
                for size in sizes:
                    os.environ["XREG_CACHE"] = str(Path(folder, remote))
                    print(f"{remote:10}{size:>7} MB", end="", flush=True)
                    pull = [sys.executable, "-c", PULL, f"noise-{size}", root]
                    subprocess.run(pull, check=True)
            server.shutdown()


if __name__ == "__main__":
    main()
