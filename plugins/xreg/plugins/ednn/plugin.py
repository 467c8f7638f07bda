"""Declares the decomposer ``ednn``."""

from __future__ import annotations

from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.nn.settings import BottleneckConfig


class EDNNConfig(BottleneckConfig):
    """Settings of the decomposer ``ednn``."""


@hookimpl
def xreg_components() -> list[ComponentSpec]:
    """Offer the decomposer."""
    return [
        ComponentSpec(
            "decomposer",
            "ednn",
            EDNNConfig,
            "xreg.plugins.ednn.ednn:EDNN",
            "Encoder-decoder network: a few non-linear scores of the features that carry the "
            "spectrum (torch).",
        )
    ]
