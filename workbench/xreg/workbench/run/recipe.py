"""From a recipe file and flags to the recipe, its defaults, and the objects it names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xreg.core.errors import ConfigError, DataError, UnknownNameError, did_you_mean
from xreg.registry.consent import component_code, require_consent
from xreg.registry.plugins import host
from xreg.workbench.recipes.overrides import apply_setting, read_yaml, variants
from xreg.workbench.recipes.sections import (
    ComponentSection,
    DecomposerSection,
    Recipe,
    SplitSection,
    TargetSection,
)
from xreg.workbench.run import analyses

if TYPE_CHECKING:
    from xreg.core.data.dataset import Dataset, Split
    from xreg.core.data.spectra import Channel
    from xreg.core.model.pipeline import Pipeline

__all__ = [
    "Recipe",
    "Resolved",
    "anchor",
    "load_recipe",
    "load_recipes",
    "open_data",
    "resolve",
]


def load_recipe(
    path: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    settings: Sequence[str] = (),
    *,
    allow_code: bool = False,
) -> Recipe:
    """Read the recipe of one run; parameters and errors are those of :func:`load_recipes`."""
    recipes = load_recipes(path, overrides, settings, allow_code=allow_code)
    if list(recipes) != [""]:
        raise ConfigError(
            f"recipe '{path}' describes several runs: {', '.join(recipes)}; choose one of them."
        )
    return recipes[""]


def load_recipes(
    path: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    settings: Sequence[str] = (),
    only: Sequence[str] = (),
    *,
    allow_code: bool = False,
) -> dict[str, Recipe]:
    """Read a recipe, lay overrides over it, and check everything that needs no data.

    Parameters
    ----------
    path
        A YAML file; none where the overrides say everything. Its section ``each``
        (:func:`xreg.workbench.recipes.overrides.variants`) makes several runs of it.
    overrides
        Values that replace top-level keys of the file (those that are not None). A component of
        the file's name keeps the file's settings.
    settings
        ``key=value`` texts, applied last: ``emulator.width=128``, ``decomposers.eca.rank=3``.
    only
        Names below ``each`` to keep; all without it.
    allow_code
        Whether the user agrees to code in the file's settings of components.

    Returns
    -------
    dict
        The recipes by name, with the settings of every component complete; the name is empty where
        there is no ``each``.

    Raises
    ------
    ConfigError, UnknownNameError
        In one sentence, with the key that was probably meant.
    """
    file = None if path is None else Path(path)
    where = "recipe" if file is None else f"recipe '{file}'"
    recipes = {}
    for name, content in variants(read_yaml(file) if file else {}, where, only).items():
        if file is not None:
            anchor(content, file.resolve().parent)
        for key, value in (overrides or {}).items():
            if value is not None:
                content[key] = _replace(content.get(key), value)
        for text in settings:
            apply_setting(content, text)
        recipe = _parsed(
            content,
            where + (f" ({name})" if name else ""),
            allow_code=allow_code or file is None,
            own=[text.partition("=")[0].strip() for text in settings],
        )
        title = recipe.name or (_default_name(recipe) if file is None else _tame(file.stem))
        if name:
            title = f"{title}-{name}"
        recipes[name] = Recipe.parse({**recipe.plain(), "name": title}, where)
    return recipes


def _parsed(content: dict[str, Any], where: str, *, allow_code: bool, own: Sequence[str]) -> Recipe:
    if "emulator" not in content or "dataset" not in content:
        missing = " and ".join(k for k in ("dataset", "emulator") if k not in content)
        unknown = [k for k in content if k not in Recipe.model_fields]
        # A misspelt key says more than the one that is missing because of it.
        if not unknown:
            raise ConfigError(f"{where} names no {missing}; add it to the recipe or as a flag.")
    recipe = Recipe.parse(content, where)
    for kind, section in recipe.components():
        label = getattr(section, "label", None)
        place = f"decomposers.{label}" if label else kind
        require_consent(
            component_code(kind, section.name, section.settings),
            where,
            allow=allow_code,
            read="the file",
            own=[path.removeprefix(f"{place}.") for path in own if path.startswith(f"{place}.")],
            files=True,
        )
    return complete(recipe)


def anchor(content: dict[str, Any], folder: Path) -> None:
    """Make a store's path in a recipe file relative to that file's folder."""

    def anchored(value: Any) -> Any:
        is_store = isinstance(value, str) and value.endswith(".zarr")
        return str(folder / value) if is_store else value

    section = content.get("dataset")
    if isinstance(section, dict):
        section |= {key: anchored(section[key]) for key in ("path", "name") if key in section}
    elif section is not None:
        content["dataset"] = anchored(section)


def _replace(old: Any, new: Any) -> Any:
    """Return the new value of a key, merged with the old where both speak of one thing."""
    if isinstance(new, list):
        return [_replace(_find(old, entry), entry) for entry in new]
    old_name = old.get("name") if isinstance(old, dict) else old
    if isinstance(new, str) and isinstance(old, dict) and old_name == new:
        return old
    if isinstance(new, dict) and isinstance(old, dict):
        return {**old, **new}
    return new


def _find(entries: Any, name: Any) -> Any:
    for entry in entries if isinstance(entries, list) else ():
        if (entry.get("name") if isinstance(entry, dict) else entry) == name:
            return entry
    return None


def _default_name(recipe: Recipe) -> str:
    dataset = recipe.dataset.name or Path(recipe.dataset.path or "").stem
    parts = [dataset] + [s.name for kind, s in recipe.components() if kind != "decomposer"]
    return _tame("-".join(parts))


def _tame(text: str) -> str:
    """Return a text as a name: letters, digits and dashes, beginning with one of the first two."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", text).strip("._+-") or "run"


