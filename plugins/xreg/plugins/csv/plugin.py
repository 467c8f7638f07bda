"""Declares the exporter ``csv``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.1"


class CsvExportConfig(Config):
    """Settings of the exporter ``csv``."""

    separator: Literal[",", ";", "tab"] = setting(
        ",", description="What stands between cells; decimals always have a point."
    )


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the exporter."""
    return [
        ComponentSpec(
            "exporter",
            "csv",
            CsvExportConfig,
            "xreg.plugins.csv.exporter:CsvExporter",
            summary="Tables for spreadsheets: a row an energy, a column a sample",
        )
    ]
