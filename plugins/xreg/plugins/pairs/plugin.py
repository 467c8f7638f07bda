"""Declares the importer ``pairs``."""

from __future__ import annotations

from collections.abc import Sequence

from xreg.core.config import setting
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.readers.importing.settings import ChannelName, SitesSetting
from xreg.core.readers.spectra.columns import SpectrumColumns

XREG_API = "1.0"


class PairsImportConfig(SitesSetting):
    """Settings of the importer ``pairs``."""

    channel: ChannelName = setting("xas", description="Name for the channel.")
    spectra: str = setting(
        "", file=True, description="Folder of the spectra, where it is not beside the other."
    )
    columns: SpectrumColumns = setting(
        SpectrumColumns(), description="Columns of text spectra, where their headers do not tell."
    )


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the importer."""
    return [
        ComponentSpec(
            "importer",
            "pairs",
            PairsImportConfig,
            "xreg.plugins.pairs.importer:PairsImporter",
            summary="A folder of structures and one of text spectra, matched by file stem",
        )
    ]
