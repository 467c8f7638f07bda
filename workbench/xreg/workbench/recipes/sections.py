"""The sections of a recipe and their settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import ConfigDict, model_validator

from xreg.core.config import Config, setting
from xreg.core.model.scaling import FeatureScaling, TargetScaling
from xreg.registry.registries import plain_place
from xreg.workbench.recipes.yaml_text import dump_yaml

__all__ = [
    "AnalysisSection",
    "ComponentSection",
    "DatasetSection",
    "DecomposerSection",
    "FeaturesSection",
    "Recipe",
    "ReportSection",
    "SplitSection",
    "TargetSection",
]

NAME = r"^[A-Za-z0-9][A-Za-z0-9._+-]*$"
SEED_LIMIT = 2**31 - 1


class ComponentSection(Config):
    """A component by name; all other keys are its own settings."""

    model_config = ConfigDict(extra="allow")

    name: str = setting(description="Name of an installed component (xreg plugins list).")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @property
    def settings(self) -> dict[str, Any]:
        """The component's own settings."""
        return dict(self.model_extra or {})


class AnalysisSection(ComponentSection):
    """An analysis by name; all other keys are its own settings."""

    name: str = setting(description="Name of an analysis (see the page Evaluate).")


class DecomposerSection(ComponentSection):
    """A decomposer, by name and under the label that figures and files carry."""

    label: str = setting(
        "",
        pattern=r"^$|" + NAME,
        description="Label in figures and files; the component's name if empty.",
    )

    @model_validator(mode="after")
    def _label(self) -> Self:
        if not self.label:
            object.__setattr__(self, "label", self.name)
        return self


