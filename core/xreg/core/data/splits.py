"""Which samples train, which validate and which test; folds for cross-validation."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import DataError

__all__ = ["PARTS", "Split", "make_folds", "make_split", "require_groups", "unlabelled"]

PARTS = ("train", "validation", "test")
MISSING = frozenset(("", "nan", "n/a", "<na>", "null"))
"""Texts that tables hold where nothing is known."""
ROUNDING = 1e-12
"""Numbers that differ by less, relative to their size, differ by how they were computed."""


@dataclass(frozen=True, eq=False)
class Split:
    """Which samples train, which validate, which test, by sample id."""

    train: NDArray[np.str_]
    validation: NDArray[np.str_]
    test: NDArray[np.str_]

    def __post_init__(self) -> None:
        every = np.concatenate([self.train, self.validation, self.test])
        values, counts = np.unique(every, return_counts=True)
        if np.any(counts > 1):
            raise DataError(f"the sample '{values[counts > 1][0]}' stands twice in one split.")

    def indices(self, ids: NDArray[np.str_]) -> dict[str, NDArray[np.intp]]:
        """Return the row numbers of each part among ``ids``.

        Raises
        ------
        DataError
            Where the split names a sample that ``ids`` lacks.
        """
        order = np.argsort(ids)
        found = {}
        for part in PARTS:
            wanted = getattr(self, part)
            first = np.searchsorted(ids, wanted, "left", sorter=order)
            missing = np.searchsorted(ids, wanted, "right", sorter=order) == first
            if np.any(missing):
                raise DataError(
                    f"the split's {part} part names the sample '{wanted[missing][0]}', which the "
                    "dataset does not have."
                )
            found[part] = np.sort(order[first])
        return found


def make_split(
    ids: NDArray[np.str_],
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
    *,
    seed: int = 0,
    groups: NDArray[Any] | None = None,
) -> Split:
    """Divide samples at random, whole groups together.

    Parameters
    ----------
    ids
        (n,) sample ids.
    fractions
        Share of train, validation and test; they add up to one.
    seed
        Seed of the shuffle.
    groups
        (n,) group of each sample (material, trajectory): no group is divided, so near-copies never
        sit on both sides. Groups are dealt, in shuffled order, to the part that lacks most.

    Raises
    ------
    DataError
        If a part with a positive fraction would stay empty.
    """
    if abs(sum(fractions) - 1) > 1e-9 or min(fractions) < 0:
        raise DataError(f"split fractions {fractions} must not be negative and must add up to 1.")
    n = len(ids)
    require_groups(groups)
    _, member = np.unique(np.arange(n) if groups is None else groups, return_inverse=True)
    sizes = np.bincount(member)
    target = np.array(fractions) * n
    filled = np.zeros(3)
    home = np.empty(len(sizes), dtype=int)
    for group in np.random.default_rng(seed).permutation(len(sizes)):
        # Relative to its target, the emptiest part takes the next group.
        lack = np.where(target > 0, (target - filled) / np.maximum(target, 1), -np.inf)
        home[group] = int(np.argmax(lack))
        filled[home[group]] += sizes[group]
    for part, fraction, got in zip(PARTS, fractions, filled, strict=True):
        if fraction > 0 and got == 0:
            many, how = f"{len(sizes)} group(s) of samples", "another fraction or no groups"
            if groups is None:
                many, how = f"{n} sample(s)", "another fraction (split.fractions)"
            raise DataError(f"{many} are too few to fill the {part} part; use {how}.")
    return Split(*(np.asarray(ids)[home[member] == i] for i in range(3)))


def unlabelled(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which of (n,) values of a label say nothing: not a number, no letter, or ``nan``."""
    if values.dtype.kind in "biu":
        return np.zeros(len(values), dtype=bool)
    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values))
    words, at = np.unique(values.astype(str), return_inverse=True)
    return np.array([word.strip().lower() in MISSING for word in words.tolist()], bool)[at]


def require_groups(groups: NDArray[Any] | None) -> None:
    """Refuse groups of which one is not known, or two are one: near-copies would be divided.

    Raises
    ------
    DataError
        If the label of a sample says nothing, or two groups differ in blanks, in how a character
        is encoded, or by rounding alone.
    """
    if groups is None:
        return
    unknown = unlabelled(groups)
    if np.any(unknown):
        raise DataError(
            f"{int(np.sum(unknown))} of {len(groups)} samples have no group (the first is sample "
            f"{int(np.argmax(unknown))}, from 0); say which they belong to, or leave them out."
        )

    names = np.unique(groups)
    if groups.dtype.kind == "f":
        close = np.diff(names) <= ROUNDING * np.abs(names[1:])
        pair = names[int(np.argmax(close)) :][:2].tolist() if close.any() else []
        how = "by rounding alone; round the label"
    else:
        seen: dict[str, Any] = {}
        pair, how = [], "in blanks or in how a letter is encoded; spell them alike"
        for name in names.tolist():
            if (first := seen.setdefault(_plain(str(name)), name)) != name:
                pair = [first, name]
                break
    if pair:
        raise DataError(f"the groups {pair[0]!r} and {pair[1]!r} differ only {how}.")


def _plain(word: str) -> str:
    """Return a word as it reads: composed characters, single blanks between words."""
    return " ".join(unicodedata.normalize("NFC", word).split())


def make_folds(
    n: int, folds: int, *, repeats: int = 1, seed: int = 0, groups: NDArray[Any] | None = None
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Divide n rows into folds for cross-validation, several times over, whole groups together.

    Parameters
    ----------
    n
        Number of rows.
    folds
        Number of folds; each is held out once.
    repeats
        How often everything is shuffled and divided anew (with ``seed``, ``seed + 1``, …).
    seed
        Seed of the first shuffle.
    groups
        (n,) group of each row; no group is divided.

    Returns
    -------
    list of (rows trained on, rows held out)
        One pair for each repeat and fold, repeat after repeat.

    Raises
    ------
    DataError
        If there are fewer rows or groups than folds.
    """
    from sklearn.model_selection import GroupKFold, KFold

    require_groups(groups)
    kind, what = (KFold, "rows") if groups is None else (GroupKFold, "groups")
    count = n if groups is None else len(np.unique(groups))
    if count < folds:
        raise DataError(f"{count} {what} of samples are too few for {folds} folds; ask for fewer.")
    rows = np.arange(n)
    return [
        pair
        for repeat in range(repeats)
        for pair in kind(folds, shuffle=True, random_state=seed + repeat).split(rows, None, groups)
    ]
