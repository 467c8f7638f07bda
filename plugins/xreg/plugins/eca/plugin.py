"""Declares the decomposer ``eca``."""

from __future__ import annotations

from typing import ClassVar, Literal

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.nn.settings import DEVICE, Device

XREG_API = "1.0"


class ECAConfig(Config):
    """Settings of the decomposer ``eca``."""

    renamed: ClassVar[dict[str, str]] = {"race": "halving"}

    rank: int = setting(2, description="Number of vectors, found one after another.", ge=1, le=1000)
    starts: int = setting(
        25, description="Random starts for each vector; the best one is kept.", ge=1, le=10_000
    )
    optimiser: Literal["lbfgs", "adam"] = setting(
        "lbfgs",
        description="How a vector is sought: 'lbfgs' on growing subsets of the samples, or 'adam' "
        "on shuffled mini-batches as published.",
    )
    halving: bool = setting(
        True,
        description="Drop the worse half of the starts each time that 'lbfgs' doubles its subset; "
        "without it all starts are optimised on all samples to the end.",
    )
    batch: int = setting(
        500,
        unit="samples",
        description="Samples of a mini-batch of 'adam', and least subset of 'lbfgs'.",
        ge=2,
    )
    epochs: int = setting(
        200,
        description="Most passes over the samples for each vector ('adam') or most evaluations of "
        "the last round ('lbfgs').",
        ge=1,
        le=1_000_000,
    )
    tolerance: float = setting(
        1e-5,
        description="Stop when R² rose by no more than this in five passes or evaluations.",
        gt=0,
        lt=1,
    )
    learning_rate: float = setting(1e-2, description="Learning rate of 'adam'.", gt=0, le=10)
    seed: int = setting(0, description="Seed of the random starts and batches.", ge=0, le=2**31)
    threads: int = setting(
        0, description="CPU threads; 0 leaves torch's own choice.", ge=0, le=1024
    )
    device: Device = DEVICE


@hookimpl
def xreg_components() -> list[ComponentSpec]:
    """Offer the decomposer."""
    return [
        ComponentSpec(
            "decomposer",
            "eca",
            ECAConfig,
            "xreg.plugins.eca.eca:ECA",
            "Emulator-based component analysis: the directions that the emulated spectrum sees.",
        )
    ]
