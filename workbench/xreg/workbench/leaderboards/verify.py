"""A row of a leaderboard computed again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from xreg.core.errors import MissingRequirementError, UnknownNameError, did_you_mean
from xreg.registry.consent import component_code, require_consent
from xreg.registry.plugins import host
from xreg.workbench.leaderboards.entry import Row, rows_of
from xreg.workbench.leaderboards.task import Task, find_task, require_anew
from xreg.workbench.run.provenance import components
from xreg.workbench.search.recipe import SearchRecipe
from xreg.workbench.search.session import Search

__all__ = ["Verified", "find_row", "verify"]


@dataclass(frozen=True, eq=False)
class Verified:
    """What came out when a row was computed again.

    Attributes
    ----------
    row
        The row.
    score, test
        Mean over seeds and folds, and on the test part.
    same
        Whether every score of a seed and fold, and that of the test part, is the same to the digit.
    within
        Whether both lie within the row's spread.
    circumstances
        What is not as it was: code of components; a phrase each.
    """

    row: Row
    score: float
    test: float | None
    same: bool
    within: bool
    circumstances: list[str]

    def in_words(self) -> str:
        """Say how near it came, in one sentence."""
        if self.same:
            return f"verified to the last digit: R² {self.score:.4f}, test {_text(self.test)}."
        far = (
            f"R² {self.score:.6f} (stated {self.row.family.score:.6f}), test {_text(self.test)} "
            f"(stated {_text(self.row.family.test)}), spread {self.row.tolerance:.2g}"
        )
        return f"verified within its spread: {far}." if self.within else f"not verified: {far}."


def find_row(task: Task, name: str) -> Row:
    """Return a row by its name, or the best of a family.

    Raises
    ------
    UnknownNameError
        If there is none.
    """
    rows, _ = ([], []) if task.registry is None else rows_of(task.registry, task.name)
    for row in rows:
        if name in (row.name, row.family.label):
            return row
    known = [row.name for row in rows]
    raise UnknownNameError(f"no row '{name}' of task '{task.name}'{did_you_mean(name, known)}.")


def verify(
    task: str,
    name: str,
    registry: str | None = None,
    *,
    path: str | None = None,
    allow_code: bool = False,
    features: Path | None = None,
) -> Verified:
    """Compute the scores of a row again: the same folds, seeds and settings.

    Parameters
    ----------
    task, name
        The task, and the row's name or its family.
    registry
        Where the task is.
    path
        Where the dataset lies, if in no registry.
    allow_code
        Whether the user agrees to code in the row's settings.
    features
        Where features are kept.

    Raises
    ------
    UnknownNameError
        If there is no such row.
    MissingRequirementError
        If a component of it is not installed.
    ConsentError
        If its settings hold code that the user has not agreed to.
    """
    found = find_task(task, registry)
    row = find_row(found, name)
    family = row.family
    for source in row.sources:
        if source.kind not in host().kinds_of(source.name):
            raise MissingRequirementError(
                f"the row '{row.name}' needs the {source}, which is not installed; "
                f"`xreg plugins install {source.distribution}`, if an index has it."
            )
    recipe = _recipe(row, path, registry)
    for kind in ("descriptor", "emulator", "decomposer"):
        part: Mapping[str, Any] | None = getattr(family, kind)
        if part is None:
            continue
        settings = {key: value for key, value in part.items() if key != "name"}
        require_consent(
            component_code(kind, str(part["name"]), settings),
            f"row '{row.name}' of the task '{task}'",
            allow=allow_code,
            read=f"leaderboards/{task}/{row.name}.json of the registry",
        )
    with TemporaryDirectory(prefix="xreg-verify-") as room:
        search = Search(Path(room), recipe, features)
        (only,) = search.families
        descriptor, model = (dict(space.fixed) for space in only.spaces)
        again = search.judge(only, descriptor, model)
    scores, stated = np.array(again["scores"]), np.array(row.scores)
    score, test = float(scores.mean()), again["test"]
    named = [(source.kind, source.name) for source in row.sources]
    now = {(one["kind"], one["name"]): one["code"] for one in components(named)}
    return Verified(
        row,
        score,
        test,
        same=np.array_equal(scores, stated) and (score, test) == (family.score, family.test),
        within=abs(score - family.score) <= row.tolerance
        and (test is None) == (family.test is None)
        and (test is None or abs(test - (family.test or 0.0)) <= row.tolerance),
        circumstances=[
            f"the code of {source} is another"
            for source in row.sources
            if now[source.kind, source.name] != source.code
        ],
    )


def _recipe(row: Row, path: str | None, registry: str | None) -> SearchRecipe:
    """Return a search with the row's rules and its only candidate."""
    family = row.family
    parts = {
        kind: {"space": "defaults", **part}
        for kind in ("descriptor", "emulator", "decomposer")
        if (part := getattr(family, kind)) is not None
    }
    data = {**row.rules["dataset"], "path": path, "registry": registry}
    rules = {**row.rules, "dataset": data}
    recipe = SearchRecipe.parse(
        {**rules, "name": "verify", "families": {family.label: parts}},
        f"row '{row.name}'",
    )
    require_anew(recipe)
    return recipe.checked()


def _text(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
