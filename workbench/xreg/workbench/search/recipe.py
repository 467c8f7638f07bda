"""What ``xreg search`` reads: a dataset, families of methods, and the budget of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from xreg.core.atoms.groups import CLUSTERS
from xreg.core.config import Config, setting
from xreg.core.errors import ConfigError, UnknownNameError, did_you_mean
from xreg.core.storage import canonical_json, digest
from xreg.registry.plugins import host
from xreg.workbench.recipes.data import open_data
from xreg.workbench.recipes.sections import (
    NAME,
    SEED_LIMIT,
    AnyRecipe,
    BadPolicy,
    ComponentSection,
    DatasetSection,
    FeaturesSection,
    bad_policy,
)
from xreg.workbench.recipes.splits import SplitSection
from xreg.workbench.recipes.targets import TargetSection
from xreg.workbench.run.recipe import Recipe

if TYPE_CHECKING:
    from xreg.core.data.dataset import Dataset
    from xreg.core.data.samples import Samples
    from xreg.core.data.spectra import Channel
    from xreg.core.data.splits import Split
    from xreg.workbench.search.spaces import SearchSpace

__all__ = [
    "Family",
    "FamilySection",
    "FoldsSection",
    "SearchRecipe",
    "leave_out_defaults",
    "members",
    "open_search",
]

DEFAULTS = "defaults"  # the ready space of every component in which nothing is drawn

ModelKind = Literal["emulator", "decomposer"]
# Keys of the rules that version 1 of the language did not have.
YOUNGER: Mapping[str, Mapping[str, Any]] = {
    "dataset": {"frames": ":", "where": {}},
    "split": {"counts": None, "parts": None, "within": {}},
    "features": {"variance_share": None},
}
# And keys that tasks and rows of a leaderboard did not have.
YOUNGEST: Mapping[str, Mapping[str, Any]] = {
    "split": {
        "clusters": CLUSTERS,
        "repeats": 1,
        "leave_out": False,
        "lockbox": 0.0,
        "opened": False,
    },
    "features": {"weights": None},
}


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

    descriptor: SpaceSection | None = setting(
        None,
        description="The descriptor; none for an emulator that takes samples. That of the label's "
        "name where a family says nothing.",
    )
    emulator: SpaceSection | None = setting(
        None, description="An emulator of its own; the common one if not given."
    )
    decomposer: SpaceSection | None = setting(
        None,
        description="A decomposer that trains its own network (ednn, nnca, pls), judged in place "
        "of an emulator by the covered variance of all its scores.",
    )

    @model_validator(mode="after")
    def _judged(self) -> Self:
        if self.descriptor is None and self.emulator is None:
            raise ValueError("needs a 'descriptor' or an 'emulator'")
        if self.emulator is not None and self.decomposer is not None:
            raise ValueError("has an 'emulator' and a 'decomposer'; one of them is judged")
        return self


def _labelled(value: Any) -> Any:
    """Return families in which one that says nothing has the descriptor of its label's name."""
    if not isinstance(value, Mapping):
        return value
    return {label: body or {"descriptor": label} for label, body in value.items()}


Families = Annotated[
    dict[Annotated[str, Field(pattern=NAME)], FamilySection], BeforeValidator(_labelled)
]


class FoldsSection(Config):
    """How candidates are judged: cross-validation on all samples but the test part."""

    count: int = setting(5, ge=2, le=100, description="Number of folds.")
    repeats: int = setting(1, ge=1, le=100, description="How often all is divided anew.")
    group: str | None = setting(
        None, description="Label whose groups are never divided; the split's if not given."
    )


