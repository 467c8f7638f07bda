"""The descriptor ``mbdf``: its settings and where its class is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from xreg.core.atoms.elements import PUBLISHED_ROWS, AtomRowConfig
from xreg.core.config import setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.0"


class MBDFConfig(AtomRowConfig):
    """Settings of the descriptor ``mbdf``: counts of 55 atoms in all give 330 columns."""

    cutoff: float = setting(
        8.0, unit="Å", gt=0, le=20, description="Radius of an atom's surroundings; it is hard."
    )
    normalization: Literal["minmax", "zscore", "none"] = setting(
        "minmax",
        description="Scaling of each functional, learned over all rows of the training data: "
        "divided by largest minus smallest value; or mean 0 and standard deviation 1; or none. "
        "Rows without an atom stay zero.",
    )


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the descriptor."""
    return [
        ComponentSpec(
            "descriptor",
            "mbdf",
            MBDFConfig,
            "xreg.plugins.mbdf.mbdf:MBDF",
            summary="many-body distribution functionals of the atoms about the absorber",
            search={
                "wide": {
                    "cutoff": {"float": [3.0, 8.0]},
                    "normalization": {"choice": ["minmax", "zscore"]},
                },
                "published": {"cutoff": 6.5, "counts": PUBLISHED_ROWS, "molecules": 6.0},
            },
        )
    ]
