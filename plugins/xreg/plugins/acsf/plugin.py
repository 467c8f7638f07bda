"""The descriptor ``acsf``: its settings and where its class is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from xreg.core.atoms.elements import SiteConfig
from xreg.core.config import setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.0"

Eta = Annotated[float, Field(gt=0, le=1e4)]
Zeta = Annotated[float, Field(gt=0, le=1e3)]
Kappa = Annotated[float, Field(ge=0, le=100)]


class ACSFConfig(SiteConfig):
    """Settings of the descriptor ``acsf``.

    The defaults give 543 columns for three elements: 61 for each element, 60 for each pair.
    """

    cutoff: float = setting(
        6.0, unit="Å", gt=0, le=20, description="Radius at which every function reaches zero."
    )
    radial_count: int = setting(
        60, ge=0, le=1000, description="Number of radial functions G2 for each element."
    )
    radial_first: float = setting(
        0.5,
        unit="Å",
        ge=0,
        le=20,
        description="Centre of the first G2; the others follow in even steps up to the cutoff.",
    )
    radial_eta: Eta | None = setting(
        None,
        unit="1/Å²",
        description="Exponent η of G2; where none is given 1/(2Δ²), with Δ the step between "
        "centres.",
    )
    kappa: Annotated[tuple[Kappa, ...], Field(max_length=1000)] = setting(
        (), unit="1/Å", description="Wave numbers κ of the radial cosine functions G3."
    )
    angular: Literal["g4", "g5", "none"] = setting(
        "g4",
        description="Angular functions for each pair of elements: G4 also asks that the two "
        "neighbours be near each other, G5 does not.",
    )
    angular_eta: Annotated[tuple[Eta, ...], Field(min_length=1, max_length=1000)] = setting(
        (0.005, 0.015, 0.04, 0.1, 0.25, 0.6),
        unit="1/Å²",
        description="Exponents η of the angular functions.",
    )
    angular_zeta: Annotated[tuple[Zeta, ...], Field(min_length=1, max_length=1000)] = setting(
        (1.0, 2.0, 4.0, 8.0, 16.0), description="Exponents ζ: the larger, the narrower in angle."
    )
    angular_lambda: Annotated[tuple[Literal[-1, 1], ...], Field(min_length=1, max_length=2)] = (
        setting((-1, 1), description="Signs λ: 1 peaks at 0°, -1 at 180°.")
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.radial_first >= self.cutoff:
            raise ValueError("'radial_first' must be less than 'cutoff'")
        for name in ("kappa", "angular_eta", "angular_zeta", "angular_lambda"):
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
            "acsf",
            ACSFConfig,
            "xreg.plugins.acsf.acsf:ACSF",
            summary="atom-centred symmetry functions of distances and angles at the absorber",
            search={
                "wide": {
                    "cutoff": {"choice": [3.0, 4.0, 5.0, 6.0, 8.0]},
                    "radial_count": {"int": [5, 80]},
                    "angular": {"choice": ["g4", "g5"]},
                    "angular_eta": {
                        "choice": [
                            [0.01],
                            [0.005, 0.04, 0.25],
                            [0.005, 0.015, 0.04, 0.1, 0.25, 0.6],
                        ]
                    },
                    "angular_zeta": {"choice": [[1.0, 4.0], [1.0, 2.0, 4.0, 8.0, 16.0]]},
                }
            },
        )
    ]
