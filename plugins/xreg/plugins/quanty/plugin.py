"""Declares the generator ``quanty``: 2p absorption of 3d ions, or a template of yours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from xreg.core.atoms.elements import Symbol
from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, Program, hookimpl
from xreg.core.ions.settings import ModelConfig
from xreg.core.readers.importing.settings import ChannelName

XREG_API = "1.0"

Value = Annotated[float, Field(ge=-1e6, le=1e6)]


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


class QuantyImportConfig(Config):
    """Settings of the importer ``quanty``."""

    channel: ChannelName = setting("xas", description="Name for the channel.")
    absorber: Symbol | None = setting(None, description="Absorbing element, which no file tells.")
    origin: float = setting(
        0.0,
        unit="eV",
        ge=-1e6,
        le=1e6,
        description="What is added to the energies, which Quanty counts from the ground state.",
    )


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
    """Offer generator and importer."""
    return [
        ComponentSpec(
            "generator",
            "quanty",
            QuantyConfig,
            "xreg.plugins.quanty.quanty:Quanty",
            summary="L2,3 absorption of a 3d ion, or spectra of a Lua template of yours, by Quanty",
            requires=[QUANTY],
        ),
        ComponentSpec(
            "importer",
            "quanty",
            QuantyImportConfig,
            "xreg.plugins.quanty.importer:QuantyImporter",
            summary="Spectra as Quanty prints them (.spec), from Crispy too",
        ),
    ]
