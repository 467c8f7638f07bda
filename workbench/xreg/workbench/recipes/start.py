"""The model that a training starts from: found, proved, and its settings taken over."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zipfile import BadZipFile

import numpy as np

from xreg.core.errors import ConfigError, DataError, UnknownNameError
from xreg.core.interfaces.blocks import Blocks, parts_of
from xreg.core.text import counted
from xreg.workbench.recipes.sections import AnyRecipe, StartSection

if TYPE_CHECKING:
    from xreg.core.interfaces import Descriptor
    from xreg.core.model.model import Model
    from xreg.registry.models import SavedModel

__all__ = ["Start", "exact_start", "start_model", "with_settings_of"]

RecipeT = TypeVar("RecipeT", bound=AnyRecipe)


@dataclass(frozen=True, eq=False)
class Start:
    """A trained model to start from.

    Attributes
    ----------
    model
        The model.
    section
        Its exact version and hash.
    trained_on
        Ids of the samples that it was trained on, or stopped by; none where that is not known.
    """

    model: Model
    section: StartSection
    trained_on: frozenset[str]

    def seen(self, ids: Iterable[str]) -> str:
        """Say that samples to judge by were trained on, for scores on them mean little."""
        known = self.trained_on.intersection(ids)
        if not known:
            return ""
        return (
            f"{self.section.title} was trained on {counted(len(known), 'sample')} of the same id "
            f"as those that are judged here (first: {min(known)}): unless they are others, scores "
            "are too good."
        )


def start_model(section: StartSection, registry: str | None = None) -> Start:
    """Return a trained model, its section with exact version and hash.

    Parameters
    ----------
    section
        What the recipe says.
    registry
        Where to look first; the usual search without it, and where it has no such model.

    Raises
    ------
    DataError
        If its hash is not the one that the section states.
    UnknownNameError
        If there is no such model.
    """
    from xreg.registry.models import load_model

    saved = _find(section.model, registry)
    exact = exact_start(saved)
    if section.hash and section.hash != exact.hash:
        raise DataError(
            f"the model '{section.model}' to start from has the hash {exact.hash}, not "
            f"{section.hash} as the recipe says."
        )
    return Start(load_model(saved.folder), exact, _trained_on(saved.folder.parent))


def exact_start(saved: SavedModel) -> StartSection:
    """Return the exact version of a saved model and its hash."""
    from xreg.core.files import folder_hash

    if saved.found is not None:
        return StartSection(model=saved.reference, hash=saved.found.entry.hash)
    return StartSection(model=os.path.abspath(saved.reference), hash=folder_hash(saved.folder))


def _trained_on(folder: Path) -> frozenset[str]:
    try:
        with np.load(folder / "splits.npz", allow_pickle=False) as parts:
            named = [parts[part].tolist() for part in ("train", "validation") if part in parts]
    except (OSError, ValueError, BadZipFile):
        return frozenset()
    return frozenset(str(one) for part in named for one in part)


def _find(reference: str, registry: str | None) -> SavedModel:
    from xreg.registry.models import find_model

    if registry is not None:
        with suppress(UnknownNameError):
            return find_model(reference, registry)
    return find_model(reference)


def with_settings_of(section: StartSection | None, recipe: RecipeT) -> RecipeT:
    """Return a recipe in which what it leaves open is as in the model that it starts from.

    Raises
    ------
    ConfigError
        If the recipe scales or filters otherwise than the model, whose weights would mean nothing.
    """
    if section is None:
        return recipe
    plain = recipe.plain()
    start = start_model(section, plain["dataset"]["registry"])
    model, exact = start.model, start.section
    emulator = plain["emulator"]
    own: dict[str, Any] = {}
    if emulator["name"] == model.emulator.name:  # else the pipeline says that it is another
        own = model.emulator.config.model_dump(mode="json")
        own.pop("seed", None)
    plain["emulator"] = {**own, **emulator, "start": exact.model_dump(mode="json")}
    if model.descriptor is not None:
        plain["descriptor"] = _described(plain["descriptor"], model.descriptor)
    kept = model.preprocessing
    features = {"scaling": kept.features, **vars(kept.filter)}
    for place, settings in (("features", features), ("target", {"scaling": kept.targets})):
        stated = getattr(recipe, place).model_fields_set
        for name, value in settings.items():
            if name in stated and plain[place][name] != value:
                raise ConfigError(
                    f"'{place}.{name}' is {plain[place][name]}, and the model to start from was "
                    f"trained with {value}, which its weights are for; leave it out."
                )
            plain[place][name] = value
    if plain["features"]["weights"] is not None:  # a model keeps them in its scalings alone
        raise ConfigError(
            "'features.weights' cannot be chosen for training that starts from a model, whose "
            "blocks of features keep the weights that it was trained with; leave it out."
        )
    return type(recipe).parse(plain, recipe.word)


def _described(given: Any, own: Descriptor) -> Any:
    """Return a recipe's descriptors with the settings of the trained ones that they leave open.

    Others than the trained ones stay as they are: the pipeline says that they are others.
    """
    trained = [
        {"name": part.name, **part.config.model_dump(mode="json")}
        for part in parts_of(own).values()
    ]
    several = isinstance(own, Blocks)
    if not given:
        return trained if several else trained[0]
    if isinstance(given, list) != several:
        return given
    stated = given if several else [given]
    if [one["name"] for one in stated] != [one["name"] for one in trained]:
        return given
    merged = [theirs | mine for theirs, mine in zip(trained, stated, strict=True)]
    return merged if several else merged[0]