def complete(recipe: Recipe) -> Recipe:
    """Return the recipe with every component's settings validated and filled in.

    Components are not imported: their settings are all that is needed. A component with a ``seed``
    that the recipe leaves open takes the recipe's.
    """
    plain = recipe.plain()

    def fill(kind: str, section: ComponentSection) -> dict[str, Any]:
        config = host().get(kind, section.name).spec.config
        settings = section.settings
        if "seed" in config.model_fields:
            settings.setdefault("seed", recipe.seed)
        own = {"name": section.name}
        if isinstance(section, DecomposerSection):
            own["label"] = section.label
        parsed = config.parse(settings, f"{kind} {section.name}")
        return {**own, **parsed.model_dump(mode="json")}

    if recipe.report.descriptor is not None:
        host().get("descriptor", recipe.report.descriptor)
    if recipe.descriptor is not None:
        plain["descriptor"] = fill("descriptor", recipe.descriptor)
    plain["emulator"] = fill("emulator", recipe.emulator)
    plain["decomposers"] = [fill("decomposer", section) for section in recipe.decomposers]
    if recipe.analyses is not None:
        plain["analyses"] = [
            {"name": section.name}
            | analyses.complete(section.name, section.settings, recipe.seed).model_dump(mode="json")
            for section in recipe.analyses
        ]
    return Recipe.parse(plain, "recipe")


@dataclass(eq=False)
class Resolved:
    """A recipe and the objects that it names.

    Attributes
    ----------
    recipe
        Everything filled in: running it again gives the same numbers.
    dataset
        Opened, lazy.
    channel
        The target: windowed, coarsened or turned into moments as the recipe says.
    split
        Train, validation and test.
    pipeline
        What is to be fitted.
    """

    recipe: Recipe
    dataset: Dataset
    channel: Channel
    split: Split
    pipeline: Pipeline


def resolve(recipe: Recipe) -> Resolved:
    """Open the dataset, make the split, build the components.

    Raises
    ------
    UnknownNameError
        If the dataset, version, channel, split or label does not exist.
    DataError
        If the dataset is not the one whose hash the recipe states, or the parts do not fit.
    """
    from xreg.core.model.features import require_kind

    recipe = complete(recipe)
    filled, dataset, channel, split = open_data(recipe)
    pipeline = _pipeline(recipe)
    if pipeline.descriptor is not None:
        require_kind(pipeline.descriptor, dataset.samples)
    plain = recipe.plain() | filled
    if not plain["name"]:
        plain["name"] = _default_name(recipe)
    return Resolved(Recipe.parse(plain, "recipe"), dataset, channel, split, pipeline)


