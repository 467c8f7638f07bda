"""Settings of the analyses of absorption edges, and of those that train anew; nothing heavy."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from xreg.core.config import Config, setting

__all__ = [
    "CrossValidationConfig",
    "FeatureFilterConfig",
    "FeatureShareConfig",
    "ImportanceConfig",
    "LearningCurveConfig",
    "PeaksConfig",
    "RelativeErrorConfig",
    "SelectionConfig",
    "WindowConfig",
]

SEED_LIMIT = 2**31 - 1
Percentile = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(gt=0, le=1)]
Window = tuple[float, float]


class FeatureFilterConfig(Config):
    """Settings of ``feature-filter``: none."""


class WindowConfig(Config):
    """An energy window, which most analyses of spectra share."""

    window: Window | None = setting(
        None, unit="eV", description="Lowest and highest energy looked at; all if not given."
    )

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.window is not None and not self.window[0] < self.window[1]:
            raise ValueError("'window' must rise")
        return self


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
    group: str | None = setting(None, description="Label whose groups no fold divides.")
    most_features: int = setting(
        300,
        ge=0,
        le=100_000,
        description="With more features than this only whole blocks are permuted.",
    )
    seed: int = setting(0, ge=0, le=SEED_LIMIT, description="Seed of permutations and folds.")

    @model_validator(mode="after")
    def _folds(self) -> Self:
        if self.folds == 1:
            raise ValueError("'folds' must be 0 or at least 2")
        return self


class CrossValidationConfig(Config):
    """Settings of ``cross-validation``."""

    folds: int = setting(5, ge=2, le=1000, description="Number of folds.")
    repeats: int = setting(
        5, ge=1, le=1000, description="How often everything is shuffled and divided anew."
    )
    group: str | None = setting(
        None, description="Label whose groups (material, trajectory) no fold divides."
    )
    seed: int = setting(
        0, ge=0, le=SEED_LIMIT, description="Seed of the first repeat; the others count up."
    )


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
    group: str | None = setting(None, description="Label whose groups no fold divides.")
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
        description="Label whose groups come into a subset whole: a curve against new materials, "
        "not against more sites of the same ones.",
    )
    seed: int = setting(0, ge=0, le=SEED_LIMIT, description="Seed of subsets and trainings.")
