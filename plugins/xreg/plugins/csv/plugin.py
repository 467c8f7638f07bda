"""Declares the importer and the exporter ``csv``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.readers.importing.settings import ChannelName

XREG_API = "1.1"


class CsvImportConfig(Config):
    """Settings of the importer ``csv``."""

    channel: ChannelName = setting(
        "xas", description="Name for the channel, where no table of samples names it."
    )


class CsvExportConfig(Config):
    """Settings of the exporter ``csv``."""

    separator: Literal[",", ";", "tab"] = setting(
        ",", description="What stands between cells; decimals always have a point."
    )


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer both."""
    return [
        ComponentSpec(
            "importer",
            "csv",
            CsvImportConfig,
            "xreg.plugins.csv.importer:CsvImporter",
            summary="Tables of xreg: a row an energy, a column a sample",
        ),
        ComponentSpec(
            "exporter",
            "csv",
            CsvExportConfig,
            "xreg.plugins.csv.exporter:CsvExporter",
            summary="Tables for spreadsheets: a row an energy, a column a sample",
        ),
    ]
