"""Declares the importer and the exporter ``nexus``."""

from __future__ import annotations

from collections.abc import Sequence

from xreg.core.hooks import ComponentSpec, Requirement, hookimpl
from xreg.core.readers.importing.settings import MeasuredSettings
from xreg.core.writers.settings import EdgeSetting

XREG_API = "1.1"


class NexusImportConfig(MeasuredSettings):
    """Settings of the importer ``nexus``."""


class NexusExportConfig(EdgeSetting):
    """Settings of the exporter ``nexus``."""


H5PY = Requirement("h5py", 'pip install "xreg[measured]"')


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer both."""
    return [
        ComponentSpec(
            "importer",
            "nexus",
            NexusImportConfig,
            "xreg.plugins.nexus.importer:NexusImporter",
            summary="Measured spectra in HDF5 and NeXus files, NXxas among them (h5py)",
            requires=[H5PY],
        ),
        ComponentSpec(
            "exporter",
            "nexus",
            NexusExportConfig,
            "xreg.plugins.nexus.exporter:NexusExporter",
            summary="One NeXus file, an NXxas entry for each sample (h5py)",
            requires=[H5PY],
        ),
    ]
