"""Declares the importer ``cp2k``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from xreg.core.config import setting
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.readers.importing.lines import LineSettings

XREG_API = "1.1"


class Cp2kImportConfig(LineSettings):
    """Settings of the importer ``cp2k``."""

    absorber: Annotated[str, Field(max_length=64)] | None = setting(
        None, description="Absorbing element, which no file names."
    )


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the importer."""
    return [
        ComponentSpec(
            "importer",
            "cp2k",
            Cp2kImportConfig,
            "xreg.plugins.cp2k.importer:Cp2kImporter",
            summary="Lines of CP2K's core-hole calculations (.spectrum), broadened",
        )
    ]
