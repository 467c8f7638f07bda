"""Datasets that grow, in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xreg.workbench.notebook.arguments import Recipe
from xreg.workbench.notebook.progress import with_progress
from xreg.workbench.notebook.tables import Drawing, Table

if TYPE_CHECKING:
    from xreg.workbench.grow.grow import Grown

__all__ = ["GrowResult", "grow"]


@dataclass(frozen=True, eq=False)
class GrowResult:
    """A dataset that has grown.

    Attributes
    ----------
    grown
        Its store, and what every round did.
    """

    grown: Grown

    @property
    def store(self) -> Path:
        """The dataset."""
        return self.grown.store

    @property
    def rounds(self) -> Table:
        """How many samples each round computed, and how far its model is from the test ones."""
        rows = [
            {
                "round": number,
                "computed": len(one.rows),
                "failed": len(one.failed),
                "trained on": one.trained,
                "relative error": one.error,
                "R²": one.r2,
            }
            for number, one in enumerate(self.grown.record.rounds)
        ]
        return Table.of(rows, "Rounds")

    @property
    def remarks(self) -> Sequence[str]:
        """What whoever uses the dataset must know, a sentence each."""
        return [f"Growing ended: {self.grown.record.finished}.", *self.grown.notes]

    def plot(self) -> Drawing:
        """Draw the error against the number of samples, and the spread of each round."""
        from xreg.workbench.grow.results import draw_growth

        return Drawing.of(draw_growth, self.grown.record)

    def _repr_html_(self) -> str:
        return self.rounds._repr_html_()


@with_progress
def grow(
    recipe: Recipe,
    out: str | Path,
    *,
    settings: Sequence[str] = (),
    only: str = "",
    workers: int | None = None,
    allow_code: bool = False,
) -> GrowResult:
    """Compute the samples of a pool that a model lacks, round by round.

    Parameters
    ----------
    recipe
        A YAML file, or a dictionary of the same form; its file of samples is meant from the folder
        of the recipe, or from the working folder.
    out
        Folder to make, or to go on with.
    settings
        ``key=value`` texts over the recipe, with dots.
    only
        Of a recipe with ``each``, the one of this name.
    workers
        Processes; all cores if not given.
    allow_code
        Whether you agree to code that came with the recipe's file.
    """
    from xreg.workbench.grow.grow import grow as carry_out
    from xreg.workbench.grow.recipe import GrowRecipe
    from xreg.workbench.recipes.load import load_one

    one = load_one(GrowRecipe, recipe, None, settings, only, allow_code=allow_code)
    base = Path(recipe).parent if isinstance(recipe, str | Path) else Path()
    return GrowResult(carry_out(one, base, Path(out), workers=workers))
