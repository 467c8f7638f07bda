"""Candidates of a search: the spaces that they are drawn from, and how they are judged.

A setting in a search space is a value, which stays, or a mapping with one key that says how to
draw it: ``{choice: [a, b]}``, ``{int: [low, high]}``, ``{float: [low, high]}``, and, even in the
logarithm, ``{log-int: [low, high]}`` and ``{log: [low, high]}``.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from xreg.core.config import Config
from xreg.core.data.samples import Samples
from xreg.core.data.splits import make_folds
from xreg.core.errors import ConfigError, RunError, SampleError, did_you_mean
from xreg.core.interfaces import Decomposer, Emulator
from xreg.core.metrics import covered_variance
from xreg.core.model.preprocessing import Preprocessing
from xreg.core.settings_in_words import value_in_words
from xreg.core.text import counted

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = [
    "MOST_UNUSABLE",
    "Fold",
    "SearchRange",
    "SearchSpace",
    "cross_validate",
    "cross_validation_folds",
    "score_folds",
]

log = logging.getLogger("xreg.search")
# Share of the samples up to which a method may say nothing of them and still be a candidate.
MOST_UNUSABLE = 0.1
RangeKind = Literal["choice", "int", "float", "log-int", "log"]


@dataclass(frozen=True)
class SearchRange:
    """What one setting may be.

    Attributes
    ----------
    kind
        How it is drawn.
    values
        The choices, or lowest and highest value.
    """

    kind: RangeKind
    values: tuple[Any, ...]

    @classmethod
    def of(cls, value: Any, where: str) -> SearchRange | None:
        """Return the range that a setting of a search space states, None for a plain value."""
        if not isinstance(value, Mapping) or len(value) != 1:
            return None
        ((kind, values),) = value.items()
        if kind not in get_args(RangeKind):
            return None
        wrong = f"{where}: '{kind}' needs "
        if not isinstance(values, Sequence) or isinstance(values, str) or not values:
            raise ConfigError(f"{wrong}a list, got {values!r}.")
        if kind == "choice":
            return cls(kind, tuple(values))
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        if len(values) != 2 or not numbers or not values[0] < values[1]:
            raise ConfigError(f"{wrong}a lowest and a higher number, got {list(values)}.")
        if kind.endswith("int") and not all(isinstance(v, int) for v in values):
            raise ConfigError(f"{wrong}whole numbers, got {list(values)}.")
        if kind.startswith("log") and values[0] <= 0:
            raise ConfigError(f"{wrong}numbers above zero, got {list(values)}.")
        return cls(cast("RangeKind", kind), tuple(values))

    def __str__(self) -> str:
        """Return the range in words: ``0.001 … 0.1, log``, or all choices."""
        if self.kind == "choice":
            return ", ".join(map(value_in_words, self.values))
        ends = " … ".join(map(value_in_words, self.values))
        return f"{ends}, log" if self.kind.startswith("log") else ends

    @property
    def distribution(self) -> BaseDistribution:
        """The range as Optuna knows it; choices as JSON, for Optuna stores no lists."""
        from optuna.distributions import (
            CategoricalDistribution,
            FloatDistribution,
            IntDistribution,
        )

        if self.kind == "choice":
            return CategoricalDistribution([json.dumps(value) for value in self.values])
        low, high = self.values
        log = self.kind.startswith("log")
        return (IntDistribution if self.kind.endswith("int") else FloatDistribution)(
            low, high, log=log
        )

    @property
    def probes(self) -> tuple[Any, ...]:
        """Values that a setting must take if it is to take them all."""
        if self.kind in ("float", "log"):
            low, high = self.values
            return low, high, low + (high - low) / math.pi  # between whole numbers
        return self.values

    @property
    def size(self) -> float:
        """How many values there are to draw."""
        if self.kind == "choice":
            return len({json.dumps(value) for value in self.values})
        low, high = self.values
        return high - low + 1 if self.kind.endswith("int") else math.inf

    def read(self, stored: Any) -> Any:
        """Return the setting that a value drawn by Optuna stands for."""
        return json.loads(stored) if self.kind == "choice" else stored


@dataclass(frozen=True)
class SearchSpace:
    """Settings of one component, some of them still to be drawn.

    Attributes
    ----------
    fixed
        Values that stay.
    ranges
        What the others may be.
    """

    fixed: Mapping[str, Any] = field(default_factory=dict)
    ranges: Mapping[str, SearchRange] = field(default_factory=dict)

    @classmethod
    def parse(cls, settings: Mapping[str, Any], config: type[Config], where: str) -> SearchSpace:
        """Read a search space and check it against the settings that the component has.

        Raises
        ------
        ConfigError
            If it names an unknown setting, or one end of a range or one choice is out of bounds.
        """
        ranges = {
            name: found
            for name, value in settings.items()
            if (found := SearchRange.of(value, f"{where}, '{name}'")) is not None
        }
        fixed = {name: value for name, value in settings.items() if name not in ranges}
        first = {name: found.values[0] for name, found in ranges.items()}
        try:
            config.parse({**fixed, **first}, where)
        except ConfigError:
            _refuse_misspelt_ranges(fixed, where)
            raise
        for name, found in ranges.items():
            for value in found.probes:
                config.parse({**fixed, **first, name: value}, f"{where}, range of '{name}'")
        return cls(fixed, ranges)

    @property
    def size(self) -> float:
        """How many settings there are to draw."""
        return math.prod(found.size for found in self.ranges.values())

    def draw(self, seed: Sequence[int]) -> dict[str, Any]:
        """Return drawn values as Optuna stores them; the same seed draws the same."""
        import optuna

        sampler = optuna.samplers.RandomSampler(
            seed=int(np.random.SeedSequence(seed).generate_state(1)[0])
        )
        study = optuna.create_study(sampler=sampler)
        study.ask()
        (trial,) = study.get_trials()
        return {
            name: sampler.sample_independent(study, trial, name, found.distribution)
            for name, found in self.ranges.items()
        }

    def settings(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Return the component's settings for values that were drawn."""
        return {**self.fixed, **{n: found.read(drawn[n]) for n, found in self.ranges.items()}}


