"""What ``xreg search`` reads: a dataset, families of methods, and the budget of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from xreg.core.atoms.groups import CLUSTERS
from xreg.core.config import setting
from xreg.core.errors import ConfigError, UnknownNameError, did_you_mean
from xreg.core.storage import canonical_json, digest
from xreg.registry.plugins import host
from xreg.workbench.recipes.data import open_data
from xreg.workbench.recipes.sections import (
    NAME,
    SEED_LIMIT,
    AnyRecipe,
    BadPolicy,
    DatasetSection,
    FeaturesSection,
    bad_policy,
)
from xreg.workbench.recipes.splits import SplitSection
from xreg.workbench.recipes.start import start_model, with_settings_of
from xreg.workbench.recipes.targets import TargetSection
from xreg.workbench.run.recipe import Recipe
from xreg.workbench.search.sections import (
    Families,
    FamilySection,
    FoldsSection,
    SpaceSection,
    StartingSpaceSection,
)

if TYPE_CHECKING:
    from xreg.core.data.dataset import Dataset
    from xreg.core.data.samples import Samples
    from xreg.core.data.spectra import Channel
    from xreg.core.data.splits import Split
    from xreg.core.interfaces import Component
    from xreg.workbench.recipes.start import Start
    from xreg.workbench.search.spaces import SearchSpace

__all__ = [
    "Family",
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
    emulator: StartingSpaceSection = setting(
        StartingSpaceSection(name="mlp"), description="The emulator and its search space."
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
        emulator = self.common_emulator() if emulator is None else emulator
        labelled = {decomposer["name"]: decomposer} if decomposer else {}
        models = {"emulator": emulator, "decomposers": labelled}
        if emulator.get("start"):  # filter and scalings are those of the model to start from
            del common["features"], common["target"]["scaling"]
        recipe = Recipe.parse(
            {**common, "name": name, "descriptor": descriptor, **models, "seed": seed},
            f"recipe of family '{label}'",
        )
        return with_settings_of(recipe.emulator.start, recipe)

    def common_emulator(self) -> dict[str, Any]:
        """Return the emulator that stands beside a judged decomposer: what its space leaves fixed.

        What it leaves open beside a model to start from is as in that.
        """
        start = self.emulator.start
        trained = None if start is None else start_model(start, self.dataset.registry)
        space = _space(
            "emulator", self.emulator, None if trained is None else trained.model.emulator
        )
        found = {"name": self.emulator.name, **space.fixed}
        return found if trained is None else found | {"start": trained.section.model_dump()}

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
    start
        The trained model with whose weights training of the emulator begins, judged or not, and
        whose features and scalings are kept; None to begin anew.
    """

    label: str
    names: tuple[str | None, str]
    spaces: tuple[SearchSpace, SearchSpace]
    together: frozenset[str]
    model: ModelKind = "emulator"
    start: Start | None = None

    @property
    def size(self) -> float:
        """How many candidates there are to draw."""
        return self.spaces[0].size * self.spaces[1].size

    @property
    def identity(self) -> str:
        """A hash of names and spaces: trials of another space are no trials of this family.

        What computes them counts for nothing: a search may go on where there is a GPU or none.
        """
        machine = host().get(self.model, self.names[1]).spec.config.of_machine()
        fixed = [{n: v for n, v in s.fixed.items() if n not in machine} for s in self.spaces]
        ranges = [{n: vars(r) for n, r in s.ranges.items()} for s in self.spaces]
        spaces = [list(pair) for pair in zip(fixed, ranges, strict=True)]
        start = [] if self.start is None else [self.start.section.hash]
        return digest(canonical_json([self.names, spaces, *start]))[:16]


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
        if found.spec.kind == "descriptor"
        and not found.spec.missing()
        # One that must be told what to read is not tried by itself.
        and not any(field.is_required() for field in found.spec.config.model_fields.values())
    ]
    fitting = [n for n in names if isinstance(samples, host().load("descriptor", n).accepts)]
    return [_family(n, FamilySection(descriptor=SpaceSection(name=n)), recipe) for n in fitting]


def _family(label: str, section: FamilySection, recipe: SearchRecipe) -> Family:
    from xreg.core.interfaces import Decomposer
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
    if own and (taken.needs_emulator or taken.decode is Decomposer.decode):
        raise ConfigError(
            f"family '{label}': decomposer '{model.name}' needs an emulator, for it has no decode "
            "of its own; search for an emulator, and add the decomposer to the winner's recipe."
        )
    # A decomposer alone is judged on the features and scalings of the emulator that will join it.
    begun = recipe.emulator.start if own else (section.emulator or recipe.emulator).start
    start = None if begun is None else start_model(begun, recipe.dataset.registry)
    first = SearchSpace()
    if section.descriptor is not None:
        theirs = None if start is None else start.model.descriptor
        first = _space("descriptor", section.descriptor, theirs)
    second = _space(kind, model, None if own or start is None else start.model.emulator)
    if start is not None:
        _require_fixed(label, frozenset() if own else taken.architecture, second, first)
    return Family(
        label,
        (section.descriptor.name if section.descriptor else None, model.name),
        (first, second),
        frozenset() if own else taken.fits_together,
        kind,
        start,
    )


def _require_fixed(
    label: str, architecture: frozenset[str], model: SearchSpace, descriptor: SearchSpace
) -> None:
    """Refuse a family that starts from a model and draws what the model's weights decide.

    Raises
    ------
    ConfigError
        With the first such setting.
    """
    if drawn := sorted({*descriptor.ranges, *(architecture & model.ranges.keys())}):
        raise ConfigError(
            f"family '{label}': '{drawn[0]}' cannot be drawn, for the weights of the model to "
            "start from are for one value of it; leave it out."
        )


def _space(kind: str, section: SpaceSection, trained: Component | None = None) -> SearchSpace:
    """Return a component's search space: a ready one, and the section's settings over it.

    What is ready of a component that is trained already are its own settings.
    """
    from xreg.workbench.search.spaces import SearchSpace

    spec = host().get(kind, section.name).spec
    ready: dict[str, Mapping[str, Any]] = {**spec.search, DEFAULTS: {}}
    if section.space and section.space not in ready:
        raise UnknownNameError(
            f"{kind} '{section.name}' has no search space '{section.space}'"
            f"{did_you_mean(section.space, ready)}."
        )
    base = ready[section.space or next(iter(ready))]
    if trained is not None and trained.name == section.name:
        apart = {"seed", "threads", *spec.config.of_machine()}
        base = trained.config.model_dump(mode="json", exclude=apart) | dict(
            ready[section.space] if section.space else {}
        )
    where = f"search space of {kind} {section.name}"
    return SearchSpace.parse({**base, **section.settings}, spec.config, where)
