"""What ``xreg search`` reads: a dataset, families of methods, and the budget of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import field_validator, model_validator

from xreg.core.config import Config, setting
from xreg.core.errors import ConfigError, UnknownNameError, did_you_mean
from xreg.core.storage import canonical_json, digest
from xreg.registry.consent import component_code, require_consent
from xreg.registry.plugins import host
from xreg.workbench.recipes.overrides import apply_setting, read_yaml
from xreg.workbench.recipes.sections import (
    NAME,
    SEED_LIMIT,
    ComponentSection,
    DatasetSection,
    FeaturesSection,
    Recipe,
    SplitSection,
    TargetSection,
)
from xreg.workbench.recipes.yaml_text import dump_yaml
from xreg.workbench.run.recipe import anchor, open_data

if TYPE_CHECKING:
    from xreg.core.data.dataset import Dataset, Split
    from xreg.core.data.samples import Samples
    from xreg.core.data.spectra import Channel
    from xreg.workbench.search.candidates import SearchSpace

__all__ = [
    "Family",
    "FamilySection",
    "FoldsSection",
    "SearchRecipe",
    "load_search",
    "members",
    "open_search",
]

DEFAULTS = "defaults"  # the ready space of every component in which nothing is drawn

ModelKind = Literal["emulator", "decomposer"]


class SpaceSection(ComponentSection):
    """A component by name; its settings may be values or ranges to draw from."""

    space: str = setting(
        "",
        description="Ready search space of the component that the settings here are laid over; "
        "its first one if empty (xreg plugins show NAME). Every component has defaults, in which "
        "nothing is drawn.",
    )

    @field_validator("space", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            raise ValueError("names a ready space; ranges of settings stand beside 'name'")
        return value


class FamilySection(Config):
    """One competitor: a descriptor, and what is to differ from the common model."""

    label: str = setting(
        "", pattern=r"^$|" + NAME, description="Label; the component's name if empty."
    )
    descriptor: SpaceSection | None = setting(
        None, description="The descriptor; none for an emulator that takes samples."
    )
    emulator: SpaceSection | None = setting(
        None, description="An emulator of its own; the common one if not given."
    )
    decomposer: SpaceSection | None = setting(
        None,
        description="A decomposer that trains its own network (ednn, nnca, pls), judged in place "
        "of an emulator by the covered variance of all its scores.",
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"descriptor": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _label(self) -> Self:
        first = self.descriptor or self.emulator
        if first is None:
            raise ValueError("needs a 'descriptor' or an 'emulator'")
        if self.emulator is not None and self.decomposer is not None:
            raise ValueError("has an 'emulator' and a 'decomposer'; one of them is judged")
        if not self.label:
            object.__setattr__(self, "label", first.name)
        return self


class FoldsSection(Config):
    """How candidates are judged: cross-validation on all samples but the test part."""

    count: int = setting(5, ge=2, le=100, description="Number of folds.")
    repeats: int = setting(1, ge=1, le=100, description="How often all is divided anew.")
    group: str | None = setting(
        None, description="Label whose groups are never divided; the split's if not given."
    )


class SearchRecipe(Config):
    """Everything that makes a search."""

    name: str = setting("", pattern=r"^$|" + NAME, description="Name of the search.")
    dataset: DatasetSection = setting(description="The dataset.")
    target: TargetSection = setting(TargetSection(), description="What is predicted.")
    split: SplitSection = setting(
        SplitSection(), description="Train, validation and test; the search never sees test."
    )
    features: FeaturesSection = setting(FeaturesSection(), description="Filters and scaling.")
    folds: FoldsSection = setting(FoldsSection(), description="The cross-validation.")
    families: tuple[FamilySection, ...] | Literal["all"] = setting(
        "all",
        description="The competitors: descriptors by name, or descriptor and emulator with search "
        "spaces; all stands for every installed descriptor that takes the dataset's samples.",
    )
    emulator: SpaceSection = setting(
        SpaceSection(name="mlp"), description="The emulator and its search space."
    )
    decomposer: SpaceSection | None = setting(
        None,
        description="A decomposer that trains its own network, judged in place of the emulator in "
        "every family without a model of its own.",
    )
    budget: float = setting(
        600.0, unit="s", gt=0, description="Processor time that each family may spend."
    )
    networks: int = setting(
        8, ge=1, le=10_000, description="Emulators tried on each descriptor that is built."
    )
    together: int = setting(
        4,
        ge=1,
        le=1000,
        description="How many of them in turn share an architecture and differ only in what can be "
        "trained together (learning rate, weight decay, seed).",
    )
    seeds: int = setting(
        3, ge=1, le=100, description="Seeds with which each family's winner is judged again."
    )
    seed: int = setting(0, ge=0, le=SEED_LIMIT, description="Seed of folds and draws.")

    @model_validator(mode="after")
    def _labels(self) -> Self:
        labels = [] if self.families == "all" else [f.label for f in self.families]
        if twice := {label for label in labels if labels.count(label) > 1}:
            raise ValueError(f"two families are labelled '{min(twice)}'; give one another 'label'")
        return self

    def components(self) -> list[tuple[str, SpaceSection]]:
        """Return kind and section of every component that is named."""
        sections: list[tuple[str, SpaceSection | None]] = [
            ("emulator", self.emulator),
            ("decomposer", self.decomposer),
        ]
        for family in () if self.families == "all" else self.families:
            sections += [
                ("descriptor", family.descriptor),
                ("emulator", family.emulator),
                ("decomposer", family.decomposer),
            ]
        return [(kind, section) for kind, section in sections if section is not None]

    def plain(self) -> dict[str, Any]:
        """Return the recipe as JSON values."""
        return self.model_dump(mode="json")

    def to_yaml(self) -> str:
        """Return the recipe as a YAML file's text."""
        return dump_yaml(self.plain())

    def run_recipe(
        self,
        label: str,
        descriptor: Mapping[str, Any] | None,
        emulator: Mapping[str, Any] | None,
        decomposer: Mapping[str, Any] | None,
        seed: int,
    ) -> Recipe:
        """Return the recipe of ``xreg run`` for one candidate.

        Beside a decomposer that was judged alone, the common emulator stands as it begins.
        """
        plain = self.plain()
        common = {key: plain[key] for key in ("dataset", "target", "split", "features")}
        name = f"{self.name}-{label}" if self.name else label
        if emulator is None:
            fixed = _space("emulator", self.emulator).fixed
            emulator = {"name": self.emulator.name, **fixed}
        models = {"emulator": emulator, "decomposers": [decomposer] if decomposer else []}
        return Recipe.parse(
            {**common, "name": name, "descriptor": descriptor, **models, "seed": seed},
            f"recipe of family '{label}'",
        )

    def rules(self, dataset_hash: str) -> dict[str, Any]:
        """Return all that results must share to be comparable; families do not count."""
        plain = self.plain()
        for key in ("name", "families", "emulator", "decomposer", "networks", "together"):
            del plain[key]
        for key in ("path", "registry"):  # where it lies says nothing of what it is
            del plain["dataset"][key]
        plain["dataset"]["hash"] = dataset_hash
        return plain

    def benchmark(self, dataset_hash: str) -> str:
        """Return the hash of the rules."""
        return digest(canonical_json(self.rules(dataset_hash)))[:16]


