"""Declares the descriptor ``polynomial``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from xreg.core.config import Config, Rising, setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.0"

Limit = Annotated[float, Field(ge=-1e12, le=1e12)]


class PolynomialConfig(Config):
    """Settings of the descriptor ``polynomial``."""

    degree: int = setting(3, ge=1, le=10, description="Highest degree of the products.")
    box: Literal["unit", "symmetric"] = setting(
        "unit", description="Each parameter is mapped to [0, 1] (unit) or [-1, 1] (symmetric)."
    )
    limits: dict[str, Annotated[tuple[Limit, Limit], Rising]] = setting(
        {},
        description="Lowest and highest value of parameters, by name and in their own units; the "
        "least and greatest value in training where not given.",
    )


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
