"""Runs and searches in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xreg.core.errors import ConfigError
from xreg.workbench.notebook.arguments import Recipe
from xreg.workbench.notebook.progress import with_progress
from xreg.workbench.notebook.results import RunResult, RunSeries, SearchResult

if TYPE_CHECKING:
    from xreg.workbench.run.recipe import Recipe as RunRecipe

__all__ = ["run", "run_each", "search"]


@with_progress
def run(
    recipe: Recipe,
    *,
    out: str | Path | None = None,
    settings: Sequence[str] = (),
    only: str = "",
    allow_code: bool = False,
) -> RunResult:
    """Train and judge a model as a recipe says.

    Parameters
    ----------
    recipe
        A YAML file, or a dictionary of the same form.
    out
        Folder to make; ``runs/<date>-<recipe name>`` if not given.
    settings
        ``key=value`` texts over the recipe, with dots: ``emulator.width=128``.
    only
        Of a recipe with ``each``, the one of this name; see :func:`run_each` for all.
    allow_code
        Whether you agree to code that came with the recipe's file or the dataset.

    Raises
    ------
    ConfigError
        If the recipe is none, or has ``each`` and none is chosen.

    Examples
    --------
    >>> from xreg import api
    >>> result = api.run(
    ...     {"dataset": "h2o@1.0.0", "descriptor": "internal", "emulator": "ridge"}
    ... )  # doctest: +SKIP
    >>> result.scores["r2"]  # doctest: +SKIP
    """
    from xreg.workbench.recipes.load import load_one
    from xreg.workbench.run.recipe import Recipe as RunRecipe

    every = ", or do all by run_each"
    one = load_one(RunRecipe, recipe, None, settings, only, allow_code=allow_code, otherwise=every)
    return _run(one, None if out is None else Path(out))


@with_progress
def run_each(
    recipe: Recipe,
    *,
    out: str | Path | None = None,
    settings: Sequence[str] = (),
    only: Sequence[str] = (),
    allow_code: bool = False,
) -> RunSeries:
    """Do all runs of a recipe with ``each``, one folder for each; those that exist are read.

    Parameters
    ----------
    recipe, settings, allow_code
        See :func:`run`.
    out
        Folder of the runs, ``runs/<recipe name>`` if not given.
    only
        Names below ``each``; all if not given.
    """
    from xreg.workbench.recipes.load import load
    from xreg.workbench.run.recipe import Recipe as RunRecipe
    from xreg.workbench.run.series import write_scores

    found = load(RunRecipe, recipe, None, settings, only, allow_code=allow_code)
    if "" in found:
        raise ConfigError("the recipe has no section 'each'; do the one that it describes by run.")
    first, one = next(iter(found.items()))
    whole = Path("runs") / one.name.removesuffix(f"-{first}") if out is None else Path(out)
    done = {}
    for name, each in found.items():
        place = whole / name
        done[name] = RunResult.read(place) if place.exists() else _run(each, place)
    write_scores(whole)
    return RunSeries(done, whole)


def _run(recipe: RunRecipe, out: Path | None) -> RunResult:
    from xreg.workbench.run.run import execute

    return RunResult.read(execute(recipe, out))


@with_progress
def search(
    recipe: Recipe,
    *,
    out: str | Path | None = None,
    settings: Sequence[str] = (),
    only: str = "",
    workers: int | None = None,
    minutes: float | None = None,
    allow_code: bool = False,
) -> SearchResult:
    """Let families of methods compete, each with an equal budget of processor time.

    Parameters
    ----------
    recipe
        A YAML file, or a dictionary of the same form.
    out
        Folder of the search, ``searches/<name>`` if not given; one that exists goes on.
    settings
        ``key=value`` texts over the recipe, with dots.
    only
        Of a recipe with ``each``, the one of this name.
    workers
        Processes; all cores if not given.
    minutes
        Stop after so many; call again to go on.
    allow_code
        Whether you agree to code that came with the recipe's file.
    """
    from xreg.workbench.recipes.load import load_one
    from xreg.workbench.search.ranking import remarks
    from xreg.workbench.search.recipe import SearchRecipe
    from xreg.workbench.search.search import search as work

    one = load_one(SearchRecipe, recipe, None, settings, only, allow_code=allow_code)
    folder = Path(out) if out is not None else Path("searches") / one.name
    seconds = None if minutes is None else 60 * minutes
    families = work(one, folder, workers=workers, seconds=seconds)
    return SearchResult(folder, tuple(remarks(families)), tuple(families))
