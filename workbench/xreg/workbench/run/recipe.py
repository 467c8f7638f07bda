"""The recipe of a run, and the objects that it names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from xreg.core.config import setting
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
    FeaturesSection,
    Labelled,
    ReportSection,
    bad_policy,
)
from xreg.workbench.recipes.splits import SplitSection
from xreg.workbench.recipes.targets import TargetSection

if TYPE_CHECKING:
    from xreg.core.data.dataset import Dataset
    from xreg.core.data.spectra import Channel
    from xreg.core.data.splits import Split
    from xreg.core.model.pipeline import Pipeline

__all__ = ["Recipe", "Resolved", "load_recipe", "load_recipes", "resolve"]


class Recipe(AnyRecipe):
    """Everything that makes a run."""

    command: ClassVar[str] = "run"

    name: str = setting("", pattern=r"^$|" + NAME, description="Name of the run.")
    dataset: DatasetSection = setting(description="The dataset.")
    target: TargetSection = setting(TargetSection(), description="What is predicted.")
    split: SplitSection = setting(SplitSection(), description="Train, validation and test.")
    descriptor: ComponentSection | None = setting(
        None, description="The descriptor; none for an emulator that takes samples."
    )
    features: FeaturesSection = setting(
        FeaturesSection(), description="Which features are kept, and how they are scaled."
    )
    emulator: ComponentSection = setting(description="The emulator.")
    decomposers: Labelled = setting({}, description="The decomposers, by label.")
    analyses: Labelled | None = setting(
        None,
        description="The analyses, by label; those that apply and cost little if not given.",
    )
    report: ReportSection = setting(ReportSection(), description="What the report shows.")
    bad: BadPolicy = bad_policy()
    seed: int = setting(
        0, ge=0, le=SEED_LIMIT, description="Seed of every component and split that states none."
    )

    def default_name(self) -> str:
        """Return dataset, descriptor and emulator in one name."""
        steps = [step for step in (self.descriptor, self.emulator) if step is not None]
        dataset = self.dataset.name or Path(self.dataset.path or "").stem
        return slug("-".join([dataset, *(step.name for step in steps)]))

    def checked(self) -> Self:
        """Return the recipe with the settings of all components filled in."""
        if self.report.descriptor is not None:
            host().get("descriptor", self.report.descriptor)
        return complete(self)


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

    recipe = recipe.checked()
    filled, dataset, channel, split = open_data(
        recipe.dataset, recipe.target, recipe.split, recipe.seed
    )
    pipeline = _pipeline(recipe)
    if pipeline.descriptor is not None:
        require_kind(pipeline.descriptor, dataset.samples)
    plain = recipe.plain() | filled
    if not plain["name"]:
        plain["name"] = recipe.default_name()
    return Resolved(Recipe.parse(plain, "recipe"), dataset, channel, split, pipeline)


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
        decomposers={k: build("decomposer", s) for k, s in recipe.decomposers.items()},
        preprocessing=Preprocessing(
            FeatureFilter(features.variance, features.correlation, features.variance_share),
            features.scaling,
            recipe.target.scaling,
        ),
    )
