"""Declares the decomposer ``nnca``."""

from __future__ import annotations

from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.nn.settings import BottleneckConfig

XREG_API = "1.0"


class NNCAConfig(BottleneckConfig):
    """Settings of the decomposer ``nnca``; depth and width are those of the decoder."""


@hookimpl
def xreg_components() -> list[ComponentSpec]:
    """Offer the decomposer."""
    return [
        ComponentSpec(
            "decomposer",
            "nnca",
            NNCAConfig,
            "xreg.plugins.nnca.nnca:NNCA",
            "Neural network component analysis: orthonormal directions and the network that sees "
            "only them, trained together (torch).",
            search={
                "wide": {
                    "depth": {"int": [2, 4]},
                    "width": {"choice": [8, 16, 32, 64, 128, 256]},
                    "learning_rate": {"log": [3e-4, 1e-2]},
                    "weight_decay": {"log": [1e-9, 1e-1]},
                }
            },
        )
    ]
