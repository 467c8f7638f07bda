"""What measured spectra tell, in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xreg.workbench.notebook.arguments import AnyModel, reference_of
from xreg.workbench.notebook.progress import with_progress
from xreg.workbench.notebook.tables import Drawing, Table, remark_list

if TYPE_CHECKING:
    from xreg.workbench.explain.explain import Explained

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True, eq=False)
class Explanation:
    """What measured spectra tell by the data of a model.

    Attributes
    ----------
    explained
        Everything that was found, for each grid of energies.
    folder
        Where it was written; None where it was not asked for.
    """

    explained: list[Explained]
    folder: Path | None = None
    _facts: dict[str, Any] = field(default_factory=dict)

    @property
    def facts(self) -> dict[str, Any]:
        """All that ``explain.json`` holds."""
        return self._facts

    @cached_property
    def answers(self) -> Table:
        """Value and intervals of each quantity that can be told, for each spectrum."""
        rows = [
            {
                "spectrum": one["name"],
                "quantity": name,
                "value": told["value"],
                "unit": told["unit"],
                "low 68 %": told["interval_68"][0],
                "high 68 %": told["interval_68"][1],
                "low 95 %": told["interval_95"][0],
                "high 95 %": told["interval_95"][1],
                "solutions": len(told["solutions"]) or 1,
            }
            for one in self.facts["spectra"]
            for name, told in one["told"].items()
        ]
        return Table.of(rows, "What the spectra tell")

    @cached_property
    def quantities(self) -> Table:
        """How well each quantity is told of groups left out."""
        rows = [
            {
                "quantity": one["name"],
                "told": one["known"],
                "skill": one["skill"],
                "median error": one["error"],
                "within 68 %": one["coverage"][0],
                "within 95 %": one["coverage"][1],
            }
            for one in self.facts["quantities"]
        ]
        return Table.of(rows, "On groups left out")

    @property
    def remarks(self) -> Sequence[str]:
        """What whoever uses the result must know, a sentence each."""
        strange = [
            f"{one['name']}: {one['words']}" for one in self.facts["spectra"] if one["strange"] > 1
        ]
        return [*self.facts["remarks"], *strange]

    def plot(self, spectrum: int = 0) -> Drawing:
        """Draw one of the spectra with its nearest, and what it tells."""
        from xreg.workbench.explain.figures import draw_spectrum

        pairs = [(part, i) for part in self.explained for i in range(len(part.rows))]
        part, i = pairs[spectrum]
        return Drawing.of(draw_spectrum, part, i, part.stack.name(int(part.rows[i])))

    def _repr_html_(self) -> str:
        return self.answers._repr_html_() + remark_list(self.remarks)


@with_progress
def explain(
    spectra: str | Path | Sequence[str | Path],
    model: AnyModel,
    *,
    out: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    columns: Mapping[str, Any] | None = None,
    registry: str | Path | None = None,
    allow_code: bool = False,
) -> Explanation:
    """Say what structure measured spectra tell, with intervals tested on groups left out.

    Parameters
    ----------
    spectra
        Text files, a folder of them, a store, or a map (``.npz``, HDF5).
    model
        Folder or name of a run, ``name@version``, or a result of :func:`run`.
    out
        Folder to make; nothing is written if not given.
    settings
        What may differ and what is asked, as the recipe of an explanation says it:
        ``{"shift": [-1, 1], "quantities": ["coordination"]}``.
    columns
        Which columns of the files are energy, signal and noise, where their names do not tell.
    registry, allow_code
        See :func:`load_model`.
    """
    from xreg.workbench.explain.explain import explain_spectra
    from xreg.workbench.explain.recipe import ExplainRecipe
    from xreg.workbench.explain.results import explain as written
    from xreg.workbench.explain.results import result_table
    from xreg.workbench.recipes.load import load_one

    every = [spectra] if isinstance(spectra, str | Path) else spectra
    recipe = {
        **(settings or {}),
        "model": reference_of(model),
        "spectra": [str(one) for one in every],
        "columns": dict(columns or {}),
        "registry": None if registry is None else str(registry),
    }
    found = load_one(ExplainRecipe, recipe, allow_code=allow_code)
    if out is None:
        done, facts = explain_spectra(found, allow_code=allow_code)
        return Explanation(done, None, result_table(done, facts))
    done, facts = written(found, Path(out), allow_code=allow_code)
    return Explanation(done, Path(out), facts)
