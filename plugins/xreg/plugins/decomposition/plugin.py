"""Declaration of the analyses of decomposition; nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from xreg.core.config import Config, setting
from xreg.core.hooks import AnalysisSpec, ComponentSpec, hookimpl

__all__ = ["xreg_components"]

XREG_API = "1.0"


class ReconstructionConfig(Config):
    """Settings of ``reconstruction``."""

    label: str = setting(
        "",
        max_length=200,
        description="Label whose ensembles are reconstructed one by one: each category, or thirds "
        "of its range; thirds of the first score if empty.",
    )
    samples: int = setting(
        500,
        ge=10,
        le=100_000,
        unit="samples",
        description="Most samples that are reconstructed, and most that the band is taken from, "
        "drawn at random.",
    )


class SeparationConfig(Config):
    """Settings of ``separation``."""

    labels: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = setting(
        (), description="Labels to tell apart; all of the dataset if empty."
    )
    ranks: tuple[Annotated[int, Field(ge=1, le=100)], ...] = setting(
        (1, 2),
        min_length=1,
        max_length=8,
        description="By how many of the first scores; ranks that a decomposition lacks are left "
        "out.",
    )


class InversionConfig(Config):
    """Settings of ``inversion``."""

    samples: int = setting(
        500,
        ge=10,
        le=100_000,
        unit="samples",
        description="Most samples that are sent through the network and back, drawn at random.",
    )
    cutoff: float = setting(
        1e-10,
        ge=0,
        lt=1,
        description="Singular values below this share of the largest count as zero in the "
        "pseudo-inverse of a layer.",
    )
    thresholds: tuple[Annotated[float, Field(ge=0, lt=1)], ...] = setting(
        (1e-15, 1e-8, 1e-4, 1e-2),
        min_length=1,
        max_length=8,
        description="Such shares for which the largest errors are drawn, layer by layer.",
    )
    noise: float = setting(
        0.01,
        ge=0,
        le=10,
        description="Standard deviation of noise that is added to predicted spectra, in that of "
        "all scaled intensities.",
    )


class SensitivityConfig(Config):
    """Settings of ``sensitivity``."""

    points: int = setting(
        31,
        ge=5,
        le=200,
        description="Points along two of three features on which isosurfaces are drawn.",
    )


class DecisiveConfig(Config):
    """Settings of ``decisive``."""

    tolerance: float = setting(
        0.01,
        gt=0,
        le=1,
        description="By how much the covered variance may fall when components are set to zero.",
    )


class ByLabelConfig(Config):
    """Settings of ``by-label``."""

    label: str = setting(
        "",
        max_length=200,
        description="Label whose categories, or thirds of its range, are compared; the first of "
        "the dataset if empty.",
    )


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the analyses."""
    return [
        AnalysisSpec(
            "reconstruction",
            ReconstructionConfig,
            "xreg.plugins.decomposition.reconstruction:ReconstructionAnalysis",
            "Structure back from spectra by each decomposition, with its error, label by label.",
            needs=("features", "decomposer"),
        ),
        AnalysisSpec(
            "separation",
            SeparationConfig,
            "xreg.plugins.decomposition.separation:SeparationAnalysis",
            "How well the first scores of each decomposition tell each label of the samples.",
            needs=("features", "decomposer"),
        ),
        AnalysisSpec(
            "sensitivity",
            SensitivityConfig,
            "xreg.plugins.decomposition.sensitivity:SensitivityAnalysis",
            "How far the emulated spectrum moves from that of the mean structure, M(x), with its "
            "isosurfaces and those of first scores.",
            needs=("spectra", "features"),
        ),
        AnalysisSpec(
            "decisive",
            DecisiveConfig,
            "xreg.plugins.decomposition.decisive:DecisiveAnalysis",
            "Which components of basis vectors the spectrum depends on, and which are of no "
            "consequence.",
            needs=("features", "decomposer"),
        ),
        AnalysisSpec(
            "by-label",
            ByLabelConfig,
            "xreg.plugins.decomposition.by_label:ByLabelAnalysis",
            "Mean spectra and their spread for each value of a label.",
            needs=("spectra",),
        ),
        AnalysisSpec(
            "inversion",
            InversionConfig,
            "xreg.plugins.decomposition.inversion:InversionAnalysis",
            "Where the inversion of a bijective encoder-decoder network breaks, layer by layer.",
            needs=("features", "inverse"),
        ),
    ]
