"""Settings of the analyses of absorption edges, and of those that train anew; nothing heavy."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

__all__ = []

SEED_LIMIT = 2**31 - 1
Percentile = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(gt=0, le=1)]
Window = tuple[float, float]
