"""What the calls of :mod:`xreg.api` return: numbers, tables and pictures as objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xreg.core.errors import UnknownNameError, did_you_mean
from xreg.workbench.notebook.models import TrainedModel
from xreg.workbench.notebook.tables import Drawing, Figure, Table, remark_list

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xreg.workbench.fit.fit import Fitted
    from xreg.workbench.search.ranking import FamilyResult

__all__ = ["Evaluation", "FitResult", "RunResult", "RunSeries", "SearchResult"]

PARTS_OF_SCORES = ("samples", "r2", "r2_interval", "rmse")


@dataclass(frozen=True)
class _Folder:
    """A folder of results.

    Attributes
    ----------
    folder
        Where everything stands.
    remarks
        What whoever uses the result must know, a sentence each.
    """

    folder: Path
    remarks: tuple[str, ...] = ()

    @property
    def report(self) -> Path:
        """The page for people, ``report.html``."""
        return self.folder / "report.html"

    @cached_property
    def figures(self) -> dict[str, Figure]:
        """The pictures, by name."""
        return {p.stem: Figure(p) for p in sorted((self.folder / "figures").glob("*.png"))}

    def _page(self, title: str, *tables: Table) -> str:
        parts = [f"<h4>{escape(title)}</h4>", *(table._repr_html_() for table in tables)]
        return "".join([*parts, remark_list(self.remarks), f"<p>{escape(str(self.report))}</p>"])


@dataclass(frozen=True)
class _Judged(_Folder):
    @cached_property
    def metrics(self) -> dict[str, Any]:
        """All scores, as ``metrics.json`` has them."""
        from xreg.core.storage import parse_json

        path = self.folder / "metrics.json"
        return dict(parse_json(path.read_bytes(), str(path)))

    @cached_property
    def scores(self) -> Table:
        """Samples, R² with its 95 % interval, RMSE and median spectrum error (%) of each part."""
        rows = []
        for part, scores in self.metrics.items():
            if part in ("decomposers", "analyses", "splits"):
                continue
            row = {"part": part, **{key: scores.get(key) for key in PARTS_OF_SCORES}}
            rows.append({**row, "spectrum_error": scores.get("spectrum_error", {}).get("median")})
        return Table.of(rows, "Scores of the first split" if self.splits else "Scores")

    @cached_property
    def splits(self) -> Table | None:
        """Mean, spread and values over the splits of each score; None for a run over one split."""
        found = self.metrics.get("splits")
        if found is None:
            return None
        rows = [
            {"score": key, "mean": one["mean"], "spread": one["spread"]}
            | dict(zip(found["names"], one["values"], strict=True))
            for key, one in found["scores"].items()
        ]
        return Table.of(rows, f"Over {len(found['names'])} splits")

    @cached_property
    def predictions(self) -> dict[str, NDArray[Any]]:
        """Ids, energies, known and predicted spectra and the part of each sample, as arrays."""
        from xreg.workbench.arrays import read_predictions

        return read_predictions(self.folder / "predictions.zarr")


@dataclass(frozen=True)
class RunResult(_Judged):
    """A run: a trained model and how good it is.

    Attributes
    ----------
    allow_code
        Whether code in the settings of its components is agreed to, as it is your own run.
    """

    allow_code: bool = False

    @classmethod
    def read(cls, folder: Path) -> RunResult:
        """Return the result that a run of yours has left in a folder."""
        from xreg.core.storage import parse_json

        path = folder / "summary.json"
        remarks = tuple(parse_json(path.read_bytes(), str(path)).get("remarks", ()))
        return cls(folder, remarks, allow_code=True)

    @cached_property
    def model(self) -> TrainedModel:
        """The model, read from the folder."""
        from xreg.registry.models import load_model

        return TrainedModel(str(self.folder), load_model(self.folder, allow_code=self.allow_code))

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """The recipe with every default filled in; running it again gives the same numbers."""
        from xreg.workbench.recipes.overrides import read_yaml

        return dict(read_yaml(self.folder / "recipe.yaml"))

    def _repr_html_(self) -> str:
        return self._page(f"Run {self.folder.name}", self.scores)


@dataclass(frozen=True)
class RunSeries(Mapping[str, RunResult]):
    """The runs of a recipe with ``each``, by name.

    Attributes
    ----------
    runs
        Each run.
    folder
        Where they stand, with ``scores.csv``.
    """

    runs: Mapping[str, RunResult]
    folder: Path

    def __getitem__(self, name: str) -> RunResult:
        if name not in self.runs:
            raise UnknownNameError(f"no run '{name}'{did_you_mean(name, self.runs)}.")
        return self.runs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.runs)

    def __len__(self) -> int:
        return len(self.runs)

    @cached_property
    def scores(self) -> Table:
        """The scores of each part of each run."""
        rows = [{"run": name, **row} for name, run in self.runs.items() for row in run.scores]
        return Table.of(rows, "Scores")

    def _repr_html_(self) -> str:
        return f"<h4>Runs {escape(self.folder.name)}</h4>" + self.scores._repr_html_()


@dataclass(frozen=True)
class Evaluation(_Judged):
    """A model judged on a dataset."""

    def _repr_html_(self) -> str:
        return self._page(f"Evaluation {self.folder.name}", self.scores)


@dataclass(frozen=True)
class SearchResult(_Folder):
    """Families of methods that competed.

    Attributes
    ----------
    families
        How each has done, the best first.
    """

    families: tuple[FamilyResult, ...] = ()

    @cached_property
    def ranking(self) -> Table:
        """The families with their scores, as far as they have any."""
        rows = [
            {
                "family": s.label,
                "r2": s.score,
                "spread of folds": s.fold_spread,
                "test": s.test,
                "candidates": s.candidates,
                "failed": s.failed,
                "seconds": s.seconds,
            }
            for s in self.families
        ]
        return Table.of(rows, "Ranking")

    @property
    def recipes(self) -> dict[str, Path]:
        """The recipe of each winner, to run it."""
        return {path.stem: path for path in sorted((self.folder / "recipes").glob("*.yaml"))}

    def _repr_html_(self) -> str:
        return self._page(f"Search {self.folder.name}", self.ranking)


@dataclass(frozen=True, eq=False)
class FitResult:
    """Parameters with which a model reproduces a measured spectrum.

    Attributes
    ----------
    fitted
        Everything that was found.
    folder
        Where it was written; None where it was not asked for.
    """

    fitted: Fitted
    folder: Path | None = None
    _facts: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """All that ``fit.json`` holds."""
        from xreg.workbench.fit.results import result_table

        return self._facts or result_table(self.fitted)

    @cached_property
    def parameters(self) -> Table:
        """Value, σ, 68 % interval, unit and range of each unknown, and what is to be said of it."""
        from xreg.workbench.fit.results import result_rows

        columns = ("name", "value", "σ", "68 % interval", "unit", "range", "remark")
        return Table(columns, tuple(result_rows(self.facts)), "Fit")

    @property
    def remarks(self) -> Sequence[str]:
        """What whoever uses the result must know, a sentence each."""
        return list(self.facts["remarks"])

    def plot(self) -> Drawing:
        """Draw the measured and the fitted spectrum with the fit's misfit and intervals."""
        from xreg.workbench.fit.figures import draw_fit

        done = self.fitted
        return Drawing.of(draw_fit, done.fit, done.starts, done.intervals, None, done.channel)

    def _repr_html_(self) -> str:
        return self.parameters._repr_html_() + remark_list(self.remarks)
