"""What ``xreg data generate`` reads: which samples, which generator, which dataset comes out."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from xreg.core.atoms.elements import Species
from xreg.core.config import Config, setting
from xreg.core.data.dataset import NAME_PATTERN
from xreg.core.data.spaces import ParameterRange, SamplingMethod
from xreg.workbench.process.process import Processing
from xreg.workbench.recipes.sections import (
    AnyRecipe,
    BadPolicy,
    ComponentSection,
    Frames,
    NewDataset,
    bad_policy,
)
from xreg.workbench.recipes.splits import SplitSection

__all__ = ["DrawSection", "GenerationRecipe", "LabelSection", "SamplesSection"]

Sites = Literal["one", "all", "distinct"]
Bits = Annotated[int, Field(ge=1, le=52)]
Name = Annotated[str, Field(pattern=NAME_PATTERN)]


class LabelSection(Config):
    """Where a label of the samples comes from."""

    key: str = setting("", description="Key of the frame's info, or column; the label's own name.")
    unit: str = setting("", description="Unit of the label.")


# ``labels: {trajectory:, step:}`` is YAML for labels without a value: all defaults.
Label = Annotated[LabelSection, BeforeValidator(lambda value: {} if value is None else value)]


class DrawSection(Config):
    """Samples drawn from a parameter space."""

    space: str | dict[str, ParameterRange] = setting(
        "",
        description="A space that the generator offers (xreg plugins show NAME), or the range of "
        "each parameter, written out.",
    )
    change: dict[str, ParameterRange] = setting(
        {}, description="Other ranges for some parameters of a ready space."
    )
    count: int = setting(0, ge=0, le=100_000_000, description="How many samples to draw.")
    method: SamplingMethod = setting(
        "sobol",
        description="sobol (a scrambled Sobol sequence) or random; more samples append to fewer.",
    )
    seed: int = setting(0, ge=0, description="Seed of the draw.")

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if self.space and not self.count:
            raise ValueError("needs a count, of 1 at least, beside a space")
        if not self.space and (self.count or self.change):
            raise ValueError("has a count or a change, which go with a space")
        return self


class SamplesSection(DrawSection):
    """The samples to compute: structures (xyz, extxyz), a table (csv), or drawn from a space."""

    sets: dict[Name, DrawSection] = setting(
        {},
        description="Several draws in one dataset, by name; the label 'set' tells them apart.",
    )
    file: str = setting(
        "",
        description="Structures (.xyz, .extxyz) or a parameter table (.csv), in place of a space.",
    )
    frames: Frames = setting(
        ":",
        description="Which frames or rows, as a Python slice start:stop:step.",
    )
    id: str = setting(
        "", description="Info key or column with the samples' ids; file stem and number without it."
    )
    absorber: int | str | Species | None = setting(
        None,
        description="Absorbing atom: its index (from 0), the symbol of an element, a list of "
        "symbols of which each structure has one, or the info key that holds an index or a symbol. "
        "Without it the info key 'absorber' counts, else the first atom, which must be of one "
        "element everywhere.",
    )
    sites: Sites = setting(
        "one",
        description="Where several atoms are of the absorbing element: refuse (one), make a sample "
        "of each (all), or of each that the crystal's symmetry tells from the others (distinct). "
        "The labels 'structure' and 'multiplicity' then say to which structure a site belongs and "
        "for how many it stands.",
    )
    parameters: dict[str, str] = setting(
        {}, description="For a table: the parameter columns and their units."
    )
    labels: dict[str, Label] = setting(
        {}, description="Labels carried over from info keys or columns, with their units."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(map(bool, (self.file, self.space, self.sets))) != 1:
            raise ValueError("must give one of file, space and sets")
        if any(not draw.space for draw in self.sets.values()):
            raise ValueError("needs a space in each of the sets")
        if not self.file and (self.labels or self.parameters or self.id):
            raise ValueError("has id, parameters or labels, which go with a file")
        return self


class GenerationRecipe(AnyRecipe):
    """Everything that makes a generated dataset."""

    command: ClassVar[str] = "generate"

    dataset: NewDataset = setting(description="Name, version, licence.")
    samples: SamplesSection = setting(description="What to compute spectra for.")
    generator: ComponentSection = setting(description="What computes them.")
    split: SplitSection | None = setting(
        SplitSection(), description="The dataset's split named 'default'; null for none."
    )
    precision: dict[str, Bits] = setting(
        {},
        unit="bit",
        description="Explicit mantissa bits kept, by channel, 'positions' or 'parameters', so that "
        "the store compresses; the relative error is at most 2^-(bits + 1). Samples are rounded "
        "before anything is computed.",
    )
    processing: Processing = setting(
        {},
        description="Channels to make from those of the generator (steps of broadening, alignment, "
        "normalisation, resampling), by name; raw ones are kept, and xreg data process makes "
        "others from them later.",
    )
    bad: BadPolicy = bad_policy()
    extends: str = setting(
        "",
        description="Earlier version (name@version, or a store) whose samples are taken over where "
        "generator and structures are the same.",
    )

    @property
    def store_name(self) -> str:
        """The store that is made where nobody says another: name and version."""
        return f"{self.dataset.name}-{self.dataset.version}.zarr"
