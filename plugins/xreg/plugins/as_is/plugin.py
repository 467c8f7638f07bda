"""Declares the descriptor ``as-is``."""

from __future__ import annotations

from collections.abc import Sequence

from xreg.core.config import Config
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.0"


class AsIsConfig(Config):
    """Settings of the descriptor ``as-is``: none."""


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the descriptor."""
    return [
        ComponentSpec(
            "descriptor",
            "as-is",
            AsIsConfig,
            "xreg.plugins.as_is.as_is:AsIs",
            summary="a table of numbers as it is: parameters, or features made elsewhere",
        )
    ]
