"""Parameter spaces: named parameters with units and ranges, and samples drawn from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
from pydantic import PrivateAttr, model_validator

from xreg.core.arrays import Array
from xreg.core.config import Config, setting
from xreg.core.data.samples import Parameters, ParameterSet
from xreg.core.errors import ConfigError, SampleError, UnknownNameError, did_you_mean

__all__ = [
    "Parameter",
    "ParameterRange",
    "ParameterSpace",
    "SamplingMethod",
    "check_units",
    "require_within",
]

SamplingMethod = Literal["sobol", "random"]
Distribution = Literal["uniform", "log-uniform", "normal", "constant"]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a model and the values that make physical sense for it.

    Attributes
    ----------
    unit
        Unit of the value; empty for a pure number.
    low, high
        Smallest and largest value that the model takes.
    meaning
        What it is, in a few words.
    open_low
        Whether ``low`` itself is left out.
    """

    unit: str
    low: float
    high: float
    meaning: str
    open_low: bool = False

    def fault(self, value: float) -> str:
        """Say what is wrong with a value, or nothing."""
        if not math.isfinite(value):
            return "is not finite"
        if value < self.low or value > self.high or (self.open_low and value == self.low):
            sign = ">" if self.open_low else "≥"
            unit = f" {self.unit}" if self.unit else ""
            return f"must be {sign} {self.low:g} and ≤ {self.high:g}{unit}, got {value:g}"
        return ""


def require_within(sample: ParameterSet, known: Mapping[str, Parameter]) -> None:
    """Raise a `SampleError` unless a sample has each known parameter, within its bounds."""
    where = f"sample '{sample.id}'"
    for name in sample.values:
        if name not in known:
            raise SampleError(f"{where}: no parameter '{name}'{did_you_mean(name, known)}.")
    for name, parameter in known.items():
        if name not in sample.values:
            raise SampleError(f"{where} lacks the parameter '{name}'; give {', '.join(known)}.")
        if fault := parameter.fault(sample.values[name]):
            raise SampleError(f"{where}: {name} {fault}.")


class ParameterRange(Config):
    """Which values a parameter takes in a space, and how often.

    ``0.8`` is short for a constant, ``[0, 0.2]`` for a uniform range.
    """

    unit: str | None = setting(None, description="Unit; that of the ready space where not given.")
    distribution: Distribution = setting(
        "uniform",
        description="uniform; log-uniform (uniform in the logarithm); normal, cut off at low and "
        "high; constant.",
    )
    low: float | None = setting(None, description="Smallest value.")
    high: float | None = setting(None, description="Largest value.")
    mean: float | None = setting(None, description="Mean of a normal distribution before the cut.")
    std: float | None = setting(
        None, gt=0, description="Standard deviation of a normal distribution before the cut."
    )
    value: float | None = setting(None, description="The value of a constant.")
    _ends: tuple[float, float] = PrivateAttr()
    _normal: tuple[float, float] = PrivateAttr()  # mean and std, of a normal distribution

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        if isinstance(given, int | float) and not isinstance(given, bool):
            return {"distribution": "constant", "value": given}
        if isinstance(given, list | tuple) and len(given) == 2:
            return {"low": given[0], "high": given[1]}
        if isinstance(given, Mapping) and given.get("value") is not None:
            return {"distribution": "constant", **given}
        return given

    @model_validator(mode="after")
    def _complete(self) -> Self:
        wanted = {
            "constant": ("value",),
            "normal": ("low", "high", "mean", "std"),
        }.get(self.distribution, ("low", "high"))
        given = {name: getattr(self, name) for name in ("low", "high", "mean", "std", "value")}
        for name, number in given.items():
            if (number is None) == (name in wanted):
                verb = "needs" if name in wanted else "takes no"
                raise ValueError(f"the distribution {self.distribution} {verb} '{name}'")
        if self.distribution == "constant":
            self._ends = given["value"], given["value"]
            return self
        low, high = self._ends = given["low"], given["high"]
        self._normal = given["mean"], given["std"]
        if not low < high:
            raise ValueError(f"low ({low:g}) must be below high ({high:g})")
        if self.distribution == "log-uniform" and low <= 0:
            raise ValueError(f"a log-uniform range must be positive, low is {low:g}")
        return self

    @property
    def ends(self) -> tuple[float, float]:
        """Smallest and largest value."""
        return self._ends

    def values(self, share: Array) -> Array:
        """Return the values below which these shares (0 … 1) of the distribution lie."""
        low, high = self.ends
        if self.distribution == "constant":
            return np.full(len(share), low)
        if self.distribution == "log-uniform":
            values = low * (high / low) ** share
        elif self.distribution == "normal":
            from scipy.stats import truncnorm

            mean, std = self._normal
            ends = (low - mean) / std, (high - mean) / std
            values = truncnorm.ppf(share, *ends, loc=mean, scale=std)
        else:
            values = low + (high - low) * share
        return np.clip(values, low, high)

    def __str__(self) -> str:
        low, high = self.ends
        unit = f" {self.unit}" if self.unit else ""
        if self.distribution == "constant":
            return f"{low:g}{unit}"
        how = "" if self.distribution == "uniform" else f", {self.distribution}"
        if self.distribution == "normal":
            how += f" {self.mean:g} ± {self.std:g}"
        return f"{low:g} … {high:g}{unit}{how}"


