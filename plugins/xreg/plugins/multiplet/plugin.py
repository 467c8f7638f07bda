"""Declares the generators ``multiplet`` and ``quanty``: 2p absorption of 3d ions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, Program, hookimpl

XREG_API = "1.0"

IonName = Literal[
    "Ti2+", "Ti3+", "Ti4+", "V2+", "V3+", "Cr2+", "Cr3+", "Cr4+", "Mn2+", "Mn3+", "Mn4+", "Mn5+",
    "Fe2+", "Fe3+", "Fe4+", "Fe5+", "Fe6+", "Co2+", "Co3+", "Co4+", "Co5+", "Ni2+", "Ni3+", "Ni4+",
]  # fmt: skip
ChannelName = Literal["xas", "xas_x", "xas_y", "xas_z"]
Value = Annotated[float, Field(ge=-1e6, le=1e6)]


class ModelConfig(Config):
    """Settings that both generators share: the ion, the channels and their energies."""

    ion: IonName = setting("Ni2+", description="Element and charge of the absorbing ion.")
    channels: tuple[ChannelName, ...] = setting(
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

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len(set(self.channels)) != len(self.channels):
            raise ValueError("channels names one twice")
        return self


class MultipletConfig(ModelConfig):
    """Settings of the generator ``multiplet``."""

    device: str = setting(
        "cpu",
        pattern=r"^(cpu|cuda(:\d+)?)$",
        description="Where to compute: cpu (NumPy and LAPACK), or cuda or cuda:1 (PyTorch).",
    )


class QuantyConfig(ModelConfig):
    """Settings of the generator ``quanty``."""

    template: str = setting(
        "",
        file=True,
        code=True,
        max_length=1_000_000,
        description="Lua script with ${name} for each parameter, in place of xreg's own: a file "
        "or the text itself; see the plugin's README.",
    )
    values: dict[str, Value] = setting(
        {}, description="Values of further names in that template, the same for all samples."
    )
    time_limit: float = setting(
        600.0, unit="s", gt=0, le=1e6, description="After so long a calculation counts as failed."
    )

    @field_validator("template")
    @classmethod
    def _text(cls, given: str) -> str:
        """Keep a file's text and not its name, so that the settings say all that is computed."""
        if not given or "\n" in given:
            return given
        try:
            return Path(given).read_text(encoding="utf-8").rstrip("\n") + "\n"
        except OSError as error:
            raise ValueError(f"cannot be read ({error.strerror})") from None
        except UnicodeDecodeError:
            raise ValueError("is not UTF-8 text") from None


QUANTY = Program(
    "Quanty",
    "pip install --no-deps crispy, or download it from quanty.org and set $QUANTY to it",
    variable="QUANTY",
    wheel="crispy",
    inside={
        "linux": "/linux/Quanty",
        "darwin": "/darwin/Quanty",
        "win32": "/win32/Quanty.exe",
    },
)


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer both generators."""
    return [
        ComponentSpec(
            "generator",
            "multiplet",
            MultipletConfig,
            "xreg.plugins.multiplet.multiplet:Multiplet",
            summary="L2,3 absorption of a 3d ion in a D4h crystal field by exact diagonalisation",
        ),
        ComponentSpec(
            "generator",
            "quanty",
            QuantyConfig,
            "xreg.plugins.multiplet.quanty:Quanty",
            summary="L2,3 absorption of a 3d ion, or spectra of a Lua template of yours, by Quanty",
            requires=[QUANTY],
        ),
    ]