class DatasetSection(Config):
    """Which dataset: by name and version from a registry, or a store by its path."""

    name: str = setting("", description="Name in the registry; 'h2o@1.0.0' states the version too.")
    version: str | None = setting(None, description="Version; the newest if not given.")
    path: str | None = setting(None, description="Path of a .zarr store instead of a name.")
    registry: str | None = setting(
        None, description="Registry (name, path or git URL); the usual search if not given."
    )
    hash: str = setting(
        "", description="Content hash that the dataset must have; not checked if empty."
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        given = {"name": value} if isinstance(value, str) else value
        if isinstance(given, Mapping) and isinstance(place := given.get("registry"), str):
            given = {**given, "registry": plain_place(place)}  # it will be written down
        if not isinstance(given, Mapping) or not isinstance(name := given.get("name"), str):
            return given
        if name.endswith(".zarr") and not given.get("path"):
            return {**given, "name": "", "path": name}
        stem, at, version = name.partition("@")
        if at and not given.get("version"):
            return {**given, "name": stem, "version": version}
        return given

    @model_validator(mode="after")
    def _one(self) -> Self:
        if not self.name and not self.path:
            raise ValueError("needs a 'name' or the 'path' of a .zarr store")
        return self


class TargetSection(Config):
    """What is predicted."""

    channel: str | None = setting(None, description="Channel; the dataset's first if not given.")
    window: tuple[float, float] | None = setting(
        None, unit="eV", description="Lowest and highest energy used; the whole grid if not given."
    )
    points: int | None = setting(
        None,
        ge=2,
        le=100_000,
        description="Coarsen to this many channels of equal width (area kept); as stored if not "
        "given.",
    )
    moments: dict[str, tuple[float, float]] = setting(
        {},
        unit="eV",
        description="Instead of spectra, predict mean, standard deviation, skewness and excess "
        "kurtosis of each of these windows: a name, lowest and highest energy. Where an end lies "
        "between two points of the grid, spectra are interpolated linearly.",
    )
    scaling: TargetScaling = setting(
        "global",
        description="Standardise by one spread for all channels (global), channel by channel "
        "(channel), map the least and greatest intensity to 0 and 1 (box), or leave them "
        "(none). Moments, which differ in unit, take channel unless told.",
    )

    @model_validator(mode="after")
    def _moments(self) -> Self:
        if not self.moments:
            return self
        for name, (low, high) in self.moments.items():
            if not name.strip():
                raise ValueError(f"the window of {low:g} to {high:g} eV needs a name")
            if not low < high:
                raise ValueError(f"the window '{name}' must rise, got {low:g} to {high:g} eV")
        if given := [key for key in ("window", "points") if getattr(self, key) is not None]:
            raise ValueError(f"'moments' and '{given[0]}' exclude each other")
        if "scaling" not in self.model_fields_set:
            object.__setattr__(self, "scaling", "channel")
        return self


class SplitSection(Config):
    """Which samples train, validate and test: a stored split, or one made here."""

    name: str | None = setting(None, description="Split of the dataset.")
    fractions: tuple[float, float, float] | None = setting(
        None, description="Shares of train, validation and test, where no stored split is named."
    )
    group: str | None = setting(None, description="Label whose groups are never divided.")
    seed: int | None = setting(
        None, ge=0, le=SEED_LIMIT, description="Seed of the shuffle; the recipe's if not given."
    )

    @model_validator(mode="after")
    def _either(self) -> Self:
        made_here = {"fractions": self.fractions, "group": self.group, "seed": self.seed}
        given = [key for key, value in made_here.items() if value is not None]
        if self.name and given:
            raise ValueError(f"'name' and '{given[0]}' exclude each other")
        if self.fractions and (min(self.fractions) < 0 or abs(sum(self.fractions) - 1) > 1e-9):
            raise ValueError("'fractions' must not be negative and must add up to 1")
        return self


class FeaturesSection(Config):
    """What happens to features before the emulator sees them."""

    scaling: FeatureScaling = setting(
        "standard", description="Standardise each feature on the training set, or leave it."
    )
    variance: float | None = setting(
        None,
        ge=0,
        description="Drop features whose variance over the training set (in the square of their "
        "unit, before scaling) is not above this; 0 drops constant ones, none drops nothing.",
    )
    correlation: float | None = setting(
        None,
        gt=0,
        lt=1,
        description="Drop the later of two features whose |r| (Pearson) over the training set is "
        "above this; none drops nothing.",
    )


class ReportSection(Config):
    """What the report shows beside the scores."""

    labels: tuple[str, ...] | None = setting(
        None,
        description="Labels or features that colour the scores; those that follow the scores most "
        "if not given.",
    )
    descriptor: str | None = setting(
        None,
        description="A second descriptor, with its default settings, whose features can colour the "
        "scores too: internal shows what SOAP makes of bond lengths.",
    )


class Recipe(Config):
    """Everything that makes a run."""

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
    decomposers: tuple[DecomposerSection, ...] = setting((), description="The decomposers.")
    analyses: tuple[AnalysisSection, ...] | None = setting(
        None, description="The analyses; those that apply and cost little if not given."
    )
    report: ReportSection = setting(ReportSection(), description="What the report shows.")
    bad_samples: Literal["refuse", "set-aside"] = setting(
        "refuse",
        description="What samples with spectra or features that are not finite do: stop the run, "
        "or be listed and left out.",
    )
    seed: int = setting(
        0, ge=0, le=SEED_LIMIT, description="Seed of every component and split that states none."
    )

    @model_validator(mode="after")
    def _labels(self) -> Self:
        labels = [section.label for section in self.decomposers]
        if twice := {label for label in labels if labels.count(label) > 1}:
            raise ValueError(
                f"two decomposers are labelled '{min(twice)}'; give one another 'label'"
            )
        return self

    def components(self) -> list[tuple[str, ComponentSection]]:
        """Return kind and section of every component, in the order of the data's way."""
        found: list[tuple[str, ComponentSection]] = []
        if self.descriptor is not None:
            found.append(("descriptor", self.descriptor))
        found.append(("emulator", self.emulator))
        return found + [("decomposer", section) for section in self.decomposers]

    def asked_analyses(self) -> list[tuple[str, dict[str, Any]]] | None:
        """Return name and settings of the analyses asked for; None where the recipe is silent."""
        if self.analyses is None:
            return None
        return [(section.name, section.settings) for section in self.analyses]

    def plain(self) -> dict[str, Any]:
        """Return the recipe as JSON values."""
        return self.model_dump(mode="json")

    def to_yaml(self) -> str:
        """Return the recipe as a YAML file's text."""
        return dump_yaml(self.plain())
