"""Declares the importer ``athena``; nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Sequence

from xreg.core.hooks import ComponentSpec, Requirement, hookimpl
from xreg.core.readers.importing.settings import MeasuredSettings

__all__ = ["AthenaImportConfig", "xreg_components"]

XREG_API = "1.0"


class AthenaImportConfig(MeasuredSettings):
    """Settings of the importer ``athena``."""


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the importer."""
    return [
        ComponentSpec(
            "importer",
            "athena",
            AthenaImportConfig,
            "xreg_larch.importer:AthenaImporter",
            summary="Projects of Athena and Larix (.prj), read by larch",
            requires=[Requirement("larch", "pip install xraylarch")],
        )
    ]
