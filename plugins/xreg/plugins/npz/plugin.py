"""Declares the importer and the exporter ``npz``."""

from __future__ import annotations

from collections.abc import Sequence

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.readers.importing.settings import AbsorberSetting, ArraySettings

XREG_API = "1.1"


class NpzImportConfig(ArraySettings, AbsorberSetting):
    """Settings of the importer ``npz``."""


class NpzExportConfig(Config):
    """Settings of the exporter ``npz``."""

    compressed: bool = setting(False, description="Compress the arrays: smaller, and slower.")


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer both."""
    return [
        ComponentSpec(
            "importer",
            "npz",
            NpzImportConfig,
            "xreg.plugins.npz.importer:NpzImporter",
            summary="Named arrays of structures or parameters and their spectra in one .npz",
        ),
        ComponentSpec(
            "exporter",
            "npz",
            NpzExportConfig,
            "xreg.plugins.npz.exporter:NpzExporter",
            summary="All samples with their spectra, labels and splits as arrays of one .npz",
        ),
    ]
