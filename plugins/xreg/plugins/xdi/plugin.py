"""Declares the importer and the exporter ``xdi``."""

from __future__ import annotations

from collections.abc import Sequence

from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.readers.importing.settings import MeasuredSettings
from xreg.core.writers.settings import EdgeSetting

XREG_API = "1.1"


class XdiImportConfig(MeasuredSettings):
    """Settings of the importer ``xdi``."""


class XdiExportConfig(EdgeSetting):
    """Settings of the exporter ``xdi``."""


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer both."""
    return [
        ComponentSpec(
            "importer",
            "xdi",
            XdiImportConfig,
            "xreg.plugins.xdi.importer:XdiImporter",
            summary="Measured spectra in XDI files, one a file",
        ),
        ComponentSpec(
            "exporter",
            "xdi",
            XdiExportConfig,
            "xreg.plugins.xdi.exporter:XdiExporter",
            summary="A folder of XDI files, one for each spectrum",
        ),
    ]
