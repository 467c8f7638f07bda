"""The section ``split`` of a recipe, and the samples of each part that it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from xreg.core.atoms.groups import CLUSTERS
from xreg.core.config import Config, setting
from xreg.core.data.splits import PARTS, Split, make_split, require_groups
from xreg.core.errors import ConfigError, UnknownNameError, did_you_mean
from xreg.core.storage import digest
from xreg.workbench.recipes.sections import SEED_LIMIT

if TYPE_CHECKING:
    from xreg.core.data.dataset import Dataset

__all__ = [
    "PART_OF",
    "SplitSection",
    "find_split",
    "find_splits",
    "locked",
    "make_splits",
    "split_group",
    "with_defaults",
]

FRACTIONS = (0.8, 0.1, 0.1)
MOST_LEFT_OUT = 30
PART_OF = {**{part: part for part in PARTS}, "val": "validation", "valid": "validation"}
Count = Annotated[int, Field(ge=0)]
Repeats = Annotated[int, Field(ge=1, le=100)]
Seeds = Annotated[
    tuple[Annotated[int, Field(ge=0, le=SEED_LIMIT)], ...], Field(min_length=1, max_length=100)
]
SEVERAL = ("repeats", "leave_out", "lockbox")
HOW = ("fractions", "counts", "parts", "group", "clusters", "within", "seed", *SEVERAL, "opened")
EXCLUDE = {
    "name": HOW,
    "fractions": ("counts", "parts"),
    "counts": ("parts", "group", *SEVERAL),
    "parts": ("group", "within", "seed", *SEVERAL),
    "within": SEVERAL,
    "leave_out": ("repeats", "opened"),
}


class SplitSection(Config):
    """Which samples train, validate and test: a stored split, or one made here."""

    name: str | None = setting(None, description="Split of the dataset.")
    fractions: tuple[float, float, float] | None = setting(
        None,
        description="Shares of train, validation and test; 0.8, 0.1 and 0.1 where nothing is said.",
    )
    counts: tuple[Count, Count, Count] | None = setting(
        None, description="Numbers of samples to train, validate and test, in place of shares."
    )
    parts: str | None = setting(
        None,
        description="Label whose values (train, validation, test) say where each sample belongs; "
        "at import 'folder', the first folder of its file.",
    )
    group: str | None = setting(
        None,
        description="Label whose groups are never divided. A run or search computes formula, "
        "chemical-system, prototype or cluster itself where the dataset has no such label.",
    )
    clusters: int = setting(
        CLUSTERS, ge=2, le=200, description="With group cluster, the number of clusters."
    )
    within: dict[str, str] = setting(
        {},
        max_length=1,
        description="Label and value of the samples to deal; each other value of the label gets a "
        "split of its own name, which tests on the samples of that value.",
    )
    seed: int | None = setting(
        None, ge=0, le=SEED_LIMIT, description="Seed of the shuffle; the recipe's if not given."
    )
    repeats: Repeats | Seeds = setting(
        1,
        description="How many splits a run trains on, with this seed and those that follow; or "
        "their seeds. Scores are means over them, with their spread.",
    )
    leave_out: bool = setting(
        False,
        description="One split for each group, which is its test part (leave one out); shares are "
        "then those of train and validation among the others.",
    )
    lockbox: float = setting(
        0.0,
        ge=0,
        lt=1,
        description="Share of the samples, in whole groups, that no part and no fold of any seed "
        "holds: those whose name has the lowest hashes.",
    )
    opened: bool = setting(
        False, description="Test on the lockbox; each time is counted and dated."
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check_exclusive(self) -> Self:
        given = self.stated()
        for first, others in EXCLUDE.items():
            if first in given and (other := next((k for k in given if k in others), None)):
                raise ValueError(f"'{first}' and '{other}' exclude each other")
        if self.fractions and (min(self.fractions) < 0 or abs(sum(self.fractions) - 1) > 1e-9):
            raise ValueError("'fractions' must not be negative and must add up to 1")
        for key, needed in (("leave_out", "group"), ("opened", "lockbox")):
            if key in given and needed not in given and self.name is None:
                raise ValueError(f"'{key}' needs '{needed}'")
        if isinstance(self.repeats, tuple) and len(set(self.repeats)) < len(self.repeats):
            raise ValueError("'repeats' names a seed twice")
        return self

    def stated(self) -> dict[str, Any]:
        """Return what is given, by key."""
        fields = type(self).model_fields
        return {key: value for key, value in dict(self).items() if value != fields[key].default}

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each split, where splits are made."""
        first = self.seed or 0
        if isinstance(self.repeats, tuple):
            return self.repeats
        return tuple(range(first, first + self.repeats))


