"""One case of a family: what ``fuzz.py`` reads."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from fuzzing.files import (
    make_catalogue,
    make_extxyz,
    make_npz,
    make_recipes,
    make_results,
    make_spectra,
)
from fuzzing.folders import make_journal, make_model, make_store
from fuzzing.measured import WRITERS
from fuzzing.truth import make_damaged

MAKERS: dict[str, Callable[[random.Random, Path], None]] = {
    "npz": make_npz,
    "extxyz": make_extxyz,
    "spectra": make_spectra,
    "recipes": make_recipes,
    "stores": make_store,
    "models": make_model,
    "catalogues": make_catalogue,
    "results": make_results,
    "journals": make_journal,
    **{family: partial(make_damaged, family) for family in WRITERS},
}


def write_case(family: str, rng: random.Random, folder: Path) -> None:
    """Write the files of one case, which the family and the state of ``rng`` decide."""
    np.random.seed(0)  # noqa: NPY002 - nothing here draws from it
    MAKERS[family](rng, folder)
