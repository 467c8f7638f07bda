"""A model of computed spectra brought to measured ones, and the folder that it leaves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import DataError, UnknownNameError, did_you_mean
from xreg.core.files import read_file, write_csv
from xreg.core.model.transfer.calibrated import CalibratedModel, calibrated
from xreg.core.model.transfer.calibration import Calibration, Held, calibrate
from xreg.core.run import FORMAT
from xreg.workbench.calibrate.recipe import CalibrationRecipe
from xreg.workbench.evaluate.evaluate import Matched, match_model
from xreg.workbench.result_folder import result_folder, write_json
from xreg.workbench.run import provenance

__all__ = ["Calibrated", "calibrate_model"]

MANY = 50
"""From so many spectra on, a network that is trained on may learn more than a calibration."""
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
    section, unit = pair.section, pair.dataset.spectra[pair.channel].unit
    facts = {
        "dataset": {key: section[key] for key in ("name", "version", "hash")},
        "channel": pair.channel,
        "samples": len(samples),
        "groups": len(np.unique(groups)),
        "group": recipe.group,
        "ids": samples.ids.tolist(),
        "held_out": held.summary(),
    }
    done = replace(done, facts=facts)
    made = done.apply(energy, predicted)
    remarks = [*pair.remarks, *_remarks(done, held, reach, model.trust is not None)]
    if len(samples) >= MANY and model.emulator.architecture:
        remarks.append(
            f"Of {len(samples)} spectra the model itself may learn more: train it on by a recipe "
            f"with `emulator: {{name: {model.emulator.name}, start: {pair.entry.reference}}}`."
        )
    return Calibrated(
        calibrated(model, done, unit), samples.ids, groups, predicted, made, known, held, remarks
    )


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
    columns = (held.shift_before, held.shift_after, held.rms_before, held.rms_after)
    numbers = zip(*(column.tolist() for column in columns), strict=True)
    named = zip(found.ids.tolist(), found.groups.tolist(), numbers, strict=True)
    return [head, *([name, group, *row] for name, group, row in named)]
