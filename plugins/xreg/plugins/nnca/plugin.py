"""Declares the decomposer ``nnca``."""

from __future__ import annotations

from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.nn.settings import BottleneckConfig

XREG_API = "1.0"


class NNCAConfig(BottleneckConfig):
    """Settings of the decomposer ``nnca``; depth and width are those of the decoder."""


COMMON = {"learning_rate": 5e-3, "activation": "relu", "schedule": "constant", "starts": 1}


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
                },
                # Passilahti, Vladyka & Niskanen, arXiv:2406.14044 (2024), supplement, Table V.
                "published-h2o": {
                    "decoder_widths": {
                        "list": {"of": [5, 10, 50, 100, 200, 500], "lengths": [2, 5]}
                    },
                    "weight_decay": {"choice": [float(f"1e{x}") for x in range(-12, 5)]},
                    **COMMON,
                },
                "published-geo2": {
                    "decoder_widths": {"list": {"of": [64, 128], "lengths": [2, 3]}},
                    "weight_decay": {"choice": [float(f"1e{x}") for x in range(-10, 3, 2)]},
                    **COMMON,
                },
            },
        )
    ]
