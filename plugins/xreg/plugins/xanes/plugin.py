"""Declaration of the analyses of xanes; nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from xreg.core.config import Config, Window, setting
from xreg.core.hooks import AnalysisSpec, ComponentSpec, hookimpl

__all__ = ["xreg_components"]

XREG_API = "1.0"

Percentile = Annotated[float, Field(ge=0, le=100)]


class WindowConfig(Config):
    """An energy window, which most analyses of spectra share."""

    window: Window | None = setting(
        None, unit="eV", description="Lowest and highest energy looked at; all if not given."
    )


class ArctangentWidths(Config):
    """Broadening that grows with the energy, as FDMNES has it."""

    fermi: float = setting(
        unit="eV", ge=-1e6, le=1e6, description="Energy below which states are occupied."
    )
    width: float = setting(
        unit="eV", gt=0, le=100, description="Width of the core hole's Lorentzian (FWHM)."
    )
    gamma_max: float = setting(
        15.0, unit="eV", ge=0, le=100, description="Gamma_max: what is added far above the edge."
    )
    e_cent: float = setting(
        30.0, unit="eV", gt=0, le=500, description="Ecent: where half of it is reached."
    )
    e_larg: float = setting(
        30.0, unit="eV", gt=0, le=500, description="Elarg: over which energies it grows."
    )


class RelativeErrorConfig(WindowConfig):
    """Settings of ``relative-error``."""

    floor: float = setting(
        0.01,
        ge=0,
        le=0.5,
        description="An energy where a true spectrum is below this share of its own largest "
        "intensity does not count for that spectrum: below the edge a ratio says nothing.",
    )
    percentiles: Annotated[tuple[Percentile, ...], Field(min_length=1, max_length=9)] = setting(
        (10.0, 50.0, 90.0), unit="%", description="Percentiles of Δμ whose spectra are drawn."
    )
    arctangent: ArctangentWidths | None = setting(
        None,
        description="Give Δμ a second time, after true and predicted spectra are broadened so: "
        "{fermi: 7112, width: 1.25}.",
    )


class PeaksConfig(WindowConfig):
    """Settings of ``peaks``."""

    prominence: float = setting(
        0.05,
        gt=0,
        le=1,
        description="Least prominence of a peak, as a share of the range of the true spectrum; the "
        "same height counts for its prediction.",
    )
    partner: float = setting(
        0.5,
        gt=0,
        le=1,
        description="Least prominence of its partner, as a share of that.",
    )
    tolerance: float = setting(
        3.0,
        unit="eV",
        gt=0,
        le=100,
        description="Farthest that the predicted peak may lie from the true one that it matches.",
    )
    smoothing: float = setting(
        0.0,
        unit="eV",
        ge=0,
        le=10,
        description="Standard deviation of a Gaussian that true and predicted spectra are smoothed "
        "with before peaks are looked for; 0 for none. It keeps the noise of a network from "
        "counting as peaks.",
    )


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the analyses."""
    return [
        AnalysisSpec(
            "relative-error",
            RelativeErrorConfig,
            "xreg.plugins.xanes.relative_error:RelativeErrorAnalysis",
            "Δμ, the relative error of absorption spectra: quartiles, by energy, examples.",
            needs=("spectra",),
        ),
        AnalysisSpec(
            "peaks",
            PeaksConfig,
            "xreg.plugins.xanes.peaks:PeaksAnalysis",
            "Prominent peaks of true and predicted spectra, matched: errors of energy and height.",
            needs=("spectra",),
        ),
    ]
