"""Settings of the steps that turn raw spectra into those of a dataset."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from xreg.core.atoms.edges import EdgeName
from xreg.core.config import Config, setting

__all__ = [
    "Align",
    "Arctangent",
    "Coarsen",
    "Gaussian",
    "Lorentzian",
    "Normalise",
    "ProcessedChannel",
    "Resample",
    "Shift",
    "Step",
]

Window = tuple[float, float]


class Width(Config):
    """A core-hole width: given, or that of the table for each sample's absorber."""

    width: float | None = setting(
        None,
        unit="eV",
        gt=0,
        le=100,
        description="Full width at half maximum; of the table of core-hole widths where not given.",
    )
    edge: EdgeName = setting("K", description="Edge that the table is asked for.")


class Lorentzian(Width):
    """Broadening by one Lorentzian at all energies."""

    step: Literal["lorentzian"] = setting(description="Broaden by a Lorentzian.")


class Gaussian(Config):
    """Broadening by one Gaussian at all energies: the resolution of an instrument."""

    step: Literal["gaussian"] = setting(description="Broaden by a Gaussian.")
    width: float = setting(unit="eV", gt=0, le=100, description="Full width at half maximum.")


class Arctangent(Width):
    """Broadening that grows with the energy, as FDMNES has it."""

    step: Literal["arctangent"] = setting(description="Broaden as FDMNES' Convolution does.")
    gamma_max: float = setting(
        15.0, unit="eV", ge=0, le=100, description="Gamma_max: what is added far above the edge."
    )
    e_cent: float = setting(
        30.0, unit="eV", gt=0, le=500, description="Ecent: where half of it is reached."
    )
    e_larg: float = setting(
        30.0, unit="eV", gt=0, le=500, description="Elarg: over which energies it grows."
    )
    fermi: float | str = setting(
        0.0,
        unit="eV",
        description="Energy below which states are occupied, or the label that holds it.",
    )
    occupied: bool = setting(
        False, description="Keep the occupied states, below it; they absorb nothing."
    )


class Shift(Config):
    """Energies moved as a whole."""

    step: Literal["shift"] = setting(description="Move the energies.")
    label: str = setting("", description="Label whose value is added, each sample's own.")
    by: float = setting(0.0, unit="eV", ge=-1e6, le=1e6, description="Constant that is added.")


class Align(Config):
    """Energies moved so that the edge stands at a given place."""

    step: Literal["align"] = setting(description="Move the edge to an energy.")
    by: Literal["steepest", "half-height"] = setting(
        "steepest",
        description="What the edge is: where the spectrum rises most, or where it first reaches "
        "half of its mean over the last quarter of the energies.",
    )
    after: float | None = setting(
        None,
        unit="eV",
        ge=-1e6,
        le=1e6,
        description="Look for it above this energy only, beyond pre-edges that are steeper.",
    )
    to: float | None = setting(
        None,
        unit="eV",
        ge=-1e4,
        le=2e5,
        description="Where it shall stand; at the table's energy where not given.",
    )
    edge: EdgeName = setting("K", description="Edge that the table is asked for.")
    each: bool = setting(
        False,
        description="Align each sample by itself, which loses chemical shifts; otherwise all move "
        "together, by the edge of their mean.",
    )


class Normalise(Config):
    """Intensities scaled to one."""

    step: Literal["normalise"] = setting(description="Scale the intensities.")
    by: Literal["edge-jump", "maximum", "area"] = setting(
        "edge-jump",
        description="What becomes one: the mean over 'post' less that over 'pre', the maximum, or "
        "the mean over all energies.",
    )
    pre: Window | None = setting(
        None,
        unit="eV",
        description="Energies below the edge whose mean is subtracted; nothing where not given.",
    )
    post: Window | None = setting(
        None, unit="eV", description="Energies above the edge whose mean becomes one."
    )
    each: bool = setting(
        True, description="Scale each sample by itself; otherwise all by the factor of their mean."
    )

    @model_validator(mode="after")
    def _windows(self) -> Self:
        if (self.by == "edge-jump") != (self.post is not None):
            raise ValueError("'post' goes with 'edge-jump', and 'edge-jump' needs it")
        for window in (self.pre, self.post):
            if window is not None and window[0] >= window[1]:
                raise ValueError("a window must rise")
        return self


class Resample(Config):
    """Spectra brought onto one grid."""

    step: Literal["resample"] = setting(description="Interpolate onto equal steps.")
    first: float = setting(unit="eV", ge=-1e6, le=1e6, description="First energy from 'about'.")
    last: float = setting(unit="eV", ge=-1e6, le=1e6, description="Last energy from 'about'.")
    points: int = setting(ge=2, le=20_000, description="Number of energies.")
    about: float = setting(
        0.0, unit="eV", ge=-1e6, le=1e6, description="Energy that they are counted from."
    )
    hold_ends: float = setting(
        0.0,
        unit="eV",
        ge=0,
        le=100,
        description="How far the end values of a spectrum may hold beyond its energies.",
    )

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.first >= self.last:
            raise ValueError("first must be below last")
        return self


class Coarsen(Config):
    """Spectra as the means over a few wide channels."""

    step: Literal["coarsen"] = setting(description="Take the mean over each of some channels.")
    first: float = setting(unit="eV", ge=-1e6, le=1e6, description="Where the first one begins.")
    last: float = setting(unit="eV", ge=-1e6, le=1e6, description="Where the last one ends.")
    channels: int = setting(ge=2, le=20_000, description="Number of channels, of equal width.")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.first >= self.last:
            raise ValueError("first must be below last")
        return self


Step = Annotated[
    Lorentzian | Gaussian | Arctangent | Shift | Align | Normalise | Resample | Coarsen,
    Field(discriminator="step"),
]


class ProcessedChannel(Config):
    """A channel made from another one."""

    source: str = setting("raw", min_length=1, description="Channel that it is made from.")
    steps: tuple[Step, ...] = setting(
        min_length=1, description="What is done, in this order: entries with a 'step' each."
    )
