"""The bundled versions of h2o."""

from __future__ import annotations

import re
from pathlib import Path

from xreg.registry import dvc
from xreg.registry.datasets import files_of, find

ROOT = Path(__file__).parents[2]


def test_the_longer_version_stores_no_full_shard_again() -> None:
    objects = dvc.Objects(ROOT)
    short, long = (files_of(objects, find(f"h2o@{v}", registry=ROOT)) for v in ("1.0.0", "1.1.0"))
    full = [
        file for file in short if re.search(r"(intensity|positions|numbers)/c/[01](/0)?$", file)
    ]
    assert len(full) == 2 * (3 + 2), "two full shards of spectra and of structures"
    assert all(long[file] == short[file] for file in full)
