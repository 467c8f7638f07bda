"""Declares the importer ``ocean``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.readers.importing.settings import ChannelName

XREG_API = "1.1"


class OceanImportConfig(Config):
    """Settings of the importer ``ocean``."""

    channel: ChannelName = setting("xas", description="Name for the channel.")
    damping: Literal["energy", "constant"] = setting(
        "energy",
        description="Which of OCEAN's spectra: broadened more at higher energies, or by one width.",
    )


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the importer."""
    return [
        ComponentSpec(
            "importer",
            "ocean",
            OceanImportConfig,
            "xreg.plugins.ocean.importer:OceanImporter",
            summary="Spectra of OCEAN (absspct_…, xesspct_…), one a site and polarisation",
        )
    ]
