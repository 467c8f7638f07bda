"""Declares the importer ``xanesnet``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from xreg.core.config import Rising, setting
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.readers.importing.settings import ChannelName, SitesSetting
from xreg.core.readers.spectra.columns import NOTHING_SAID, SpectrumColumns

XREG_API = "1.0"

Energy = Annotated[float, Field(ge=-1e6, le=1e6)]


class XanesnetImportConfig(SitesSetting):
    """Settings of the importer ``xanesnet``."""

    channel: ChannelName = setting("xas", description="Name for the channel.")
    columns: SpectrumColumns = setting(
        NOTHING_SAID, description="Columns of text spectra, where their headers do not tell."
    )
    energies: Annotated[tuple[Energy, Energy], Rising] | None = setting(
        None,
        unit="eV",
        description="First and last energy of the spectra 'y' of an archive without energies 'e'; "
        "they lie in even steps between.",
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
