"""Declaration of the analyses of features; nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from xreg.core.config import Config, Window, setting
from xreg.core.hooks import AnalysisSpec, ComponentSpec, hookimpl

__all__ = ["xreg_components"]

XREG_API = "1.0"

SEED_LIMIT = 2**31 - 1
Share = Annotated[float, Field(gt=0, le=1)]


class FeatureFilterConfig(Config):
    """Settings of ``feature-filter``: none."""


class ImportanceConfig(Config):
    """Settings of ``importance``."""

    windows: tuple[Window, Window] | None = setting(
        None,
        unit="eV",
        description="Two energy windows whose importances are compared; the lower and the upper "
        "half of the grid if not given.",
    )
    repeats: int = setting(
        5, ge=1, le=1000, description="How often each feature or block is permuted."
    )
    folds: int = setting(
        0,
        ge=0,
        le=100,
        description="Train anew on so many folds of all but the test part and permute in the part "
        "held out, so that the spread is also that of training; 0 takes the model as it is and "
        "permutes in the judged part.",
    )
    group: str | None = setting(
        None, max_length=200, description="Label whose groups no fold divides."
    )
    most_features: int = setting(
        300,
        ge=0,
        le=100_000,
        description="With more features than this only whole blocks are permuted.",
    )
    mark: int = setting(
        0,
        ge=0,
        le=100_000,
        description="Mark so many features in the figure: the first that forward selection by "
        "ridge takes.",
    )
    seed: int = setting(0, ge=0, le=SEED_LIMIT, description="Seed of permutations and folds.")

    @model_validator(mode="after")
    def _folds(self) -> Self:
        if self.folds == 1:
            raise ValueError("'folds' must be 0 or at least 2")
        return self


class SelectionConfig(Config):
    """Settings of ``feature-selection``."""

    by: Literal["auto", "feature", "block"] = setting(
        "auto",
        description="Add and remove single features, or blocks of them (an element pair, one ζ); "
        "auto takes features where there are at most 120.",
    )
    learner: Literal["ridge", "emulator"] = setting(
        "ridge",
        description="What judges a set of features: ridge regression, whose folds need one product "
        "of matrices in all, or the emulator itself, trained anew for each set.",
    )
    alpha: float = setting(
        1e-3,
        gt=0,
        le=1e6,
        description="Penalty of the ridge, per training sample, on standardised features.",
    )
    folds: int = setting(
        3, ge=2, le=100, description="Folds of all but the test part that a set is judged on."
    )
    group: str | None = setting(
        None, max_length=200, description="Label whose groups no fold divides."
    )
    most_trainings: int = setting(
        200,
        ge=1,
        le=1_000_000,
        description="With the emulator as judge: after so many trainings each direction stops "
        "where it is.",
    )
    seed: int = setting(0, ge=0, le=SEED_LIMIT, description="Seed of the folds.")


class FeatureShareConfig(Config):
    """Settings of ``feature-share``."""

    shares: Annotated[tuple[Share, ...], Field(min_length=1, max_length=50)] = setting(
        (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0),
        description="Shares of the features to train on, the most important first.",
    )
    repeats: int = setting(
        3, ge=1, le=100, description="Trainings for each share, with seeds that count up."
    )
    permutations: int = setting(
        3, ge=1, le=1000, description="How often each feature is permuted to find its importance."
    )
    seed: int = setting(0, ge=0, le=SEED_LIMIT, description="Seed of permutations and trainings.")


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the analyses."""
    return [
        AnalysisSpec(
            "feature-filter",
            FeatureFilterConfig,
            "xreg.plugins.features.feature_filter:FeatureFilterAnalysis",
            "Which features the filters dropped and why, and which are constant.",
            needs=("features",),
            default=True,
        ),
        AnalysisSpec(
            "importance",
            ImportanceConfig,
            "xreg.plugins.features.importance:ImportanceAnalysis",
            "Loss of R² when features or blocks are permuted, for the spectrum and two windows.",
            needs=("features",),
        ),
        AnalysisSpec(
            "feature-selection",
            SelectionConfig,
            "xreg.plugins.features.selection:FeatureSelectionAnalysis",
            "Forward and backward selection of features or blocks, by ridge or the emulator.",
            needs=("features", "training"),
        ),
        AnalysisSpec(
            "feature-share",
            FeatureShareConfig,
            "xreg.plugins.features.feature_share:FeatureShareAnalysis",
            "Score against the share of features kept, the most important first.",
            needs=("features", "training"),
        ),
    ]
