"""The descriptor ``wacsf``: its settings and where its class is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from xreg.core.atoms.elements import SiteConfig, Symbol
from xreg.core.config import setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.0"

Placing = Literal["shifted", "centred"]
Grid = Literal["radial", "angular"]
Zeta = Annotated[float, Field(gt=0, le=1e3)]
Weight = Annotated[float, Field(ge=-1e3, le=1e3)]


class WACSFConfig(SiteConfig):
    """Settings of the descriptor ``wacsf``.

    The defaults give the published 97 columns: 1 G1, 32 G2, 64 G4.
    """

    cutoff: float = setting(
        6.0, unit="Å", gt=0, le=20, description="Radius at which every function reaches zero."
    )
    grid_first: float = setting(
        0.5, unit="Å", gt=0, le=20, description="First point r of the radial grids."
    )
    grid_last: float | None = setting(
        None,
        unit="Å",
        gt=0,
        le=20,
        description="Last point r of the radial grids; 0.5 Å less than the cutoff where not given.",
    )
    radial_count: int = setting(32, ge=0, le=1000, description="Number of radial functions G2.")
    radial: Placing = setting(
        "shifted",
        description="G2 on the grid: shifted has μ = r and η = 1/(2Δ²), with Δ the grid's step; "
        "centred has μ = 0 and η = 1/(2r²).",
    )
    angular_count: int = setting(
        8, ge=0, le=1000, description="Number of grid points of G4 for each λ and ζ."
    )
    angular: Placing = setting("centred", description="G4 on its grid, as for G2.")
    angular_first: float | None = setting(
        None,
        unit="Å",
        gt=0,
        le=20,
        description="First point of G4's grid; that of G2 if not given.",
    )
    angular_last: float | None = setting(
        None, unit="Å", gt=0, le=20, description="Last point of G4's grid; that of G2 if not given."
    )
    angular_zeta: Annotated[tuple[Zeta, ...], Field(min_length=1, max_length=100)] = setting(
        (1.0, 2.0, 4.0, 8.0), description="Exponents ζ: the larger, the narrower in angle."
    )
    angular_lambda: Annotated[tuple[Literal[-1, 1], ...], Field(min_length=1, max_length=2)] = (
        setting((-1, 1), description="Signs λ: 1 peaks at 0°, -1 at 180°.")
    )
    pairs: Literal["unordered", "ordered"] = setting(
        "unordered",
        description="Whether G4 counts a pair of neighbours once (j < k) or twice (j ≠ k).",
    )
    weights: Literal["Z", "one"] | Annotated[dict[Symbol, Weight], Field(min_length=1)] = setting(
        "Z",
        description="How much an atom counts by its element in G2 and G4: its atomic number, 1, "
        "or {symbol: number}.",
    )

    def ends(self, name: Grid) -> tuple[float, float]:
        """Return the first and last point (Å) of a grid."""
        first, last = self.grid_first, self.grid_last or self.cutoff - 0.5
        if name == "radial":
            return first, last
        return self.angular_first or first, self.angular_last or last

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        grids: tuple[tuple[Grid, str], ...] = (("radial", "grid"), ("angular", "angular"))
        for grid, name in grids:
            first, last = self.ends(grid)
            if not first < last <= self.cutoff:
                raise ValueError(
                    f"'{name}_first' must be less than '{name}_last', and that within 'cutoff'"
                )
        for name in ("angular_zeta", "angular_lambda"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"'{name}' names a value twice")
        return self


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the descriptor."""
    return [
        ComponentSpec(
            "descriptor",
            "wacsf",
            WACSFConfig,
            "xreg.plugins.wacsf.wacsf:WACSF",
            summary="weighted symmetry functions: one set for all elements, atoms count by Z",
            search={
                "wide": {
                    "cutoff": {"choice": [3.0, 4.0, 5.0, 6.0, 8.0]},
                    "radial_count": {"int": [8, 64]},
                    "radial": {"choice": ["shifted", "centred"]},
                    "angular_count": {"int": [0, 24]},
                    "angular": {"choice": ["shifted", "centred"]},
                    "weights": {"choice": ["Z", "one"]},
                }
            },
        )
    ]
