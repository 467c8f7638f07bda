"""Declares the importer ``xdi``."""

from __future__ import annotations

from collections.abc import Sequence

from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.readers.importing.settings import MeasuredSettings

XREG_API = "1.0"


class XdiImportConfig(MeasuredSettings):
    """Settings of the importer ``xdi``."""


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the importer."""
    return [
        ComponentSpec(
            "importer",
            "xdi",
            XdiImportConfig,
            "xreg.plugins.xdi.importer:XdiImporter",
            summary="Measured spectra in XDI files, one a file",
        )
    ]
