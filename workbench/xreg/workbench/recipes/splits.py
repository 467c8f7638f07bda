"""The section ``split`` of a recipe, and the samples of each part that it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from xreg.core.config import Config, setting
from xreg.core.data.splits import PARTS, Split, make_split
from xreg.core.errors import ConfigError, UnknownNameError, did_you_mean
from xreg.workbench.recipes.sections import SEED_LIMIT

if TYPE_CHECKING:
    from xreg.core.data.dataset import Dataset

__all__ = ["PART_OF", "SplitSection", "find_split", "make_splits", "with_defaults"]

FRACTIONS = (0.8, 0.1, 0.1)
PART_OF = {**{part: part for part in PARTS}, "val": "validation", "valid": "validation"}
Count = Annotated[int, Field(ge=0)]
HOW = ("fractions", "counts", "parts", "group", "within", "seed")
EXCLUDE = {
    "name": HOW,
    "fractions": ("counts", "parts"),
    "counts": ("parts", "group"),
    "parts": ("group", "within", "seed"),
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
    group: str | None = setting(None, description="Label whose groups are never divided.")
    within: dict[str, str] = setting(
        {},
        max_length=1,
        description="Label and value of the samples to deal; each other value of the label gets a "
        "split of its own name, which tests on the samples of that value.",
    )
    seed: int | None = setting(
        None, ge=0, le=SEED_LIMIT, description="Seed of the shuffle; the recipe's if not given."
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
        return self

    def stated(self) -> dict[str, Any]:
        """Return what is given, by key."""
        return {key: value for key, value in dict(self).items() if value not in (None, {})}


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
        known = np.unique(labels[name]).astype(str)
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


def find_split(dataset: Dataset, section: SplitSection, seed: int) -> tuple[dict[str, Any], Split]:
    """Return a recipe's section on the split, filled in, and the split that it names or makes."""
    stored = "default" if not section.stated() and "default" in dataset.splits else section.name
    if stored is None:
        section = with_defaults(section, seed)
        splits = make_splits(section, dataset.samples.ids, dataset.labels)
        return section.model_dump(mode="json"), splits["default"]
    if stored not in dataset.splits:
        hint = did_you_mean(stored, dataset.splits)
        raise UnknownNameError(f"dataset '{dataset.metadata.name}' has no split '{stored}'{hint}.")
    return SplitSection(name=stored).model_dump(mode="json"), dataset.splits[stored]


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
