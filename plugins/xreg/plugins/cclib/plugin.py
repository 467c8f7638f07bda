"""Declares the importer ``cclib``."""

from __future__ import annotations

from collections.abc import Sequence

from xreg.core.hooks import ComponentSpec, Requirement, hookimpl
from xreg.core.readers.importing.lines import LineSettings
from xreg.core.readers.importing.settings import SitesSetting

XREG_API = "1.0"


class CclibImportConfig(LineSettings, SitesSetting):
    """Settings of the importer ``cclib``."""


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the importer."""
    return [
        ComponentSpec(
            "importer",
            "cclib",
            CclibImportConfig,
            "xreg.plugins.cclib.importer:CclibImporter",
            summary="Lines of ORCA and other quantum-chemistry programs, broadened (cclib)",
            requires=[Requirement("cclib", 'pip install "xreg[cclib]"')],
        )
    ]
