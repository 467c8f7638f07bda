"""What the arguments of :mod:`xreg.api` stand for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xreg.workbench.notebook.calibrating import CalibrationResult
from xreg.workbench.notebook.models import TrainedModel
from xreg.workbench.notebook.results import RunResult

__all__ = ["AnyModel", "Recipe", "free_folder", "reference_of"]

Recipe = str | Path | Mapping[str, Any]
AnyModel = str | Path | RunResult | TrainedModel | CalibrationResult


def reference_of(model: AnyModel) -> str:
    """Return what a model is called."""
    if isinstance(model, RunResult | CalibrationResult):
        return str(model.folder)
    return model.reference if isinstance(model, TrainedModel) else str(model)


def free_folder(folder: str, name: str) -> Path:
    """Return a place in a folder that is free, with a number behind the name where it must be."""
    stem = "".join(c if c.isalnum() or c in "-_.@" else "-" for c in Path(name).name)
    numbered = (Path(folder) / f"{stem}{f'-{i}' if i else ''}" for i in range(10**6))
    return next(path for path in numbered if not path.exists())
