"""A run once more, and whether every number came out the same."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from xreg.core.errors import DataError
from xreg.core.storage import canonical_json
from xreg.workbench.recipes.load import load_one
from xreg.workbench.run.features import Execution
from xreg.workbench.run.recipe import Recipe
from xreg.workbench.run.run import execute
from xreg.workbench.runs.record import RunRecord, flat, read_run

__all__ = ["Difference", "Repeated", "differences", "repeat"]

PREDICTIONS = "predictions.zarr"


@dataclass(frozen=True)
class Difference:
    """A number or word that came out otherwise.

    Attributes
    ----------
    where
        Its place, in ``metrics.json`` or ``predictions.zarr``.
    before, after
        What it was and is, in words.
    relative
        By how much of the larger of both; infinite where it cannot be said.
    """

    where: str
    before: str
    after: str
    relative: float


@dataclass(frozen=True, eq=False)
class Repeated:
    """A run and its repetition.

    Attributes
    ----------
    folder
        The new run.
    compared
        How many numbers were compared.
    differences
        What came out otherwise, the furthest first.
    circumstances
        What was not the same: versions, code, machine; a phrase each.
    """

    folder: Path
    compared: int
    differences: list[Difference] = field(default_factory=list)
    circumstances: list[str] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether every number came out the same, to the last digit."""
        return not self.differences

    def in_words(self) -> str:
        """Say how near the numbers are, in one sentence."""
        if self.same:
            return f"all {self.compared} numbers came out the same, to the last digit."
        first = self.differences[0]
        far = "" if math.isinf(first.relative) else f", by {first.relative:.1e} of it"
        return (
            f"{len(self.differences)} of {self.compared} numbers came out otherwise; the furthest "
            f"is {first.where}, {first.before} before and {first.after} now{far}."
        )


def repeat(folder: Path, out: Path | None = None, execution: Execution | None = None) -> Repeated:
    """Carry out the recipe of a run again and compare every number.

    Raises
    ------
    DataError
        If the folder holds no run, or the dataset is not the one that it was made of.
    """
    before = read_run(folder)
    recipe = load_one(Recipe, folder / "recipe.yaml")
    after = read_run(execute(recipe, out, execution))
    compared, found = differences(before, after)
    return Repeated(after.folder, compared, found, list(_circumstances(before, after)))


def differences(before: RunRecord, after: RunRecord) -> tuple[int, list[Difference]]:
    """Compare all scores, and the predictions of every sample, of two runs.

    Returns
    -------
    compared, differences
        How many numbers there are in either; those that differ, the furthest first.
    """
    one, two = flat(before.metrics, lists=True), flat(after.metrics, lists=True)
    found = [
        _difference(key, one.get(key), two.get(key))
        for key in {**one, **two}
        if canonical_json(one.get(key)) != canonical_json(two.get(key))
    ]
    compared = len({**one, **two})
    arrays, other = (_predictions(run) for run in (before, after))
    for name in {**arrays, **other}:
        a, b = arrays.get(name), other.get(name)
        if a is None or b is None or a.shape != b.shape:
            found.append(Difference(f"{PREDICTIONS}/{name}", _shape(a), _shape(b), math.inf))
            continue
        compared += a.size
        if a.dtype.kind != "f":
            apart = np.flatnonzero(a.ravel() != b.ravel())
            shares = np.full(len(apart), math.inf)
        else:
            x, y = a.ravel(), b.ravel()
            apart = np.flatnonzero(~((x == y) | (np.isnan(x) & np.isnan(y))))
            shares = _share(x[apart], y[apart])
        found += [
            Difference(f"{PREDICTIONS}/{name}[{i}]", f"{a.flat[i]}", f"{b.flat[i]}", float(share))
            for i, share in zip(apart, shares, strict=True)
        ]
    return compared, sorted(found, key=lambda d: -d.relative)


def _predictions(run: RunRecord) -> dict[str, Any]:
    import zarr

    place = run.folder / PREDICTIONS
    if not place.is_dir():
        return {}
    try:
        group = zarr.open_group(place, mode="r")
        return {name: np.asarray(array[:]) for name, array in group.arrays()}
    except (ValueError, KeyError, OSError, RuntimeError) as error:
        raise DataError(f"'{place}' is damaged ({error}).") from None


def _difference(where: str, a: Any, b: Any) -> Difference:
    numbers = [v for v in (a, b) if isinstance(v, int | float) and not isinstance(v, bool)]
    share = math.inf
    if len(numbers) == 2:
        share = float(_share(np.array([float(a)]), np.array([float(b)]))[0])
    return Difference(where, str(a), str(b), share)


def _share(a: Any, b: Any) -> Any:
    size = np.maximum(np.abs(a), np.abs(b))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.abs(a - b) / size
    return np.where(np.isfinite(share), share, math.inf)


def _shape(array: Any) -> str:
    return "nothing" if array is None else f"an array of shape {array.shape}"


def _circumstances(before: RunRecord, after: RunRecord) -> Iterator[str]:
    """Yield what was not the same, a phrase each."""
    one, two = before.summary, after.summary
    if one.get("xreg") != two.get("xreg"):
        yield f"xreg {one.get('xreg')} then, {two.get('xreg')} now"
    known = {(c.get("kind"), c.get("name")): c for c in one.get("components", ())}
    for component in two.get("components", ()):
        old = known.get((component["kind"], component["name"]), {})
        if old.get("code") != component["code"]:
            yield f"the code of {component['kind']} '{component['name']}' is another"
    machine, now = (flat(s.get("platform", {})) for s in (one, two))
    for key in {**machine, **now}:
        if machine.get(key) != now.get(key):
            yield f"{key.removeprefix('libraries.')}: {machine.get(key)} then, {now.get(key)} now"
