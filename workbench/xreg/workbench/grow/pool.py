"""The pool that samples are chosen from: which judge, which start, and which come next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import ConfigError, UnknownNameError, did_you_mean
from xreg.core.model.model import Model
from xreg.workbench.generate.samples import SampleTable
from xreg.workbench.grow.recipe import GrowRecipe, TestSection

__all__ = ["Choice", "choose", "draw_by_weight", "set_apart"]

Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Choice:
    """Samples that are computed next.

    Attributes
    ----------
    rows
        Their rows in the pool.
    spread
        Mean spread of the candidates, and of those chosen, in the unit of the target; None where
        none was asked for.
    unknown
        How many candidates the model can say nothing of; they count as the least sure one.
    """

    rows: Rows
    spread: tuple[float, float] | None = None
    unknown: int = 0


def set_apart(table: SampleTable, section: TestSection, rng: np.random.Generator) -> Rows:
    """Return the rows of the pool that judge every round, at random.

    Raises
    ------
    ConfigError, UnknownNameError
        If the pool is too small, or has no such label.
    """
    fit = np.setdiff1d(np.arange(len(table.samples)), list(table.unfit))
    order = rng.permutation(fit)
    if section.group is None:
        chosen = order[: section.count]
    else:
        if section.group not in table.labels:
            hint = did_you_mean(section.group, table.labels)
            raise UnknownNameError(f"test.group '{section.group}' is none of the labels{hint}.")
        groups = table.labels[section.group]
        _, first = np.unique(groups[order], return_index=True)
        chosen = np.array([], dtype=np.intp)
        for group in groups[order][np.sort(first)]:
            if len(chosen) >= section.count:
                break
            chosen = np.concatenate([chosen, fit[groups[fit] == group]])
    if len(chosen) < section.count or len(chosen) >= len(fit):
        raise ConfigError(
            f"the pool holds {len(fit)} samples that can be computed; {section.count} to test "
            "leave none to choose from."
        )
    return np.sort(chosen)


def choose(
    recipe: GrowRecipe, table: SampleTable, model: Model, left: Rows, rng: np.random.Generator
) -> Choice:
    """Return the samples of the pool that the model would learn most from.

    Drawn without replacement with a probability that goes as a power of the spread (stochastic
    batch acquisition: A. Kirsch et al., Trans. Mach. Learn. Res. (2023), power acquisition), so
    that a batch does not consist of neighbours.

    Raises
    ------
    ConfigError
        If the model's emulator has no spread.
    """
    growth = recipe.growth
    count = min(growth.batch, len(left))
    if growth.choose == "random":
        return Choice(rng.choice(left, count, replace=False))
    looked = rng.permutation(left)[: max(growth.candidates, count)]
    spread, unknown = _spread(model, table, looked)
    chosen = draw_by_weight(spread**growth.power, count, rng)
    return Choice(looked[chosen], (float(spread.mean()), float(spread[chosen].mean())), unknown)


def draw_by_weight(
    weights: NDArray[np.float64], count: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Draw places without replacement, each with a probability as its weight (Gumbel's top k)."""
    with np.errstate(divide="ignore"):
        keys = np.log(weights) + rng.gumbel(size=len(weights))
    return np.argsort(-keys, kind="stable")[:count]


def _spread(model: Model, table: SampleTable, rows: Rows) -> tuple[NDArray[np.float64], int]:
    """Return the root mean square spread of each candidate's spectrum."""
    samples = table.samples[rows]
    refused: Mapping[int, Any] = model.refusals(samples)
    known = np.setdiff1d(np.arange(len(rows)), list(refused))
    found = np.full(len(rows), np.nan)
    for places in np.array_split(known, max(1, len(known) // 1000)):
        if not len(places):
            continue
        _, std = model.predict_with_spread(model.inputs(samples[places]))
        if std is None:
            raise ConfigError(
                f"emulator '{model.emulator.name}' knows no spread with its settings, so that "
                "nothing tells which samples it lacks: give it several members, take gp, or say "
                "growth.choose: random."
            )
        found[places] = np.sqrt(np.mean(std**2, axis=1))
    most = float(np.nanmax(found)) if len(known) else 1.0
    return np.where(np.isnan(found), most, found), len(refused)
