"""Settings of the analyses of any spectra and of L edges; nothing heavy is imported here."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from xreg.core.config import Config, setting

__all__ = [
    "BranchingConfig",
    "CalibrationConfig",
    "CorrelationsConfig",
    "ErrorAlongConfig",
    "MisfitConfig",
    "SpectrumErrorConfig",
    "TrustConfig",
]

Label = Annotated[str, Field(min_length=1, max_length=40)]


class SpectrumErrorConfig(Config):
    """Settings of ``spectrum-error``."""

    worst: int = setting(
        20, ge=0, le=10_000, description="How many of the worst spectra are listed by id."
    )


class MisfitConfig(Config):
    """Settings of ``misfit``."""

    groups: tuple[Label, ...] = setting(
        ("L3", "L2"),
        min_length=1,
        max_length=8,
        description="Names of the groups that k-means finds among the energies of the largest "
        "misfit, from low to high energy.",
    )
    box: Literal["spectrum", "dataset", "none"] = setting(
        "spectrum",
        description="What counts as a height of one: the range of each true spectrum, that of all "
        "together, or the unit of the spectra.",
    )


class BranchingConfig(Config):
    """Settings of ``branching``."""

    boundary: float | None = setting(
        None,
        unit="eV",
        ge=0,
        le=1e6,
        description="Energy that parts L3 from L2; the valley of the mean spectrum if not given.",
    )


class CalibrationConfig(Config):
    """Settings of ``calibration``."""

    bins: int = setting(
        5, ge=1, le=100, description="Equal groups of spectra by the spread that is claimed."
    )


class CorrelationsConfig(Config):
    """Settings of ``correlations``."""

    named: int = setting(
        3, ge=1, le=20, description="How many of the strongest correlations the text names."
    )


class ErrorAlongConfig(Config):
    """Settings of ``error-along``."""

    parameter: str = setting(
        "",
        max_length=200,
        description="Parameter to follow; the one whose rank correlation with the error is "
        "strongest if empty.",
    )
    limit: float = setting(
        10.0, unit="%", gt=0, le=100, description="Spectrum error under which a spectrum is good."
    )
    share: float = setting(
        95.0, unit="%", gt=0, le=100, description="Share of spectra that must be good."
    )
    start: Literal["auto", "low", "high"] = setting(
        "auto",
        description="End of the parameter's values to begin at: the lowest, the highest, or the "
        "lowest unless only the highest lies among the training samples.",
    )
    points: int = setting(
        400,
        ge=20,
        le=5000,
        unit="spectra",
        description="Most spectra that the Gaussian process is fitted to, drawn at random.",
    )


class TrustConfig(Config):
    """Settings of ``trust``."""

    group: str = setting(
        "",
        max_length=200,
        description="Label whose groups are judged apart, such as interpolation and extrapolation; "
        "none if empty.",
    )
