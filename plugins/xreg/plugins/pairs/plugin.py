"""Declares the importer and the exporter ``pairs``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.readers.importing.settings import ChannelName, SitesSetting
from xreg.core.readers.spectra.columns import NOTHING_SAID, SpectrumColumns

XREG_API = "1.1"


class PairsImportConfig(SitesSetting):
    """Settings of the importer ``pairs``."""

    channel: ChannelName = setting("xas", description="Name for the channel.")
    spectra: str = setting(
        "", file=True, description="Folder of the spectra, where it is not beside the other."
    )
    columns: SpectrumColumns = setting(
        NOTHING_SAID, description="Columns of text spectra, where their headers do not tell."
    )


class PairsExportConfig(Config):
    """Settings of the exporter ``pairs``."""

    channel: Annotated[str, Field(max_length=200)] = setting(
        "", description="The channel to write, where there are several."
    )
    absorber_first: bool = setting(
        False,
        description="Put the absorber before the other atoms: XANESNET takes the first for it.",
    )


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer both."""
    return [
        ComponentSpec(
            "importer",
            "pairs",
            PairsImportConfig,
            "xreg.plugins.pairs.importer:PairsImporter",
            summary="A folder of structures and one of text spectra, matched by file stem",
        ),
        ComponentSpec(
            "exporter",
            "pairs",
            PairsExportConfig,
            "xreg.plugins.pairs.exporter:PairsExporter",
            summary="XANESNET's folders: structures in xyz/, spectra of one channel in xanes/",
        ),
    ]
