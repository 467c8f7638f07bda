"""``xreg search``: families compete on one dataset, each with the same budget of processor time."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from xreg.core import progress
from xreg.core.errors import RunError
from xreg.core.executor import ExecutorKind, WorkerDiedError, open_workers
from xreg.core.files import require_parent_folder, write_text
from xreg.workbench.result_folder import result_folder
from xreg.workbench.search.ranking import FamilyResult
from xreg.workbench.search.recipe import SearchRecipe
from xreg.workbench.search.results import write_results
from xreg.workbench.search.session import RECIPE, Search, no_progress

__all__ = ["search"]

log = logging.getLogger("xreg.search")


def search(
    recipe: SearchRecipe,
    out: Path,
    *,
    workers: int | None = None,
    executor: ExecutorKind = "process",
    scheduler: str | None = None,
    seconds: float | None = None,
    features: Path | None = None,
) -> list[FamilyResult]:
    """Search with several workers, then write tables, figures, recipes and the page.

    Repeating the call goes on where it was; several calls at once share the work.

    Parameters
    ----------
    recipe
        What to search.
    out
        The search's folder.
    workers, executor, scheduler
        Who works; all cores if not given.
    seconds
        Stop after so long; what is done is kept.
    features
        Where features are kept; in the user's cache if not given.

    Raises
    ------
    XregError
        If the recipe is bad, the folder holds something else, or every candidate fails.
    """
    require_parent_folder(out)
    now = Search(out, recipe, features)
    with result_folder(out, "search", goes_on=True):
        return _carry_out(now, workers, executor, scheduler, seconds, features)


def _carry_out(
    now: Search,
    workers: int | None,
    executor: ExecutorKind,
    scheduler: str | None,
    seconds: float | None,
    features: Path | None,
) -> list[FamilyResult]:
    out = now.folder
    write_text(out / RECIPE, now.recipe.to_yaml())
    until = None if seconds is None else time.time() + seconds
    with open_workers(executor, workers, scheduler) as pool:
        with now.watched():
            jobs = [(str(out), until, index, features) for index in range(pool.size)]
            for job, result in pool.unordered(_work, jobs):
                if isinstance(result, WorkerDiedError):
                    log.warning("search worker %d died; its candidates are judged again", job[2])
            with progress.listen(no_progress):
                now.work(until)  # what workers that were killed have left
        count = len(now.families)
        families = [(str(out), index, features) for index in range(count)]
        winners = pool.unordered(_judge_winner, families)
        for _ in progress.track(winners, "winners", count):
            pass  # what a worker that dies has not judged is judged below
    results = now.results()
    write_results(now, results)
    if all(s.score is None and s.done for s in results):
        first = results[0]
        raise RunError(
            f"no candidate of any family could be judged; '{first.label}' failed because: "
            f"{first.failure}"
        )
    return results


def _work(job: tuple[str, float | None, int, Path | None]) -> int:
    return Search(Path(job[0]), features=job[3]).work(job[1])


def _judge_winner(job: tuple[str, int, Path | None]) -> None:
    found = Search(Path(job[0]), features=job[2])
    found.judge_winner(found.families[job[1]])
