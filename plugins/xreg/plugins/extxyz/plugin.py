"""Declares the importer ``extxyz``."""

from __future__ import annotations

from collections.abc import Sequence

from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.readers.importing.settings import ArraySettings, SitesSetting

XREG_API = "1.0"


class ExtxyzImportConfig(ArraySettings, SitesSetting):
    """Settings of the importer ``extxyz``."""


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the importer."""
    return [
        ComponentSpec(
            "importer",
            "extxyz",
            ExtxyzImportConfig,
            "xreg.plugins.extxyz.importer:ExtxyzImporter",
            summary="Frames of one extxyz file, with spectra in their info or per-atom arrays",
        )
    ]
