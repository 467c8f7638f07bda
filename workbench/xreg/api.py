"""xreg in a notebook: datasets, runs, evaluations, predictions, fits and searches in one import.

Results are objects that a notebook shows by themselves: tables, figures, arrays. Long calls show
their progress below the cell. Nothing is printed; what whoever uses a result must know stands in
its ``remarks``. Errors are :class:`~xreg.core.errors.XregError` and say what to do.

Recipes are those of the command line: a YAML file, or the same as a dictionary.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from xreg.core.errors import ConfigError
from xreg.workbench.notebook.models import PredictedSpectra, TrainedModel
from xreg.workbench.notebook.progress import with_progress
from xreg.workbench.notebook.results import Evaluation, FitResult, RunResult, SearchResult
from xreg.workbench.notebook.tables import Drawing, Figure, Table

if TYPE_CHECKING:
    from xreg.core.data.dataset import Dataset
    from xreg.workbench.fit.fit import Fitted
    from xreg.workbench.fit.recipe import FitRecipe
    from xreg.workbench.recipes.sections import AnyRecipe

__all__ = [
    "Drawing",
    "Evaluation",
    "Figure",
    "FitResult",
    "PredictedSpectra",
    "RunResult",
    "SearchResult",
    "Table",
    "TrainedModel",
    "datasets",
    "evaluate",
    "export",
    "fit",
    "load_model",
    "open_dataset",
    "plugins",
    "predict",
    "run",
    "search",
]

Recipe = str | Path | Mapping[str, Any]
RecipeT = TypeVar("RecipeT", bound="AnyRecipe")

# Remarks are part of the results; without a handler, Python would print warnings of the log.
logging.getLogger("xreg").addHandler(logging.NullHandler())


def datasets(registry: str | Path | None = None) -> Table:
    """List the published datasets; pulls nothing.

    Parameters
    ----------
    registry
        A configured name, a folder or a git URL; without it the registry around the working folder,
        then those of your configuration.
    """
    from xreg.registry.datasets import list_datasets

    rows = [
        {
            "dataset": found.entry.reference,
            "samples": found.entry.samples,
            "kind": found.entry.kind,
            "channels": ", ".join(found.entry.channels),
            "size": found.entry.size_text,
            "registry": found.registry.name,
            "title": found.entry.title,
        }
        for found in list_datasets(registry)
    ]
    return Table.of(rows, "Datasets")


@with_progress
def open_dataset(name: str, *, registry: str | Path | None = None) -> Dataset:
    """Open a dataset lazily, and pull it first where it is not in the cache.

    Parameters
    ----------
    name
        ``name``, ``name@version`` or the path of a store (``….zarr``).
    registry
        Where names are looked for; see :func:`datasets`.
    """
    from xreg.registry.datasets import open_dataset as work

    return work(name, registry=registry)


@with_progress
def run(
    recipe: Recipe,
    *,
    out: str | Path | None = None,
    settings: Sequence[str] = (),
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
    allow_code
        Whether you agree to code that came with the recipe's file or the dataset.

    Examples
    --------
    >>> from xreg import api
    >>> result = api.run(
    ...     {"dataset": "h2o@1.0.0", "descriptor": "internal", "emulator": "ridge"}
    ... )  # doctest: +SKIP
    >>> result.scores["r2"]  # doctest: +SKIP
    """
    from xreg.workbench.run.recipe import Recipe as RunRecipe
    from xreg.workbench.run.run import execute

    folder = execute(_loaded(RunRecipe, recipe, settings, allow_code), out)
    return RunResult(folder, _remarks(folder), allow_code=True)