def with_defaults(section: SplitSection, seed: int) -> SplitSection:
    """Return a split to be made with what it leaves open: shares, and the recipe's seed."""
    if section.parts is not None:
        return section
    fractions = None if section.counts else section.fractions or FRACTIONS
    own = seed if section.seed is None else section.seed
    return section.model_copy(update={"fractions": fractions, "seed": own})


def make_splits(
    section: SplitSection | None,
    ids: NDArray[np.str_],
    labels: Mapping[str, NDArray[Any]],
    seed: int = 0,
) -> dict[str, Split]:
    """Return the splits that a recipe asks for: ``default``, and those of other sets of samples.

    Where only samples of one value of a label are dealt (``within``), each other value gets a split
    of its own name: trained and validated on the same samples, tested on all with that value.

    Parameters
    ----------
    section
        What is asked for; None for no split.
    ids
        (n,) sample ids.
    labels
        (n,) values of each label.
    seed
        Seed of a shuffle that states none.

    Raises
    ------
    UnknownNameError
        If a label or value does not exist.
    ConfigError
        If counts do not add up to the samples that are there, or a stored split is named.
    """
    if section is None:
        return {}
    if section.name is not None:
        raise ConfigError(
            f"split '{section.name}': a dataset that is made has no split yet; say how to make it "
            "(fractions, counts or parts)."
        )
    section = with_defaults(section, seed)
    if several := [key for key in SEVERAL if key in section.stated()]:
        raise ConfigError(
            f"split.{several[0]}: a dataset that is made has one split; say this in the recipe of "
            "a run or search."
        )
    return _one_of_each(section, ids, labels)


def _one_of_each(
    section: SplitSection, ids: NDArray[np.str_], labels: Mapping[str, NDArray[Any]]
) -> dict[str, Split]:
    used = {
        "group": section.group,
        "parts": section.parts,
        "within": next(iter(section.within), None),
    }
    for key, label in used.items():
        if label is not None and label not in labels:
            hint = did_you_mean(label, labels)
            raise UnknownNameError(f"split.{key} '{label}' is none of the labels{hint}.")
    if section.parts is not None:
        return {"default": _split_by_label(section.parts, ids, labels[section.parts])}
    inside = np.ones(len(ids), dtype=bool)
    for name, value in section.within.items():
        require_groups(labels[name])
        known = np.unique(labels[name]).astype(str)
        if "default" in known and value != "default":
            raise ConfigError(
                f"split.within: samples whose {name} is 'default' would be tested by the split "
                "'default', which is that of the others; call them otherwise."
            )
        if value not in known:
            raise UnknownNameError(
                f"split.within: no sample has {name} '{value}'{did_you_mean(value, known)}."
            )
        inside &= labels[name].astype(str) == value
    groups = labels[section.group][inside] if section.group else None
    own = section.seed or 0
    if section.fractions is None:
        default = _split_by_counts(ids[inside], section.counts or (0, 0, 0), own)
    else:
        default = make_split(ids[inside], section.fractions, seed=own, groups=groups)
    splits = {"default": default}
    for name, value in section.within.items():
        for other in np.unique(labels[name]).astype(str):
            if other != value:
                test = ids[labels[name].astype(str) == other]
                splits[str(other)] = Split(default.train, default.validation, test)
    return splits


def find_splits(
    dataset: Dataset, section: SplitSection, seed: int
) -> tuple[dict[str, Any], dict[str, Split]]:
    """Return a recipe's section on the split, filled in, and the splits that it names or makes.

    The splits stand by what tells them apart: the name of a stored one, ``seed 0``, or the group
    that is left out. Where the dataset has a default split and the section says no more than how
    often to repeat, groups are those that the default split keeps together.

    Raises
    ------
    UnknownNameError
        If a stored split, a label or a value does not exist.
    ConfigError, DataError
        If the parts asked for cannot be made.
    """
    stored = "default" if not section.stated() and "default" in dataset.splits else section.name
    if stored is not None:
        if stored not in dataset.splits:
            hint = did_you_mean(stored, dataset.splits)
            raise UnknownNameError(
                f"dataset '{dataset.metadata.name}' has no split '{stored}'{hint}."
            )
        filled = SplitSection(name=stored).model_dump(mode="json")
        return filled, {stored: dataset.splits[stored]}
    if section.group is None and {"repeats", "lockbox"} & section.stated().keys():
        section = section.model_copy(update={"group": split_group(dataset)})
    section = with_defaults(section, seed)
    filled = section.model_dump(mode="json")
    ids, labels = dataset.samples.ids, dataset.labels
    if section.group is not None and section.group not in labels:
        hint = did_you_mean(section.group, labels)
        raise UnknownNameError(f"split.group '{section.group}' is none of the labels{hint}.")
    if section.parts is not None or section.within or section.counts is not None:
        return filled, {"made here": _one_of_each(section, ids, labels)["default"]}
    own = ids
    if section.group is not None:
        values = np.asarray(labels[section.group])
        require_groups(values)  # as words, what is no number would be a group
        own = values.astype(str)
    closed = locked(own, section.lockbox)
    if section.lockbox and not (closed.any() and (~closed).sum() > 1):
        raise ConfigError(
            f"split.lockbox {section.lockbox:g} holds {int(closed.sum())} of {len(ids)} samples; "
            "ask for another share, or smaller groups."
        )
    inside = ids[~closed]
    groups = None if section.group is None else own[~closed]
    if section.leave_out:
        return filled, _each_left_out(section, inside, own[~closed])
    shares = section.fractions or FRACTIONS
    if section.opened:  # what would be tested trains and validates instead
        shares = _without_test(shares)
    made = {}
    for one in section.seeds:
        split = make_split(inside, shares, seed=one, groups=groups)
        made[f"seed {one}"] = (
            Split(split.train, split.validation, ids[closed]) if section.opened else split
        )
    return filled, made


