"""Declares the emulator ``graph``."""

from __future__ import annotations

from xreg.core.config import setting
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.nn.settings import CALIBRATED, TrainingConfig

XREG_API = "1.2"


class GraphConfig(TrainingConfig):
    """Settings of the emulator ``graph``."""

    learning_rate: float = setting(
        3e-3, description="Peak learning rate of the optimiser.", gt=0, le=10
    )
    epochs: int = setting(
        60, description="Passes over the training data, at most.", ge=1, le=1_000_000
    )
    check_every: int = setting(
        5, unit="epochs", description="Epochs between two looks at the validation loss.", ge=1
    )
    cutoff: float = setting(
        6.0,
        unit="Å",
        description="Radius about an atom inside which it has neighbours.",
        gt=1,
        le=12,
    )
    radial: int = setting(
        10, description="Number of radial functions of the absorber's neighbours.", ge=2, le=32
    )
    l_max: int = setting(
        5, description="Highest degree of spherical harmonics about the absorber.", ge=0, le=8
    )
    messages: int = setting(
        8, description="Numbers that each neighbour sends to the absorber.", ge=1, le=256
    )
    depth: int = setting(3, description="Number of hidden layers of the readout.", ge=0, le=32)
    width: int = setting(
        512, unit="neurons", description="Width of each layer of the readout.", ge=1, le=10_000
    )
    dropout: float = setting(
        0.15, description="Share of hidden neurons dropped at each training step.", ge=0, lt=1
    )
    registration: int = setting(
        0,
        unit="channels",
        description="Largest rigid shift between spectra; above zero the network also predicts "
        "a spectrum freed of its shift, and the shift, and averages both ways. It needs spectra "
        "as they are (scaling of targets: none).",
        ge=0,
        le=100_000,
    )
    ensemble: int = setting(
        1,
        description="Number of networks; their mean predicts and their standard deviation is the "
        "spread.",
        ge=1,
        le=100,
    )
    calibrate: bool = CALIBRATED


@hookimpl
def xreg_components() -> list[ComponentSpec]:
    """Offer the emulator."""
    return [
        ComponentSpec(
            "emulator",
            "graph",
            GraphConfig,
            "xreg.plugins.graph.graph:Graph",
            "Equivariant message passing on the atoms about a site; takes structures (torch).",
        )
    ]
