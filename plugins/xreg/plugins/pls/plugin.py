"""Declares the decomposer ``pls``."""

from __future__ import annotations

from typing import Literal

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.0"


class PLSConfig(Config):
    """Settings of the decomposer ``pls``."""

    rank: int = setting(2, description="Number of directions.", ge=1, le=10_000)
    method: Literal["svd", "regression"] = setting(
        "svd",
        description="Directions of largest covariance with the spectra, by one singular value "
        "decomposition (svd, at most as many as there are channels), or those of PLS regression.",
    )
    iterations: int = setting(
        500,
        description="Most power iterations for each direction of PLS regression.",
        ge=1,
        le=1_000_000,
    )
    tolerance: float = setting(
        1e-6,
        description="Squared change of the weights at which such a power iteration ends.",
        gt=0,
        lt=1,
    )


@hookimpl
def xreg_components() -> list[ComponentSpec]:
    """Offer the decomposer."""
    return [
        ComponentSpec(
            "decomposer",
            "pls",
            PLSConfig,
            "xreg.plugins.pls.pls:PLS",
            "Partial least squares: the linear directions that vary with the spectra (sklearn).",
        )
    ]
