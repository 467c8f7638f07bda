"""Declares the importer ``cclib``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from xreg.core.config import setting
from xreg.core.hooks import ComponentSpec, Requirement, hookimpl
from xreg.core.readers.importing.settings import ChannelName, SitesSetting

XREG_API = "1.0"


class CclibImportConfig(SitesSetting):
    """Settings of the importer ``cclib``."""

    channel: ChannelName = setting("xas", description="Name for the channel.")
    profile: Literal["lorentzian", "gaussian"] = setting(
        "lorentzian", description="What each line is broadened by."
    )
    width: float = setting(
        1.0, unit="eV", gt=0, le=50, description="Full width of the lines at half their height."
    )
    step: float = setting(0.1, unit="eV", gt=0, le=10, description="Step of the energies.")
    margin: float = setting(
        10.0,
        unit="eV",
        gt=0,
        le=1000,
        description="Energies below the first and above the last line.",
    )
    shift: float = setting(
        0.0, unit="eV", ge=-10_000, le=10_000, description="What is added to the energies."
    )


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
