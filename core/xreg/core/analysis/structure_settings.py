"""Settings of the analyses that go from spectra back to structure; nothing heavy is imported."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from xreg.core.config import Config, setting

__all__ = ["ONE_TO_ONE", "InversionConfig", "ReconstructionConfig", "SeparationConfig"]

# Activations that have an inverse, as settings of networks name them.
ONE_TO_ONE = ("elu", "leaky-relu", "softplus", "tanh")


class ReconstructionConfig(Config):
    """Settings of ``reconstruction``."""

    label: str = setting(
        "",
        max_length=200,
        description="Label whose ensembles are reconstructed one by one: each category, or thirds "
        "of its range; thirds of the first score if empty.",
    )
    samples: int = setting(
        500,
        ge=10,
        le=100_000,
        unit="samples",
        description="Most samples that are reconstructed, and most that the band is taken from, "
        "drawn at random.",
    )


class SeparationConfig(Config):
    """Settings of ``separation``."""

    labels: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = setting(
        (), description="Labels to tell apart; all of the dataset if empty."
    )
    ranks: tuple[Annotated[int, Field(ge=1, le=100)], ...] = setting(
        (1, 2),
        min_length=1,
        max_length=8,
        description="By how many of the first scores; ranks that a decomposition lacks are left "
        "out.",
    )


class InversionConfig(Config):
    """Settings of ``inversion``."""

    samples: int = setting(
        500,
        ge=10,
        le=100_000,
        unit="samples",
        description="Most samples that are sent through the network and back, drawn at random.",
    )
    cutoff: float = setting(
        1e-10,
        ge=0,
        lt=1,
        description="Singular values below this share of the largest count as zero in the "
        "pseudo-inverse of a layer.",
    )
