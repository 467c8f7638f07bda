"""Declares the importer and the exporter ``columns``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from xreg.core.config import setting
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.readers.importing.settings import MeasuredSettings
from xreg.core.writers.settings import EdgeSetting

XREG_API = "1.1"


class ColumnsImportConfig(MeasuredSettings):
    """Settings of the importer ``columns``."""


class ColumnsExportConfig(EdgeSetting):
    """Settings of the exporter ``columns``."""

    channel: Annotated[str, Field(max_length=200)] = setting(
        "", description="The channel to write, where there are several."
    )


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer both."""
    return [
        ComponentSpec(
            "importer",
            "columns",
            ColumnsImportConfig,
            "xreg.plugins.columns.importer:ColumnsImporter",
            summary="Measured spectra in text columns, as Athena and beamlines write them",
        ),
        ComponentSpec(
            "exporter",
            "columns",
            ColumnsExportConfig,
            "xreg.plugins.columns.exporter:ColumnsExporter",
            summary="A folder of text columns as Athena and Larch read them, a file a spectrum",
        ),
    ]
