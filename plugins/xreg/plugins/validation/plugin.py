"""Declaration of the analyses of validation; nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from xreg.core.config import Config, setting
from xreg.core.hooks import AnalysisSpec, ComponentSpec, hookimpl

__all__ = ["xreg_components"]

XREG_API = "1.0"

Label = Annotated[str, Field(min_length=1, max_length=40)]
SEED_LIMIT = 2**31 - 1
Share = Annotated[float, Field(gt=0, le=1)]


class SpectrumErrorConfig(Config):
    """Settings of ``spectrum-error``."""

    worst: int = setting(
        20, ge=0, le=10_000, description="How many of the worst spectra are listed by id."
    )


class CalibrationConfig(Config):
    """Settings of ``calibration``."""

    bins: int = setting(
        5, ge=1, le=100, description="Equal groups of spectra by the spread that is claimed."
    )


class TrustConfig(Config):
    """Settings of ``trust``."""

    group: str = setting(
        "",
        max_length=200,
        description="Label whose groups are judged apart, such as interpolation and extrapolation; "
        "none if empty.",
    )


class CrossValidationConfig(Config):
    """Settings of ``cross-validation``."""

    folds: int = setting(5, ge=2, le=1000, description="Number of folds.")
    repeats: int = setting(
        5, ge=1, le=1000, description="How often everything is shuffled and divided anew."
    )
    group: str | None = setting(
        None,
        max_length=200,
        description="Label whose groups (material, trajectory) no fold divides.",
    )
    seed: int = setting(
        0, ge=0, le=SEED_LIMIT, description="Seed of the first repeat; the others count up."
    )


class LearningCurveConfig(Config):
    """Settings of ``learning-curve``."""

    shares: Annotated[tuple[Share, ...], Field(min_length=1, max_length=50)] = setting(
        (0.05, 0.1, 0.2, 0.4, 0.7, 1.0),
        description="Shares of the training part to train on.",
    )
    repeats: int = setting(
        3, ge=1, le=1000, description="Random subsets for each share, with seeds that count up."
    )
    group: str | None = setting(
        None,
        max_length=200,
        description="Label whose groups come into a subset whole: a curve against new materials, "
        "not against more sites of the same ones.",
    )
    seed: int = setting(0, ge=0, le=SEED_LIMIT, description="Seed of subsets and trainings.")


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the analyses."""
    return [
        AnalysisSpec(
            "spectrum-error",
            SpectrumErrorConfig,
            "xreg.plugins.validation.spectrum_error:SpectrumErrorAnalysis",
            "How many spectra lie in which interval of the spectrum error, and which are worst.",
            needs=("spectra",),
            default=True,
        ),
        AnalysisSpec(
            "calibration",
            CalibrationConfig,
            "xreg.plugins.validation.calibration:CalibrationAnalysis",
            "Whether errors are as large as the spread that the model claims.",
        ),
        AnalysisSpec(
            "trust",
            TrustConfig,
            "xreg.plugins.validation.trust:TrustAnalysis",
            "Whether the trust that a model puts into its predictions ranks their true errors.",
            needs=("spectra", "trust"),
            default=True,
        ),
        AnalysisSpec(
            "cross-validation",
            CrossValidationConfig,
            "xreg.plugins.validation.cross_validation:CrossValidationAnalysis",
            "Scores over repeated folds of everything but the test part, with their spread.",
            needs=("training",),
        ),
        AnalysisSpec(
            "learning-curve",
            LearningCurveConfig,
            "xreg.plugins.validation.learning_curve:LearningCurveAnalysis",
            "Score against the number of training spectra, with its spread.",
            needs=("training",),
        ),
    ]
