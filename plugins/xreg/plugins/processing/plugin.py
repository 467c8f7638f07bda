"""Declaration of the steps that turn raw spectra into those of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from xreg.core.atoms.edges import EdgeName
from xreg.core.config import Config, Window, setting
from xreg.core.hooks import ComponentSpec, hookimpl

__all__ = ["xreg_components"]

XREG_API = "1.0"

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
    """Energies moved so that the edge, or a band, stands at a given place."""

    by: Literal["steepest", "half-height", "band"] = setting(
        "steepest",
        description="What the edge is: where the spectrum rises most, or where it first reaches "
        "half of its mean over the last quarter of the energies; or a band, for emission: the mean "
        "energy of what lies within 'reach' of that mean itself, begun at the maximum.",
    )
    reach: float = setting(
        5.0, unit="eV", gt=0, le=1000, description="How far a band reaches to either side."
    )
    after: float | None = setting(
        None,
        unit="eV",
        ge=-1e6,
        le=1e6,
        description="Look for it above this energy only, beyond pre-edges that are steeper or "
        "other bands.",
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

    by: Literal["edge-jump", "maximum", "area", "box"] = setting(
        "edge-jump",
        description="What becomes one: the mean over 'post' less that over 'pre', the maximum, the "
        "mean over all energies, or the maximum while the minimum becomes zero (box).",
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


class EdgeStepConfig(Config):
    """Normalisation of a measured edge; what is not given is chosen as larch chooses it."""

    e0: Energy | LabelName | None = setting(
        None,
        unit="eV",
        description="Energy of the edge, or the label that holds it; where not given, where the "
        "spectrum is steepest.",
    )
    step: float | None = setting(
        None, gt=0, le=1e9, description="Height of the edge; fitted where not given."
    )
    pre: Window | None = setting(
        None, unit="eV", description="Energies from E0 that the line below the edge is fitted to."
    )
    pre_degree: Literal[0, 1] = setting(
        1, description="Below the edge a line (1), or a constant (0)."
    )
    victoreen: int = setting(
        0, ge=0, le=4, description="Power of the energy in the line below the edge (nvict)."
    )
    post: Window | None = setting(
        None,
        unit="eV",
        description="Energies from E0 that the polynomial above the edge is fitted to.",
    )
    degree: int | None = setting(
        None, ge=0, le=5, description="Degree of that polynomial (nnorm); 0 to 2 by its range."
    )
    flatten: bool = setting(
        True, description="Take the polynomial off above the edge, so that the spectrum is level."
    )


class CalibrateConfig(Config):
    """One shift for all, by a reference."""

    reference: LabelName = setting(description="Sample whose edge is known: a foil.")
    to: float | None = setting(
        None,
        unit="eV",
        ge=-1e6,
        le=1e6,
        description="Energy of its edge; of the table of edges where not given.",
    )
    edge: EdgeName = setting("K", description="Edge that the table is asked for.")


class AlignToConfig(Config):
    """A shift for each, by a reference."""

    reference: LabelName = setting(description="Sample that all others are aligned to.")
    by: Literal["derivative", "spectrum"] = setting(
        "derivative", description="What is laid on each other."
    )
    window: Window = setting(
        (-15.0, 35.0), unit="eV", description="Energies from the reference's E0 that count."
    )
    limit: float = setting(
        20.0, unit="eV", gt=0, le=1000, description="How far a spectrum may be moved."
    )


class DeglitchConfig(Config):
    """Points to be replaced."""

    windows: tuple[Window, ...] = setting(
        (), unit="eV", max_length=1000, description="Energies whose points are replaced."
    )
    threshold: float | None = setting(
        None,
        ge=3,
        le=1e6,
        description="Robust standard deviations from which on a point is a glitch; none is looked "
        "for where not given.",
    )
    keep: Window = setting(
        (-20.0, 60.0),
        unit="eV",
        description="Energies from E0 where no glitch is looked for: the edge itself.",
    )
    most: float = setting(
        0.05, gt=0, le=0.5, description="Largest share of points that may be replaced."
    )

    @model_validator(mode="after")
    def _check_windows(self) -> Self:
        if not self.windows and self.threshold is None:
            raise ValueError("give windows, or a threshold")
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
        ComponentSpec(
            "step",
            "edge-step",
            EdgeStepConfig,
            f"{HOME}.edges:EdgeStep",
            "Normalises a measured edge: pre-edge line, edge step, flattening (as larch).",
        ),
        ComponentSpec(
            "step",
            "calibrate",
            CalibrateConfig,
            f"{HOME}.edges:Calibrate",
            "Moves all energies so that the edge of a reference is where it has to be.",
        ),
        ComponentSpec(
            "step",
            "align-to",
            AlignToConfig,
            f"{HOME}.edges:AlignTo",
            "Moves each spectrum onto a reference by least squares.",
        ),
        ComponentSpec(
            "step",
            "deglitch",
            DeglitchConfig,
            f"{HOME}.repair:Deglitch",
            "Replaces glitches by a line between their neighbours.",
        ),
    ]
