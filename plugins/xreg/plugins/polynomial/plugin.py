"""Declares the descriptor ``polynomial``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.0"

Limit = Annotated[float, Field(ge=-1e12, le=1e12)]


class PolynomialConfig(Config):
    """Settings of the descriptor ``polynomial``."""

    degree: int = setting(3, ge=1, le=10, description="Highest degree of the products.")
    box: Literal["unit", "symmetric"] = setting(
        "unit", description="Each parameter is mapped to [0, 1] (unit) or [-1, 1] (symmetric)."
    )
    limits: dict[str, tuple[Limit, Limit]] = setting(
        {},
        description="Lowest and highest value of parameters, by name and in their own units; the "
        "least and greatest value in training where not given.",
    )

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        for name, (low, high) in self.limits.items():
            if not low < high:
                raise ValueError(f"the limits of '{name}' must ascend, got {low:g}, {high:g}")
        return self


@hookimpl
def xreg_components() -> Sequence[ComponentSpec]:
    """Offer the descriptor."""
    return [
        ComponentSpec(
            "descriptor",
            "polynomial",
            PolynomialConfig,
            "xreg.plugins.polynomial.polynomial:Polynomial",
            summary="products of box-normalised parameters up to a degree (scikit-learn)",
        )
    ]
