"""How a search draws candidates: at random, by what has scored well, or all of them in order.

A sampler gives the trials of a group, all on one descriptor: values by ``descriptor.NAME`` and
``emulator.NAME`` (or ``decomposer.NAME``), as Optuna stores them. So that models can be trained
together, so many in turn share all settings but those in which the model may differ then.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from zlib import crc32

import numpy as np

from xreg.core.errors import ConfigError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from xreg.workbench.search.recipe import Family, SearchRecipe
    from xreg.workbench.search.spaces import SearchRange

__all__ = ["Sampler", "distributions", "sampler"]

Drawn = dict[str, Any]


class Sampler(Protocol):
    """Draws the candidates of a search."""

    def group(self, family: Family, number: int, history: Sequence[FrozenTrial]) -> Sequence[Drawn]:
        """Return what is drawn for each trial of a family's group of that number.

        Parameters
        ----------
        history
            The family's trials until now.
        """


def sampler(recipe: SearchRecipe, families: Sequence[Family]) -> Sampler:
    """Return the sampler that a recipe names.

    Raises
    ------
    ConfigError
        If the grid of a family has no end.
    """
    if recipe.sampler == "grid":
        for family in families:
            for name, found in _ranges(family).items():
                if not math.isfinite(found.size):
                    raise ConfigError(
                        f"family '{family.label}': '{name}' has no end of values, so there is no "
                        "grid; name them (choice: […]), or take another sampler."
                    )
        return Grid(recipe)
    return TPE(recipe) if recipe.sampler == "tpe" else Random(recipe)


def distributions(family: Family) -> dict[str, BaseDistribution]:
    """Return what each parameter of a family's trials is drawn from, as Optuna knows it."""
    return {name: found.distribution for name, found in _ranges(family).items()}


def _ranges(family: Family) -> dict[str, SearchRange]:
    first, second = family.spaces
    return _named("descriptor", first.ranges) | _named(family.model, second.ranges)


def _named(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{kind}.{name}": value for name, value in values.items()}


def _seed(recipe: SearchRecipe, family: Family, number: int) -> tuple[int, int, int]:
    return recipe.seed, crc32(family.label.encode()), number


@dataclass(frozen=True)
class _OfRecipe:
    recipe: SearchRecipe

    def _members(self, family: Family) -> Iterator[bool]:
        """Yield for each trial of a group whether it shares settings with the one before."""
        together = self.recipe.together if family.together & set(family.spaces[1].ranges) else 1
        for member in range(self.recipe.networks if family.spaces[1].ranges else 1):
            yield member % together > 0


class Random(_OfRecipe):
    """At random; the draws depend on the recipe's seed, the family and the number alone."""

    def group(self, family: Family, number: int, history: Sequence[FrozenTrial]) -> Sequence[Drawn]:
        """Return random draws."""
        first, second = family.spaces
        seed = _seed(self.recipe, family, number)
        shape = _named("descriptor", first.draw((*seed, 0)))
        drawn: Drawn = {}
        found = []
        for member, shares in enumerate(self._members(family)):
            fresh = second.draw((*seed, 1 + member))
            if shares:
                fresh = {k: v if k in family.together else drawn[k] for k, v in fresh.items()}
            drawn = fresh
            found.append(shape | _named(family.model, drawn))
        return found


class TPE(_OfRecipe):
    """Where candidates have scored well (a tree-structured Parzen estimator).

    The draws depend on all scores that are there, and so on who is done first.
    """

    def group(self, family: Family, number: int, history: Sequence[FrozenTrial]) -> Sequence[Drawn]:
        """Return draws near good ones; the first ten of a family are random."""
        import optuna

        seed = np.random.SeedSequence(_seed(self.recipe, family, number)).generate_state(1)[0]
        study = optuna.create_study(
            direction="maximize", sampler=optuna.samplers.TPESampler(seed=int(seed))
        )
        study.add_trials([t for t in history if t.state.is_finished() and t.values])
        shape = set(_named("descriptor", family.spaces[0].ranges))
        apart = set(_named(family.model, dict.fromkeys(family.together)))
        found: list[Drawn] = []
        for shares in self._members(family):
            if found:  # all are on one descriptor
                kept = set(found[-1]) - apart if shares else shape
                study.enqueue_trial({name: found[-1][name] for name in kept})
            found.append(study.ask(distributions(family)).params)
        return found


class Grid(_OfRecipe):
    """Every combination once, in order; those that are trained together follow each other."""

    def group(self, family: Family, number: int, history: Sequence[FrozenTrial]) -> Sequence[Drawn]:
        """Return the next combinations on one descriptor."""
        first, second = family.spaces
        slow_first = sorted(second.ranges, key=lambda name: name in family.together)
        models = _combinations({name: second.ranges[name] for name in slow_first})
        descriptor, part = divmod(number, math.ceil(len(models) / self.recipe.networks))
        shape = _named("descriptor", _combinations(first.ranges)[descriptor])
        start = part * self.recipe.networks
        return [
            shape | _named(family.model, model)
            for model in models[start : start + self.recipe.networks]
        ]


def _combinations(ranges: Mapping[str, SearchRange]) -> list[Drawn]:
    values = [found.every() for found in ranges.values()]
    return [dict(zip(ranges, chosen, strict=True)) for chosen in itertools.product(*values)]
