"""The descriptor ``gt``: its settings and where its class is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import model_validator

from xreg.core.atoms.elements import SiteConfig
from xreg.core.config import setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.0"


class GTConfig(SiteConfig):
    """Settings of the descriptor ``gt``.

    The defaults give 425 columns for each element.
    """

    cutoff: float = setting(
        6.0, unit="Å", gt=0, le=20, description="Radius at which every function reaches zero."
    )
    width_first: float = setting(
        0.5, unit="Å", gt=0, le=20, description="Smallest width σ of the Gaussians."
    )
    width_last: float | None = setting(
        None,
        unit="Å",
        gt=0,
        le=100,
        description="Largest width σ; the cutoff where not given. Widths lie in even steps.",
    )
    scalar_count: int = setting(
        125, ge=0, le=2000, description="Number of widths of the scalars: a column each."
    )
    vector_count: int = setting(
        100, ge=0, le=2000, description="Number of widths of the vectors: a column each."
    )
    tensor_count: int = setting(
        100, ge=0, le=2000, description="Number of widths of the tensors: two columns each."
    )
    normalization: Literal["gaussian", "none"] = setting(
        "gaussian",
        description="Factor of each width's Gaussian: (2πσ²)^(-3/2), which gives it the volume 1, "
        "or 1.",
    )

    @property
    def end(self) -> float:
        """Largest width (Å)."""
        return self.cutoff if self.width_last is None else self.width_last

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.width_first >= self.end:
            raise ValueError("'width_first' must be less than 'width_last'")
        if not self.scalar_count + self.vector_count + self.tensor_count:
            raise ValueError("'scalar_count', 'vector_count' and 'tensor_count' cannot all be 0")
        return self


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the descriptor."""
    return [
        ComponentSpec(
            "descriptor",
            "gt",
            GTConfig,
            "xreg.plugins.gt.gt:GT",
            summary="Gaussian tensors: scalars, vectors and tensors of the density of neighbours",
            search={
                "wide": {
                    "cutoff": {"choice": [3.0, 4.0, 5.0, 6.0, 8.0]},
                    "width_first": {"log": [0.1, 1.0]},
                    "scalar_count": {"int": [5, 150]},
                    "vector_count": {"int": [0, 120]},
                    "tensor_count": {"int": [0, 120]},
                    "normalization": {"choice": ["gaussian", "none"]},
                },
                # Eronen et al., Phys. Chem. Chem. Phys. 26, 22752 (2024), supplement, Table VI.
                "published": {
                    "cutoff": 6.5,
                    "width_first": {"choice": [0.025, 0.05, 0.1, 0.2, 0.4]},
                    "width_last": {"choice": [4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]},
                    "scalar_count": {"choice": [10, 25, 50, 75, 100, 125, 150]},
                    "vector_count": {"choice": [10, 20, 40, 60, 80, 100]},
                    "tensor_count": {"choice": [10, 20, 40, 60, 80, 100]},
                    "molecules": 6.0,
                },
            },
        )
    ]
