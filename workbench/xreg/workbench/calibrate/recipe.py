"""What a calibration can be told."""

from __future__ import annotations

from typing import ClassVar

from xreg.core.config import setting
from xreg.workbench.evaluate.recipe import Judged

__all__ = ["CalibrationRecipe"]


class CalibrationRecipe(Judged):
    """Which model is brought to which measured spectra."""

    command: ClassVar[str] = "calibrate"
    word: ClassVar[str] = "calibrate"

    group: str | None = setting(
        None,
        description="Label of what may not be divided between learning and judging (a compound, a "
        "trajectory); without it every sample stands for itself.",
    )
    reach: float = setting(
        5.0,
        unit="eV",
        gt=0,
        le=100,
        description="Largest shift and broadening that are looked for.",
    )
    correct: bool = setting(
        True,
        description="Whether more than shift, broadening and scale is learned where enough spectra "
        "are given and held-out ones come out better.",
    )
    seed: int = setting(0, ge=0, description="Seed of the folds.")
