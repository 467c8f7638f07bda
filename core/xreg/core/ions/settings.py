"""Settings of every generator of the model: the ion, the channels and their energies."""

from __future__ import annotations

from typing import Annotated, Literal

from xreg.core.config import Config, Distinct, setting

__all__ = ["ChannelName", "IonName", "ModelConfig"]

IonName = Literal[
    "Ti2+", "Ti3+", "Ti4+", "V2+", "V3+", "Cr2+", "Cr3+", "Cr4+", "Mn2+", "Mn3+", "Mn4+", "Mn5+",
    "Fe2+", "Fe3+", "Fe4+", "Fe5+", "Fe6+", "Co2+", "Co3+", "Co4+", "Co5+", "Ni2+", "Ni3+", "Ni4+",
]  # fmt: skip
ChannelName = Literal["xas", "xas_x", "xas_y", "xas_z"]


class ModelConfig(Config):
    """Settings that generators of the model share: the ion, the channels and their energies."""

    ion: IonName = setting("Ni2+", description="Element and charge of the absorbing ion.")
    channels: Annotated[tuple[ChannelName, ...], Distinct] = setting(
        ("xas",),
        min_length=1,
        max_length=4,
        description="Spectra to compute: xas is isotropic; xas_x, xas_y and xas_z are for light "
        "polarised along an axis, z being the fourfold one.",
    )
    before: float = setting(
        5.0, unit="eV", ge=0, le=100, description="How far below the L3 edge the energies begin."
    )
    after: float = setting(
        25.0, unit="eV", gt=0, le=200, description="How far above the L3 edge they end."
    )
    points: int = setting(501, ge=2, le=20_001, description="Number of energies.")
