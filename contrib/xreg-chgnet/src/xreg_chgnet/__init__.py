"""Declares the descriptor ``chgnet``; nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, Requirement, hookimpl

__all__ = ["CHGNetConfig", "xreg_components"]

XREG_API = "1.0"

Layer = Annotated[int, Field(ge=1, le=4)]


def _ascending(layers: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(layers)) < len(layers):
        raise ValueError("names a layer twice")
    return tuple(sorted(layers))


class CHGNetConfig(Config):
    """Settings of the descriptor ``chgnet``."""

    layers: Annotated[tuple[Layer, ...], Field(min_length=1), AfterValidator(_ascending)] = setting(
        (1, 2, 3, 4),
        description="Atom convolutions whose 64 features of the absorber are taken; each sees 6 Å "
        "farther than the one before.",
    )
    crystal: bool = setting(
        True,
        description="Also the mean of those features over all atoms of the sample.",
    )


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the descriptor."""
    return [
        ComponentSpec(
            "descriptor",
            "chgnet",
            CHGNetConfig,
            "xreg_chgnet.descriptor:CHGNetDescriptor",
            summary="Learned features of the absorber and its crystal, by the CHGNet potential",
            requires=[Requirement("chgnet", "pip install xreg-chgnet")],
        )
    ]
