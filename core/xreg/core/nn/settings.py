"""Settings of the training loop, shared by plugins that train a network (imports no torch)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from xreg.core.config import Config, setting

__all__ = [
    "ACTIVATION",
    "CALIBRATED",
    "DEVICE",
    "ENSEMBLE",
    "INIT",
    "Activation",
    "BottleneckConfig",
    "Device",
    "Init",
    "TrainingConfig",
    "Widths",
]

Width = Annotated[int, Field(ge=1, le=100_000)]
Widths = Annotated[tuple[Width, ...], Field(max_length=32)]

Device = Literal["auto", "cpu", "cuda"]
DEVICE = setting(
    "auto",
    machine=True,
    description="Where training computes: 'cpu', a GPU by 'cuda', or 'auto', which takes a GPU "
    "where there is one and a step has 20 million products or more. The same numbers come, within "
    "rounding; predictions are always made on the CPU.",
)


class TrainingConfig(Config):
    """How a network is trained; a plugin's settings inherit these and change defaults."""

    optimiser: Literal["adam", "adamw", "rmsprop", "sgd"] = setting(
        "adam",
        description="Optimiser; 'adam' adds weight decay to the gradient, 'adamw' decouples it, "
        "'sgd' has Nesterov momentum 0.9.",
    )
    learning_rate: float = setting(
        1e-3, description="Peak learning rate of the optimiser.", gt=0, le=10
    )
    schedule: Literal["constant", "cosine", "exponential", "step"] = setting(
        "cosine",
        description="Course of the learning rate over all epochs: constant, half a cosine to zero, "
        "exponential to one hundredth, or a tenth after each third.",
    )
    warmup: float = setting(
        0.0, description="Share of the training over which the rate rises from zero.", ge=0, le=0.5
    )
    weight_decay: float = setting(0.0, description="L2 penalty on the weights.", ge=0, le=1e5)
    gradient_clip: float = setting(
        0.0, description="Largest norm of a network's gradient; 0 for no limit.", ge=0
    )
    batch: int = setting(64, unit="samples", description="Samples a step.", ge=1)
    epochs: int = setting(
        500, description="Passes over the training data, at most.", ge=1, le=1_000_000
    )
    early_stopping: bool = setting(
        True,
        description="Stop when the validation loss no longer falls, and keep the best weights; "
        "without it training lasts all epochs and keeps the last.",
    )
    patience: int = setting(
        10, description="Checks without a lower validation loss before training stops.", ge=1
    )
    check_every: int = setting(
        10, unit="epochs", description="Epochs between two looks at the validation loss.", ge=1
    )
    validation_share: float = setting(
        0.1,
        description="Share of the training samples set aside for early stopping where no "
        "validation set is given.",
        gt=0,
        lt=1,
    )
    seed: int = setting(
        0,
        description="Seed of initial weights, batches and dropout; network i of an ensemble has "
        "seed + i.",
        ge=0,
        le=2**31,
    )
    threads: int = setting(
        0,
        description="CPU threads; 0 leaves torch's own choice. Results are the same, bit for bit, "
        "on the same number of threads.",
        ge=0,
        le=1024,
    )
    device: Device = DEVICE


Activation = Literal["elu", "relu", "leaky-relu", "silu", "gelu", "tanh", "softplus"]
Init = Literal["he-uniform", "he-normal", "glorot-uniform", "lecun-uniform"]
ACTIVATION = setting("elu", description="Non-linearity of the hidden layers.")
INIT = setting(
    "he-uniform", description="Distribution of the initial weights; biases start at zero."
)
ENSEMBLE = setting(
    1,
    description="Number of networks trained together; their mean predicts and their standard "
    "deviation is the spread.",
    ge=1,
    le=1000,
)
CALIBRATED = setting(
    True,
    description="Scale the spread of an ensemble so that 68 % of the errors on the validation set "
    "lie within it.",
)


class BottleneckConfig(TrainingConfig):
    """Settings of a network whose spectra pass through a few scores."""

    learning_rate: float = setting(
        3e-3, description="Peak learning rate of the optimiser.", gt=0, le=10
    )
    rank: int = setting(2, description="Number of scores.", ge=1, le=1000)
    starts: int = setting(
        5,
        description="Networks trained together from different random weights; the one with the "
        "lowest validation loss (training loss without early stopping) is kept.",
        ge=1,
        le=1000,
    )
    depth: int = setting(
        3, description="Number of hidden layers on either side of the scores.", ge=0, le=32
    )
    width: int = setting(128, unit="neurons", description="Width of each.", ge=1, le=100_000)
    decoder_widths: Widths | None = setting(
        None,
        description="Width of every hidden layer between scores and spectrum in turn, in place of "
        "depth and width.",
    )
    activation: Activation = ACTIVATION

    def decoder(self, n_out: int) -> tuple[int, ...]:
        """Return the widths of the decoder's hidden layers, for a spectrum of n_out numbers."""
        if self.decoder_widths is not None:
            return self.decoder_widths
        return (self.width,) * self.depth
