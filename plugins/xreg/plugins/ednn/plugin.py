"""Declares the decomposer ``ednn``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic import model_validator

from xreg.core.config import setting
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.nn.settings import BottleneckConfig, Widths

XREG_API = "1.0"


class EDNNConfig(BottleneckConfig):
    """Settings of the decomposer ``ednn``."""

    encoder_widths: Widths | None = setting(
        None,
        description="Width of every hidden layer between features and scores in turn, in place of "
        "depth and width.",
    )
    encoder_depth: int | None = setting(
        None, ge=0, le=32, description="Hidden layers before the scores, in place of depth."
    )
    decoder_depth: int | None = setting(
        None, ge=0, le=32, description="Hidden layers after the scores, in place of depth."
    )
    square: bool = setting(
        False,
        description="Make layers before the scores as wide as the features and layers after them "
        "as wide as the spectrum, so that as many weight matrices as possible are square and have "
        "an inverse.",
    )
    nested: bool = setting(
        True,
        description="Have the first 1, 2, … scores carry as much as so many can, in one network; "
        "off has all scores together serve the spectrum, and a recipe trains one network for each "
        "rank.",
    )

    def encoder(self, n_in: int) -> tuple[int, ...]:
        """Return the widths of the encoder's hidden layers, for n_in features."""
        if self.encoder_widths is not None:
            return self.encoder_widths
        depth = self.depth if self.encoder_depth is None else self.encoder_depth
        return (n_in if self.square else self.width,) * depth

    def decoder(self, n_out: int) -> tuple[int, ...]:
        """Return the widths of the decoder's hidden layers, for a spectrum of n_out numbers."""
        if self.decoder_widths is not None:
            return self.decoder_widths
        depth = self.depth if self.decoder_depth is None else self.decoder_depth
        return (n_out if self.square else self.width,) * depth

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for half in ("encoder", "decoder"):
            if getattr(self, f"{half}_widths") is None:
                continue
            if self.square or getattr(self, f"{half}_depth") is not None:
                other = "square" if self.square else f"{half}_depth"
                raise ValueError(f"'{half}_widths' and '{other}' exclude each other")
        return self


def _published(widths: Sequence[int], lowest: int, highest: int) -> Mapping[str, Any]:
    layers = {"list": {"of": list(widths), "lengths": [2, 4]}}
    return {
        "encoder_widths": layers,
        "decoder_widths": layers,
        "learning_rate": {"choice": [1e-4, 1e-3]},
        **_common(lowest, highest, "relu"),
    }


def _common(lowest: int, highest: int, activation: str) -> Mapping[str, Any]:
    return {
        "weight_decay": {"choice": [float(f"1e{x}") for x in range(lowest, highest + 1)]},
        "activation": activation,
        "schedule": "constant",
        "nested": False,
        "starts": 1,
    }


# Passilahti, Vladyka & Niskanen, arXiv:2406.14044 (2024), supplement, Tables III and IV.
SPACES: Mapping[str, Mapping[str, Any]] = {
    "wide": {
        "depth": {"int": [2, 4]},
        "width": {"choice": [8, 16, 32, 64, 128, 256]},
        "learning_rate": {"choice": [1e-4, 1e-3]},
        "weight_decay": {"log": [1e-9, 1e-1]},
        "activation": "relu",
    },
    "published-h2o": _published((64, 128, 256), -9, -4),
    "published-geo2": _published((8, 32, 64, 128, 256), -9, -1),
    "published-square": {
        "encoder_depth": {"int": [1, 5]},
        "decoder_depth": {"int": [1, 5]},
        "square": True,
        "learning_rate": 1e-3,
        **_common(-4, -1, "leaky-relu"),
    },
}


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
            search=SPACES,
        )
    ]