def find_split(dataset: Dataset, section: SplitSection, seed: int) -> tuple[dict[str, Any], Split]:
    """Return the first of :func:`find_splits`."""
    filled, splits = find_splits(dataset, section, seed)
    return filled, next(iter(splits.values()))


def split_group(dataset: Dataset, named: str | None = None) -> str | None:
    """Return the label whose groups a split keeps together, where that is known."""
    known = dataset.metadata.provenance.get("split")
    found = named or (known.get("group") if isinstance(known, Mapping) else None)
    return found if isinstance(found, str) and found in dataset.labels else None


def locked(groups: NDArray[np.str_], share: float) -> NDArray[np.bool_]:
    """Return which samples a lockbox holds: those of (n,) groups with the lowest hashes.

    No seed has a part in it, and a dataset that grows keeps in its lockbox what was there.
    """
    names, member = np.unique(groups, return_inverse=True)
    low = [int(digest(f"lockbox {name}")[:12], 16) / 16**12 < share for name in names.tolist()]
    return np.array(low, dtype=bool)[member]


def _without_test(shares: tuple[float, float, float]) -> tuple[float, float, float]:
    train, validation, _ = shares
    if train <= 0:
        raise ConfigError("split.fractions leaves nothing to train on.")
    whole = train + validation
    return train / whole, validation / whole, 0.0


def _each_left_out(
    section: SplitSection, ids: NDArray[np.str_], groups: NDArray[np.str_]
) -> dict[str, Split]:
    """Return a split for each group, which it tests on."""
    names = np.unique(groups)
    if not 2 <= len(names) <= MOST_LEFT_OUT:
        raise ConfigError(
            f"split.leave_out: '{section.group}' has {len(names)} groups, and 2 to "
            f"{MOST_LEFT_OUT} can be left out in turn; group by cluster, or repeat random splits."
        )
    shares = _without_test(section.fractions or FRACTIONS)
    made = {}
    for name in names.tolist():
        held = groups == name
        rest = make_split(ids[~held], shares, seed=section.seed or 0, groups=groups[~held])
        made[name] = Split(rest.train, rest.validation, ids[held])
    return made


def _split_by_label(label: str, ids: NDArray[np.str_], values: NDArray[Any]) -> Split:
    """Return the split that a label states for each sample."""
    parts = [PART_OF.get(str(value).lower()) for value in values]
    if None in parts:
        row = parts.index(None)
        raise ConfigError(
            f"split.parts: '{label}' of sample '{ids[row]}' is '{values[row]}', no part; it must "
            "be train, validation or test for every sample."
        )
    named = np.array(parts)
    if not (named == "train").any():
        raise ConfigError(
            f"split.parts: no sample has {label} 'train', so there is nothing to fit."
        )
    return Split(*(ids[named == part] for part in PARTS))


def _split_by_counts(ids: NDArray[np.str_], counts: tuple[int, int, int], seed: int) -> Split:
    """Return a split of exactly so many samples, drawn at random."""
    if sum(counts) != len(ids):
        raise ConfigError(
            f"split.counts {', '.join(map(str, counts))} add up to {sum(counts)}; there are "
            f"{len(ids)} samples to deal."
        )
    order = np.random.default_rng(seed).permutation(len(ids))
    first, second = counts[0], counts[0] + counts[1]
    parts = order[:first], order[first:second], order[second:]
    return Split(*(ids[np.sort(part)] for part in parts))
