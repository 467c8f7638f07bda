"""Spectra of new samples: read, checked against what the model knows, predicted, written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Samples
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.errors import ConfigError, DataError, SampleError
from xreg.core.files import disk_errors, require_free, write_csv, write_text
from xreg.core.model.domain import Target
from xreg.core.model.model import Model
from xreg.core.model.trust import Assessment
from xreg.core.readers.summary import Summary, summarise
from xreg.workbench.arrays import write_predictions
from xreg.workbench.exporting.exports import WriteOptions
from xreg.workbench.predict.samples import NewSamples
from xreg.workbench.result_folder import result_folder

__all__ = [
    "Prediction",
    "check_output",
    "check_plot",
    "check_result",
    "draw_prediction",
    "intervals_path",
    "predict",
    "summary_path",
    "trust_path",
    "write_prediction",
]

OWN = (".csv", ".zarr")
BY_NAME = WriteOptions()


@dataclass(frozen=True, eq=False)
class Prediction:
    """Predicted spectra.

    Attributes
    ----------
    samples
        The n samples.
    target
        What was predicted.
    mean, spread
        (n, m) in the unit of the data; the spread only where the emulator has one.
    summary
        What samples and spectra are like.
    assessment
        How far each spectrum may be trusted, where the model can tell.
    intervals
        (n, m) half widths of intervals about ``mean`` by the share of errors that they are to hold
        (0.68, 0.95); empty for a model that knows no errors of its own. Infinite where too few
        groups of samples judged the model to tell.
    remarks
        What whoever uses the spectra must know, a sentence each.
    notes
        What was read in a way that the user should see, and in which files and frames.
    refused
        Ids of samples of which the model can say nothing, and why; they are not among ``ids``.
    """

    samples: Samples
    target: Target
    mean: Array
    spread: Array | None
    summary: Summary
    assessment: Assessment | None = None
    remarks: tuple[str, ...] = ()
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    intervals: Mapping[float, Array] = field(default_factory=dict)

    @property
    def ids(self) -> NDArray[np.str_]:
        """(n,) sample ids."""
        return self.samples.ids

    def dataset(self) -> Dataset:
        """Return the predicted spectra as a dataset, to be exported or looked at.

        The spread is the channel ``<channel>_std``, the half widths of intervals are
        ``<channel>_interval_68`` and ``_95``; how far each may be trusted stands in labels.
        """
        target, labels = self.target, _assessed(self)
        rows = {target.channel: self.mean}
        if self.spread is not None:
            rows[f"{target.channel}_std"] = self.spread
        for level, half in _told(self.intervals).items():
            rows[f"{target.channel}_interval_{_percent(level)}"] = half
        channels = {
            name: Channel(values, target.energy, target.features, target.unit)
            for name, values in rows.items()
        }
        metadata = Metadata(name="prediction", version="1.0.0", provenance=self.facts())
        units = {"expected_error": "%"} if labels else {}
        return Dataset(self.samples, Spectra(channels), metadata, labels, units)

    def facts(self) -> dict[str, Any]:
        """Return, as JSON values, what is written beside the spectra."""
        notes = [{"note": note, "frames": list(where)} for note, where in self.notes.items()]
        return {"remarks": list(self.remarks), "notes": notes, "summary": self.summary.plain()}


def predict(model: Model, samples: Samples, read: NewSamples | None = None) -> Prediction:
    """Predict the spectra of samples; ``read`` says in the summary how these were read.

    Raises
    ------
    SampleError
        If the model can say nothing of any of them; it says why of the first.
    """
    model.domain.require(samples)
    refused = model.refusals(samples)
    if refused and len(refused) == len(samples):
        raise SampleError(refused[min(refused)])
    ids = samples.ids
    kept = np.delete(np.arange(len(samples)), list(refused))
    try:
        found = _predicted(model, samples[kept])
    except SampleError:
        for row in kept.tolist():
            try:
                _predicted(model, samples[row : row + 1])
            except SampleError as error:
                refused[row] = str(error)
        kept = np.delete(np.arange(len(samples)), list(refused))
        if not len(kept):
            raise
        found = _predicted(model, samples[kept])
    inputs, mean, spread = found
    assessment = None
    if model.target.energy is not None:
        assessment = model.assess(samples[kept], inputs, mean, spread)
    intervals = model.half_widths(samples[kept], inputs, spread)
    target = model.target
    made = Channel(mean, target.energy, target.features, target.unit)
    return Prediction(
        samples[kept],
        target,
        mean,
        spread,
        summarise(
            samples[kept],
            Spectra({target.channel: made}),
            set_aside=dict(read.bad) if read else None,
        ),
        assessment,
        (*model.changes(), *_untold(intervals)),
        {note: list(frames) for note, frames in read.notes.items()} if read else {},
        {str(ids[row]): refused[row] for row in sorted(refused)},
        intervals,
    )


def _told(intervals: Mapping[float, Array]) -> dict[float, Array]:
    """Return the intervals of levels that are told of some sample; NaN where they are not."""
    return {
        level: np.where(np.isfinite(half), half, np.nan)
        for level, half in intervals.items()
        if np.isfinite(half).any()
    }


def _untold(intervals: Mapping[float, Array]) -> list[str]:
    """Say where there is no interval."""
    lacking = {
        level: (int((~np.isfinite(half)).any(axis=1).sum()), len(half))
        for level, half in intervals.items()
    }
    return [
        f"{count:,} of {every:,} samples have no {_percent(level)} % interval: too few "
        "groups of samples judged the model."
        for level, (count, every) in lacking.items()
        if count
    ]


def _percent(level: float) -> str:
    return f"{100 * level:.0f}"


def _predicted(model: Model, samples: Samples) -> tuple[Any, Array, Array | None]:
    inputs = model.inputs(samples)
    return inputs, *model.predict_with_spread(inputs)


def check_plot(path: Path, target: Target) -> None:
    """Refuse a figure that could not be drawn, before anything is predicted or written."""
    check_output(path, (".png",))
    if target.energy is None:
        raise DataError("target features have no energies to plot; leave --plot out.")


def check_result(path: Path, options: WriteOptions = BY_NAME) -> None:
    """Refuse a place for predicted spectra, before anything is predicted.

    Raises
    ------
    ConfigError, DataError
        If the name tells no format, or something is there.
    """
    if not _is_own(path, options):
        try:
            options.exporter(path)
        except ConfigError as error:
            raise ConfigError(
                f"{' and '.join(OWN)} are predictions as xreg has them; {error}"
            ) from None
        require_free(path)
        return
    check_output(path, OWN)
    if path.suffix == ".csv":
        check_output(trust_path(path), (".csv",))
        check_output(intervals_path(path), (".csv",))
        check_output(summary_path(path), (".json",))


def _is_own(path: Path, options: WriteOptions) -> bool:
    """Whether a file is in a form of predictions, which no exporter is asked for."""
    return path.suffix in OWN and options.to.name == "auto"


def check_output(path: Path, endings: Sequence[str]) -> None:
    """Refuse a result file of an ending that is not known, or in a place that is not free."""
    if path.suffix not in endings:
        raise DataError(f"'{path}' must end in {' or '.join(endings)}.")
    require_free(path)


def write_prediction(
    path: Path, prediction: Prediction, options: WriteOptions = BY_NAME
) -> tuple[str, ...]:
    """Write spectra as CSV (a row an energy, a column a sample), Zarr (by sample id), or exported.

    Where the model can tell how far they may be trusted, that is in the Zarr group too, or in
    ``<name>.trust.csv`` beside the CSV file; so are the half widths of intervals
    (``interval_68``; ``<name>.intervals.csv``). What they are like stands in the attributes of the
    group, or in ``<name>.summary.json``. Any other ending is that of an exporter, which
    ``options`` may name.

    Returns
    -------
    tuple of str
        What the format cannot hold.
    """
    check_result(path, options)
    if not _is_own(path, options):
        return options.exporter(path).write(prediction.dataset(), path).left_out
    if path.suffix == ".zarr":
        with result_folder(path, "prediction", log_inside=False) as growing:
            write_predictions(
                growing.path,
                prediction.ids,
                prediction.target,
                prediction.mean,
                prediction.spread,
                _assessed(prediction)
                | {f"interval_{_percent(k)}": v for k, v in _told(prediction.intervals).items()},
                prediction.facts(),
            )
        return ()
    path.parent.mkdir(parents=True, exist_ok=True)
    with disk_errors(f"'{path}'"):
        if prediction.assessment is not None:
            write_csv(trust_path(path), _trust_rows(prediction))
        if told := _told(prediction.intervals):
            write_csv(intervals_path(path), _interval_rows(prediction, told))
        write_text(summary_path(path), json.dumps(prediction.facts(), indent=1, ensure_ascii=False))
        write_csv(path, _spectra_rows(prediction))
    return ()


def trust_path(path: Path) -> Path:
    """Return the CSV file with the trust in the spectra of a CSV file."""
    return path.with_suffix(".trust.csv")


def intervals_path(path: Path) -> Path:
    """Return the CSV file with the intervals about the spectra of a CSV file."""
    return path.with_suffix(".intervals.csv")


def summary_path(path: Path) -> Path:
    """Return the JSON file with what the spectra of a CSV file are like."""
    return path.with_suffix(".summary.json")


def _assessed(prediction: Prediction) -> dict[str, NDArray[Any]]:
    """Return (n,) columns that say how far each spectrum may be trusted."""
    found = prediction.assessment
    if found is None:
        return {}
    return {
        "trust": found.trust,
        "level": found.level,
        "expected_error": found.expected,
        "outside": found.outside,
        "reason": np.array(found.reasons or [""] * len(found.outside)),
    }


def _trust_rows(prediction: Prediction) -> Iterator[Sequence[Any]]:
    yield ["id", "trust", "level", "expected spectrum error (%)", "outside training", "because"]
    for name, trust, level, expected, outside, reason in zip(
        prediction.ids, *_assessed(prediction).values(), strict=True
    ):
        known = np.isfinite(trust)
        numbers = [f"{trust:.4f}", f"{expected:.3f}"] if known else ["", ""]
        yield [name, numbers[0], level, numbers[1], "yes" if outside else "no", reason]


def _interval_rows(prediction: Prediction, told: Mapping[float, Array]) -> Iterator[Sequence[Any]]:
    first, labels = _axis(prediction.target)
    columns = {
        f"{name} ±{_percent(level)} %": row
        for level, half in told.items()
        for name, row in zip(prediction.ids, half, strict=True)
    }
    yield [first, *columns]
    for number, label in enumerate(labels):
        found = (float(row[number]) for row in columns.values())
        yield [label, *("" if np.isnan(value) else value for value in found)]


def _axis(target: Target) -> tuple[str, Sequence[Any]]:
    """Return what the rows of a table of spectra are, and the value of each."""
    if target.energy is None:
        return "feature", target.features
    return "energy (eV)", target.energy.tolist()


def _spectra_rows(prediction: Prediction) -> Iterator[Sequence[Any]]:
    first, labels = _axis(prediction.target)
    columns = {str(name): row for name, row in zip(prediction.ids, prediction.mean, strict=True)}
    if prediction.spread is not None:
        for name, row in zip(prediction.ids, prediction.spread, strict=True):
            columns[f"{name} std"] = row
    yield [first, *columns]
    for number, label in enumerate(labels):
        yield [label, *(float(row[number]) for row in columns.values())]


def draw_prediction(path: Path, prediction: Prediction) -> None:
    """Draw predicted spectra into a PNG file."""
    from xreg.core.analysis.style import styled
    from xreg.workbench.report.draw import save_figure
    from xreg.workbench.report.spectra import predicted_spectra

    check_plot(path, prediction.target)
    with disk_errors(f"'{path}'"), styled():
        figure = predicted_spectra(
            prediction.ids, prediction.mean, prediction.target, prediction.spread
        )
        save_figure(figure, path)
