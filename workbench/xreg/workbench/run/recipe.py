"""The recipe of a run, and the objects that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from xreg.core.config import Config, setting
from xreg.core.errors import ConfigError, UnknownNameError, did_you_mean
from xreg.registry.plugins import host
from xreg.workbench.recipes.data import open_data
from xreg.workbench.recipes.load import complete, load, load_one, slug
from xreg.workbench.recipes.sections import (
    NAME,
    SEED_LIMIT,
    AnyRecipe,
    BadPolicy,
    ComponentSection,
    DatasetSection,
    EmulatorSection,
    FeaturesSection,
    Labelled,
    ReportSection,
    bad_policy,
)
from xreg.workbench.recipes.splits import SplitSection
from xreg.workbench.recipes.start import Start, start_model, with_settings_of
from xreg.workbench.recipes.targets import TargetSection

if TYPE_CHECKING:
    from xreg.core.data.dataset import Dataset
    from xreg.core.data.spectra import Channel
    from xreg.core.data.splits import Split
    from xreg.core.model.pipeline import Pipeline

__all__ = ["Recipe", "Resolved", "load_recipe", "load_recipes", "resolve"]


Several = Annotated[tuple[ComponentSection, ...], Field(min_length=1, max_length=20)]


class CalibrationSection(Config):
    """What the intervals of predictions are learned from, besides the validation part."""

    folds: int = setting(
        0,
        ge=0,
        le=100,
        description="So many further trainings, each on all training samples but a fold, whose "
        "errors are used too; 0 for none.",
    )
    group: str | None = setting(
        None,
        description="Label whose groups those folds keep together; formulas where samples have "
        "several, else the groups of the split.",
    )

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.folds == 1:
            raise ValueError("'folds' must be 0 or at least 2")
        return self


class Recipe(AnyRecipe):
    """Everything that makes a run."""

    command: ClassVar[str] = "run"

    name: str = setting("", pattern=r"^$|" + NAME, description="Name of the run.")
    dataset: DatasetSection = setting(description="The dataset.")
    target: TargetSection = setting(TargetSection(), description="What is predicted.")
    split: SplitSection = setting(SplitSection(), description="Train, validation and test.")
    descriptor: ComponentSection | Several | None = setting(
        None,
        description="The descriptor; a list of several puts their columns side by side; none for "
        "an emulator that takes samples.",
    )
    features: FeaturesSection = setting(
        FeaturesSection(), description="Which features are kept, and how they are scaled."
    )
    emulator: EmulatorSection = setting(description="The emulator.")
    decomposers: Labelled = setting({}, description="The decomposers, by label.")
    analyses: Labelled | None = setting(
        None,
        description="The analyses, by label; those that apply and cost little if not given.",
    )
    calibration: CalibrationSection = setting(
        CalibrationSection(), description="What intervals are learned from."
    )
    report: ReportSection = setting(ReportSection(), description="What the report shows.")
    bad: BadPolicy = bad_policy()
    seed: int = setting(
        0, ge=0, le=SEED_LIMIT, description="Seed of every component and split that states none."
    )

    def default_name(self) -> str:
        """Return dataset, descriptor and emulator in one name."""
        steps = [*self.descriptors.values(), self.emulator]
        dataset = self.dataset.name or Path(self.dataset.path or "").stem
        return slug("-".join([dataset, *(step.name for step in steps)]))

    @property
    def descriptors(self) -> dict[str, ComponentSection]:
        """The descriptors by the label of their columns: the name, with a number where it repeats.

        One alone has its name.
        """
        found: dict[str, ComponentSection] = {}
        given = self.descriptor if isinstance(self.descriptor, tuple) else (self.descriptor,)
        for section in filter(None, given):
            same = sum(other.name == section.name for other in found.values())
            found[f"{section.name}-{same + 1}" if same else section.name] = section
        return found

    def checked(self) -> Self:
        """Return the recipe with the settings of all components filled in.

        Those that a model to start from has are its own.
        """
        if self.report.descriptor is not None:
            host().get("descriptor", self.report.descriptor)
        recipe = with_settings_of(self.emulator.start, self)
        weights = recipe.features.weights
        if isinstance(weights, dict) and (
            unknown := next((k for k in weights if k not in recipe.descriptors), None)
        ):
            raise UnknownNameError(
                f"features.weights: no descriptor of the list is called '{unknown}'"
                f"{did_you_mean(unknown, recipe.descriptors)}."
            )
        if weights is not None and not isinstance(recipe.descriptor, tuple):
            raise ConfigError(
                "features.weights are of several descriptors; give a list of them, or no weights."
            )
        return complete(recipe)


load_recipe = partial(load_one, Recipe)
load_recipes = partial(load, Recipe)


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
    splits
        Train, validation and test of each split, by what tells it apart.
    pipeline
        What is to be fitted.
    start
        The trained model that its training starts from; None where it begins anew.
    """

    recipe: Recipe
    dataset: Dataset
    channel: Channel
    splits: Mapping[str, Split]
    pipeline: Pipeline
    start: Start | None = None

    @property
    def split(self) -> Split:
        """The first split, whose model is kept."""
        return next(iter(self.splits.values()))


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

    recipe = recipe.checked()
    filled, dataset, channel, splits = open_data(
        recipe.dataset, recipe.target, recipe.split, recipe.seed, recipe.calibration.group
    )
    section = recipe.emulator.start
    start = None if section is None else start_model(section, recipe.dataset.registry)
    pipeline = _pipeline(recipe, start)
    if pipeline.descriptor is not None:
        require_kind(pipeline.descriptor, dataset.samples)
    plain = recipe.plain() | filled
    if not plain["name"]:
        plain["name"] = recipe.default_name()
    return Resolved(Recipe.parse(plain, "recipe"), dataset, channel, splits, pipeline, start)


def _pipeline(recipe: Recipe, start: Start | None) -> Pipeline:
    from xreg.core.interfaces.blocks import Blocks
    from xreg.core.model.filters import FeatureFilter
    from xreg.core.model.pipeline import Pipeline
    from xreg.core.model.preprocessing import Preprocessing

    features = recipe.features

    def build(kind: str, section: ComponentSection) -> Any:
        return host().build(kind, section.name, section.settings)

    parts = {label: build("descriptor", one) for label, one in recipe.descriptors.items()}
    alone = None if recipe.descriptor is None else next(iter(parts.values()))
    weights = features.weights if isinstance(features.weights, dict) else {}
    return Pipeline(
        emulator=build("emulator", recipe.emulator),
        descriptor=Blocks(parts) if isinstance(recipe.descriptor, tuple) else alone,
        decomposers={k: build("decomposer", s) for k, s in recipe.decomposers.items()},
        start=None if start is None else start.model,
        preprocessing=Preprocessing(
            FeatureFilter(features.variance, features.correlation, features.variance_share),
            features.scaling,
            recipe.target.scaling,
            tuple(weights.items()),
        ),
    )
