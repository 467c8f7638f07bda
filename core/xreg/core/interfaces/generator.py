"""Spectrum generators: samples to computed spectra."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.samples import Parameters, Samples, Structures
from xreg.core.data.spaces import Parameter, ParameterSpace, check_units
from xreg.core.data.spectra import LineList, Spectrum
from xreg.core.errors import MissingRequirementError, PluginError, SampleError, XregError
from xreg.core.interfaces.component import Component, ConfigT

__all__ = ["Availability", "SpectrumGenerator", "version_of"]


@dataclass(frozen=True)
class Availability:
    """Whether a generator can run here, and why not where it cannot."""

    ok: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.ok


class SpectrumGenerator(Component[ConfigT]):
    """Computes spectra of samples; drivers do batching, parallel execution, retries, resume."""

    kind: ClassVar[str] = "generator"
    accepts: ClassVar[type[Samples]] = Structures
    deterministic: ClassVar[bool] = True

    @abstractmethod
    def grids(self) -> dict[str, NDArray[np.float64]]:
        """Return the (m,) energy grid in eV of each channel that ``generate`` fills."""

    def channel_units(self) -> dict[str, str]:
        """Return the unit of the intensities of each channel; arbitrary units where it has none."""
        return {}

    def label_units(self) -> dict[str, str]:
        """Return name and unit of each label that ``generate`` fills."""
        return {}

    def parameters(self) -> Mapping[str, Parameter]:
        """Return the parameters of a sample and their bounds; none where they are not fixed.

        For generators that take :class:`~xreg.core.data.samples.Parameters`: what is out of bounds
        is refused before anything is computed.
        """
        return {}

    def spaces(self) -> Mapping[str, ParameterSpace]:
        """Return the parameter spaces that recipes may ask for by name."""
        return {}

    @property
    def needs_labels(self) -> Sequence[str]:
        """Labels of samples that it reads; none by default.

        The driver gives these to the samples of ``check`` and ``generate_many``
        (``samples.labels``), and computes a sample again whose label has changed. A single sample
        has no labels, so that such a generator has a ``generate_many`` of its own.
        """
        return ()

    def check(self, samples: Samples) -> None:
        """Refuse a whole table of samples before anything is computed, as far as can be told.

        Raises
        ------
        ConfigError
            If a parameter has another unit than the model's.
        """
        if isinstance(samples, Parameters):
            check_units(samples, self.parameters(), f"generator '{self.name}'")

    @abstractmethod
    def generate(self, sample: Any) -> Spectrum:
        """Compute one sample (a ``Structure`` or ``ParameterSet``).

        Raises
        ------
        SampleError
            If this sample cannot be computed; the driver records it and goes on.
        """

    def generate_many(self, samples: Samples) -> list[Spectrum | XregError]:
        """Compute many samples; a failed one gives its error in its place."""
        results: list[Spectrum | XregError] = []
        for i in range(len(samples)):
            try:
                results.append(self.generate(samples[i]))
            except SampleError as error:
                results.append(error)
        return results

    def sticks(self, sample: Any) -> LineList | None:
        """Return the transitions that :meth:`generate` broadens; None where it knows none.

        Raises
        ------
        SampleError
            If this sample cannot be computed.
        """
        return None

    def available(self) -> Availability:
        """Say whether the method can run here: whether there is what has a version."""
        try:
            version_of(self)
        except MissingRequirementError as error:
            return Availability(False, str(error))
        return Availability(True)

    @abstractmethod
    def version(self) -> str:
        """Return name and version of the program or library that does the work."""


def version_of(generator: SpectrumGenerator) -> str:
    """Return what a generator says of its version.

    Raises
    ------
    PluginError
        If it raises anything else than our errors.
    """
    try:
        return generator.version()
    except XregError:
        raise
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        raise PluginError(
            f"generator '{generator.name}' cannot tell its version ({text}); a program that it "
            "needs is missing, or its plugin is at fault."
        ) from error