def _refuse_misspelt_ranges(fixed: Mapping[str, Any], where: str) -> None:
    for name, value in fixed.items():
        if isinstance(value, Mapping) and len(value) == 1:
            ((kind, _),) = value.items()
            if hint := did_you_mean(str(kind), get_args(RangeKind)):
                raise ConfigError(f"{where}, '{name}': there is no range '{kind}'{hint}.")


@dataclass(frozen=True, eq=False)
class Fold:
    """Rows that train, rows that stop training early, and rows held out that judge."""

    train: NDArray[np.intp]
    stop: NDArray[np.intp]
    held: NDArray[np.intp]


def cross_validation_folds(
    n: int, folds: int, *, repeats: int = 1, seed: int = 0, groups: NDArray[Any] | None = None
) -> list[Fold]:
    """Divide n rows for cross-validation; about a tenth of each training part stops training."""
    found = []
    for rows, held in make_folds(n, folds, repeats=repeats, seed=seed, groups=groups):
        own = None if groups is None else groups[rows]
        parts = min(10, len(rows) if own is None else len(np.unique(own)))
        train, stop = make_folds(len(rows), parts, seed=seed, groups=own)[0]
        found.append(Fold(rows[train], rows[stop], held))
    return found


def cross_validate(
    models: Sequence[Emulator] | Sequence[Decomposer],
    X: Any,
    Y: NDArray[np.float64],
    folds: Sequence[Fold],
    preprocessing: Preprocessing,
) -> NDArray[np.float64]:
    """Return the (c, f) covered variance of c models of one class on f held-out parts.

    Emulators that their class can train together are trained together, fold by fold. Decomposers
    that train their own network are judged by what all their scores predict. Targets are scored as
    they are scaled: raw spectra for one common spread, standardised ones otherwise.

    Parameters
    ----------
    models
        Settings to judge; they are left fitted on the last fold.
    X
        (n, d) features, or n samples; or what gives them for a fold, learned from its training
        rows alone.
    Y
        (n, m) targets.
    folds
        See :func:`cross_validation_folds`.
    preprocessing
        Filter and scalings, learned anew on the training rows of each fold.
    """
    found = score_folds(models, X, Y, folds, preprocessing)
    return np.stack(list(found), axis=1)


def score_folds(
    models: Sequence[Emulator] | Sequence[Decomposer],
    X: Any,
    Y: NDArray[np.float64],
    folds: Sequence[Fold],
    preprocessing: Preprocessing,
) -> Iterator[NDArray[np.float64]]:
    """Do what :func:`cross_validate` does, yielding the (c,) scores of each fold as it ends."""
    given, unusable = X, set[int]()
    for fold in folds:
        X = given(fold) if callable(given) else given
        if isinstance(X, Samples):
            try:
                yield _fold_scores(models, X, Y, fold, preprocessing, unusable)
                continue
            except SampleError:
                # Only then are all looked at, which takes its time.
                found = [m.unusable(X) for m in models if isinstance(m, Emulator)]
                if not any(set(one) - unusable for one in found):
                    raise
                unusable = unusable.union(*found)
                if len(unusable) > MOST_UNUSABLE * len(X):
                    raise
                first = {row: why for one in found for row, why in one.items()}
                log.warning(
                    "%s not used, so predicted by the mean of the training samples (%s): %s",
                    counted(len(unusable), "sample is", "samples are"),
                    ", ".join(X.ids[sorted(unusable)[:5]].tolist())
                    + (", …" if len(unusable) > 5 else ""),
                    first[min(first)],
                )
        else:
            unusable = set(np.flatnonzero(~np.isfinite(X).all(axis=1)).tolist())
        yield _fold_scores(models, X, Y, fold, preprocessing, unusable)


def _fold_scores(
    models: Sequence[Emulator] | Sequence[Decomposer],
    X: Any,
    Y: NDArray[np.float64],
    fold: Fold,
    preprocessing: Preprocessing,
    unusable: set[int],
) -> NDArray[np.float64]:
    """Return the (c,) scores of one fold.

    Samples that a model cannot use are not trained on; their prediction is the mean of the training
    samples, so that all families are judged by the same ones.
    """
    out = sorted(unusable)
    rows = {part: getattr(fold, part) for part in ("train", "stop", "held")}
    rows = {part: own[~np.isin(own, out)] for part, own in rows.items()}
    if not len(rows["stop"]):
        rows["stop"] = rows["train"]
    train, stop = rows["train"], rows["stop"]
    data = preprocessing.prepare(X[train], Y[train], (X[stop], Y[stop]))
    emulators = [model for model in models if isinstance(model, Emulator)]
    if emulators:
        data.fit(emulators)
    for model in models:
        if isinstance(model, Decomposer):  # which stops on a share of its own
            model.fit(data.X, data.Y)
    known = data.targets.transform(Y[fold.held])
    guess = np.tile(data.Y.mean(axis=0), (len(known), 1))
    held = data.scaling.transform(X[rows["held"]])
    usable = ~np.isin(fold.held, out)
    scores = []
    for model in models:
        if usable.any():
            guess[usable] = model.predict(held)
        scores.append(covered_variance(known, guess))
    if not np.isfinite(scores).all():
        first = models[0]
        raise RunError(f"{first.kind} '{first.name}' predicts values that are not finite.")
    return np.array(scores)
