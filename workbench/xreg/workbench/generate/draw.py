"""Samples drawn from the parameter spaces of a generation recipe."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.samples import Parameters
from xreg.core.data.spaces import ParameterSpace
from xreg.core.errors import ConfigError, UnknownNameError, did_you_mean
from xreg.core.interfaces import SpectrumGenerator
from xreg.workbench.generate.recipe import DrawSection, SamplesSection

__all__ = ["draw_samples"]


def draw_samples(
    section: SamplesSection, generator: SpectrumGenerator | None
) -> tuple[Parameters, dict[str, Any], dict[str, NDArray[np.str_]]]:
    """Return samples drawn from the spaces that a recipe names, their origin, and their labels.

    Raises
    ------
    UnknownNameError, ConfigError
        If there is no such space or parameter, or a range is not within the generator's bounds.
    """
    sets = section.sets or {"": section}
    parts, origins = [], {}
    for name, draw in sets.items():
        space = _space(draw, generator)
        known = draw.space if isinstance(draw.space, str) else "sample"
        parts.append(
            space.sample(draw.count, method=draw.method, seed=draw.seed, name=name or known)
        )
        if parts[-1].names != parts[0].names or parts[-1].units != parts[0].units:
            raise ConfigError(
                f"the set '{name}' has the parameters {', '.join(parts[-1].names)}; the first has "
                f"{', '.join(parts[0].names)}, or other units."
            )
        ranges = {key: r.model_dump(exclude_none=True) for key, r in space.ranges.items()}
        origins[name] = {
            **draw.model_dump(mode="json", include={"count", "method", "seed"}),
            "ranges": ranges,
        }
    samples = Parameters(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.values for part in parts]),
        parts[0].names,
        parts[0].units,
    )
    if not section.sets:
        return samples, origins[""], {}
    label = np.repeat(list(sets), [len(part) for part in parts])
    return samples, {"sets": origins}, {"set": label}


def _space(draw: DrawSection, generator: SpectrumGenerator | None) -> ParameterSpace:
    if not isinstance(draw.space, str):
        space = ParameterSpace(draw.space)
    else:
        ready = generator.spaces() if generator else {}
        if draw.space not in ready:
            who = f"generator '{generator.name}'" if generator else "no generator"
            raise UnknownNameError(
                f"{who} offers no parameter space '{draw.space}'{did_you_mean(draw.space, ready)}."
            )
        space = ready[draw.space]
    space = space.changed(draw.change)
    if generator and (known := generator.parameters()):
        space.check(known, f"generator '{generator.name}'")
    return space