@with_progress
def evaluate(
    model: str | Path | RunResult | TrainedModel,
    dataset: str,
    *,
    out: str | Path | None = None,
    registry: str | None = None,
    part: str | None = None,
    split: str | None = None,
    channel: str | None = None,
    analyses: Sequence[str] | None = None,
    settings: Sequence[str] = (),
    interpolate: bool = False,
    allow_code: bool = False,
) -> Evaluation:
    """Judge a trained model on a dataset.

    Parameters
    ----------
    model
        Folder or name of a run, ``name@version``, or what :func:`run` or :func:`load_model` gave.
    dataset
        ``name``, ``name@version`` or the path of a store.
    out
        Folder to make; a new one in ``evaluations/`` if not given.
    registry
        Where both are looked for.
    part
        ``train``, ``validation``, ``test`` or ``all``; ``test`` where a split is named, else all.
    split, channel
        Split of the dataset, and channel with the known spectra; those of the model if not given.
    analyses
        Names; those that apply and cost little if not given.
    settings
        ``analyses.NAME.KEY=VALUE`` texts.
    interpolate
        Whether known spectra may be interpolated onto the energies of the model.
    allow_code
        Whether you agree to code that came with the model.
    """
    from xreg.workbench.evaluate.evaluate import evaluate as work
    from xreg.workbench.evaluate.recipe import Evaluation as EvaluationRecipe

    recipe = {
        "model": _reference(model),
        "dataset": dataset,
        "split": split,
        "part": part,
        "channel": channel,
        "analyses": None if analyses is None else dict.fromkeys(analyses),
        "interpolate": interpolate,
    }
    texts = [f"dataset.registry={registry}"] if registry else []
    loaded = _loaded(EvaluationRecipe, recipe, [*texts, *settings], allow_code)
    named = f"{Path(_reference(model)).name}-{Path(dataset).name}"
    folder = Path(out) if out is not None else _free("evaluations", named)
    done = work(loaded, folder, allow_code=allow_code)
    return Evaluation(done.folder, tuple(done.remarks))


def load_model(
    reference: str | Path, *, registry: str | Path | None = None, allow_code: bool = False
) -> TrainedModel:
    """Read a trained model, every byte of it checked.

    Parameters
    ----------
    reference
        Folder or name of a run, or ``name@version`` in a registry.
    registry
        Where names are looked for.
    allow_code
        Whether you agree to code that came with the model.
    """
    from xreg.registry.models import load_model as work

    return TrainedModel(str(reference), work(reference, registry, allow_code=allow_code))


@with_progress
def predict(
    model: str | Path | RunResult | TrainedModel,
    samples: Any,
    *,
    absorber: str | None = None,
    every_site: bool = False,
    set_aside: bool = False,
    registry: str | Path | None = None,
    allow_code: bool = False,
) -> PredictedSpectra:
    """Predict spectra of new samples; what the model cannot know is refused.

    Parameters
    ----------
    model
        Folder or name of a run, ``name@version``, or what :func:`run` or :func:`load_model` gave.
    samples
        A file of structures (or CSV, for a model of parameters), a dataset, samples of one, or ASE
        atoms, one or several.
    absorber
        Of a file: index of the absorbing atom (from 0), or an element, each of whose atoms is
        predicted. Of ASE atoms: an index; 0 if not given.
    every_site
        Of a file: whether several atoms that may absorb are a sample each.
    set_aside
        Whether samples that cannot be predicted are left out (and listed in ``refused``) in place
        of refusing all.
    registry, allow_code
        See :func:`load_model`.
    """
    return _trained(model, registry, allow_code).predict(
        samples, absorber=absorber, every_site=every_site, set_aside=set_aside
    )


@with_progress
def fit(
    model: str | Path | RunResult | TrainedModel,
    spectrum: str | Path,
    *,
    out: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    columns: Mapping[str, Any] | None = None,
    registry: str | Path | None = None,
    allow_code: bool = False,
) -> FitResult:
    """Find the parameters with which a model reproduces a measured spectrum.

    Parameters
    ----------
    model
        Of parameters: folder or name of a run, ``name@version``, or a result of :func:`run`.
    spectrum
        The text file of the measured spectrum.
    out
        Folder to make; nothing is written if not given.
    settings
        How it is fitted, as a fit's recipe says it: ``{"starts": 16, "fix": {"T": 300.0}}``.
    columns
        Which columns of the file are energy, signal and noise, where their names do not tell.
    registry, allow_code
        See :func:`load_model`.
    """
    from xreg.workbench.fit.recipe import FitRecipe
    from xreg.workbench.fit.results import write_fit
    from xreg.workbench.result_folder import result_folder

    recipe = {
        **(settings or {}),
        "model": _reference(model),
        "spectrum": str(spectrum),
        "columns": dict(columns or {}),
        "registry": None if registry is None else str(registry),
    }
    loaded = _loaded(FitRecipe, recipe, (), allow_code)
    if out is None:
        return FitResult(_fitted(loaded, allow_code))
    with result_folder(Path(out), "fit") as growing:
        done = _fitted(loaded, allow_code)
        facts = write_fit(done, growing.path)
    return FitResult(done, Path(out), facts)


