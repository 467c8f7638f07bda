"""Declares the emulator ``mlp``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from xreg.core.config import setting
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.nn.settings import (
    ACTIVATION,
    CALIBRATED,
    ENSEMBLE,
    INIT,
    Activation,
    Init,
    TrainingConfig,
)

XREG_API = "1.2"

Width = Annotated[int, Field(ge=1, le=100_000)]


class MLPConfig(TrainingConfig):
    """Settings of the emulator ``mlp``."""

    depth: int = setting(3, description="Number of hidden layers.", ge=0, le=32)
    width: int = setting(128, unit="neurons", description="Width of each.", ge=1, le=100_000)
    widths: tuple[Width, ...] | None = setting(
        None,
        description="Width of every hidden layer in turn, in place of depth and width.",
        max_length=32,
    )
    activation: Activation = ACTIVATION
    batch_norm: bool = setting(
        False, description="Batch normalisation between linear map and activation."
    )
    dropout: float = setting(
        0.0, description="Share of hidden neurons dropped at each training step.", ge=0, lt=1
    )
    init: Init = INIT
    loss: Literal["r2", "mse", "mae", "huber"] = setting(
        "r2",
        description="What training minimises: one minus the covered variance, mean squared error, "
        "mean absolute error, or Huber's loss.",
    )
    ensemble: int = ENSEMBLE
    calibrate: bool = CALIBRATED


@hookimpl
def xreg_components() -> list[ComponentSpec]:
    """Offer the emulator."""
    return [
        ComponentSpec(
            "emulator",
            "mlp",
            MLPConfig,
            "xreg.plugins.mlp.mlp:MLP",
            "Multilayer perceptrons, alone or as an ensemble with a predictive spread (torch).",
            search={
                "wide": {
                    "depth": {"int": [2, 5]},
                    "width": {"choice": [16, 32, 64, 128, 256]},
                    "learning_rate": {"log": [1e-4, 1e-2]},
                    "weight_decay": {"log": [1e-13, 1.0]},
                    "batch": 200,
                    "epochs": 1000,
                    "check_every": 50,
                    "patience": 4,
                },
                # Eronen et al., Phys. Chem. Chem. Phys. 26, 22752 (2024), section II C. Neither the
                # step of the weight decay (here decades) nor a limit of epochs is told there.
                "published": {
                    "depth": {"int": [2, 5]},
                    "width": {"choice": [16, 32, 64, 128, 256]},
                    "activation": "elu",
                    "loss": "r2",
                    "optimiser": "adam",
                    "schedule": "constant",
                    "learning_rate": {"choice": [1e-4, 2.5e-4]},
                    "weight_decay": {"choice": [float(f"1e{x}") for x in range(-13, 1)]},
                    "batch": 200,
                    "epochs": 20_000,
                    "check_every": 200,
                    "patience": 1,
                },
            },
        )
    ]
