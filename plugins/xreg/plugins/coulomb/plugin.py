"""The descriptor ``coulomb``: its settings and where its class is."""

from __future__ import annotations

from collections.abc import Sequence

from xreg.core.atoms.elements import PUBLISHED_ROWS, AtomRowConfig
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.0"


class CoulombConfig(AtomRowConfig):
    """Settings of the descriptor ``coulomb``: counts of 35 atoms in all give 595 columns."""


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the descriptor."""
    return [
        ComponentSpec(
            "descriptor",
            "coulomb",
            CoulombConfig,
            "xreg.plugins.coulomb.coulomb:Coulomb",
            summary="Coulomb matrix of the nearest atoms, sorted by element and distance",
            search={"wide": {}, "published": {"counts": PUBLISHED_ROWS}},
        )
    ]
