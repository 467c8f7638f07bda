"""Spaces that candidates of a search are drawn from.

A setting in a search space is a value, which stays, or a mapping with one key that says how to
draw it: ``{choice: [a, b]}``, ``{int: [low, high]}``, ``{float: [low, high]}``, even in the
logarithm ``{log-int: [low, high]}`` and ``{log: [low, high]}``, and ``{list: {of: [a, b],
lengths: [low, high]}}``, a list of any such length whose entries are drawn one by one. Where a
setting is a mapping itself, each of its entries may be drawn: ``counts: {O: {int: [4, 50]}}``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np

from xreg.core.config import Config
from xreg.core.errors import ConfigError, did_you_mean
from xreg.core.settings_in_words import value_in_words

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["SearchRange", "SearchSpace"]

RangeKind = Literal["choice", "int", "float", "log-int", "log", "list"]
MOST_LISTS = 10**9


@dataclass(frozen=True)
class SearchRange:
    """What one setting may be.

    Attributes
    ----------
    kind
        How it is drawn.
    values
        The choices, or lowest and highest value; of lists the choices of an entry, and lowest and
        highest length.
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
        if kind == "list":
            return cls(kind, _lists(values, wrong))
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
        if self.kind == "list":
            entries, (low, high) = self.values
            return f"{low} to {high} of {', '.join(map(value_in_words, entries))} each"
        ends = " … ".join(map(value_in_words, self.values))
        return f"{ends}, log" if self.kind.startswith("log") else ends

    @property
    def distribution(self) -> BaseDistribution:
        """The range as Optuna knows it; choices as JSON and lists by number: it stores no lists."""
        from optuna.distributions import (
            CategoricalDistribution,
            FloatDistribution,
            IntDistribution,
        )

        if self.kind == "choice":
            return CategoricalDistribution([json.dumps(value) for value in self.values])
        if self.kind == "list":
            entries, (low, high) = self.values
            return IntDistribution(0, (high - low + 1) * len(entries) ** high - 1)
        low, high = self.values
        log = self.kind.startswith("log")
        return (IntDistribution if self.kind.endswith("int") else FloatDistribution)(
            low, high, log=log
        )

    @property
    def probes(self) -> tuple[Any, ...]:
        """Values that a setting must take if it is to take them all; the first stands for all."""
        if self.kind in ("float", "log"):
            low, high = self.values
            return low, high, low + (high - low) / math.pi  # between whole numbers
        if self.kind == "list":
            entries, lengths = self.values
            return tuple([entry] * length for length in lengths for entry in entries)
        return self.values

    @property
    def size(self) -> float:
        """How many values there are to draw."""
        if self.kind in ("choice", "list"):
            return sum(1 for _ in self.every())
        low, high = self.values
        return high - low + 1 if self.kind.endswith("int") else math.inf

    def every(self) -> Iterator[Any]:
        """Yield each value as Optuna stores it, once, where there is an end of them."""
        if self.kind == "choice":
            yield from dict.fromkeys(map(json.dumps, self.values))
        elif self.kind == "list":
            entries, (low, high) = self.values
            for length in range(low, high + 1):
                # Digits of the number; those that a shorter list leaves out are zero.
                step = len(entries) ** (high - length)
                start = (length - low) * len(entries) ** high
                yield from range(start, start + len(entries) ** high, step)
        else:
            low, high = self.values
            yield from range(low, high + 1)

    def read(self, stored: Any) -> Any:
        """Return the setting that a value drawn by Optuna stands for."""
        if self.kind == "choice":
            return json.loads(stored)
        if self.kind != "list":
            return stored
        entries, (low, high) = self.values
        length, number = divmod(int(stored), len(entries) ** high)
        digits = [number // len(entries) ** (high - 1 - i) % len(entries) for i in range(high)]
        return [entries[digit] for digit in digits[: low + length]]


def _lists(given: Any, wrong: str) -> tuple[Any, ...]:
    """Return choices of an entry, and lowest and highest length."""
    if not isinstance(given, Mapping) or set(given) != {"of", "lengths"}:
        raise ConfigError(
            f"{wrong}'of' (a list) and 'lengths' (lowest and highest), got {given!r}."
        )
    entries, lengths = given["of"], given["lengths"]
    if not isinstance(entries, Sequence) or isinstance(entries, str) or not entries:
        raise ConfigError(f"{wrong}a list in 'of', got {entries!r}.")
    whole = isinstance(lengths, Sequence) and all(type(length) is int for length in lengths)
    if not whole or len(lengths) != 2 or not 0 <= lengths[0] <= lengths[1]:
        raise ConfigError(f"{wrong}a lowest and a highest length in 'lengths', got {lengths!r}.")
    if len(entries) ** lengths[1] > MOST_LISTS:
        raise ConfigError(f"{wrong}fewer lists than {MOST_LISTS:,}; shorten 'lengths'.")
    return tuple(entries), tuple(lengths)


@dataclass(frozen=True)
class SearchSpace:
    """Settings of one component, some of them still to be drawn.

    Attributes
    ----------
    fixed
        Values that stay.
    ranges
        What the others may be; an entry of a setting that is a mapping as ``setting.entry``.
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
        fixed, ranges = _divided(settings, where)
        first = {name: found.probes[0] for name, found in ranges.items()}
        try:
            config.parse(_with(fixed, first), where)
        except ConfigError:
            _refuse_misspelt_ranges(fixed, where)
            raise
        for name, found in ranges.items():
            for value in found.probes:
                config.parse(_with(fixed, {**first, name: value}), f"{where}, range of '{name}'")
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
        read = {name: found.read(drawn[name]) for name, found in self.ranges.items()}
        return _with(self.fixed, read)

    def drawn_from(self, setting: str) -> str:
        """Return in words what a setting is drawn from; empty where it stays."""
        if setting in self.ranges:
            return str(self.ranges[setting])
        entries = {
            name.removeprefix(f"{setting}."): found
            for name, found in self.ranges.items()
            if name.startswith(f"{setting}.")
        }
        return "; ".join(f"{name}: {found}" for name, found in entries.items())


def _divided(
    settings: Mapping[str, Any], where: str, prefix: str = ""
) -> tuple[dict[str, Any], dict[str, SearchRange]]:
    """Return the values that stay, and the ranges by their dotted names."""
    fixed: dict[str, Any] = {}
    ranges: dict[str, SearchRange] = {}
    for name, value in settings.items():
        found = SearchRange.of(value, f"{where}, '{prefix}{name}'")
        if found is not None:
            ranges[f"{prefix}{name}"] = found
        elif isinstance(value, Mapping):
            inner, drawn = _divided(value, where, f"{prefix}{name}.")
            fixed[name] = inner
            ranges |= drawn
        else:
            fixed[name] = value
    return fixed, ranges


def _with(fixed: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with values laid in by their dotted names."""
    merged: dict[str, Any] = {
        name: _with(value, {}) if isinstance(value, Mapping) else value
        for name, value in fixed.items()
    }
    for name, value in values.items():
        *path, last = name.split(".") if name not in merged else [name]
        at = merged
        for step in path:
            at = at.setdefault(step, {})
        at[last] = value
    return merged


def _refuse_misspelt_ranges(fixed: Mapping[str, Any], where: str, prefix: str = "") -> None:
    for name, value in fixed.items():
        if not isinstance(value, Mapping):
            continue
        if len(value) == 1:
            ((kind, inner),) = value.items()
            if not isinstance(inner, Mapping):
                hint = did_you_mean(str(kind), get_args(RangeKind))
                raise ConfigError(f"{where}, '{prefix}{name}': there is no range '{kind}'{hint}.")
        _refuse_misspelt_ranges(value, where, f"{prefix}{name}.")
