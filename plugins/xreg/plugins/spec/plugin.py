"""Declares the importer ``spec``."""

from __future__ import annotations

from collections.abc import Sequence

from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.readers.importing.settings import MeasuredSettings

XREG_API = "1.0"


class SpecImportConfig(MeasuredSettings):
    """Settings of the importer ``spec``."""


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the importer."""
    return [
        ComponentSpec(
            "importer",
            "spec",
            SpecImportConfig,
            "xreg.plugins.spec.importer:SpecImporter",
            summary="Measured scans in SPEC files, one a scan",
        )
    ]
