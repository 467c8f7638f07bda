"""Declares the descriptor ``labels``."""

from __future__ import annotations

from collections.abc import Sequence

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.2"


class LabelsConfig(Config):
    """Settings of the descriptor ``labels``."""

    names: tuple[str, ...] = setting(
        examples=[["charge", "spin"]],
        description="Labels that become features: numbers as they are, texts as one column for "
        "each value. 'absorber' is the element of the absorbing atom where no label is called so.",
        min_length=1,
        max_length=64,
    )


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the descriptor."""
    return [
        ComponentSpec(
            "descriptor",
            "labels",
            LabelsConfig,
            "xreg.plugins.labels.labels:Labels",
            summary="labels of samples as features: charge, spin, temperature, engine",
        )
    ]
