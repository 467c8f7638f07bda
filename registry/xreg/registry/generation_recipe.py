"""What ``xreg data generate`` reads: which samples, which generator, which dataset comes out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from xreg.core.config import Config, setting
from xreg.core.dataset import NAME_PATTERN, VERSION_PATTERN
from xreg.registry.overrides import apply_setting, read_yaml

__all__ = [
    "DatasetSection",
    "GenerationRecipe",
    "GeneratorSection",
    "LabelSection",
    "SamplesSection",
    "SplitSection",
    "load_generation_recipe",
]

OnFailure = Literal["refuse", "set-aside"]
Bits = Annotated[int, Field(ge=1, le=52)]


class DatasetSection(Config):
    """What the dataset is called and under which terms it may be used."""

    name: str = setting(pattern=NAME_PATTERN, description="Name of the dataset.")
    version: str = setting(pattern=VERSION_PATTERN, description="Version, such as 1.0.0.")
    title: str = setting("", description="One line for lists.")
    description: str = setting("", description="What it is, how it was made, what it is for.")
    licence: str = setting("", description="Licence of the data (an SPDX name).")
    citation: str = setting("", description="What to cite.")


class LabelSection(Config):
    """Where a label of the samples comes from."""

    key: str = setting("", description="Key of the frame's info, or column; the label's own name.")
    unit: str = setting("", description="Unit of the label.")


# ``labels: {trajectory:, step:}`` is YAML for labels without a value: all defaults.
Label = Annotated[LabelSection, BeforeValidator(lambda value: {} if value is None else value)]


class SamplesSection(Config):
    """The samples that spectra are computed for: structures (xyz, extxyz) or a table (csv)."""

    file: str = setting(
        min_length=1, description="Structures (.xyz, .extxyz) or a parameter table (.csv)."
    )
    frames: str = setting(
        ":",
        pattern=r"^-?\d*:-?\d*(:-?\d*)?$",
        description="Which frames or rows, as a Python slice start:stop:step.",
    )
    id: str = setting(
        "", description="Info key or column with the samples' ids; file stem and number without it."
    )
    absorber: int | str = setting(
        0,
        description="Absorbing atom: its index (from 0), the symbol of an element that occurs "
        "once, or the info key that holds the index.",
    )
    parameters: dict[str, str] = setting(
        {}, description="For a table: the parameter columns and their units."
    )
    labels: dict[str, Label] = setting(
        {}, description="Labels carried over from info keys or columns, with their units."
    )


class GeneratorSection(Config):
    """The generator and its settings."""

    name: str = setting(description="Name of an installed generator.")
    settings: dict[str, Any] = setting({}, description="Its settings (xreg plugins show NAME).")


class SplitSection(Config):
    """How samples are dealt to train, validation and test."""

    fractions: tuple[float, float, float] = setting(
        (0.8, 0.1, 0.1), description="Shares of train, validation and test."
    )
    group: str = setting("", description="Label whose groups stay together; none if empty.")
    seed: int = setting(0, ge=0, description="Seed of the shuffle.")

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if min(self.fractions) < 0 or abs(sum(self.fractions) - 1) > 1e-9:
            raise ValueError("fractions must not be negative and must add up to 1")
        return self


class GenerationRecipe(Config):
    """Everything that makes a generated dataset."""

    dataset: DatasetSection = setting(description="Name, version, licence.")
    samples: SamplesSection = setting(description="What to compute spectra for.")
    generator: GeneratorSection = setting(description="What computes them.")
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
    on_failure: OnFailure = setting(
        "refuse", description="What a sample that fails does: stop, or be listed and left out."
    )
    extends: str = setting(
        "",
        description="Earlier version (name@version, or a store) whose samples are taken over where "
        "generator and structures are the same.",
    )


def load_generation_recipe(path: Path, overrides: Sequence[str] = ()) -> GenerationRecipe:
    """Read and validate a recipe.

    Parameters
    ----------
    path
        A YAML file.
    overrides
        ``key=value`` with dots in the key, as ``--set`` gives them; values are YAML.

    Raises
    ------
    ConfigError, UnknownNameError
        If the file is missing, is no YAML mapping, or has a bad key or value.
    """
    content = read_yaml(path)
    for override in overrides:
        apply_setting(content, override)
    return GenerationRecipe.parse(content, f"recipe '{path}'")
