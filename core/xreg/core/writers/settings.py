"""Settings that several exporters share."""

from __future__ import annotations

from typing import Literal

from xreg.core.config import Config, setting

__all__ = ["EdgeSetting"]


class EdgeSetting(Config):
    """Which edge a header names."""

    edge: Literal["", "K", "L1", "L2", "L3", "M1", "M2", "M3", "M4", "M5"] = setting(
        "",
        description="Edge of the absorber; without it the label 'edge', or the energies where they "
        "hold one edge.",
    )
