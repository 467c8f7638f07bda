"""Declares the importer and the exporter ``xdi``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.readers.importing.settings import MeasuredSettings

XREG_API = "1.1"


class XdiImportConfig(MeasuredSettings):
    """Settings of the importer ``xdi``."""


class XdiExportConfig(Config):
    """Settings of the exporter ``xdi``."""

    edge: Literal["", "K", "L1", "L2", "L3", "M1", "M2", "M3", "M4", "M5"] = setting(
        "",
        description="Edge of the absorber, where its energies do not tell by holding one edge.",
    )


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
