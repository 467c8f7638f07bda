"""Measured spectra found in a library, in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xreg.workbench.notebook.progress import with_progress
from xreg.workbench.notebook.tables import Drawing, Table, remark_list

if TYPE_CHECKING:
    from xreg.workbench.match.match import Matched

__all__ = ["MatchResult", "match"]


@dataclass(frozen=True, eq=False)
class MatchResult:
    """What a library says of measured spectra.

    Attributes
    ----------
    matched
        Everything that was found.
    folder
        Where it was written; None where it was not asked for.
    """

    matched: Matched
    folder: Path | None = None
    _facts: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """All that ``match.json`` holds."""
        from xreg.workbench.match.results import result_table

        return self._facts or result_table(self.matched)

    @cached_property
    def nearest(self) -> Table:
        """The nearest references of each spectrum, the misfit of each, and how it was moved."""
        rows = [
            {"spectrum": one["name"], **near}
            for one in self.facts["spectra"]
            for near in one["nearest"]
        ]
        return Table.of(rows, "Nearest references")

    @cached_property
    def combinations(self) -> Table:
        """The linear combination to be believed of each spectrum: weights and their σ."""
        rows = [
            {"spectrum": one["name"], **part, "R factor": one["combinations"][0]["r_factor"]}
            for one in self.facts["spectra"]
            if one["combinations"]
            for part in one["combinations"][0]["weights"]
        ]
        return Table.of(rows, "Linear combinations")

    @property
    def remarks(self) -> Sequence[str]:
        """What whoever uses the result must know, a sentence each."""
        return [
            f"{one['name']}: {text}" for one in self.facts["spectra"] for text in one["remarks"]
        ]

    def plot(self, spectrum: int = 0) -> Drawing:
        """Draw one of the spectra with its nearest references and its combination."""
        from xreg.workbench.match.figures import draw_answer

        return Drawing.of(draw_answer, self.matched, self.matched.answers[spectrum])

    def plot_series(self) -> Drawing:
        """Draw the components of a series, their shares and spectra.

        Raises
        ------
        ConfigError
            If the spectra were not taken as a series.
        """
        from xreg.core.errors import ConfigError
        from xreg.workbench.match.figures import draw_series

        if self.matched.series is None:
            raise ConfigError('the spectra are no series; match them with settings={"series": {}}.')
        return Drawing.of(draw_series, self.matched, self.matched.series)

    def _repr_html_(self) -> str:
        tables = self.nearest._repr_html_()
        tables += self.combinations._repr_html_() if len(self.combinations) else ""
        return tables + remark_list(self.remarks)


@with_progress
def match(
    spectra: str | Path | Sequence[str | Path],
    library: str | Path,
    *,
    out: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    columns: Mapping[str, Any] | None = None,
    registry: str | Path | None = None,
) -> MatchResult:
    """Find measured spectra in a library: nearest references and linear combinations.

    Parameters
    ----------
    spectra
        Text files of measured spectra, or one store of them (``….zarr``).
    library
        The references: name, ``name@version``, or path of a store.
    out
        Folder to make; nothing is written if not given.
    settings
        What may differ and what is sought, as the recipe of a match says it:
        ``{"shift": [-2, 2], "label": "compound", "series": {}}``.
    columns
        Which columns of the files are energy, signal and noise, where their names do not tell.
    registry
        Registry of the library; the usual search if not given.
    """
    from xreg.workbench.match.match import match_spectra
    from xreg.workbench.match.recipe import MatchRecipe
    from xreg.workbench.match.results import match as written
    from xreg.workbench.recipes.load import load_one

    every = [spectra] if isinstance(spectra, str | Path) else spectra
    place = {} if registry is None else {"registry": str(registry)}
    store = str(library).endswith(".zarr")
    recipe = {
        **(settings or {}),
        "spectra": [str(one) for one in every],
        "columns": dict(columns or {}),
        "library": {"path" if store else "name": str(library), **place},
    }
    found = load_one(MatchRecipe, recipe)
    if out is None:
        return MatchResult(match_spectra(found))
    matched, facts = written(found, Path(out))
    return MatchResult(matched, Path(out), facts)