def open_data(recipe: Recipe) -> tuple[dict[str, Any], Dataset, Channel, Split]:
    """Return a recipe's sections on data, filled in, and what they name."""
    from xreg.registry.datasets import open_dataset

    section = recipe.dataset
    dataset = open_dataset(
        section.path or section.name, section.version, section.registry, spectra=False
    )
    if section.hash and dataset.hash and section.hash != dataset.hash:
        raise DataError(
            f"dataset '{dataset.metadata.name}' {dataset.metadata.version} has the hash "
            f"{dataset.hash}, but the recipe asks for {section.hash}; get the one it was made for, "
            "or clear 'dataset.hash'."
        )
    filled = recipe.model_dump(mode="json", include={"dataset", "target", "split"})
    filled["dataset"] |= {
        "name": dataset.metadata.name,
        "version": dataset.metadata.version,
        "path": str(Path(section.path).resolve()) if section.path else None,
        "hash": dataset.hash,
    }
    filled["target"]["channel"], channel = _target(recipe.target, dataset)
    if dataset.samples.lack:
        raise DataError(
            f"dataset '{dataset.metadata.name}' holds {dataset.samples.in_words}: no model can be "
            "trained on them; import the spectra together with structures or parameters."
        )
    filled["split"], split = _split(recipe, dataset)
    return filled, dataset, channel, split


def _target(section: TargetSection, dataset: Dataset) -> tuple[str, Channel]:
    from xreg.core.data.grids import coarsen
    from xreg.core.data.moments import spectral_moments

    names = list(dataset.spectra)
    name = section.channel or names[0]
    if name not in names:
        raise UnknownNameError(
            f"dataset '{dataset.metadata.name}' has no channel '{name}'{did_you_mean(name, names)}."
        )
    channel = dataset.spectra[name]
    if section.window is not None:
        channel = channel.window(*section.window)
    if section.points is not None:
        channel = coarsen(channel, section.points)
    if section.moments:
        channel = spectral_moments(channel, section.moments)
    return name, channel


def _split(recipe: Recipe, dataset: Dataset) -> tuple[dict[str, Any], Split]:
    from xreg.core.data.dataset import make_split

    section = recipe.split
    asked = section.model_dump(exclude_none=True)
    name = section.name or ("default" if not asked and "default" in dataset.splits else None)
    if name is not None:
        if name not in dataset.splits:
            hint = did_you_mean(name, dataset.splits)
            raise UnknownNameError(
                f"dataset '{dataset.metadata.name}' has no split '{name}'{hint}."
            )
        return SplitSection(name=name).model_dump(mode="json"), dataset.splits[name]
    fractions = section.fractions or (0.8, 0.1, 0.1)
    seed = recipe.seed if section.seed is None else section.seed
    filled = SplitSection(fractions=fractions, group=section.group, seed=seed)
    groups = dataset.label(section.group) if section.group else None
    split = make_split(dataset.samples.ids, fractions, seed=seed, groups=groups)
    return filled.model_dump(mode="json"), split


def _pipeline(recipe: Recipe) -> Pipeline:
    from xreg.core.model.filters import FeatureFilter
    from xreg.core.model.pipeline import Pipeline
    from xreg.core.model.preprocessing import Preprocessing

    features = recipe.features

    def build(kind: str, section: ComponentSection) -> Any:
        return host().build(kind, section.name, section.settings)

    return Pipeline(
        emulator=build("emulator", recipe.emulator),
        descriptor=build("descriptor", recipe.descriptor) if recipe.descriptor else None,
        decomposers={s.label: build("decomposer", s) for s in recipe.decomposers},
        preprocessing=Preprocessing(
            FeatureFilter(features.variance, features.correlation),
            features.scaling,
            recipe.target.scaling,
        ),
    )
