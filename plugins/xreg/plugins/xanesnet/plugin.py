"""Declares the importer ``xanesnet``."""

from __future__ import annotations

from collections.abc import Sequence

from xreg.core.config import setting
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.readers.importing.settings import ChannelName, SitesSetting
from xreg.core.readers.spectra.columns import NOTHING_SAID, SpectrumColumns

XREG_API = "1.0"


class XanesnetImportConfig(SitesSetting):
    """Settings of the importer ``xanesnet``."""

    channel: ChannelName = setting("xas", description="Name for the channel.")
    columns: SpectrumColumns = setting(
        NOTHING_SAID, description="Columns of text spectra, where their headers do not tell."
    )


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the importer."""
    return [
        ComponentSpec(
            "importer",
            "xanesnet",
            XanesnetImportConfig,
            "xreg.plugins.xanesnet.importer:XanesnetImporter",
            summary="XANESNET's folders xyz_train, xanes_train, … and its dataset.npz",
        )
    ]
