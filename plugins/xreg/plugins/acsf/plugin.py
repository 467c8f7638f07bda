"""The descriptor ``acsf``: its settings and where its class is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from xreg.core.atoms.elements import SiteConfig
from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.0"

Eta = Annotated[float, Field(gt=0, le=1e4)]
Zeta = Annotated[float, Field(gt=0, le=1e3)]
Kappa = Annotated[float, Field(ge=0, le=100)]


class EtaGrid(Config):
    """Exponents η even in the logarithm."""

    first: Eta = setting(unit="1/Å²", description="Smallest exponent.")
    last: Eta = setting(unit="1/Å²", description="Largest exponent.")
    count: int = setting(ge=2, le=1000, description="Number of exponents.")

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.first >= self.last:
            raise ValueError("'first' must be less than 'last'")
        return self

    @property
    def values(self) -> tuple[float, ...]:
        """The exponents (1/Å²)."""
        steps = self.count - 1
        ratio = self.last / self.first
        return tuple(self.first * ratio ** (i / steps) for i in range(self.count))


class ACSFConfig(SiteConfig):
    """Settings of the descriptor ``acsf``.

    The defaults give three elements 61 columns for each element and 60 for each pair.
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
        description="Centre of the first G2; the others follow in even steps.",
    )
    radial_last: float | None = setting(
        None,
        unit="Å",
        gt=0,
        le=20,
        description="Centre of the last G2; where none is given the centres go on to the cutoff, "
        "on which none stands.",
    )
    radial_eta: Eta | None = setting(
        None,
        unit="1/Å²",
        description="Exponent η of G2; where none is given 1/(2Δ²), with Δ the step between "
        "centres.",
    )
    radial_eta_relative: Annotated[float, Field(gt=0, le=1e4)] | None = setting(
        None,
        description="a of an exponent η = a/R² that follows the centre R of each G2, in place of "
        "one η for all: 12.5 makes the standard deviation a fifth of R.",
    )
    kappa: Annotated[tuple[Kappa, ...], Field(max_length=1000)] = setting(
        (), unit="1/Å", description="Wave numbers κ of the radial cosine functions G3."
    )
    angular: Literal["g4", "g5", "none"] = setting(
        "g4",
        description="Angular functions for each pair of elements: G4 also asks that the two "
        "neighbours be near each other, G5 does not.",
    )
    angular_eta: EtaGrid | Annotated[tuple[Eta, ...], Field(min_length=1, max_length=1000)] = (
        setting(
            (0.005, 0.015, 0.04, 0.1, 0.25, 0.6),
            unit="1/Å²",
            description="Exponents η of the angular functions: a list, or {first, last, count} of "
            "values even in the logarithm.",
        )
    )
    angular_zeta: Annotated[tuple[Zeta, ...], Field(min_length=1, max_length=1000)] = setting(
        (1.0, 2.0, 4.0, 8.0, 16.0), description="Exponents ζ: the larger, the narrower in angle."
    )
    angular_lambda: Annotated[tuple[Literal[-1, 1], ...], Field(min_length=1, max_length=2)] = (
        setting((-1, 1), description="Signs λ: 1 peaks at 0°, -1 at 180°.")
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        last = self.cutoff if self.radial_last is None else self.radial_last
        if not self.radial_first < last <= self.cutoff:
            raise ValueError(
                "'radial_first' must be less than 'radial_last', and that within 'cutoff'"
                if self.radial_last is not None
                else "'radial_first' must be less than 'cutoff'"
            )
        if self.radial_eta_relative is not None:
            if self.radial_eta is not None:
                raise ValueError("'radial_eta' and 'radial_eta_relative' exclude each other")
            if self.radial_count and not self.radial_first:
                raise ValueError("'radial_eta_relative' needs a 'radial_first' above zero")
        for name in ("kappa", "etas", "angular_zeta", "angular_lambda"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"'{name.replace('etas', 'angular_eta')}' names a value twice")
        return self

    @property
    def etas(self) -> tuple[float, ...]:
        """Exponents η of the angular functions (1/Å²)."""
        given = self.angular_eta
        return given.values if isinstance(given, EtaGrid) else given


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
                },
                # Eronen et al., Phys. Chem. Chem. Phys. 26, 22752 (2024), supplement, Table V.
                "published": {
                    "cutoff": 6.5,
                    "radial_count": {"choice": [10, 20, 30, 40, 50, 60, 70, 80]},
                    "radial_first": 0.7,
                    "radial_last": 6.5,
                    "radial_eta_relative": 12.5,
                    "angular": "g4",
                    "angular_eta": {
                        "first": {"choice": [1e-4, 1e-3, 1e-2, 1e-1]},
                        "last": {"choice": [1.0, 2.0, 3.0, 4.0]},
                        "count": {"choice": [5, 10, 15, 20, 25, 30]},
                    },
                    "angular_zeta": {
                        "choice": [[2.0**x for x in range(most + 1)] for most in (5, 6, 7, 8)]
                    },
                    "angular_lambda": [-1, 1],
                    "molecules": 6.0,
                },
            },
        )
    ]
