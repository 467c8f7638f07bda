"""What a search leaves: ranking, curves, distributions, winners' recipes, and a page of it all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from xreg.core.analysis.style import styled
from xreg.core.files import write_csv, write_text
from xreg.core.interfaces.analysis import Drawing, Table
from xreg.core.run import FORMAT
from xreg.core.settings_in_words import value_in_words
from xreg.core.storage import canonical_json, digest
from xreg.workbench.report import ranking as figures
from xreg.workbench.report.draw import Picture, save_figure
from xreg.workbench.report.page import embed, fill
from xreg.workbench.search.ranking import FamilyResult, ranking_table, remarks

if TYPE_CHECKING:
    from xreg.workbench.search.recipe import Family
    from xreg.workbench.search.session import Search

__all__ = ["write_results"]


def write_results(search: Search, results: Sequence[FamilyResult]) -> None:
    """Write everything into the search's folder."""
    folder = search.folder
    families = {family.label: family for family in search.families}
    curves = {s.label: _budget_curve(search, families[s.label]) for s in results}
    table = ranking_table(results)
    write_csv(folder / "ranking.csv", [table.columns, *table.rows])
    write_csv(folder / "candidates.csv", _candidates(search))
    content = json.loads(json.dumps(_results(search, results)))
    content["digest"] = digest(canonical_json(content))
    write_text(folder / "results.json", json.dumps(content, indent=1) + "\n")
    (folder / "recipes").mkdir(exist_ok=True)
    for result in results:
        if result.score is not None:
            recipe = search.recipe.run_recipe(
                result.label, result.descriptor, result.emulator, result.decomposer,
                search.recipe.seed,
            )  # fmt: skip
            write_text(folder / "recipes" / f"{result.label}.yaml", recipe.to_yaml())
    winners = [
        (s.label, list(_winning_settings(s, families[s.label])))
        for s in results
        if s.score is not None
    ]
    pictures = _figures(search, curves, results)
    write_text(folder / "report.html", _page(search, results, table, pictures, winners))


def _budget_curve(search: Search, family: Family) -> figures.BudgetCurve:
    found = search.study.candidates(family)
    seconds = np.cumsum([c.seconds for c in found])
    scores = np.array([np.nan if c.scores is None else c.score for c in found])
    return figures.BudgetCurve(seconds, scores)


def _figures(
    search: Search, curves: dict[str, figures.BudgetCurve], results: Sequence[FamilyResult]
) -> list[Picture]:
    ranked = [
        (s.label, s.score, s.fold_spread or 0.0, s.test) for s in results if s.score is not None
    ]
    budget = search.recipe.budget
    drawings = [
        Drawing(
            "ranking",
            "Ranking",
            "The best candidate of each family: mean over folds and seeds, with the standard "
            "deviation over folds; diamonds: the test part.",
            lambda: figures.ranking(ranked),
        ),
        Drawing(
            "budget",
            "Score against budget",
            "The best score in cross-validation after so much processor time. Who is ahead at the "
            "end of a short budget is the cheaper choice.",
            lambda: figures.budget_curves(curves, budget),
        ),
        Drawing(
            "distributions",
            "All candidates",
            "Scores of all candidates of each family (their number in brackets): a narrow box high "
            "up needs little searching.",
            lambda: figures.distributions(curves),
        ),
    ]
    if not ranked:
        return []
    folder = search.folder / "figures"
    folder.mkdir(exist_ok=True)
    pictures = []
    with styled():
        for drawing in drawings:
            path = folder / f"{drawing.name}.png"
            save_figure(drawing.draw(), path)
            pictures.append(Picture(path, "search", drawing.title, drawing.caption))
    return pictures


def _results(search: Search, results: Sequence[FamilyResult]) -> dict[str, Any]:
    plain = search.recipe.plain()
    rules = {key: plain[key] for key in ("dataset", "target", "split", "features", "folds",
             "budget", "seeds", "seed")}  # fmt: skip
    rules["dataset"].pop("path")
    return {
        "format": FORMAT,
        "benchmark": search.benchmark,
        "xreg": version("xreg"),
        "rules": rules,
        "emulator": plain["emulator"]["name"],
        "families": [asdict(result) for result in results],
    }


def _candidates(search: Search) -> Iterator[Sequence[Any]]:
    yield ["family", "number", "r2", "seconds", "descriptor", "model", "failure"]
    for family in search.families:
        for found in search.study.candidates(family):
            yield [
                family.label,
                found.number,
                "" if found.scores is None else f"{found.score:.6f}",
                f"{found.seconds:.3f}",
                json.dumps(found.descriptor),
                json.dumps(found.model),
                found.reason,
            ]


def _page(
    search: Search,
    results: Sequence[FamilyResult],
    table: Table,
    pictures: Sequence[Picture],
    winners: Sequence[tuple[str, Sequence[tuple[str, str, str]]]],
) -> str:
    recipe, data = search.recipe, search.dataset.metadata
    repeated = f", {recipe.folds.repeats} times" if recipe.folds.repeats > 1 else ""
    grouped = f", groups by {recipe.folds.group}" if recipe.folds.group else ""
    return fill(
        "ranking",
        title=recipe.name,
        lines=[
            f"{data.title or data.name}: {data.name} {data.version}, channel "
            f"{search.target.channel}.",
            f"{recipe.folds.count}-fold cross-validation{repeated}{grouped} on "
            f"{len(search.rows):,} samples; {len(search.test):,} for the test. Every family has "
            f"{recipe.budget:g} s of processor time, descriptors included.",
            *remarks(results),
        ],
        table=table,
        figures=[embed(picture) for picture in pictures],
        winners=winners,
        benchmark=search.benchmark,
    )


def _winning_settings(result: FamilyResult, family: Family) -> Iterator[tuple[str, str, str]]:
    """Yield each setting of a winner: its name, its value, and what it was drawn from."""
    for kind, space in zip(("descriptor", family.model), family.spaces, strict=True):
        settings: dict[str, Any] = getattr(result, kind) or {}
        for key, value in settings.items():
            drawn = f"of {found}" if (found := space.drawn_from(key)) else ""
            yield f"{kind} {key}", value_in_words(value), drawn
