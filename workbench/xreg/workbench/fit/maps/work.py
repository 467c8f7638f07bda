"""What a worker does with some spectra of a stack: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.data.samples import Parameters
from xreg.core.errors import DataError, XregError
from xreg.core.interfaces import SpectrumGenerator
from xreg.core.measured.spectrum import Measured
from xreg.workbench.fit.maps.descent import Pixels
from xreg.workbench.fit.maps.minima import KEPT, Found, Minima, Searcher, noise_of
from xreg.workbench.fit.maps.rendering import Renderer
from xreg.workbench.fit.maps.table import Table
from xreg.workbench.fit.mixture import Mixture, likelihoods
from xreg.workbench.fit.problem import Problem

__all__ = ["Part", "Task"]

Arrays = dict[str, Array]

NETWORK_STEP, ENGINE_STEP = 2e-3, 2e-4  # of a range, for derivatives in single and double precision


@dataclass(frozen=True, eq=False)
class Part:
    """Some spectra.

    Attributes
    ----------
    rows
        (n,) their rows in the stack.
    intensity, noise
        (n, k); None where the noise is not known.
    exact
        Whether the exact engine refines them.
    also, known
        Owner (row within the part) and coordinates of further starts, and owner, coordinates and
        χ² of the minima that are known, for spectra that have been fitted already: then nothing
        else is searched.
    """

    rows: NDArray[np.intp]
    intensity: Array
    noise: Array | None
    exact: bool
    also: tuple[NDArray[np.intp], Array] | None = None
    known: Found | None = None


@dataclass(frozen=True)
class Task:
    """Fits a part; it travels to a worker as paths, classes and numbers.

    Attributes
    ----------
    folder
        Folder of the model.
    generator, settings
        Class and settings (JSON) of the exact engine; None to do without.
    channel
        What is fitted.
    energy
        Measured energies.
    problem
        Names, units, ranges, shift and background of the problem.
    table, seed
        Size and seed of the table of predictions.
    """

    folder: str
    generator: type[SpectrumGenerator] | None
    settings: str
    channel: str
    energy: tuple[float, ...]
    problem: tuple[object, ...]
    table: int
    seed: int

    def __call__(self, part: Part) -> Arrays:
        """Return arrays of n rows; of spectra that nothing fits they are NaN."""
        searcher = _searcher(self)
        problem = searcher.problem
        given = part.noise is not None
        weight = np.ones_like(part.intensity) if part.noise is None else 1 / part.noise
        pixels = Pixels.of(part.intensity, weight, problem.curves)
        exact = part.exact and searcher.exact is not None
        if part.also is None:
            owner, x, chi2, likeness = searcher.search(pixels, part.intensity)
            if exact:
                owner, x, chi2 = searcher.refine(pixels, owner, x, given)
        else:
            likeness = np.zeros((len(part.rows), 2))
            owner, x = part.also
            x = searcher.aligned(pixels, owner, x)
            owner, x, chi2 = searcher.refine(pixels, owner, x, given, part.known)
        minima = searcher.told(pixels, part.intensity, owner, x, chi2, given, exact=exact)
        found = _summarised(minima, len(part.rows), problem, given)
        found["residual"] *= 1 if part.noise is None else np.median(part.noise, axis=1)
        return found | {"likeness": likeness}


@lru_cache(maxsize=2)
def _searcher(task: Task) -> Searcher:
    """Return the searcher of this process, built once."""
    import torch

    from xreg.registry.models import load_model
    from xreg.workbench.fit.network import network

    torch.set_num_threads(1)
    names, units, ranges, shift, background = task.problem
    energy = np.array(task.energy)
    problem = Problem(
        Measured(energy, np.zeros_like(energy)),
        names, units, np.array(ranges), shift, background,  # type: ignore[arg-type]
    )  # fmt: skip
    # Whoever made the task has agreed to the model's code, or was asked to.
    simulator = network(load_model(task.folder, allow_code=True), torch.float32)

    def predicted(values: Array) -> Array:
        with torch.no_grad():
            rows = simulator.spectra(torch.as_tensor(values, dtype=torch.float32))
        return np.asarray(rows.double().numpy())

    rough = Renderer(problem, simulator.energy, predicted, NETWORK_STEP)
    table = Table(problem, rough, task.table, task.seed)
    exact = None
    if task.generator is not None:
        generator = task.generator(task.generator.Config.model_validate_json(task.settings))
        grid = np.asarray(generator.grids()[task.channel], dtype=np.float64)
        exact = Renderer(problem, grid, _computed(generator, task.channel, problem), ENGINE_STEP)
    return Searcher(problem, rough, table, exact)


def _computed(
    generator: SpectrumGenerator, channel: str, problem: Problem
) -> Callable[[Array], Array]:
    def spectra(values: Array) -> Array:
        ids = [str(i) for i in range(len(values))]
        rows = []
        for found in generator.generate_many(Parameters(ids, values, problem.names, problem.units)):
            if isinstance(found, XregError):
                raise DataError(
                    f"generator '{generator.name}' fails at a point of the fit: {found}"
                )
            rows.append(found.channels[channel])
        return np.array(rows, dtype=np.float64)

    return spectra


def _summarised(minima: Minima, n: int, problem: Problem, given: bool) -> Arrays:
    """Return what is told of each of n spectra, NaN where nothing fits."""
    d, q = len(problem.labels), problem.curves.shape[1]
    found: Arrays = {
        name: np.full((n, *shape), np.nan)
        for name, shape in {
            "x": (d,), "std": (d,), "other": (d,), "heights": (q,), "chi2": (), "noise": (),
            "scale": (), "weight": (), "minima": (), "residual": (), "neighbours": (),
            "other_sign": (d,), "minima_x": (KEPT, d), "minima_std": (KEPT, d),
            "minima_chi2": (KEPT,),
        }.items()
    }  # fmt: skip
    zero = -problem.origin / problem.widths
    signed = [
        i for i, label in enumerate(problem.labels) if label in problem.names and 0 < zero[i] < 1
    ]
    found["minima"][:] = 0
    for row in np.unique(minima.owner).tolist():
        own = np.flatnonzero(minima.owner == row)
        first = own[0]
        noise = float(noise_of(problem, minima.chi2[first : first + 1], given)[0])
        weights = likelihoods(minima.chi2[own], noise)
        std = np.maximum(noise * minima.std[own], 1e-12)
        found["x"][row], found["chi2"][row] = minima.x[first], minima.chi2[first]
        found["noise"][row], found["scale"][row] = noise, minima.scale[first]
        found["heights"][row], found["weight"][row] = minima.heights[first], weights[0]
        found["minima"][row] = len(own)
        found["minima_x"][row, : len(own)] = minima.x[own]
        found["minima_std"][row, : len(own)] = std
        found["minima_chi2"][row, : len(own)] = minima.chi2[own]
        found["neighbours"][row] = minima.neighbours[first]
        rms = np.sqrt(minima.chi2[first] / len(problem.measured))
        found["residual"][row] = rms / max(float(minima.height[first]), 1e-300)
        parts = [Mixture(weights, minima.x[own, i], std[:, i], std[:, i]) for i in range(d)]
        found["std"][row] = std[0] if len(own) == 1 else [part.std() for part in parts]
        if len(own) > 1:
            found["other"][row] = minima.x[own[1]]
        for i in signed:
            below = parts[i].below(float(zero[i]))
            found["other_sign"][row, i] = below if minima.x[first, i] > zero[i] else 1 - below
    return found
