"""A model of computed spectra brought to measured ones, and the folder that it leaves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import ConfigError, DataError, UnknownNameError, did_you_mean
from xreg.core.files import read_file, write_csv
from xreg.core.model.check import Check
from xreg.core.model.inputs import FeatureInputs
from xreg.core.model.model import Model
from xreg.core.model.pipeline import Pipeline
from xreg.core.model.transfer.calibrated import CalibratedModel, calibrated
from xreg.core.model.transfer.calibration import (
    FEWEST_GROUPS,
    Calibration,
    Held,
    calibrate,
)
from xreg.core.model.transfer.fine_tuning import FineTuned, fine_tune
from xreg.core.run import FORMAT
from xreg.registry.plugins import host
from xreg.workbench.calibrate.recipe import CalibrationRecipe
from xreg.workbench.evaluate.evaluate import Matched, match_model
from xreg.workbench.recipes.start import exact_start
from xreg.workbench.result_folder import result_folder, write_json
from xreg.workbench.run import provenance

__all__ = ["Calibrated", "calibrate_model"]

MANY = 50
"""From so many spectra on, a network is fine-tuned without being asked to."""
ALONE, TUNED = "calibrated alone", "fine-tuned"
"""The two ways that are judged."""
# What a run leaves beside its model, and a calibrated model keeps.
KEPT = ("recipe.yaml", "metrics.json", "splits.npz")


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A model that was calibrated.

    Attributes
    ----------
    model
        The calibrated model.
    ids, groups
        (n,) the spectra that it was calibrated on.
    predicted, made, known
        (n, m) spectra before and after calibration, and the measured ones.
    held
        Errors of held-out groups.
    tried
        The same of calibration alone and of the fine-tuned network, where that was tried; ``held``
        is the one of those that was kept.
    remarks
        What whoever uses the model must know, a sentence each.
    folder
        Where it was written.
    """

    model: CalibratedModel
    ids: NDArray[np.str_]
    groups: NDArray[Any]
    predicted: NDArray[np.float64]
    made: NDArray[np.float64]
    known: NDArray[np.float64]
    held: Held
    tried: Mapping[str, Held] = field(default_factory=dict)
    remarks: Sequence[str] = ()
    folder: Path = Path()

    @property
    def calibration(self) -> Calibration:
        """What is done to predictions."""
        return self.model.calibration


def calibrate_model(
    recipe: CalibrationRecipe, out: str | Path, *, allow_code: bool = False
) -> Calibrated:
    """Calibrate a model on measured spectra and leave a folder that takes the place of a run.

    Parameters
    ----------
    recipe
        The model, and the samples whose measured spectra are known.
    out
        Folder to make. Nothing appears under its name before it is complete.
    allow_code
        Whether the user agrees to code in the settings of the model's components.

    Raises
    ------
    DataError
        If model and spectra do not fit, there are too few of them, or the model is calibrated.
    UnknownNameError
        If there is no such label to group by.
    """
    started = datetime.now(UTC)
    with result_folder(Path(out), "calibration") as growing:
        pair = match_model(recipe, allow_code, None)
        found = _calibrated(recipe, pair)
        _write(found, pair, recipe, growing.path, started)
    return replace(found, folder=growing.final)


def _calibrated(recipe: CalibrationRecipe, pair: Matched) -> Calibrated:
    context, model = pair.context, pair.context.model
    if isinstance(model, CalibratedModel):
        raise DataError(
            f"'{pair.entry.reference}' is calibrated already ({model.calibration.in_words()}); "
            "calibrate the model that it was made of."
        )
    if model.target.energy is None:
        raise DataError("a model of target features has no energies to calibrate.")
    samples, known = context.samples, context.known
    groups = _groups(recipe, pair)
    predicted = model.predict_with_spread(model.inputs(samples))[0]
    energy = model.target.energy
    reach = min(recipe.reach, (energy[-1] - energy[0]) / 5)
    done, held = calibrate(
        energy, predicted, known, groups, reach, recipe.seed, correct=recipe.correct
    )
    remarks = list(pair.remarks)
    pipeline = _to_fine_tune(recipe, pair, groups, remarks)
    tried: dict[str, Held] = {}
    tuned: FineTuned | None = None
    if pipeline is not None:
        tuned = fine_tune(pipeline, samples, predicted, known, groups, reach, recipe.seed)
        tried = {ALONE: held, TUNED: tuned.held}
        if tuned.held.by_group(groups) >= held.by_group(groups):
            tuned = None
            remarks.append(
                "Held-out groups come out no better by the fine-tuned network than by calibration "
                "alone, which is kept."
            )
    section, unit = pair.section, pair.dataset.spectra[pair.channel].unit
    facts: dict[str, Any] = {
        "dataset": {key: section[key] for key in ("name", "version", "hash")},
        "channel": pair.channel,
        "samples": len(samples),
        "groups": len(np.unique(groups)),
        "group": recipe.group,
        "ids": samples.ids.tolist(),
        "held_out": (held if tuned is None else tuned.held).summary(),
    }
    if pipeline is not None:
        start = exact_start(pair.entry)
        facts["fine_tuned"] = {
            "kept": tuned is not None,
            "start": {"model": start.title, "hash": start.hash},
            "settings": recipe.emulator,
            "held_out": {way: one.summary() for way, one in tried.items()},
        }
    base, before = model, predicted
    if tuned is not None:
        base, held, done = tuned.model, tuned.held, Calibration(tuned.instrument)
        before = base.predict_with_spread(base.inputs(samples))[0]
        base.check = Check.first(samples, before, base.needs_labels)
        remarks.append(
            f"The network was fine-tuned: it knows the {len(samples)} measured samples best, and "
            "calls others new that the model before it knew."
        )
    done = replace(done, facts=facts)
    remarks += _remarks(done, held, reach, model.trust is not None)
    made = done.apply(energy, before)
    return Calibrated(
        calibrated(base, done, unit), samples.ids, groups, predicted, made, known, held, tried,
        remarks,
    )  # fmt: skip


