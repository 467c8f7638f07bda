"""From a finished search to rows of a registry's leaderboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from xreg.core.errors import DataError, UnknownNameError, did_you_mean
from xreg.core.files import disk_errors
from xreg.core.run import FORMAT
from xreg.core.storage import parse_json
from xreg.registry.registries import candidates
from xreg.workbench.leaderboards.entry import FOLDER, Row, write_row
from xreg.workbench.leaderboards.task import Task, conflicts, find_task, noted_task, require_anew
from xreg.workbench.run.provenance import components, machine
from xreg.workbench.search.ranking import FamilyResult
from xreg.workbench.search.session import Search

__all__ = ["submit"]


def submit(
    folder: Path, signed_off_by: str, registry: str | None = None, only: Sequence[str] = ()
) -> list[Path]:
    """Write a row for each finished family of a search into a registry's folder.

    One file a row, so that two people who submit at once do not meet; to put it into git, and to
    ask for it to be merged, is left to them.

    Parameters
    ----------
    folder
        A search that was made with ``--task``.
    signed_off_by
        Who says that it was made as the task asks.
    registry
        A folder or configured name; by default where the task was found.
    only
        Labels of families; all that are finished without it.

    Returns
    -------
    list of Path
        The new files.

    Raises
    ------
    DataError
        If the search is not for the task as it stands now, or is not finished.
    UnknownNameError
        If a family is not in it, or the registry is none to write to.
    """
    name, noted = noted_task(folder)
    task = find_task(name, registry)
    place = candidates(registry)[0] if registry else task.registry
    if place is None or place.remote:
        raise UnknownNameError(
            f"the registry {place} is given by its URL, which nothing can be written to; clone it, "
            "submit with --registry FOLDER, and send what is new there as a pull request."
        )
    if noted != task.digest:
        raise DataError(
            f"the rules of the task '{name}' are not those that '{folder}' was made for; search "
            "again with the task as it is now."
        )
    search = Search(folder)
    require_anew(search.recipe)
    plain = search.recipe.plain()
    if found := conflicts(task, plain):
        raise DataError(f"'{folder}' was not searched as the task '{name}' asks: {found[0]}.")
    results = {result.label: result for result in search.results()}
    for label in only:
        if label not in results:
            raise UnknownNameError(f"no family '{label}' in it{did_you_mean(label, results)}.")
    wanted = [results[label] for label in only or results]
    open_ = [r.label for r in wanted if not r.done]
    if open_ and only:
        raise DataError(f"the budget of {', '.join(open_)} is not spent; go on with the search.")
    made = [r for r in wanted if r.done and r.score is not None]
    if not made:
        raise DataError(f"no family of '{folder}' is finished; repeat `xreg search` to go on.")
    rows = [_row(task, search, folder, result, signed_off_by) for result in made]
    with disk_errors(f"submitting to '{place.location}'"):
        home = place.root() / FOLDER / task.name
        return [write_row(home, row) for row in rows]


def _row(task: Task, search: Search, folder: Path, result: FamilyResult, by: str) -> Row:
    kept = folder / "winners" / f"{result.label}.json"
    winner = parse_json(kept.read_bytes(), f"'{kept}'")
    named = [
        (kind, str(part["name"]))
        for kind in ("descriptor", "emulator", "decomposer")
        if (part := getattr(result, kind)) is not None
    ]
    rules: dict[str, Any] = {key: search.recipe.plain()[key] for key in task.rules}
    for key in ("path", "registry"):  # where it lies says nothing of what it is
        del rules["dataset"][key]
    rules["dataset"]["hash"] = search.dataset.hash
    return Row.model_validate(
        {
            "format": FORMAT,
            "benchmark": search.benchmark,
            "xreg": version("xreg"),
            "rules": rules,
            "emulator": search.recipe.emulator.name,
            "families": [{**asdict(result), "failure": result.failure[:2000]}],
            "task": task.name,
            "task_digest": task.digest,
            "scores": winner["scores"],
            "sources": components(named),
            "machine": machine(),
            "submitted": f"{datetime.now(UTC):%Y-%m-%d}",
            "signed_off_by": by,
        }
    )
