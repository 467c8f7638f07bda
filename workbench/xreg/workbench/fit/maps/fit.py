"""Maps and series fitted: thousands of spectra as batches through network and exact engine."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core import progress
from xreg.core.arrays import Array
from xreg.core.errors import DataError
from xreg.core.executor import WorkerDiedError, Workers, cores, open_workers
from xreg.core.measured.stack import Stack
from xreg.core.storage import canonical_json
from xreg.registry.models import find_model, load_model
from xreg.workbench.fit.fit import covered, engine_of, problem_of, used
from xreg.workbench.fit.maps.work import Part, Task
from xreg.workbench.fit.problem import SHIFT, Problem
from xreg.workbench.fit.recipe import FitRecipe
from xreg.workbench.measured.stacks import read_stacks, require_alive, told

__all__ = ["FittedStack", "fit_stacks"]

BATCH = 32  # spectra worked on together: their arrays stay in the caches of a processor
FEW = 64  # spectra for which no further process is worth starting
TABLE = (10, 13)  # least and greatest size of the table, as powers of two
UPSIDE_DOWN = 0.2  # by how much more spectra resemble the negative of the measured ones
EVERY = 10  # of the spectra that are refined where only some are
FEWEST_REFINED = 20
SIGMA = 1.4826  # standard deviation over median absolute deviation
ALIKE = 0.02  # of a range: a neighbour's solution closer than that, or than SURE, is the same
SURE = 3.0  # σ
SWEEPS = 50  # times at most that neighbours are asked
GAINED = 0.5  # by so many σ the fit is better where neighbours are asked to look again


@dataclass(frozen=True, eq=False)
class FittedStack:
    """What was found of each of n spectra; NaN where nothing could be.

    Attributes
    ----------
    stack
        The spectra, within the window that was fitted.
    problem
        Names, units and ranges.
    arrays
        (n, d) ``x``, ``std`` and ``other``: coordinates of the best minimum, their σ over all
        minima, and the next best minimum; (n, d) ``other_sign``; (n,) ``chi2``, ``noise``,
        ``scale``, ``weight`` (likelihood of the best among all), ``minima``, ``residual`` (share
        of the height), ``neighbours``; (n, q) ``heights``.
    refined
        (n,) whether the exact engine was asked.
    missed
        (d,) σ of what the network misses of each coordinate, from those refined; NaN where all or
        none were.
    """

    stack: Stack
    problem: Problem
    arrays: dict[str, Array]
    refined: NDArray[np.bool_]
    missed: Array

    @property
    def values(self) -> Array:
        """(n, d) values of the unknowns in their units."""
        return self.problem.origin + self.arrays["x"] * self.problem.widths

    @property
    def others(self) -> Array:
        """(n, d) values at the next best minimum; NaN where there is none."""
        return self.problem.origin + self.arrays["other"] * self.problem.widths

    @property
    def std(self) -> Array:
        """(n, d) σ of the unknowns in their units."""
        missed = np.where(self.refined[:, None], 0.0, np.nan_to_num(self.missed))
        return np.asarray(np.hypot(self.arrays["std"], missed) * self.problem.widths)


def fit_stacks(
    recipe: FitRecipe, *, workers: int | None = None, allow_code: bool = False
) -> tuple[list[FittedStack], dict[str, Any]]:
    """Fit a map or series as a recipe says; return what was found, and where it comes from.

    The network's nearest predictions and their mirror images are descended, then the exact engine
    goes on from the best; solutions of neighbouring pixels are further starts, and nothing more:
    no smoothness is assumed.

    Parameters
    ----------
    recipe
        What to fit, and how.
    workers
        Processes at once; one for each core if not given.
    allow_code
        Whether the user agrees to code that came with the model or its dataset.

    Raises
    ------
    XregError
        As :func:`xreg.workbench.fit.fit.fit_spectrum`, and if every spectrum is dead.
    """
    began = time.perf_counter()
    stacks = read_stacks(recipe.places, recipe.columns)
    entry = find_model(recipe.model, recipe.registry)
    model = load_model(entry.folder, allow_code=allow_code)
    from xreg.workbench.fit.network import network

    network(model)  # refuses what is no model of parameters
    generator = None if recipe.refine == "none" else engine_of(
        entry, recipe, recipe.registry, allow_code
    )  # fmt: skip
    done = []
    where = Path(recipe.places[0])
    parts = []
    for stack in stacks:
        # One spectrum stands for all: they share their energies.
        probe = stack.measured(int(stack.good[0])) if (stack.dead == "").any() else None
        problem = None if probe is None else problem_of(model, probe, recipe, where)
        inside = stack
        if problem is not None:
            inside = stack.within(*problem.measured.energy[[0, -1]])
        parts.append((inside, problem))
    require_alive([inside for inside, _ in parts])
    for inside, problem in parts:
        if problem is None:
            raise DataError(f"all spectra of one grid are dead ({inside.dead_in_words}).")
        settings = "" if generator is None else canonical_json(
            generator.config.model_dump(mode="json")
        )  # fmt: skip
        if generator is not None:
            covered(problem, generator.grids()[model.target.channel])
        size = int(np.clip(np.ceil(np.log2(16 * len(inside.good))), *TABLE))
        task = Task(
            str(entry.folder), None if generator is None else type(generator), settings,
            model.target.channel, tuple(problem.measured.energy.tolist()),
            (problem.names, problem.units, tuple(map(tuple, problem.ranges.tolist())),
             problem.shift, problem.background),
            2**size, recipe.seed,
        )  # fmt: skip
        done.append(_fitted(inside, problem, task, recipe, workers))
    facts = {
        "spectra": {
            "places": [Path(place).name for place in recipe.places],
            "shape": list(stacks[0].shape) if len(stacks) == 1 else [sum(map(len, stacks))],
            "remarks": told([inside for inside, _ in parts]),
            "window": [float(e) for e in done[0].stack.energy[[0, -1]]],
        },
        **used(entry, model, generator),
        "settings": recipe.model_dump(mode="json", exclude={"spectrum", "model", "registry"}),
        "seconds": round(time.perf_counter() - began, 1),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return done, facts


def _fitted(
    stack: Stack, problem: Problem, task: Task, recipe: FitRecipe, workers: int | None
) -> FittedStack:
    """Fit all spectra that are not dead, then those again whose neighbours know better."""
    good = stack.good
    refined = np.zeros(len(stack), dtype=bool)
    if recipe.refine == "all" and task.generator is not None:
        refined[good] = True
    elif recipe.refine == "some" and task.generator is not None:
        count = min(len(good), max(FEWEST_REFINED, len(good) // EVERY))
        refined[good[np.linspace(0, len(good) - 1, count).round().astype(int)]] = True
    first = [Part(rows, *_of(stack, rows), exact=False) for rows in _batches(good[~refined[good]])]
    first += [Part(rows, *_of(stack, rows), exact=True) for rows in _batches(good[refined[good]])]
    network: dict[str, Array] = {}
    with _pool(len(good), workers) as pool:
        if recipe.refine == "some":  # the network's own answer to those, to see what it misses
            rows = good[refined[good]]
            rough = [Part(part, *_of(stack, part), exact=False) for part in _batches(rows)]
            network = _work(task, rough, len(stack), "network", pool)
        arrays = _work(task, first, len(stack), "fitting", pool)
        _require_upright(arrays["likeness"][good])
        offers = refined.copy()
        for _ in range(SWEEPS):
            again = list(_neighbours(stack, arrays, offers, refined, problem.labels))
            if not again:
                break
            before = arrays["chi2"].copy()
            rows = np.concatenate([part.rows for part in again])
            for name, values in _work(task, again, len(stack), "neighbours", pool).items():
                if name != "likeness":
                    arrays[name][rows] = values[rows]
            offers = arrays["chi2"] < before - (GAINED * arrays["noise"]) ** 2
    missed = np.full(len(problem.labels), np.nan)
    if recipe.refine == "some":
        missed = SIGMA * np.nanmedian(np.abs(network["x"] - arrays["x"])[refined], axis=0)
    return FittedStack(stack, problem, arrays, refined, missed)


def _batches(rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    return [rows[i : i + BATCH] for i in range(0, len(rows), BATCH)]


def _of(stack: Stack, rows: NDArray[np.intp]) -> tuple[Array, Array | None]:
    return stack.intensity[rows], None if stack.noise is None else stack.noise[rows]


@contextmanager
def _pool(total: int, workers: int | None) -> Iterator[Workers | None]:
    """Open processes for the length of a block, where there is enough to do."""
    if total <= FEW or (workers or cores()) == 1:
        yield None
        return
    with open_workers("process", workers) as pool:
        yield pool


def _work(
    task: Task, parts: Sequence[Part], n: int, what: str, pool: Workers | None
) -> dict[str, Array]:
    """Return the arrays of all parts, NaN for spectra in none."""
    total = sum(len(part.rows) for part in parts)
    found: dict[str, Array] = {}
    done = 0
    results = (
        ((part, task(part)) for part in parts) if pool is None else pool.unordered(task, parts)
    )
    for part, arrays in results:
        if isinstance(arrays, WorkerDiedError):
            raise arrays
        for name, values in arrays.items():
            if name not in found:
                found[name] = np.full((n, *values.shape[1:]), np.nan)
            found[name][part.rows] = values
        done += len(part.rows)
        progress.report(what, done, total)
    return found


def _require_upright(likeness: Array) -> None:
    most, least = np.median(likeness, axis=0)
    if -least > max(most, 0) + UPSIDE_DOWN:
        raise DataError(
            "the spectra are upside down: their lines point down where the model's point up; give "
            "them with the other sign, absorption and not transmission."
        )


def _neighbours(
    stack: Stack,
    arrays: dict[str, Array],
    offers: NDArray[np.bool_],
    refined: NDArray[np.bool_],
    labels: tuple[str, ...],
) -> Iterator[Part]:
    """Yield spectra for which a neighbour that offers its minima has others than their own."""
    places = np.arange(len(stack)).reshape(stack.shape)
    pairs: list[tuple[int, int]] = []
    for axis in range(places.ndim):
        one = np.take(places, range(places.shape[axis] - 1), axis).ravel().tolist()
        other = np.take(places, range(1, places.shape[axis]), axis).ravel().tolist()
        pairs += [*zip(one, other, strict=True), *zip(other, one, strict=True)]
    residual = arrays["residual"]
    pairs.sort(key=lambda pair: residual[pair[1]])  # the closest fits are offered first
    shift = labels.index(SHIFT) if SHIFT in labels else None
    starts: dict[int, list[Array]] = {}
    usable = refined & (arrays["minima"] > 0)
    for row, beside in pairs:
        if not (offers[beside] and usable[row] and usable[beside]):
            continue
        own = arrays["minima_x"][row, : int(arrays["minima"][row])]
        # Starts that differ by less than the spectrum tells lead to one minimum.
        apart = np.maximum(ALIKE, SURE * arrays["minima_std"][row, 0])
        for start in arrays["minima_x"][beside, : int(arrays["minima"][beside])].copy():
            # The energies of pixels drift each by themselves: they are aligned anew.
            if shift is not None:
                start[shift] = own[0, shift]
            old = starts.setdefault(row, [])
            known = (np.abs(start - own) <= ALIKE).all(axis=1).any()
            if not known and not any((np.abs(start - one) <= apart).all() for one in old):
                old.append(start)
    starts = {row: offered for row, offered in starts.items() if offered}
    for batch in _batches(np.array(sorted(starts), dtype=np.intp)):
        counts = [len(starts[row]) for row in batch.tolist()]
        owner = np.repeat(np.arange(len(batch)), counts)
        points = np.concatenate([np.array(starts[row]) for row in batch.tolist()])
        theirs, place = np.nonzero(np.isfinite(arrays["minima_chi2"][batch]))
        known = (theirs, arrays["minima_x"][batch][theirs, place],
                 arrays["minima_chi2"][batch][theirs, place])  # fmt: skip
        yield Part(batch, *_of(stack, batch), exact=True, also=(owner, points), known=known)
