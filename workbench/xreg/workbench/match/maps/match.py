"""Maps found in a library: thousands of spectra as products of matrices."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core import progress
from xreg.core.arrays import Array
from xreg.core.measured.spectrum import Measured
from xreg.core.measured.stack import Stack
from xreg.workbench.match.combination import combine
from xreg.workbench.match.library import Comparison, Library, noise_share
from xreg.workbench.match.match import STRANGE, compared
from xreg.workbench.match.probability import Calibration, calibrate
from xreg.workbench.match.recipe import MatchRecipe, MatchSettings
from xreg.workbench.measured.stacks import read_stacks, require_alive, told

__all__ = ["MatchedStack", "match_stack"]

BATCH = 500
NOISE_FROM = 200  # spectra of which the noise is looked at


@dataclass(frozen=True, eq=False)
class MatchedStack:
    """What a library says of each spectrum of a stack; NaN and empty of dead ones.

    Attributes
    ----------
    stack, library, comparison, calibration
        What was compared, and how sure answers are.
    nearest
        (n,) ids of the nearest references.
    misfit, shift, broadening
        (n,) what is left as a share of the spectrum's standard deviation, and shift and broadening
        in eV, on the grid of those looked through.
    likely
        (n,) the most probable value of the label, or reference; empty where nothing is like it.
    probability
        (n,) its probability.
    resemblance
        (n,) share of the library's own spectra that are as far from all others.
    weights, std
        (n, r) weights of the references that were named, and their σ; None where none were.
    place
        Shift and broadening of those, common to all.
    """

    stack: Stack
    library: Library
    comparison: Comparison
    calibration: Calibration
    nearest: NDArray[np.str_]
    misfit: Array
    shift: Array
    broadening: Array
    likely: NDArray[np.str_]
    probability: Array
    resemblance: Array
    weights: Array | None
    std: Array | None
    place: tuple[float, float]


def match_stack(recipe: MatchRecipe) -> tuple[MatchedStack, dict[str, Any]]:
    """Find the spectra of a map in a library, as a recipe says; and where that comes from.

    Shift and broadening are those of a grid, not refined for each pixel.

    Raises
    ------
    XregError
        If the map, the library, or what both have in common is no good, or every spectrum is dead.
    """
    from xreg.workbench.recipes.data import open_section

    began = time.perf_counter()
    dataset, filled = open_section(recipe.library)
    library = Library.of(dataset, recipe.channel, recipe.label, recipe.group)
    (stack,) = read_stacks(recipe.spectra, recipe.columns)
    require_alive([stack])
    name = Path(recipe.spectra[0]).name
    comparison = compared(library, recipe, stack.energy, f"'{name}'")
    good, n = stack.good, len(stack)
    looked = good[np.linspace(0, len(good) - 1, min(len(good), NOISE_FROM)).astype(int)]
    noise = float(np.median([
        noise_share(stack.measured(int(row)), comparison.inside) for row in looked
    ]))  # fmt: skip
    calibration = calibrate(comparison, noise, recipe.simulated, recipe.seed)
    values = library.ids if calibration.labels is None else calibration.labels
    misfit, shift, width, chance, like = (np.full(n, np.nan) for _ in range(5))
    nearest, likely = (np.full(n, "", dtype=object) for _ in range(2))
    for start in range(0, len(good), BATCH):
        rows = good[start : start + BATCH]
        found, place = comparison.misfits(stack.intensity[rows])
        best = found.argmin(axis=1)
        misfit[rows], nearest[rows] = found.min(axis=1), library.ids[best]
        at = [comparison.settings_at(p[b]) for p, b in zip(place, best, strict=True)]
        shift[rows], width[rows] = np.array(at).T
        shares = calibration.probabilities(found)
        like[rows] = [calibration.resemblance(float(left)) for left in misfit[rows]]
        sure = like[rows] >= STRANGE
        chance[rows] = np.where(sure, shares.max(axis=1), np.nan)
        likely[rows] = np.where(sure, values[shares.argmax(axis=1)].astype(str), "")
        progress.report("matching", start + len(rows), len(good))
    weights, std, common = _weights(comparison, stack, good, library, recipe)
    matched = MatchedStack(
        stack, library, comparison, calibration, nearest.astype(str), misfit, shift, width,
        likely.astype(str), chance, like, weights, std, common,
    )  # fmt: skip
    facts = {
        "place": name,
        "library": filled,
        "channel": recipe.channel or next(iter(dataset.spectra)),
        "settings": recipe.model_dump(mode="json", include=set(MatchSettings.model_fields)),
        "remarks": told([stack]),
        "seconds": round(time.perf_counter() - began, 1),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return matched, facts


def _weights(
    comparison: Comparison,
    stack: Stack,
    good: NDArray[np.intp],
    library: Library,
    recipe: MatchRecipe,
) -> tuple[Array | None, Array | None, tuple[float, float]]:
    """Return non-negative weights of the named references, at one shift and broadening for all.

    These are the best of the mean spectrum of the map.
    """
    from scipy.optimize import nnls

    rows = library.rows_of(recipe.references)
    if not len(rows):
        return None, None, (0.0, 0.0)
    mean = Measured(stack.energy, stack.intensity[good].mean(axis=0))
    best = combine(comparison, mean, rows, min(len(rows), 5), sum_to_one=recipe.sum_to_one)[0]
    place = (best.shift, best.width)
    curves = comparison.references_at(rows, *place)
    inverse = np.linalg.pinv(curves @ curves.T)
    spectra = stack.intensity[:, comparison.inside]
    weights, std = (np.full((len(stack), len(rows)), np.nan) for _ in range(2))
    free = max(spectra.shape[1] - len(rows), 1)
    for row in good.tolist():
        weights[row], left = nnls(curves.T, spectra[row], maxiter=100 * len(rows))
        std[row] = left / np.sqrt(free) * np.sqrt(np.diag(inverse))
        if recipe.sum_to_one and (total := weights[row].sum()) > 0:
            weights[row], std[row] = weights[row] / total, std[row] / total
    return weights, std, place
