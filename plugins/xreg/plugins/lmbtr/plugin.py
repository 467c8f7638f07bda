"""The descriptor ``lmbtr``: its settings and where its class is."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, log
from typing import Literal, Self

from pydantic import model_validator

from xreg.core.atoms.elements import SiteConfig
from xreg.core.config import setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.0"

Range = tuple[float, float]
DISTANCES: dict[str, Range] = {"distance": (0.5, 6.0), "inverse_distance": (0.1, 1.2)}
ANGLES: dict[str, Range] = {"angle": (0.0, 180.0), "cosine": (-1.0, 1.0)}
Weighting = Literal["exp", "unity"]
REACH = 7.0
"""Gaussians end here, in their standard deviations: what is beyond is below 2e-12."""


class LMBTRConfig(SiteConfig):
    """Settings of the descriptor ``lmbtr``.

    DScribe counts the absorber as an element of its own, so three elements have 4 blocks of
    distances and 22 of angles, of which 3 and 15 can be filled (see ``empty_blocks``).
    """

    distance: Literal["distance", "inverse_distance"] = setting(
        "distance", description="Quantity of the two-body terms."
    )
    distance_points: int = setting(
        50, ge=0, le=2000, description="Grid points of each two-body block; 0 leaves them out."
    )
    distance_range: Range | None = setting(
        None,
        unit="Å or 1/Å",
        description="First and last grid point; 0.5 and 6 Å, or 0.1 and 1.2/Å, where not given.",
    )
    distance_sigma: float | None = setting(
        None,
        unit="Å or 1/Å",
        gt=0,
        le=20,
        description="Standard deviation of the broadening; the grid's step where none is given.",
    )
    distance_weight: Weighting = setting(
        "exp", description="Weight of a pair: exp(-s r), or 1 for all (unity)."
    )
    distance_decay: float = setting(
        0.5, unit="1/Å", gt=0, le=20, description="s of the weight exp(-s r) of a pair."
    )
    angle: Literal["angle", "cosine"] = setting(
        "angle", description="Quantity of the three-body terms."
    )
    angle_points: int = setting(
        10, ge=0, le=2000, description="Grid points of each three-body block; 0 leaves them out."
    )
    angle_range: Range | None = setting(
        None,
        unit="° or 1",
        description="First and last grid point; 0 and 180°, or -1 and 1, where not given.",
    )
    angle_sigma: float | None = setting(
        None,
        unit="° or 1",
        gt=0,
        le=180,
        description="Standard deviation of the broadening; the grid's step where none is given.",
    )
    angle_weight: Weighting = setting(
        "exp",
        description="Weight of a triple: exp(-s L), or 1 for all (unity), which a crystal's images "
        "would have no end of.",
    )
    angle_decay: float = setting(
        0.8,
        unit="1/Å",
        gt=0,
        le=20,
        description="s of the weight exp(-s L) of a triple, with L the perimeter of its triangle.",
    )
    threshold: float = setting(
        1e-3,
        gt=0,
        lt=1,
        description="Pairs and triples whose weight exp falls below this are left out.",
    )
    empty_blocks: bool = setting(
        True,
        description="Keep the blocks in which the absorber meets itself (X–X, A–X–X, X–A–X): "
        "DScribe has them, and they are always zero.",
    )
    normalize_gaussians: bool = setting(
        True, description="Give each Gaussian the area 1 (on) or the height 1 (off)."
    )
    normalization: Literal["none", "l2"] = setting(
        "none", description="l2 gives the two-body and the three-body part the length 1 each."
    )
    engine: Literal["vectorised", "dscribe"] = setting(
        "vectorised",
        description="What computes it, to the same numbers: dscribe, or the same sums by arrays.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.distance_points and not self.angle_points:
            raise ValueError("'distance_points' and 'angle_points' cannot both be 0")
        for name in ("distance", "angle"):
            low, high = self.range_of(name)
            if low >= high:
                raise ValueError(f"'{name}_range' must ascend")
            if getattr(self, f"{name}_points") == 1:
                raise ValueError(f"'{name}_points' must be 0, or 2 and more")
        return self

    def range_of(self, name: str) -> Range:
        """First and last grid point of ``distance`` or ``angle``."""
        given: Range | None = getattr(self, f"{name}_range")
        return given or {**DISTANCES, **ANGLES}[getattr(self, name)]

    def sigma_of(self, name: str) -> float:
        """Broadening of ``distance`` or ``angle``."""
        given: float | None = getattr(self, f"{name}_sigma")
        low, high = self.range_of(name)
        return given or (high - low) / (getattr(self, f"{name}_points") - 1)

    def cutoff_of(self, name: str) -> float:
        """Largest distance from the absorber (Å) that a term of ``distance`` or ``angle`` has.

        Infinite where every atom counts, however far.
        """
        if getattr(self, f"{name}_weight") == "unity":
            (low, high), reach = self.range_of(name), REACH * self.sigma_of(name)
            if name == "angle" or (self.distance == "inverse_distance" and low <= reach):
                return inf
            return high + reach if self.distance == "distance" else 1 / (low - reach)
        longest = -log(self.threshold) / getattr(self, f"{name}_decay")
        # A triangle's perimeter is at least twice each of its sides.
        return float(longest if name == "distance" else longest / 2)


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the descriptor."""
    return [
        ComponentSpec(
            "descriptor",
            "lmbtr",
            LMBTRConfig,
            "xreg.plugins.lmbtr.lmbtr:LMBTR",
            summary="distributions of distances from, and of angles about, the absorber",
            search={
                "wide": {
                    "distance": {"choice": ["distance", "inverse_distance"]},
                    "distance_points": {"int": [10, 150]},
                    "distance_decay": {"log": [0.1, 2.0]},
                    "angle": {"choice": ["angle", "cosine"]},
                    "angle_points": {"choice": [0, 5, 10, 20, 40]},
                    "angle_decay": {"log": [0.3, 2.0]},
                    "normalize_gaussians": {"choice": [True, False]},
                },
                # Eronen et al., Phys. Chem. Chem. Phys. 26, 22752 (2024), supplement, Table III.
                "published": {
                    "distance": "distance",
                    "distance_points": {"choice": [20, 40, 60, 80, 100]},
                    "distance_range": [0.7, 6.5],
                    "distance_sigma": {"choice": [0.2, 0.4, 0.6, 0.8, 1.0]},
                    "distance_weight": "unity",
                    "angle": "angle",
                    "angle_points": {"choice": [5, 10, 20, 30, 40]},
                    "angle_range": [0.0, 180.0],
                    "angle_sigma": {"choice": [9.0, 12.0, 15.0, 18.0, 21.0]},
                    "angle_decay": {"choice": [0.8, 1.0, 1.2, 1.4, 1.6]},
                    "threshold": 1e-8,
                    "empty_blocks": False,
                    "molecules": 6.0,
                },
            },
        )
    ]
