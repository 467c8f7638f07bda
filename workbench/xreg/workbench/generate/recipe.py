"""What ``xreg data generate`` reads: which samples, which generator, which dataset comes out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from xreg.core.config import Config, setting
from xreg.core.data.dataset import NAME_PATTERN, VERSION_PATTERN
from xreg.core.data.spaces import ParameterRange, SamplingMethod
from xreg.core.errors import ConfigError, PluginError, UnknownNameError, XregError
from xreg.registry.consent import component_code, require_consent
from xreg.registry.plugins import host
from xreg.workbench.process.process import Processing
from xreg.workbench.recipes.overrides import apply_setting, read_yaml, variants

__all__ = [
    "DatasetSection",
    "DrawSection",
    "GenerationRecipe",
    "GeneratorSection",
    "LabelSection",
    "SamplesSection",
    "SplitSection",
    "load_generation_recipe",
    "load_generation_recipes",
]

OnFailure = Literal["refuse", "set-aside"]
Sites = Literal["one", "all"]
Bits = Annotated[int, Field(ge=1, le=52)]
Count = Annotated[int, Field(ge=0)]
Name = Annotated[str, Field(pattern=NAME_PATTERN)]


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
    frames: str = setting(
        ":",
        pattern=r"^-?\d*:-?\d*(:-?\d*)?$",
        description="Which frames or rows, as a Python slice start:stop:step.",
    )
    id: str = setting(
        "", description="Info key or column with the samples' ids; file stem and number without it."
    )
    absorber: int | str | None = setting(
        None,
        description="Absorbing atom: its index (from 0), the symbol of an element, or the info key "
        "that holds one of these. Without it the info key 'absorber' counts, else the first atom, "
        "which must be of one element everywhere.",
    )
    sites: Sites = setting(
        "one",
        description="Where several atoms are of the absorbing element: refuse (one), or make a "
        "sample of each (all).",
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


class GeneratorSection(Config):
    """The generator and its settings."""

    name: str = setting(description="Name of an installed generator.")
    settings: dict[str, Any] = setting({}, description="Its settings (xreg plugins show NAME).")


class SplitSection(Config):
    """How samples are dealt to train, validation and test."""

    fractions: tuple[float, float, float] = setting(
        (0.8, 0.1, 0.1), description="Shares of train, validation and test."
    )
    counts: tuple[Count, Count, Count] | None = setting(
        None, description="Numbers of samples to train, validate and test, in place of shares."
    )
    group: str = setting("", description="Label whose groups stay together; none if empty.")
    within: dict[str, str] = setting(
        {},
        max_length=1,
        description="Label and value of the samples to deal; each other value of the label gets a "
        "split of its own name, which tests on the samples of that value.",
    )
    seed: int = setting(0, ge=0, description="Seed of the shuffle.")

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.counts is not None and self.group:
            raise ValueError("cannot keep groups together by counts; give fractions")
        if min(self.fractions) < 0 or abs(sum(self.fractions) - 1) > 1e-9:
            raise ValueError("must have fractions that are not negative and add up to 1")
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
    processing: Processing = setting(
        {},
        description="Channels to make from those of the generator (steps of broadening, alignment, "
        "normalisation, resampling), by name; raw ones are kept, and xreg data process makes "
        "others from them later.",
    )
    on_failure: OnFailure = setting(
        "refuse", description="What a sample that fails does: stop, or be listed and left out."
    )
    extends: str = setting(
        "",
        description="Earlier version (name@version, or a store) whose samples are taken over where "
        "generator and structures are the same.",
    )


def load_generation_recipe(
    path: Path, overrides: Sequence[str] = (), *, allow_code: bool = False
) -> GenerationRecipe:
    """Read and validate a recipe of one dataset.

    Parameters
    ----------
    path
        A YAML file.
    overrides
        ``key=value`` with dots in the key, as ``--set`` gives them; values are YAML.
    allow_code
        Whether the user agrees to code in the file (a template, input lines of a program).

    Raises
    ------
    ConsentError
        If the file brings code that the user has not agreed to.
    ConfigError, UnknownNameError
        If the file is missing, is no YAML mapping, has a bad key or value, or describes several
        datasets.
    """
    recipes = load_generation_recipes(path, overrides, allow_code=allow_code)
    if list(recipes) != [""]:
        raise ConfigError(f"recipe '{path}' describes several datasets; choose one of them.")
    return recipes[""]


def _anchor(generator: Any, folder: Path) -> None:
    """Make the files among a generator's settings relative to a folder."""
    if not (isinstance(generator, dict) and isinstance(generator.get("settings"), dict)):
        return
    with suppress(XregError):  # a generator that is not there is refused where it is built
        config = host().get("generator", str(generator.get("name"))).spec.config
        generator["settings"] = config.anchored(generator["settings"], folder)


def _require_consent(
    generator: GeneratorSection, where: str, overrides: Sequence[str], allow: bool
) -> None:
    """Refuse code of the file that the user has not agreed to."""
    with suppress(UnknownNameError, PluginError):  # which building it tells
        host().get("generator", generator.name)
        prefix = "generator.settings."
        paths = [text.partition("=")[0].strip() for text in overrides]
        require_consent(
            component_code("generator", generator.name, generator.settings),
            where,
            allow=allow,
            read="the file",
            own=[path.removeprefix(prefix) for path in paths if path.startswith(prefix)],
            files=True,
        )


def load_generation_recipes(
    path: Path,
    overrides: Sequence[str] = (),
    only: Sequence[str] = (),
    *,
    allow_code: bool = False,
) -> dict[str, GenerationRecipe]:
    """Read and validate a recipe of one dataset, or of several that differ in some settings.

    The section ``each`` (:func:`xreg.workbench.recipes.overrides.variants`) names the datasets;
    ``{each}`` in a text of the section ``dataset`` becomes the name::

        each:
          ni2: {generator.settings.ion: Ni2+}
          co2: {generator.settings.ion: Co2+}
        dataset: {name: "{each}-published", version: 1.0.0}

    Parameters
    ----------
    path, overrides, allow_code
        As for :func:`load_generation_recipe`.
    only
        Names below ``each`` to keep; all without it.

    Returns
    -------
    dict
        The recipes by name; the name is empty where there is no ``each``.
    """
    where = f"recipe '{path}'"
    recipes = {}
    for name, one in variants(read_yaml(path), where, only).items():
        if name and isinstance(one.get("dataset"), dict):
            one["dataset"] = {
                key: value.replace("{each}", name) if isinstance(value, str) else value
                for key, value in one["dataset"].items()
            }
        _anchor(one.get("generator"), path.resolve().parent)
        for override in overrides:
            apply_setting(one, override)
        called = where + (f" ({name})" if name else "")
        recipes[name] = GenerationRecipe.parse(one, called)
        _require_consent(recipes[name].generator, called, overrides, allow_code)
    return recipes