def _to_fine_tune(
    recipe: CalibrationRecipe, pair: Matched, groups: NDArray[Any], remarks: list[str]
) -> Pipeline | None:
    """Return what is to be trained on from the model; None where nothing is.

    Raises
    ------
    ConfigError
        If the recipe has settings for a training that it forbids.
    DataError
        If it asks for one, and the emulator begins with no weights.
    """
    model = pair.context.model
    if recipe.fine_tune is False:
        if recipe.emulator:
            raise ConfigError("'emulator' has settings for fine-tuning, which 'fine_tune' forbids.")
        return None
    enough = len(groups) >= MANY and len(np.unique(groups)) >= FEWEST_GROUPS
    if not recipe.fine_tune and not enough:
        if recipe.emulator:
            raise ConfigError(
                f"'emulator' has settings for fine-tuning, and {len(groups)} spectra of "
                f"{len(np.unique(groups))} group(s) are too few for that unless --fine-tune asks."
            )
        return None
    if not recipe.fine_tune and not model.emulator.architecture:
        remarks.append(
            f"{len(groups)} spectra are enough to fine-tune a network, but emulator "
            f"'{model.emulator.name}' is not trained from first weights; calibration alone is done."
        )
        return None
    return _pipeline(recipe, model)


def _pipeline(recipe: CalibrationRecipe, model: Model) -> Pipeline:
    own = model.emulator.config.model_dump(mode="json")
    emulator = host().build("emulator", model.emulator.name, {**own, **recipe.emulator})
    features = model.inputs if isinstance(model.inputs, FeatureInputs) else None
    if features is None:
        return Pipeline(emulator, start=model)
    return Pipeline(emulator, features.descriptor, featurize=features.featurize, start=model)


def _groups(recipe: CalibrationRecipe, pair: Matched) -> NDArray[Any]:
    labels = pair.context.labels
    if recipe.group is None:
        return np.asarray(pair.context.samples.ids)
    if recipe.group not in labels:
        hint = did_you_mean(recipe.group, labels)
        raise UnknownNameError(
            f"dataset '{pair.dataset.metadata.name}' has no label '{recipe.group}'{hint}."
        )
    return np.asarray(labels[recipe.group])


def _remarks(done: Calibration, held: Held, reach: float, trusted: bool) -> list[str]:
    one, summary, found = done.instrument, held.summary(), []
    if max(abs(one.shift), one.broadening) > 0.98 * reach:
        found.append(
            f"Shift or broadening is at the end of what was looked for, {reach:g} eV; allow more "
            "with --set reach=E if the spectra are of one edge."
        )
    if summary["rms_after"] >= summary["rms_before"]:
        found.append(
            "Held-out spectra are predicted no better than before; keep the model as it was."
        )
    if trusted:
        found.append(
            "Its trust in single predictions was learned on computed spectra, and is dropped."
        )
    return found


def _write(
    found: Calibrated, pair: Matched, recipe: CalibrationRecipe, folder: Path, started: datetime
) -> None:
    from xreg.core.analysis.style import styled
    from xreg.workbench.calibrate.figures import draw_calibration
    from xreg.workbench.report.draw import save_figure

    found.model.save(folder / "model")
    home = pair.entry.folder.parent
    for name in KEPT:
        if (home / name).is_file():
            shutil.copyfile(home / name, folder / name)
    facts = {
        **found.calibration.facts,
        "instrument": vars(found.calibration.instrument),
        "in_words": found.calibration.in_words(),
        "model": pair.entry.reference,
        "recipe": recipe.plain(),
        "remarks": list(found.remarks),
    }
    write_json(
        folder / "calibration.json", {"format": FORMAT, **provenance.stamp(started), **facts}
    )
    summary: Mapping[str, Any] = {}
    if (home / "summary.json").is_file():
        summary = json.loads(read_file(home / "summary.json"))
        write_json(folder / "summary.json", {**summary, "calibration": facts})
    write_csv(folder / "calibration.csv", _rows(found))
    with styled():
        (folder / "figures").mkdir()
        save_figure(draw_calibration(found), folder / "figures" / "calibration.png")


def _rows(found: Calibrated) -> list[Sequence[Any]]:
    held = found.held
    head = ["id", "group", "shift before (eV)", "shift after (eV)", "rms before", "rms after"]
    columns = [held.shift_before, held.shift_after, held.rms_before, held.rms_after]
    for way, one in found.tried.items():
        head += [f"shift {way} (eV)", f"rms {way}"]
        columns += [one.shift_after, one.rms_after]
    numbers = zip(*(column.tolist() for column in columns), strict=True)
    named = zip(found.ids.tolist(), found.groups.tolist(), numbers, strict=True)
    return [head, *([name, group, *row] for name, group, row in named)]