@dataclass(frozen=True)
class ParameterSpace:
    """Named parameters, each with its unit, range and distribution.

    Attributes
    ----------
    ranges
        The range of each parameter, in the order of the table's columns.
    description
        What the space is, in a few words.
    """

    ranges: Mapping[str, ParameterRange] = field(default_factory=dict)
    description: str = ""

    @property
    def units(self) -> tuple[str, ...]:
        """Unit of each parameter."""
        return tuple(r.unit or "" for r in self.ranges.values())

    def changed(self, ranges: Mapping[str, ParameterRange], description: str = "") -> Self:
        """Return the space with other ranges for some of its parameters.

        Raises
        ------
        UnknownNameError
            If the space has no such parameter.
        ConfigError
            If a range is given in another unit than the space's.
        """
        merged = dict(self.ranges)
        for name, new in ranges.items():
            if name not in merged:
                raise UnknownNameError(
                    f"the space has no parameter '{name}'{did_you_mean(name, merged)}."
                )
            unit = merged[name].unit or ""
            if new.unit is not None and new.unit != unit:
                raise ConfigError(
                    f"the range of '{name}' is given in '{new.unit}'; the space has it in "
                    f"{unit or 'no unit'}, convert it."
                )
            merged[name] = new.model_copy(update={"unit": unit})
        return type(self)(merged, description or self.description)

    def check(self, parameters: Mapping[str, Parameter], who: str) -> None:
        """Refuse a space that is not one of a model's parameters, all of them, in their bounds.

        Parameters
        ----------
        parameters
            The model's parameters.
        who
            The model, for the message (``"generator 'multiplet'"``).

        Raises
        ------
        UnknownNameError, ConfigError
            The message names the parameter.
        """
        for name in self.ranges:
            if name not in parameters:
                raise UnknownNameError(
                    f"{who} has no parameter '{name}'{did_you_mean(name, parameters)}."
                )
        for name, known in parameters.items():
            if name not in self.ranges:
                raise ConfigError(f"the space lacks the parameter '{name}' of {who}; give it.")
            given = self.ranges[name]
            if (given.unit or "") != known.unit:
                raise ConfigError(
                    f"the space gives '{name}' in {given.unit or 'no unit'}; {who} takes "
                    f"{known.unit or 'no unit'}, convert it."
                )
            for end in given.ends:
                if fault := known.fault(end):
                    raise ConfigError(f"the range of '{name}' ({given}): {name} {fault}.")

    def sample(
        self, count: int, *, method: SamplingMethod = "sobol", seed: int = 0, name: str = "sample"
    ) -> Parameters:
        """Return a table of samples; with the same seed, fewer samples are the first of more.

        Parameters
        ----------
        count
            How many.
        method
            ``sobol``: a scrambled Sobol sequence, which fills the space more evenly than chance
            does (most evenly at a power of two). ``random``: independent draws.
        seed
            Seed of the scrambling, or of the draws.
        name
            The ids are ``<name>-0``, ``<name>-1``, …
        """
        if count < 1 or not self.ranges:
            raise ConfigError(f"{count} samples of {len(self.ranges)} parameters cannot be drawn.")
        free = [n for n, r in self.ranges.items() if r.distribution != "constant"]
        shares = dict(zip(free, _unit_cube(count, len(free), method, seed).T, strict=True))
        values = np.empty((count, len(self.ranges)))
        for column, (key, given) in enumerate(self.ranges.items()):
            values[:, column] = given.values(shares.get(key, np.zeros(count)))
        ids = [f"{name}-{i}" for i in range(count)]
        return Parameters(ids, values, tuple(self.ranges), self.units)


def check_units(samples: Parameters, parameters: Mapping[str, Parameter], who: str) -> None:
    """Refuse samples that give a parameter in another unit than the model's.

    Others than the model's parameters are passed over.

    Raises
    ------
    ConfigError
        The message names the parameter and both units.
    """
    for name, unit in zip(samples.names, samples.units, strict=True):
        known = parameters.get(name)
        if known is not None and unit != known.unit:
            remedy = "convert it" if unit else "give its unit"
            raise ConfigError(
                f"the samples give '{name}' in {unit or 'no unit'}; {who} takes "
                f"{known.unit or 'no unit'}, {remedy}."
            )


def _unit_cube(count: int, axes: int, method: str, seed: int) -> Array:
    """Return (count, axes) numbers in [0, 1)."""
    if method == "random" or not axes:
        return np.random.default_rng(seed).random((count, axes))
    from scipy.stats import qmc

    sequence = qmc.Sobol(axes, scramble=True, seed=seed)
    # A whole power of two at once: SciPy warns of anything else, though a prefix is as good.
    points: Array = sequence.random_base2((count - 1).bit_length())
    return points[:count]
