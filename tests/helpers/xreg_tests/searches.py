"""A small search, and what its record says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xreg.workbench.search.recipe import SearchRecipe
from xreg.workbench.search.session import Search

SMALL: dict[str, Any] = {
    "folds": {"count": 3, "group": "trajectory"},
    "families": {"internal": None, "coulomb": None},
    "emulator": {"name": "ridge", "alpha": {"log": [1e-4, 1e4]}},
    "budget": 0.15,
    "networks": 3,
    "together": 2,
    "seeds": 2,
}


def recipe(store: Path, **change: Any) -> SearchRecipe:
    return SearchRecipe.parse({"name": "try", **SMALL, "dataset": str(store), **change}, "search")


def told(folder: Path) -> dict[tuple[str, int], tuple[Any, ...]]:
    """Return all that a search's record says of finished candidates."""
    now = Search(folder)
    return {
        (family.label, c.number): (c.descriptor, c.model, c.scores)
        for family in now.families
        for c in now.study.candidates(family)
    }
