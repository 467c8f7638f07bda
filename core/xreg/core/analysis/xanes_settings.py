"""Settings of the analyses for K-edges; nothing heavy is imported here."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from xreg.core.config import Config, setting

__all__ = ["PeaksConfig", "RelativeErrorConfig", "WindowConfig"]

Percentile = Annotated[float, Field(ge=0, le=100)]


class WindowConfig(Config):
    """An energy window, which most analyses of spectra share."""

    window: tuple[float, float] | None = setting(
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
        0.02,
        gt=0,
        le=1,
        description="Least prominence of a peak, as a share of the range of the true spectrum; the "
        "same height counts for its prediction.",
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
