"""Declares the importer and the exporter ``extxyz``."""

from __future__ import annotations

from collections.abc import Sequence

from xreg.core.config import Config
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.readers.importing.settings import ArraySettings, SitesSetting

XREG_API = "1.1"


class ExtxyzImportConfig(ArraySettings, SitesSetting):
    """Settings of the importer ``extxyz``."""


class ExtxyzExportConfig(Config):
    """No settings."""


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer both."""
    return [
        ComponentSpec(
            "importer",
            "extxyz",
            ExtxyzImportConfig,
            "xreg.plugins.extxyz.importer:ExtxyzImporter",
            summary="Frames of one extxyz file, with spectra in their info or per-atom arrays",
        ),
        ComponentSpec(
            "exporter",
            "extxyz",
            ExtxyzExportConfig,
            "xreg.plugins.extxyz.exporter:ExtxyzExporter",
            summary="Structures, spectra, labels and splits as frames of one extxyz file",
        ),
    ]
