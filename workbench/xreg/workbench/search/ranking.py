"""How the families of a search stand, as a record, as a table and in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from xreg.core.interfaces.analysis import Table
from xreg.core.text import counted

__all__ = ["FamilyResult", "ranking_table", "remarks"]


@dataclass(frozen=True)
class FamilyResult:
    """How a family has done.

    Attributes
    ----------
    label
        The family.
    descriptor, emulator, decomposer
        Settings of its best candidate; None while there is none, and for a part that it lacks.
    plugin
        Distribution and version that brought the descriptor (or the model without one).
    candidates, failed
        Trials within the budget, and how many of them failed.
    failure
        Why the first of these failed.
    done
        Whether its budget is spent, or there is nothing (more) to try.
    seconds
        Processor time spent.
    score
        Mean covered variance of the best candidate over folds and seeds.
    fold_spread, seed_spread
        Standard deviation over folds (mean of seeds), and over seeds (mean of folds; None for one).
    test
        Covered variance on the test part, trained on the train part as ``xreg run`` does.
    """

    label: str
    descriptor: dict[str, Any] | None
    emulator: dict[str, Any] | None
    decomposer: dict[str, Any] | None
    plugin: str
    candidates: int
    failed: int
    failure: str
    done: bool
    seconds: float
    score: float | None = None
    fold_spread: float | None = None
    seed_spread: float | None = None
    test: float | None = None


def ranking_table(results: Sequence[FamilyResult]) -> Table:
    """Return the ranking in words and numbers."""
    rows = []
    for place, s in enumerate(results, 1):
        scores = (s.score, s.fold_spread, s.seed_spread, s.test)
        rows.append(
            [place, s.label, *(None if v is None else f"{v:.4f}" for v in scores),
             s.candidates, s.failed, f"{s.seconds:.0f}", s.plugin]
        )  # fmt: skip
    return Table(
        "ranking",
        "Ranking",
        ["", "family", "R²", "± folds", "± seeds", "test R²", "candidates", "failed",
         "time (s)", "plugin"],
        rows,
        "R²: mean covered variance of the family's best candidate over folds and seeds, on parts "
        "held out; ± folds and ± seeds: standard deviations over them. Test R²: trained on the "
        "train part, judged on the test part, which the search never saw. Candidates were drawn at "
        "random until the family had spent its processor time, descriptors included; time says how "
        "much it spent with those under way.",
    )  # fmt: skip


def remarks(results: Sequence[FamilyResult]) -> Iterator[str]:
    """Say in a sentence each what a reader of the ranking should know."""
    if open_ := [s.label for s in results if not s.done]:
        yield (
            f"Not finished: {', '.join(open_)} may go on; repeat the command with the same folder."
        )
    for s in results:
        if s.failed:
            failed = f"{s.failed:,} of {counted(s.candidates, 'candidate')} failed"
            yield f"{s.label}: {failed}, first: {s.failure}"
