"""Declares the importer ``npz``."""

from __future__ import annotations

from collections.abc import Sequence

from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.readers.importing.settings import AbsorberSetting, ArraySettings

XREG_API = "1.0"


class NpzImportConfig(ArraySettings, AbsorberSetting):
    """Settings of the importer ``npz``."""


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the importer."""
    return [
        ComponentSpec(
            "importer",
            "npz",
            NpzImportConfig,
            "xreg.plugins.npz.importer:NpzImporter",
            summary="Named arrays of structures or parameters and their spectra in one .npz",
        )
    ]