@with_progress
def search(
    recipe: Recipe,
    *,
    out: str | Path | None = None,
    settings: Sequence[str] = (),
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
    workers
        Processes; all cores if not given.
    minutes
        Stop after so many; call again to go on.
    allow_code
        Whether you agree to code that came with the recipe's file.
    """
    from xreg.workbench.search.ranking import remarks
    from xreg.workbench.search.recipe import SearchRecipe
    from xreg.workbench.search.search import search as work

    loaded = _loaded(SearchRecipe, recipe, settings, allow_code)
    folder = Path(out) if out is not None else Path("searches") / loaded.name
    seconds = None if minutes is None else 60 * minutes
    families = work(loaded, folder, workers=workers, seconds=seconds)
    return SearchResult(folder, tuple(remarks(families)), tuple(families))


@with_progress
def export(
    dataset: str | Dataset,
    path: str | Path,
    *,
    to: str = "",
    settings: Mapping[str, Any] | None = None,
) -> tuple[str, ...]:
    """Write a dataset in a format of other programs; return what the format cannot hold.

    Parameters
    ----------
    dataset
        A dataset, its name, or the path of its store.
    path
        The new file or folder.
    to
        Name of the exporter; the one for files of such a name if not given.
    settings
        Its settings.
    """
    from xreg.workbench.exporting.exports import export_dataset

    opened = open_dataset(dataset) if isinstance(dataset, str) else dataset
    return export_dataset(opened, Path(path), to, settings).left_out


def plugins(kind: str = "") -> Table:
    """List the installed components: kind, name, where they come from, what they are.

    Parameters
    ----------
    kind
        Only those of a kind (``descriptor``, ``emulator``, ``exporter`` …); all if not given.
    """
    from xreg.core.interfaces.kinds import KINDS
    from xreg.registry.plugins import host

    if kind and kind not in KINDS:
        raise ConfigError(f"'{kind}' is no kind of plugin; there are {', '.join(KINDS)}.")
    rows = [
        {
            "kind": one.spec.kind,
            "name": one.spec.name,
            "from": f"{one.distribution} {one.version}",
            "what it is": one.spec.summary,
            "needs": "; ".join(f"{need.name}: {need.remedy}" for need in one.spec.missing()),
        }
        for one in host()
        if kind in ("", one.spec.kind)
    ]
    return Table.of(rows, "Plugins")


# What arguments stand for -------------------------------------------------------------------------


def _loaded(
    kind: type[RecipeT], recipe: Recipe, settings: Sequence[str], allow_code: bool
) -> RecipeT:
    """Read a recipe from its file, or from a dictionary of the same form."""
    from xreg.workbench.recipes.load import load_one

    if isinstance(recipe, Mapping):
        return load_one(kind, None, recipe, settings, allow_code=allow_code)
    return load_one(kind, recipe, None, settings, allow_code=allow_code)


def _fitted(recipe: FitRecipe, allow_code: bool) -> Fitted:
    from xreg.workbench.fit.fit import fit_spectrum

    return fit_spectrum(
        recipe.model,
        Path(recipe.spectrum),
        recipe,
        recipe.registry,
        columns=recipe.columns,
        allow_code=allow_code,
    )


def _reference(model: str | Path | RunResult | TrainedModel) -> str:
    if isinstance(model, RunResult):
        return str(model.folder)
    return model.reference if isinstance(model, TrainedModel) else str(model)


def _trained(
    model: str | Path | RunResult | TrainedModel, registry: str | Path | None, allow_code: bool
) -> TrainedModel:
    if isinstance(model, RunResult):
        return model.model
    if isinstance(model, TrainedModel):
        return model
    return load_model(model, registry=registry, allow_code=allow_code)


def _free(folder: str, name: str) -> Path:
    """Return a place in a folder that is free, with a number behind the name where it must be."""
    slug = "".join(c if c.isalnum() or c in "-_.@" else "-" for c in Path(name).name)
    numbered = (Path(folder) / f"{slug}{f'-{i}' if i else ''}" for i in range(10**6))
    return next(path for path in numbered if not path.exists())


def _remarks(folder: Path) -> tuple[str, ...]:
    from xreg.core.storage import parse_json

    path = folder / "summary.json"
    return tuple(parse_json(path.read_bytes(), str(path)).get("remarks", ()))
