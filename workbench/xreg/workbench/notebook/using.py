"""Trained models in a notebook: judged, predicting, fitted to measured spectra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xreg.workbench.notebook.arguments import AnyModel, free_folder, reference_of
from xreg.workbench.notebook.calibrating import CalibrationResult
from xreg.workbench.notebook.models import PredictedSpectra, TrainedModel
from xreg.workbench.notebook.progress import with_progress
from xreg.workbench.notebook.results import Evaluation, FitResult, RunResult

if TYPE_CHECKING:
    from xreg.workbench.predict.samples import Sites

__all__ = ["calibrate", "evaluate", "fit", "load_model", "predict"]


@with_progress
def calibrate(
    model: AnyModel,
    dataset: str | Path,
    *,
    out: str | Path | None = None,
    registry: str | None = None,
    group: str | None = None,
    part: str | None = None,
    split: str | None = None,
    channel: str | None = None,
    interpolate: bool = False,
    fine_tune: bool | None = None,
    settings: Sequence[str] = (),
    allow_code: bool = False,
) -> CalibrationResult:
    """Bring a model of computed spectra to a few measured ones.

    Parameters
    ----------
    model
        Folder or name of a run, ``name@version``, or what :func:`run` or :func:`load_model` gave.
    dataset
        Samples with measured spectra: ``name``, ``name@version`` or the path of a store.
    out
        Folder to make; a new one in ``calibrations/`` if not given.
    registry
        Where both are looked for.
    group
        Label whose groups are never divided between learning and judging.
    part, split, channel
        Part of a split, and channel with the measured spectra.
    interpolate
        Whether measured spectra may be interpolated onto the energies of the model.
    fine_tune
        Whether the network is trained on with them, and kept so if held-out ones come out better;
        from fifty spectra on if not given.
    settings
        ``KEY=VALUE`` texts, such as ``reach=10``.
    allow_code
        Whether you agree to code that came with the model.
    """
    from xreg.workbench.calibrate.calibrate import calibrate_model
    from xreg.workbench.calibrate.recipe import CalibrationRecipe
    from xreg.workbench.recipes.load import load_one
    from xreg.workbench.recipes.overrides import with_registry

    flags = {
        "model": reference_of(model),
        "dataset": str(dataset),
        "group": group,
        "split": split,
        "part": part,
        "channel": channel,
        "interpolate": interpolate or None,
        "fine_tune": fine_tune,
    }
    texts = with_registry(settings, registry)
    recipe = load_one(CalibrationRecipe, None, flags, texts, allow_code=allow_code)
    folder = _folder(out, "calibrations", model, dataset)
    return CalibrationResult(calibrate_model(recipe, folder, allow_code=allow_code))


@with_progress
def evaluate(
    model: AnyModel,
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
    from xreg.workbench.recipes.load import load_one
    from xreg.workbench.recipes.overrides import with_registry

    flags = {
        "model": reference_of(model),
        "dataset": dataset,
        "split": split,
        "part": part,
        "channel": channel,
        "analyses": None if analyses is None else dict.fromkeys(analyses),
        "interpolate": interpolate or None,
    }
    texts = with_registry(settings, registry)
    recipe = load_one(EvaluationRecipe, None, flags, texts, allow_code=allow_code)
    done = work(recipe, _folder(out, "evaluations", model, dataset), allow_code=allow_code)
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
    model: AnyModel,
    samples: Any,
    *,
    absorber: str | None = None,
    sites: Sites = "one",
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
    sites
        Of a file: whether several atoms that may absorb are refused (one), or a sample each (all),
        or each that the symmetry of a crystal tells apart (distinct).
    set_aside
        Whether samples that cannot be predicted are left out (and listed in ``refused``) in place
        of refusing all.
    registry, allow_code
        See :func:`load_model`.
    """
    return _trained(model, registry, allow_code).predict(
        samples, absorber=absorber, sites=sites, set_aside=set_aside
    )


@with_progress
def fit(
    model: AnyModel,
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
    from xreg.workbench.fit.results import fit_of, write_fit
    from xreg.workbench.recipes.load import load_one
    from xreg.workbench.result_folder import result_folder

    recipe = {
        **(settings or {}),
        "model": reference_of(model),
        "spectrum": str(spectrum),
        "columns": dict(columns or {}),
        "registry": None if registry is None else str(registry),
    }
    found = load_one(FitRecipe, recipe, allow_code=allow_code)
    if out is None:
        return FitResult(fit_of(found, allow_code=allow_code))
    with result_folder(Path(out), "fit") as growing:
        done = fit_of(found, allow_code=allow_code)
        facts = write_fit(done, growing.path)
    return FitResult(done, Path(out), facts)


def _folder(out: str | Path | None, home: str, model: AnyModel, dataset: str | Path) -> Path:
    if out is not None:
        return Path(out)
    return free_folder(home, f"{Path(reference_of(model)).name}-{Path(dataset).name}")


def _trained(model: AnyModel, registry: str | Path | None, allow_code: bool) -> TrainedModel:
    if isinstance(model, RunResult):
        return model.model
    if isinstance(model, TrainedModel):
        return model
    return load_model(reference_of(model), registry=registry, allow_code=allow_code)
