"""All analyses. Importing this imports none of them."""

from __future__ import annotations

from collections.abc import Mapping

from xreg.core.analysis import settings, xanes_settings
from xreg.core.analysis.contract import AnalysisSpec
from xreg.core.errors import UnknownNameError, did_you_mean

__all__ = ["ANALYSES", "find_analysis"]

HOME = "xreg.core.analysis"

_SPECS = (
    AnalysisSpec(
        "spectrum-error",
        settings.SpectrumErrorConfig,
        f"{HOME}.spectrum_error:analyse",
        "How many spectra lie in which interval of the spectrum error, and which are worst.",
        needs=("spectra",),
        default=True,
    ),
    AnalysisSpec(
        "relative-error",
        xanes_settings.RelativeErrorConfig,
        f"{HOME}.relative_error:analyse",
        "Δμ, the relative error of absorption spectra: quartiles, by energy, examples.",
        needs=("spectra",),
    ),
    AnalysisSpec(
        "peaks",
        xanes_settings.PeaksConfig,
        f"{HOME}.peaks:analyse",
        "Prominent peaks of true and predicted spectra, matched: errors of energy and height.",
        needs=("spectra",),
    ),
)

ANALYSES: Mapping[str, AnalysisSpec] = {spec.name: spec for spec in _SPECS}


def find_analysis(name: str) -> AnalysisSpec:
    """Return the analysis of that name, or say which was probably meant."""
    if name not in ANALYSES:
        raise UnknownNameError(f"no analysis '{name}'{did_you_mean(name, ANALYSES)}.")
    return ANALYSES[name]