@dataclass(frozen=True, eq=False)
class Family:
    """A competitor with its search spaces.

    Attributes
    ----------
    label
        Name in tables and files.
    names
        Names of descriptor (or None) and model.
    spaces
        Search spaces of both; the descriptor's is empty without one.
    together
        Settings in which models that are trained together may differ.
    model
        What kind of component the model is.
    """

    label: str
    names: tuple[str | None, str]
    spaces: tuple[SearchSpace, SearchSpace]
    together: frozenset[str]
    model: ModelKind = "emulator"

    @property
    def size(self) -> float:
        """How many candidates there are to draw."""
        return self.spaces[0].size * self.spaces[1].size

    @property
    def identity(self) -> str:
        """A hash of names and spaces: trials of another space are no trials of this family."""
        spaces = [[dict(s.fixed), {n: vars(r) for n, r in s.ranges.items()}] for s in self.spaces]
        return digest(canonical_json([self.names, spaces]))[:16]


def load_search(
    path: str | Path | None,
    overrides: Mapping[str, Any],
    settings: Sequence[str],
    *,
    allow_code: bool = False,
) -> SearchRecipe:
    """Read a search recipe, lay overrides over it, and check all that needs no data.

    Raises
    ------
    ConsentError
        If the file brings code that the user has not agreed to (``allow_code``).
    ConfigError, UnknownNameError
        In one sentence, with the key that was probably meant.
    """
    content = read_yaml(Path(path)) if path is not None else {}
    if path is not None:
        anchor(content, Path(path).resolve().parent)
        content.setdefault("name", Path(path).stem)
    content.update({key: value for key, value in overrides.items() if value is not None})
    for text in settings:
        apply_setting(content, text)
    where = f"search '{path}'" if path is not None else "search"
    if "dataset" not in content:
        raise ConfigError(f"{where} names no dataset; add it to the recipe or as a flag.")
    recipe = SearchRecipe.parse(content, where)
    for kind, section in recipe.components():
        require_consent(
            component_code(kind, section.name, section.settings),
            where,
            allow=allow_code or path is None,
            read="the file",
            files=True,
        )
    for family in () if recipe.families == "all" else recipe.families:
        _family(family, recipe)
    return recipe