class SearchRecipe(AnyRecipe):
    """Everything that makes a search."""

    command: ClassVar[str] = "search"
    word: ClassVar[str] = "search"

    name: str = setting("", pattern=r"^$|" + NAME, description="Name of the search.")
    dataset: DatasetSection = setting(description="The dataset.")
    target: TargetSection = setting(TargetSection(), description="What is predicted.")
    split: SplitSection = setting(
        SplitSection(), description="Train, validation and test; the search never sees test."
    )
    features: FeaturesSection = setting(FeaturesSection(), description="Filters and scaling.")
    folds: FoldsSection = setting(FoldsSection(), description="The cross-validation.")
    families: Families | Literal["all"] = setting(
        "all",
        description="The competitors by label: descriptor and emulator with search spaces; all "
        "stands for every installed descriptor that takes the dataset's samples.",
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
    sampler: Literal["random", "tpe", "grid"] = setting(
        "random",
        description="How candidates are drawn: at random; tpe, near those that have scored well; "
        "or grid, every combination once, which needs choices or whole numbers.",
    )
    seeds: int = setting(
        3, ge=1, le=100, description="Seeds with which each family's winner is judged again."
    )
    bad: BadPolicy = bad_policy()
    seed: int = setting(0, ge=0, le=SEED_LIMIT, description="Seed of folds and draws.")

    def default_name(self) -> str:
        """Return the dataset's name and what is done."""
        return f"{self.dataset.name or 'dataset'}-search"

    def checked(self) -> Self:
        """Return the recipe once all families are known to be able to compete."""
        for label, family in {} if self.families == "all" else self.families.items():
            _family(label, family, self)
        return self

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
        labelled = {decomposer["name"]: decomposer} if decomposer else {}
        models = {"emulator": emulator, "decomposers": labelled}
        return Recipe.parse(
            {**common, "name": name, "descriptor": descriptor, **models, "seed": seed},
            f"recipe of family '{label}'",
        )

    def rules(self, dataset_hash: str) -> dict[str, Any]:
        """Return all that results must share to be comparable; families do not count."""
        plain = self.plain()
        for key in ("format", "name", "families", "emulator", "decomposer", "networks", "together",
                    "sampler"):  # fmt: skip
            del plain[key]
        for key in ("path", "registry"):  # where it lies says nothing of what it is
            del plain["dataset"][key]
        for known in (YOUNGER, YOUNGEST):
            leave_out_defaults(plain, known)
        if self.bad == "refuse":
            del plain["bad"]
        plain["dataset"]["hash"] = dataset_hash
        return plain

    def benchmark(self, dataset_hash: str) -> str:
        """Return the hash of the rules."""
        return digest(canonical_json(self.rules(dataset_hash)))[:16]


def leave_out_defaults(
    plain: dict[str, Any], known: Mapping[str, Mapping[str, Any]] = YOUNGEST
) -> None:
    """Leave out of rules what they did not have once and say nothing of: they are as before."""
    for section, keys in known.items():
        for key, nothing in keys.items():
            if plain[section][key] == nothing:
                del plain[section][key]


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


def open_search(recipe: SearchRecipe) -> tuple[SearchRecipe, Dataset, Channel, Split]:
    """Open the data and fill in what they decide: version, hash, channel, split, groups.

    Raises
    ------
    ConfigError
        If the split would show the search what it must not see.
    """
    if recipe.split.opened or recipe.split.leave_out:
        raise ConfigError(
            f"split.{'opened' if recipe.split.opened else 'leave_out'}: a search chooses on folds "
            "of one split; say this in the recipe of its winner, or group its folds."
        )
    filled, dataset, channel, splits = open_data(
        recipe.dataset, recipe.target, recipe.split, recipe.seed, recipe.folds.group
    )
    split = next(iter(splits.values()))
    plain = recipe.plain() | filled
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
        return [_family(label, section, recipe) for label, section in recipe.families.items()]
    names = [
        found.spec.name
        for found in host()
        if found.spec.kind == "descriptor" and not found.spec.missing()
    ]
    fitting = [n for n in names if isinstance(samples, host().load("descriptor", n).accepts)]
    return [_family(n, FamilySection(descriptor=SpaceSection(name=n)), recipe) for n in fitting]


def _family(label: str, section: FamilySection, recipe: SearchRecipe) -> Family:
    from xreg.workbench.search.spaces import SearchSpace

    own = section.decomposer or (None if section.emulator else recipe.decomposer)
    kind: ModelKind = "decomposer" if own else "emulator"
    model = own or section.emulator or recipe.emulator
    taken = host().load(kind, model.name)
    takes = "features" if own else taken.takes
    if (takes == "samples") != (section.descriptor is None):
        raise ConfigError(
            f"family '{label}': {kind} '{model.name}' takes {takes}, so it "
            f"{'must have no' if section.descriptor else 'needs a'} descriptor."
        )
    if own and taken.needs_emulator:
        raise ConfigError(
            f"family '{label}': decomposer '{model.name}' needs an emulator; search for "
            "that, and add the decomposer to the winner's recipe."
        )
    first = SearchSpace()
    if section.descriptor is not None:
        first = _space("descriptor", section.descriptor)
    return Family(
        label,
        (section.descriptor.name if section.descriptor else None, model.name),
        (first, _space(kind, model)),
        frozenset() if own else taken.fits_together,
        kind,
    )


def _space(kind: str, section: SpaceSection) -> SearchSpace:
    """Return a component's search space: a ready one, and the section's settings over it."""
    from xreg.workbench.search.spaces import SearchSpace

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
