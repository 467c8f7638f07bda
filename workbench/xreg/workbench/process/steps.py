"""A channel made from another one by steps, each a plugin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.config import Config, setting
from xreg.core.data.samples import Samples
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.errors import ConfigError, DataError, UnknownNameError
from xreg.core.interfaces import Step
from xreg.core.interfaces.step import Curves
from xreg.registry.plugins import host
from xreg.workbench.recipes.sections import ComponentSection

__all__ = ["FoundLabels", "ProcessedChannel", "apply_steps", "process", "process_and_find"]

FoundLabels = dict[str, tuple[NDArray[Any], str]]
"""Labels that a processing found, by name: values and unit."""


class ProcessedChannel(Config):
    """A channel made from another one."""

    source: str = setting("raw", min_length=1, description="Channel that it is made from.")
    steps: tuple[ComponentSection, ...] = setting(
        min_length=1,
        description="What is done, in this order: a step's name and settings each "
        "(xreg plugins list).",
    )

    def built(self, where: str) -> list[Step[Any]]:
        """Return the steps with their settings checked.

        Raises
        ------
        ConfigError, UnknownNameError
            If a step or a setting is not known; the message names its number.
        """
        found = []
        for number, section in enumerate(self.steps, start=1):
            try:
                found.append(host().build("step", section.name, section.settings))
            except (ConfigError, UnknownNameError) as error:
                raise type(error)(f"{where}, step {number}: {error}") from None
        return found

    def recorded(self) -> dict[str, Any]:
        """Return what stands in the provenance: every setting of every step."""
        steps = [
            {"name": step.name, **step.config.model_dump(mode="json")} for step in self.built("it")
        ]
        return {"source": self.source, "steps": steps}


def process(
    spectra: Spectra,
    recipe: Mapping[str, ProcessedChannel],
    samples: Samples,
    labels: Mapping[str, NDArray[Any]],
) -> Spectra:
    """Return the channels that a recipe makes; see :func:`process_and_find`."""
    return process_and_find(spectra, recipe, samples, labels)[0]


def process_and_find(
    spectra: Spectra,
    recipe: Mapping[str, ProcessedChannel],
    samples: Samples,
    labels: Mapping[str, NDArray[Any]],
) -> tuple[Spectra, FoundLabels]:
    """Return the channels that a recipe makes, in its order, and the labels that steps found.

    A channel may be made from an earlier one, and a step may read the labels found for it.

    Raises
    ------
    ConfigError, DataError
        If a step cannot be done; the message names the channel, the step and the sample.
    """
    absorbers = samples.absorbers()
    made: dict[str, Channel] = {}
    found: FoundLabels = {}
    for name, spec in recipe.items():
        source = made[spec.source] if spec.source in made else spectra[spec.source]
        if source.energy is None:
            raise ConfigError(f"channel '{spec.source}' has target features and no energies.")
        intensity = np.asarray(source.intensity[:], dtype=np.float64)
        grid = np.asarray(source.energy, dtype=np.float64)
        known = {**labels, **{key: values for key, (values, _) in found.items()}}
        curves = Curves(grid, np.zeros(len(samples)), intensity, samples.ids, known, absorbers)
        where, unit = f"channel '{name}'", source.unit
        steps = spec.built(where)
        curves = apply_steps(curves, steps, where)
        for step in steps:
            unit = step.unit(unit)
        made[name] = Channel(curves.intensity, curves.grid + curves.offset[0], (), unit)
        found |= {f"{name}.{key}": value for key, value in curves.found.items()}
    return Spectra(made), found


def apply_steps(curves: Curves, steps: Iterable[Step[Any]], where: str = "processing") -> Curves:
    """Return the curves after some steps, all on one grid.

    Raises
    ------
    ConfigError, DataError
        If a step cannot be done, or the energies of samples still differ in the end.
    """
    for number, step in enumerate(steps, start=1):
        try:
            curves = step.apply(curves)
        except (ConfigError, DataError, UnknownNameError) as error:
            raise type(error)(f"{where}, step {number} ({step.name}): {error}") from None
    if np.ptp(curves.offset) != 0:
        raise ConfigError(f"{where}: samples have energies of their own; end with a resample step.")
    return curves
