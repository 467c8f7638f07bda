"""Declares the importer ``columns``."""

from __future__ import annotations

from collections.abc import Sequence

from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.readers.importing.settings import MeasuredSettings

XREG_API = "1.0"


class ColumnsImportConfig(MeasuredSettings):
    """Settings of the importer ``columns``."""


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the importer."""
    return [
        ComponentSpec(
            "importer",
            "columns",
            ColumnsImportConfig,
            "xreg.plugins.columns.importer:ColumnsImporter",
            summary="Measured spectra in text columns, as Athena and beamlines write them",
        )
    ]
