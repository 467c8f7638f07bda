"""The declaration: read on every start of xreg, so it imports nothing heavy."""

from typing import Literal

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.2"


class ForestConfig(Config):
    """Settings of the emulator ``forest``."""

    method: Literal["forest", "boosting"] = setting(
        "forest", description="A random forest, or gradient-boosted trees for each target."
    )
    trees: int = setting(100, ge=1, le=5000, description="Number of trees (of each target).")
    leaf: int = setting(1, ge=1, le=1000, description="Fewest training samples in a leaf.")
    seed: int = setting(0, ge=0, le=2**32 - 1, description="Seed of what is drawn at random.")


@hookimpl
def xreg_components():
    """Offer the emulator."""
    return [
        ComponentSpec(
            kind="emulator",
            name="forest",
            config=ForestConfig,
            target="xreg_forest.forest:Forest",
            summary="random forest or gradient-boosted trees (scikit-learn)",
        )
    ]