def open_search(recipe: SearchRecipe) -> tuple[SearchRecipe, Dataset, Channel, Split]:
    """Open the data and fill in what they decide: version, hash, channel, split, groups."""
    sections = ("dataset", "target", "split", "features", "seed")
    plain = recipe.plain()
    data = Recipe.parse({key: plain[key] for key in sections} | {"emulator": "mlp"}, "search")
    filled, dataset, channel, split = open_data(data)
    plain |= filled
    if plain["folds"]["group"] is None:
        plain["folds"]["group"] = filled["split"]["group"]
    plain["name"] = recipe.name or f"{dataset.metadata.name}-search"
    return SearchRecipe.parse(plain, "search"), dataset, channel, split


def members(recipe: SearchRecipe, samples: Samples) -> list[Family]:
    """Return the families that compete.

    Raises
    ------
    ConfigError, UnknownNameError, MissingRequirementError
        If a family names an unknown component or setting, or cannot run here. With ``all``, what
        is not installed completely is left out.
    """
    if recipe.families != "all":
        return [_family(section, recipe) for section in recipe.families]
    names = [
        found.spec.name
        for found in host()
        if found.spec.kind == "descriptor" and not found.spec.missing()
    ]
    fitting = [n for n in names if isinstance(samples, host().load("descriptor", n).accepts)]
    return [
        _family(FamilySection(label=n, descriptor=SpaceSection(name=n)), recipe) for n in fitting
    ]


def _family(section: FamilySection, recipe: SearchRecipe) -> Family:
    from xreg.workbench.search.candidates import SearchSpace

    own = section.decomposer or (None if section.emulator else recipe.decomposer)
    kind: ModelKind = "decomposer" if own else "emulator"
    model = own or section.emulator or recipe.emulator
    taken = host().load(kind, model.name)
    takes = "features" if own else taken.takes
    if (takes == "samples") != (section.descriptor is None):
        raise ConfigError(
            f"family '{section.label}': {kind} '{model.name}' takes {takes}, so it "
            f"{'must have no' if section.descriptor else 'needs a'} descriptor."
        )
    if own and taken.needs_emulator:
        raise ConfigError(
            f"family '{section.label}': decomposer '{model.name}' needs an emulator; search for "
            "that, and add the decomposer to the winner's recipe."
        )
    first = SearchSpace()
    if section.descriptor is not None:
        first = _space("descriptor", section.descriptor)
    return Family(
        section.label,
        (section.descriptor.name if section.descriptor else None, model.name),
        (first, _space(kind, model)),
        frozenset() if own else taken.fits_together,
        kind,
    )


def _space(kind: str, section: SpaceSection) -> SearchSpace:
    """Return a component's search space: a ready one, and the section's settings over it."""
    from xreg.workbench.search.candidates import SearchSpace

    spec = host().get(kind, section.name).spec
    ready: dict[str, Mapping[str, Any]] = {**spec.search, DEFAULTS: {}}
    if section.space and section.space not in ready:
        raise UnknownNameError(
            f"{kind} '{section.name}' has no search space '{section.space}'"
            f"{did_you_mean(section.space, ready)}."
        )
    base = ready[section.space or next(iter(ready))]
    where = f"search space of {kind} {section.name}"
    return SearchSpace.parse({**base, **section.settings}, spec.config, where)
