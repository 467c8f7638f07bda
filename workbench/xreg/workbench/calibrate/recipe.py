"""What a calibration can be told."""

from __future__ import annotations

from typing import Any, ClassVar

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
    fine_tune: bool | None = setting(
        None,
        description="Whether the network is trained on with the measured spectra, which is kept if "
        "held-out ones come out better than by calibration alone; from fifty spectra of four "
        "groups on if not given.",
    )
    emulator: dict[str, Any] = setting(
        {},
        description="Settings of the emulator for that training, such as epochs and "
        "learning_rate; others are as the model was trained.",
    )
    seed: int = setting(0, ge=0, description="Seed of the folds.")
