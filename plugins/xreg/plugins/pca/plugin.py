"""Declares the decomposer ``pca``."""

from __future__ import annotations

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.0"


class PCAConfig(Config):
    """Settings of the decomposer ``pca``."""

    rank: int = setting(2, description="Number of components.", ge=1, le=10_000)
    seed: int = setting(
        0, description="Seed of the randomised solver, used for large data.", ge=0, le=2**31
    )


@hookimpl
def xreg_components() -> list[ComponentSpec]:
    """Offer the decomposer."""
    return [
        ComponentSpec(
            "decomposer",
            "pca",
            PCAConfig,
            "xreg.plugins.pca.pca:PCA",
            "Principal components of the features, blind to the spectra: the yardstick (sklearn).",
        )
    ]
