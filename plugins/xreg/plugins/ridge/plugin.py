"""Declares the emulator ``ridge``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.0"

Alpha = Annotated[float, Field(gt=0)]


class RidgeConfig(Config):
    """Settings of the emulator ``ridge``."""

    alpha: float | None = setting(
        None, description="Penalty on squared coefficients; none chooses among alphas.", gt=0
    )
    alphas: tuple[Alpha, ...] = setting(
        (1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4, 1e5),
        description="Penalties to choose from: by the validation set where there is one, else by "
        "leave-one-out cross-validation.",
        min_length=1,
        max_length=1000,
    )


@hookimpl
def xreg_components() -> list[ComponentSpec]:
    """Offer the emulator."""
    return [
        ComponentSpec(
            "emulator",
            "ridge",
            RidgeConfig,
            "xreg.plugins.ridge.ridge:Ridge",
            "Linear regression with an L2 penalty (scikit-learn).",
            search={"wide": {"alpha": {"log": [1e-6, 1e6]}}},
        )
    ]
