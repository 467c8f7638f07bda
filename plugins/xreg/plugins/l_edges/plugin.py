"""Declaration of the analyses of l edges; nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from xreg.core.config import Config, setting
from xreg.core.hooks import AnalysisSpec, ComponentSpec, hookimpl

__all__ = ["xreg_components"]

XREG_API = "1.0"

Label = Annotated[str, Field(min_length=1, max_length=40)]


class MisfitConfig(Config):
    """Settings of ``misfit``."""

    groups: tuple[Label, ...] = setting(
        ("L3", "L2"),
        min_length=1,
        max_length=8,
        description="Names of the groups that k-means finds among the energies of the largest "
        "misfit, from low to high energy. Two groups that both lie in one edge are not told apart: "
        "the spectra are divided between their two edges instead.",
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


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the analyses."""
    return [
        AnalysisSpec(
            "misfit",
            MisfitConfig,
            "xreg.plugins.l_edges.misfit:MisfitAnalysis",
            "The largest pointwise difference of each spectrum and its energy; grouped into L3 "
            "and L2.",
            needs=("spectra", "parameters"),
            default=True,
        ),
        AnalysisSpec(
            "branching",
            BranchingConfig,
            "xreg.plugins.l_edges.branching:BranchingAnalysis",
            "Ratio of L3 to L2, true and predicted, and how errors divide between both edges.",
            needs=("spectra", "parameters"),
            default=True,
        ),
        AnalysisSpec(
            "correlations",
            CorrelationsConfig,
            "xreg.plugins.l_edges.correlations:CorrelationsAnalysis",
            "What the error goes with: parameters, labels, branching ratio, misfit, ensemble "
            "spread.",
            needs=("spectra",),
        ),
        AnalysisSpec(
            "error-along",
            ErrorAlongConfig,
            "xreg.plugins.l_edges.error_along:ErrorAlongAnalysis",
            "Error along one parameter, by a Gaussian process, and how far most spectra stay good.",
            needs=("spectra", "parameters"),
        ),
    ]
