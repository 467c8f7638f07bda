"""Declares the emulators of L-edge spectra: ``dnn``, ``cnn``, ``tcnn``, ``lcnn``, split or not."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from xreg.core.config import setting
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.nn.settings import ENSEMBLE, INIT, Init, TrainingConfig

XREG_API = "1.2"

Width = Annotated[int, Field(ge=1, le=100_000)]


class NetworkConfig(TrainingConfig):
    """Settings that all of these networks share."""

    dense: tuple[Width, ...] = setting(
        (260, 160),
        min_length=1,
        max_length=8,
        description="Widths of the dense layers that all channels share.",
    )
    layers: int = setting(5, ge=1, le=32, description="Number of characteristic layers.")
    activation: Literal[
        "elu", "relu", "leaky-relu", "prelu", "silu", "swish", "gelu", "tanh", "softplus"
    ] = setting(
        "silu",
        description="Non-linearity of all layers but the last; prelu learns one slope a layer, "
        "swish is another name of silu.",
    )
    residual: bool = setting(
        False,
        description="Whether each characteristic layer after the first adds to its input instead "
        "of replacing it; not for layers that lengthen the sequence.",
    )
    non_negative: bool = setting(
        False,
        description="Pass the output through a softplus above zero intensity, so that no predicted "
        "intensity is ever negative.",
    )
    precision: Literal["single", "bfloat16"] = setting(
        "single",
        description="Of the products in training; bfloat16 takes less than half the time of wide "
        "layers where the processor multiplies in it. Weights, the last layer and predictions are "
        "always single.",
    )
    init: Init = INIT
    loss: Literal["r2", "mse", "mae", "huber"] = setting(
        "r2",
        description="What training minimises: the mean squared error (in units of the targets' "
        "variance for r2), the mean absolute error, or Huber's loss.",
    )
    ensemble: int = ENSEMBLE


class DenseConfig(NetworkConfig):
    """Settings of the emulator ``dnn``."""

    neurons: int = setting(
        1000, unit="neurons", ge=1, le=100_000, description="Width of each characteristic layer."
    )


class SequenceConfig(NetworkConfig):
    """Settings of the emulators ``cnn``, ``tcnn`` and ``lcnn``."""

    positions: int = setting(
        40,
        ge=1,
        le=10_000,
        description="Positions along the energy axis that the neurons of the last dense layer "
        "stand for, the same number of neurons each.",
    )
    filters: int = setting(
        24, ge=1, le=10_000, description="Neurons a position in each characteristic layer."
    )
    kernel: int = setting(
        7, ge=1, le=10_000, description="Positions of the layer before that each neuron sees."
    )


BORDER = setting(
    None,
    ge=1,
    le=1_000_000,
    description="Channel with which the L2 part begins, counted from zero; if not given, the "
    "channel of least spread in the middle half of the spectrum.",
)


class SplitDenseConfig(DenseConfig):
    """Settings of the emulator ``sdnn``."""

    border: int | None = BORDER


class SplitSequenceConfig(SequenceConfig):
    """Settings of the emulators ``scnn``, ``stcnn`` and ``slcnn``."""

    border: int | None = BORDER


@hookimpl
def xreg_components() -> list[ComponentSpec]:
    """Offer the emulators."""
    module = "xreg.plugins.networks.networks"
    return [
        ComponentSpec("emulator", name, config, f"{module}:{name.upper()}", summary)
        for name, config, summary in (
            ("dnn", DenseConfig, "L-edge network of dense layers"),
            ("cnn", SequenceConfig, "L-edge network of convolutional layers"),
            ("tcnn", SequenceConfig, "L-edge network of transposed convolutional layers"),
            ("lcnn", SequenceConfig, "L-edge network of locally connected layers"),
            ("sdnn", SplitDenseConfig, "dnn with subnetworks for L3 and L2"),
            ("scnn", SplitSequenceConfig, "cnn with subnetworks for L3 and L2"),
            ("stcnn", SplitSequenceConfig, "tcnn with subnetworks for L3 and L2"),
            ("slcnn", SplitSequenceConfig, "lcnn with subnetworks for L3 and L2"),
        )
    ]
