"""Declaration of the steps that turn raw spectra into those of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from xreg.core.atoms.edges import EdgeName
from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl

__all__ = ["xreg_components"]

XREG_API = "1.0"

Window = tuple[float, float]
Energy = Annotated[float, Field(ge=-1e6, le=1e6)]
LabelName = Annotated[str, Field(min_length=1, max_length=200)]


class WidthConfig(Config):
    """A core-hole width: given, or that of the table for each sample's absorber."""

    width: float | None = setting(
        None,
        unit="eV",
        gt=0,
        le=100,
        description="Full width at half maximum; of the table of core-hole widths where not given.",
    )
    edge: EdgeName = setting("K", description="Edge that the table is asked for.")


class LorentzianConfig(WidthConfig):
    """Broadening by one Lorentzian at all energies."""


class GaussianConfig(Config):
    """Broadening by one Gaussian at all energies: the resolution of an instrument."""

    width: float = setting(unit="eV", gt=0, le=100, description="Full width at half maximum.")


class ArctangentConfig(WidthConfig):
    """Broadening that grows with the energy, as FDMNES has it."""

    gamma_max: float = setting(
        15.0, unit="eV", ge=0, le=100, description="Gamma_max: what is added far above the edge."
    )
    e_cent: float = setting(
        30.0, unit="eV", gt=0, le=500, description="Ecent: where half of it is reached."
    )
    e_larg: float = setting(
        30.0, unit="eV", gt=0, le=500, description="Elarg: over which energies it grows."
    )
    fermi: Energy | LabelName = setting(
        0.0,
        unit="eV",
        description="Energy below which states are occupied, or the label that holds it.",
    )
    occupied: bool = setting(
        False, description="Keep the occupied states, below it; they absorb nothing."
    )


class ShiftConfig(Config):
    """Energies moved as a whole."""

    label: str = setting(
        "", max_length=200, description="Label whose value is added, each sample's own."
    )
    by: float = setting(0.0, unit="eV", ge=-1e6, le=1e6, description="Constant that is added.")


class AlignConfig(Config):
    """Energies moved so that the edge stands at a given place."""

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


class NormaliseConfig(Config):
    """Intensities scaled to one."""

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


class ResampleConfig(Config):
    """Spectra brought onto one grid."""

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


class CoarsenConfig(Config):
    """Spectra as the means over a few wide channels."""

    first: float = setting(unit="eV", ge=-1e6, le=1e6, description="Where the first one begins.")
    last: float = setting(unit="eV", ge=-1e6, le=1e6, description="Where the last one ends.")
    channels: int = setting(ge=2, le=20_000, description="Number of channels, of equal width.")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.first >= self.last:
            raise ValueError("first must be below last")
        return self


HOME = "xreg.plugins.processing"


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the steps."""
    return [
        ComponentSpec(
            "step",
            "lorentzian",
            LorentzianConfig,
            f"{HOME}.broadening:Lorentzian",
            "Broadens by a Lorentzian of one width.",
        ),
        ComponentSpec(
            "step",
            "gaussian",
            GaussianConfig,
            f"{HOME}.broadening:Gaussian",
            "Broadens by a Gaussian, the resolution of an instrument.",
        ),
        ComponentSpec(
            "step",
            "arctangent",
            ArctangentConfig,
            f"{HOME}.broadening:Arctangent",
            "Broadens as FDMNES' Convolution does, more at higher energies.",
        ),
        ComponentSpec(
            "step",
            "shift",
            ShiftConfig,
            f"{HOME}.energies:Shift",
            "Moves the energies as a whole.",
        ),
        ComponentSpec(
            "step",
            "align",
            AlignConfig,
            f"{HOME}.energies:Align",
            "Moves the edge to an energy.",
        ),
        ComponentSpec(
            "step",
            "resample",
            ResampleConfig,
            f"{HOME}.energies:Resample",
            "Interpolates onto equal steps of the energy.",
        ),
        ComponentSpec(
            "step",
            "coarsen",
            CoarsenConfig,
            f"{HOME}.energies:Coarsen",
            "Takes the mean over each of some wide channels.",
        ),
        ComponentSpec(
            "step",
            "normalise",
            NormaliseConfig,
            f"{HOME}.normalisation:Normalise",
            "Scales the edge jump, the maximum or the area to one.",
        ),
    ]
