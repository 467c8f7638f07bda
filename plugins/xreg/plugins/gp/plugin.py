"""Declares the emulators ``gp`` and ``gp-features``."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.0"

Cutoff = Annotated[float, Field(gt=1, le=20)]
Sigma = Annotated[float, Field(gt=0, le=5)]


REGISTRATION = setting(
    0,
    unit="channels",
    description="Largest rigid shift between spectra; above zero a spectrum freed of its shift, "
    "and the shift, are predicted too, and both ways joined. It needs spectra as they are (scaling "
    "of targets: none).",
    ge=0,
    le=100_000,
)

CALIBRATED = setting(
    True,
    description="Scale the spread so that 68 % of the errors on the validation set lie within it; "
    "without a validation set it rests on leave-one-out errors.",
)


class GPConfig(Config):
    """Settings of the emulator ``gp``."""

    cutoff: tuple[Cutoff, ...] = setting(
        (6.0, 3.6),
        unit="Å",
        description="Radii of the surroundings; each gives a set of SOAP features.",
        min_length=1,
    )
    sigma: tuple[Sigma, ...] = setting(
        (0.4, 0.25),
        unit="Å",
        description="Standard deviation of the Gaussian that stands for an atom, for each radius.",
        min_length=1,
    )
    n_max: int = setting(8, description="Number of radial functions of SOAP.", ge=1, le=20)
    l_max: int = setting(
        6, description="Highest degree of spherical harmonics of SOAP.", ge=0, le=20
    )
    shells: float = setting(
        0.5,
        description="Weight, relative to SOAP, of the properties of the atoms in shells about the "
        "absorber.",
        ge=0,
        le=100,
    )
    composition: float = setting(
        0.4,
        description="Weight, relative to SOAP, of the composition of the whole sample.",
        ge=0,
        le=100,
    )
    length_scale: float = setting(
        2.5,
        description="Length scale of the Matérn kernel, in units of the typical distance of two "
        "samples' SOAP features.",
        gt=0,
        le=1000,
    )
    noise: float = setting(
        3e-4, description="Variance of the noise relative to that of the signal.", gt=0, le=10
    )
    registration: int = REGISTRATION
    detail: float = setting(
        6.0,
        unit="channels",
        description="With registration, standard deviation of the Gaussian that tells the coarse "
        "course of a spectrum, the mean of both ways, from its details, those of shape and shift.",
        gt=0,
        le=100_000,
    )
    sharpening: float = setting(
        0.0,
        description="With registration, share by which details are raised: a mean over what is "
        "uncertain shrinks peaks. It costs squared error and gains peaks.",
        ge=0,
        le=2,
    )
    calibrate: bool = CALIBRATED

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if len(self.cutoff) != len(self.sigma):
            raise ValueError(
                f"{len(self.cutoff)} radii (cutoff) need as many widths (sigma), not "
                f"{len(self.sigma)}"
            )
        return self


class GPFeaturesConfig(Config):
    """Settings of the emulator ``gp-features``."""

    learn: bool = setting(
        True,
        description="Weigh the blocks of features (those of each descriptor of a list), and choose "
        "length scale and noise, by marginal likelihood; else all blocks weigh alike.",
    )
    noise: float = setting(
        1e-3,
        description="Variance of the noise relative to that of the signal, to begin with.",
        gt=0,
        le=10,
    )
    registration: int = REGISTRATION
    calibrate: bool = CALIBRATED
    seed: int = setting(
        0,
        ge=0,
        le=2**31 - 1,
        description="Of the samples by which weights are chosen, where there are more than 600.",
    )


@hookimpl
def xreg_components() -> list[ComponentSpec]:
    """Offer the emulators."""
    return [
        ComponentSpec(
            "emulator",
            "gp",
            GPConfig,
            "xreg.plugins.gp.gp:GP",
            "Gaussian process on SOAP, shells and composition, with a spread; takes structures.",
        ),
        ComponentSpec(
            "emulator",
            "gp-features",
            GPFeaturesConfig,
            "xreg.plugins.gp.on_features:GPFeatures",
            "Gaussian process on features; blocks weighed by marginal likelihood.",
        ),
    ]
