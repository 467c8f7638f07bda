"""What the arguments of :mod:`xreg.api` stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from xreg.workbench.notebook.calibrating import CalibrationResult
from xreg.workbench.notebook.models import TrainedModel
from xreg.workbench.notebook.results import RunResult

if TYPE_CHECKING:
    from xreg.workbench.recipes.sections import AnyRecipe

__all__ = ["AnyModel", "Recipe", "free_folder", "loaded", "reference_of"]

Recipe = str | Path | Mapping[str, Any]
AnyModel = str | Path | RunResult | TrainedModel | CalibrationResult
RecipeT = TypeVar("RecipeT", bound="AnyRecipe")


def loaded(
    kind: type[RecipeT],
    recipe: Recipe,
    settings: Sequence[str] = (),
    only: Sequence[str] = (),
    *,
    allow_code: bool = False,
) -> dict[str, RecipeT]:
    """Return the recipes of a file, or of a dictionary of the same form, by name."""
    from xreg.workbench.recipes.load import load

    return load(kind, recipe, None, settings, only, allow_code=allow_code)


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
