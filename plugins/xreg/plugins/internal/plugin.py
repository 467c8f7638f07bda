"""The descriptor ``internal``: its settings and where its class is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.0"


class InternalConfig(Config):
    """Settings of the descriptor ``internal``."""

    angles: Literal["degrees", "cosine", "none"] = setting(
        "degrees", description="Angles at the absorber: in degrees, as cosines, or left out."
    )
    degree: int = setting(
        1,
        ge=1,
        le=10,
        description="Above 1 the columns are all products of the coordinates up to this degree, "
        "each coordinate mapped to [0, 1] by its least and greatest value in training.",
    )


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the descriptor."""
    return [
        ComponentSpec(
            "descriptor",
            "internal",
            InternalConfig,
            "xreg.plugins.internal.internal:Internal",
            summary="distances from and angles at the absorber of a small molecule",
            search={"wide": {"angles": {"choice": ["degrees", "cosine"]}}},
        )
    ]
