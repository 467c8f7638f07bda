"""What ``xreg grow`` reads: a pool, a generator, a model, and when to stop."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from xreg.core.config import Config, setting
from xreg.workbench.generate.recipe import Bits, SamplesSection
from xreg.workbench.process.process import Processing
from xreg.workbench.recipes.sections import (
    SEED_LIMIT,
    AnyRecipe,
    BadPolicy,
    ComponentSection,
    FeaturesSection,
    NewDataset,
    bad_policy,
)
from xreg.workbench.recipes.targets import TargetSection

__all__ = ["GrowRecipe", "GrowthSection", "TestSection"]


class GrowthSection(Config):
    """How many samples are computed at a time, which ones, and when that ends."""

    start: int = setting(50, ge=4, description="Samples drawn at random before the first model.")
    batch: int = setting(50, ge=1, description="Samples that are added in a round.")
    budget: int = setting(
        500, ge=4, description="Samples to compute in all, those of the test not counted."
    )
    error: float | None = setting(
        None,
        gt=0,
        lt=1,
        description="Stop when the relative error on the test samples, √(1 − R²), is not above "
        "this; a model that gives the mean spectrum has 1.",
    )
    choose: Literal["spread", "random"] = setting(
        "spread",
        description="Which samples come next: those of whose spectra the model is least sure, or "
        "any, as the comparison that every gain is to be held against.",
    )
    power: float = setting(
        1.0,
        ge=0,
        le=100,
        description="Samples are drawn with a probability that goes as this power of the spread: "
        "0 draws at random, a large one takes the largest spreads, which often are neighbours.",
    )
    candidates: int = setting(
        5000, ge=1, description="How many samples of the pool, at random, a round looks at."
    )
    validation: float = setting(
        0.1,
        ge=0,
        le=0.5,
        description="Share of the samples, at random, for the emulator's early stopping.",
    )

    @model_validator(mode="after")
    def _budget(self) -> Self:
        if self.budget < self.start:
            raise ValueError(f"the budget of {self.budget} is less than the {self.start} to start")
        return self


class TestSection(Config):
    """Samples that are set apart before anything is computed, to judge every round on."""

    __test__ = False  # the name is no test's

    count: int = setting(200, ge=10, description="How many, at random.")
    group: str | None = setting(
        None,
        description="Label whose groups are never divided between these and the others; whole "
        "groups are set apart until there are as many samples.",
    )


class GrowRecipe(AnyRecipe):
    """Everything that makes a dataset that grows where a model needs it."""

    command: ClassVar[str] = "grow"

    dataset: NewDataset = setting(description="Name, version, licence.")
    samples: SamplesSection = setting(description="The pool that samples are chosen from.")
    generator: ComponentSection = setting(description="What computes spectra.")
    growth: GrowthSection = setting(GrowthSection(), description="How it grows.")
    test: TestSection = setting(TestSection(), description="What it is judged on.")
    target: TargetSection = setting(TargetSection(), description="What the model predicts.")
    descriptor: ComponentSection | None = setting(
        None, description="The model's descriptor; none for an emulator that takes samples."
    )
    features: FeaturesSection = setting(
        FeaturesSection(), description="Which features are kept, and how they are scaled."
    )
    emulator: ComponentSection = setting(
        description="The model's emulator, which must know its spread (several members, or a "
        "Gaussian process)."
    )
    precision: dict[str, Bits] = setting(
        {}, unit="bit", description="Mantissa bits kept, as in a generation."
    )
    processing: Processing = setting(
        {}, description="Channels to make from those of the generator, as in a generation."
    )
    bad: BadPolicy = bad_policy()
    seed: int = setting(0, ge=0, le=SEED_LIMIT, description="Seed of every draw and component.")

    @property
    def store_name(self) -> str:
        """The store that is made."""
        return f"{self.dataset.name}-{self.dataset.version}.zarr"

    def checked(self) -> Self:
        """Return the recipe with the settings of all components filled in."""
        from xreg.workbench.recipes.load import complete

        return complete(self)
