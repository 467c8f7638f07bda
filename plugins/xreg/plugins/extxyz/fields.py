"""Names of the fields of a frame, as the importer reads and the exporter writes them."""

from __future__ import annotations

__all__ = ["ABSORBER", "ENERGY", "ID", "SPLIT", "UNIT"]

ID = "id"
ABSORBER = "absorber"
# Behind the name of a channel: its energies in eV, and the unit of its intensities (of a label too)
ENERGY = "_energy"
UNIT = "_unit"
# Before the name of a split: the part of it that a sample is in.
SPLIT = "split_"
