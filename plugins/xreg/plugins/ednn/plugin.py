"""Declares the decomposer ``ednn``."""

from __future__ import annotations

from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.nn.settings import BottleneckConfig

XREG_API = "1.0"


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
            search={
                "published": {
                    "depth": {"int": [2, 4]},
                    "width": {"choice": [8, 16, 32, 64, 128, 256]},
                    "learning_rate": {"choice": [1e-4, 1e-3]},
                    "weight_decay": {"log": [1e-9, 1e-1]},
                    "activation": "relu",
                }
            },
        )
    ]
