"""The section ``target`` of a recipe, and what it makes of a channel: what a model predicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from xreg.core.config import Config, Window, setting
from xreg.core.errors import UnknownNameError, did_you_mean
from xreg.core.model.target_transforms import TargetScaling

if TYPE_CHECKING:
    from xreg.core.data.dataset import Dataset
    from xreg.core.data.spectra import Channel

__all__ = ["TargetSection", "target_of"]


class TargetSection(Config):
    """What is predicted."""

    channel: str | None = setting(None, description="Channel; the dataset's first if not given.")
    window: tuple[float, float] | None = setting(
        None, unit="eV", description="Lowest and highest energy used; the whole grid if not given."
    )
    points: int | None = setting(
        None,
        ge=2,
        le=100_000,
        description="Coarsen to this many channels of equal width (area kept); as stored if not "
        "given.",
    )
    moments: dict[str, Window] = setting(
        {},
        unit="eV",
        description="Instead of spectra, predict mean, standard deviation, skewness and excess "
        "kurtosis of each of these windows: a name, lowest and highest energy. Where an end lies "
        "between two points of the grid, spectra are interpolated linearly.",
    )
    scaling: TargetScaling = setting(
        "global",
        description="Standardise by one spread for all channels (global), channel by channel "
        "(channel), map the least and greatest intensity to 0 and 1 (box), or leave them "
        "(none). Moments, which differ in unit, take channel unless told.",
    )

    @model_validator(mode="after")
    def _moments(self) -> Self:
        if not self.moments:
            return self
        for name, (low, high) in self.moments.items():
            if not name.strip():
                raise ValueError(f"the window of {low:g} to {high:g} eV needs a name")
        if given := [key for key in ("window", "points") if getattr(self, key) is not None]:
            raise ValueError(f"'moments' and '{given[0]}' exclude each other")
        if "scaling" not in self.model_fields_set:
            object.__setattr__(self, "scaling", "channel")
        return self


def target_of(section: TargetSection, dataset: Dataset) -> tuple[str, Channel]:
    """Return the channel that a section names, and what is predicted of it."""
    from xreg.core.data.grids import coarsen
    from xreg.core.data.moments import spectral_moments

    names = list(dataset.spectra)
    name = section.channel or names[0]
    if name not in names:
        raise UnknownNameError(
            f"dataset '{dataset.metadata.name}' has no channel '{name}'{did_you_mean(name, names)}."
        )
    channel = dataset.spectra[name]
    if section.window is not None:
        channel = channel.window(*section.window)
    if section.points is not None:
        channel = coarsen(channel, section.points)
    if section.moments:
        channel = spectral_moments(channel, section.moments)
    return name, channel
