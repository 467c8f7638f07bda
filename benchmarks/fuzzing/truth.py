"""Measured spectra that are damaged, compared with the undamaged ones."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fuzzing.damage import damage_hdf5, damage_text
from fuzzing.measured import WRITERS
from fuzzing.mutations import mutate_bytes, mutate_text
from xreg.core.readers.importing.log import ImportLog
from xreg.workbench.importing.choose import choose_importer
from xreg.workbench.importing.imports import import_dataset
from xreg.workbench.importing.options import ImportOptions

CASE = "case.json"
CHANGING = 0.4
"""Share of the cases with changes that may make other numbers; they are read, and not compared."""


class SilentlyWrongError(AssertionError):
    """Numbers came out that are not in the undamaged file, or are missing without a word."""


@dataclass(frozen=True)
class Reading:
    """What came of a file.

    Attributes
    ----------
    curves
        (m, 2) energies and intensities of each spectrum.
    said
        Everything that was told beside them.
    """

    curves: list[NDArray[np.float64]]
    said: frozenset[str]


@cache
def seed(family: str, which: int) -> Path:
    """Return the folder of a good file, made once."""
    writer, _, name = WRITERS[family]
    folder = Path(tempfile.mkdtemp(prefix="xreg-fuzz-base-"))
    writer(folder / name, which)
    return folder


@cache
def undamaged(family: str, which: int) -> Reading:
    """Return what comes of a good file."""
    folder = seed(family, which)
    found = read(folder / WRITERS[family][2])
    assert found.curves, (family, which, found.said)
    return found


def prepare_measured(family: str) -> None:
    """Make the good files, and read them, before the workers begin."""
    for which in range(WRITERS[family][1]):
        undamaged(family, which)


def options(**settings: object) -> ImportOptions:
    """Return the options of an import."""
    dataset = {"name": "x", "version": "1.0.0"}
    return ImportOptions.parse({"dataset": dataset, "bad": "set-aside", **settings}, "fuzz")


def read(path: Path) -> Reading:
    """Read a file by the importer that knows it."""
    log = ImportLog()
    importer = choose_importer(path, options(), {}, log)
    curves = []
    for entry in importer.entries(path, log):
        for curve in entry.curves.values():
            curve.check()
            curves.append(np.transpose([curve.energy, curve.intensity]))
    said = {*log.remarks, *(one.reason for one in (*log.bad, *log.passed_over))}
    return Reading(curves, frozenset(said))


def make_damaged(family: str, rng: random.Random, folder: Path) -> None:
    """Write a damaged file, and beside it what it was and what may come of it."""
    count = WRITERS[family][1]
    which = rng.randrange(count)
    shutil.copytree(seed(family, which), folder, dirs_exist_ok=True)
    path = rng.choice([p for p in sorted(folder.iterdir()) if p.name != CASE])
    compared, rows_may_lack = rng.random() > CHANGING, False
    data = path.read_bytes()
    if family == "nexus" and rng.random() < 0.8:
        changed, rows_may_lack = damage_hdf5(path, rng)
        compared = not changed
    elif compared and not data.startswith((b"\x1f\x8b", b"\x89HDF")):
        data, rows_may_lack = damage_text(data, rng)
        path.write_bytes(data)
    elif compared:
        path.write_bytes(data[: rng.randrange(len(data))])
    elif data.startswith((b"\x1f\x8b", b"\x89HDF")):
        path.write_bytes(mutate_bytes(data, rng))
    else:
        path.write_bytes(mutate_text(data, rng))
    case = {"family": family, "which": which, "compared": compared, "lack": rows_may_lack}
    (folder / CASE).write_text(json.dumps(case))


def compare(folder: Path) -> None:
    """Read a damaged file and compare it; import it as a user does."""
    case = json.loads((folder / CASE).read_text())
    path = folder / WRITERS[case["family"]][2]
    found = read(path)
    if case["compared"]:
        _require_same(undamaged(case["family"], case["which"]), found, case["lack"])
    import_dataset(path, options())


def _require_same(good: Reading, found: Reading, rows_may_lack: bool) -> None:
    """Raise an error where numbers have changed, or are missing though nothing was said."""
    told = bool(found.said - good.said)
    lengths = []
    for curve in found.curves:
        of = [whole for whole in good.curves if _within(curve, whole)]
        if not of and not any("was the file cut off" in text for text in found.said):
            raise SilentlyWrongError(f"{len(curve)} points, not those of the undamaged file")
        lengths += [len(curve) in [len(whole) for whole in of]]
    if told or rows_may_lack or not found.curves:  # what gives nothing is refused
        return
    if len(found.curves) < len(good.curves):
        raise SilentlyWrongError(f"{len(good.curves) - len(found.curves)} spectra lack")
    if not all(lengths):
        raise SilentlyWrongError("points lack")


def _within(curve: NDArray[np.float64], whole: NDArray[np.float64]) -> bool:
    """Whether each point of a curve is one of another."""
    at = np.abs(whole[:, 0] - curve[:, :1]).argmin(axis=1)
    # Of numbers as programs write them, the last one may have lost a digit: which nobody sees.
    return bool(np.allclose(whole[at], curve, rtol=1e-5, atol=1e-9))
