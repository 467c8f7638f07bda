"""Declares the importer ``materials-project``."""

from __future__ import annotations

from collections.abc import Sequence

from xreg.core.config import setting
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.readers.importing.settings import ChannelName, SitesSetting

XREG_API = "1.0"


class MaterialsProjectImportConfig(SitesSetting):
    """Settings of the importer ``materials-project``."""

    channel: ChannelName = setting("xas", description="Name for the channel.")


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the importer."""
    return [
        ComponentSpec(
            "importer",
            "materials-project",
            MaterialsProjectImportConfig,
            "xreg.plugins.materials_project.importer:MaterialsProjectImporter",
            summary="XAS documents of the Materials Project, as JSON",
        )
    ]
