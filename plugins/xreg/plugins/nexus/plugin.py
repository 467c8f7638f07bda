"""Declares the importer ``nexus``."""

from __future__ import annotations

from collections.abc import Sequence

from xreg.core.hooks import ComponentSpec, Requirement, hookimpl
from xreg.core.readers.importing.settings import MeasuredSettings

XREG_API = "1.0"


class NexusImportConfig(MeasuredSettings):
    """Settings of the importer ``nexus``."""


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the importer."""
    return [
        ComponentSpec(
            "importer",
            "nexus",
            NexusImportConfig,
            "xreg.plugins.nexus.importer:NexusImporter",
            summary="Measured spectra in HDF5 and NeXus files, NXxas among them (h5py)",
            requires=[Requirement("h5py", 'pip install "xreg[measured]"')],
        )
    ]
