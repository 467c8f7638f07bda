"""The descriptor ``soap``: its settings and where its class is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from xreg.core.atoms.elements import SiteConfig, Symbol
from xreg.core.config import setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.0"

Cutoff = Annotated[float, Field(gt=1, le=20)]
Sigma = Annotated[float, Field(gt=0, le=5)]
Named = Literal["one", "Z", "electronegativity", "covalent_radius", "group", "light"]
Weight = Named | Annotated[dict[Symbol, float], Field(min_length=1)]


class SOAPConfig(SiteConfig):
    """Settings of the descriptor ``soap``."""

    cutoff: Cutoff | Annotated[tuple[Cutoff, ...], Field(min_length=1)] = setting(
        6.0, unit="Å", description="Radius of the surroundings; several radii give a block each."
    )
    sigma: Sigma | Annotated[tuple[Sigma, ...], Field(min_length=1)] = setting(
        0.5,
        unit="Å",
        description="Standard deviation of the Gaussian that stands for an atom; one for all "
        "radii, or one for each.",
    )
    n_max: int = setting(8, ge=1, le=20, description="Number of radial basis functions.")
    l_max: int = setting(8, ge=0, le=20, description="Highest degree of spherical harmonics.")
    basis: Literal["gto", "polynomial"] = setting(
        "gto", description="Radial basis: Gaussian-type orbitals, or polynomials."
    )
    compression: Literal["off", "mu1nu1", "mu2", "crossover"] = setting(
        "off",
        description="Which element pairs have columns: all (off), each element with the sum of "
        "all (mu1nu1), only the sum with itself (mu2), each element with itself (crossover).",
    )
    weights: Annotated[tuple[Weight, ...], Field(min_length=1)] = setting(
        ("one",),
        description="How much an atom counts by its element in the sums of mu1nu1 and mu2; a "
        "property's name or {symbol: number}; each entry gives a block.",
    )
    decay: Literal["none", "poly", "pow", "exp"] = setting(
        "none", description="How an atom counts less with its distance (dscribe's weighting)."
    )
    decay_r0: float = setting(
        3.0, unit="Å", gt=0, le=50, description="Length r0 of the decay; for poly it ends there."
    )
    decay_m: float = setting(2.0, ge=0, le=20, description="Exponent m of poly and pow.")
    decay_c: float = setting(1.0, ge=0, le=1e6, description="Prefactor c of the decay.")
    decay_d: float = setting(1.0, ge=0, le=1e6, description="Offset d of pow and exp.")
    center_weight: float | None = setting(
        None,
        ge=0,
        le=1e6,
        description="How much the absorber itself counts, in place of the decay's value; 0 hides "
        "it.",
    )
    transform: Literal["none", "sqrt"] = setting(
        "none",
        description="sqrt takes the square root of each feature's size and keeps its sign: "
        "features, which are products of two densities, then grow as the densities do.",
    )

    @property
    def scales(self) -> list[tuple[float, float]]:
        """Cutoff and sigma of each block."""
        cutoffs = self.cutoff if isinstance(self.cutoff, tuple) else (self.cutoff,)
        sigmas = self.sigma if isinstance(self.sigma, tuple) else (self.sigma,) * len(cutoffs)
        return list(zip(cutoffs, sigmas, strict=True))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if isinstance(self.sigma, tuple):
            radii = len(self.cutoff) if isinstance(self.cutoff, tuple) else 1
            if len(self.sigma) != radii:
                raise ValueError(
                    f"'sigma' has {len(self.sigma)} values for {radii} cutoff(s); give one for "
                    "all, or one for each"
                )
        if len(set(self.scales)) != len(self.scales):
            raise ValueError("'cutoff' names one block twice")
        if self.weights != ("one",) and self.compression not in {"mu1nu1", "mu2"}:
            raise ValueError("'weights' other than ['one'] need compression mu1nu1 or mu2")
        if any(self.weights.count(weight) > 1 for weight in self.weights):
            raise ValueError("'weights' names one twice")
        return self


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the descriptor."""
    return [
        ComponentSpec(
            "descriptor",
            "soap",
            SOAPConfig,
            "xreg.plugins.soap.soap:SOAP",
            summary="power spectrum of the smoothed atomic density about the absorber",
            search={
                "wide": {
                    "cutoff": {"choice": [3.0, 4.0, 5.0, 6.0, 8.0]},
                    "n_max": {"int": [2, 10]},
                    "l_max": {"int": [1, 8]},
                    "sigma": {"log": [0.1, 1.0]},
                    "basis": {"choice": ["gto", "polynomial"]},
                    "transform": {"choice": ["none", "sqrt"]},
                },
                # Eronen et al., Phys. Chem. Chem. Phys. 26, 22752 (2024), supplement, Table IV.
                "published": {
                    "cutoff": 6.5,
                    "n_max": {"int": [4, 8]},
                    "l_max": {"int": [4, 8]},
                    "sigma": {"choice": [0.25, 0.5, 0.75, 1.0]},
                    "basis": "gto",
                    "decay": "pow",
                    "decay_c": {"choice": [0.25, 0.5, 1.0, 2.0, 4.0]},
                    "decay_d": {"choice": [0.25, 0.5, 1.0, 2.0, 4.0]},
                    "decay_m": {"choice": [2.0, 4.0, 6.0, 8.0]},
                    "decay_r0": {"choice": [1.0, 2.0, 3.0, 4.0]},
                    "molecules": 6.0,
                },
            },
        )
    ]
