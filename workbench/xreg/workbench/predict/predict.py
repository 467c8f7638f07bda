"""Spectra of new samples: read, checked against what the model knows, predicted, written."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.context import predict_with_spread
from xreg.core.atoms.elements import SYMBOLS
from xreg.core.data.samples import Parameters, Samples, Structures
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.errors import DataError, SampleError
from xreg.core.files import disk_errors, flush, require_free, staging, write_csv, write_text
from xreg.core.model.domain import Domain, Target
from xreg.core.model.pipeline import Pipeline
from xreg.core.model.trust import Assessment
from xreg.core.readers.numbers import number_of
from xreg.core.readers.structures import Frame, absorbing_sites, read_frames
from xreg.core.readers.summary import Summary, summarise
from xreg.core.readers.text import lines_of
from xreg.workbench.arrays import write_predictions

__all__ = [
    "BadSamplesError",
    "NewSamples",
    "Prediction",
    "check_output",
    "check_plot",
    "draw_prediction",
    "predict",
    "read_samples",
    "summary_path",
    "trust_path",
    "write_prediction",
]


@dataclass(frozen=True, eq=False)
class Prediction:
    """Predicted spectra.

    Attributes
    ----------
    ids
        (n,) sample ids.
    target
        What was predicted.
    mean, spread
        (n, m) in the unit of the data; the spread only where the emulator has one.
    assessment
        How far each spectrum may be trusted, where the model can tell.
    remarks
        What whoever uses the spectra must know, a sentence each.
    summary
        What samples and spectra are like.
    notes
        What was read in a way that the user should see, and in which files and frames.
    refused
        Ids of samples of which the model can say nothing, and why; they are not among ``ids``.
    """

    ids: NDArray[np.str_]
    target: Target
    mean: NDArray[np.float64]
    spread: NDArray[np.float64] | None
    assessment: Assessment | None = None
    remarks: tuple[str, ...] = ()
    summary: Summary | None = None
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Return, as JSON values, what is written beside the spectra."""
        summary = None if self.summary is None else self.summary.plain()
        notes = [{"note": note, "frames": list(where)} for note, where in self.notes.items()]
        return {"remarks": list(self.remarks), "notes": notes, "summary": summary}


def predict(model: Pipeline, samples: Samples, read: NewSamples | None = None) -> Prediction:
    """Predict the spectra of samples.

    Parameters
    ----------
    model, samples
        The model, and the n samples.
    read
        How they were read, for the summary.

    Raises
    ------
    SampleError
        If the model can say nothing of any of them; it says why of the first.
    """
    assert model.domain is not None
    assert model.target is not None
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
    target = model.target
    made = Channel(mean, target.energy, target.features, target.unit)
    return Prediction(
        ids[kept],
        target,
        mean,
        spread,
        assessment,
        tuple(model.changes()),
        summarise(
            samples[kept],
            Spectra({target.channel: made}),
            set_aside=dict(read.bad) if read else None,
        ),
        {note: list(frames) for note, frames in read.notes.items()} if read else {},
        {str(ids[row]): refused[row] for row in sorted(refused)},
    )


def _predicted(
    model: Pipeline, samples: Samples
) -> tuple[Any, NDArray[np.float64], NDArray[np.float64] | None]:
    inputs = model.inputs(samples)
    return inputs, *predict_with_spread(model, inputs)


@dataclass(frozen=True, eq=False)
class NewSamples:
    """Samples that a model is to predict, as they were read.

    Attributes
    ----------
    samples
        The n good ones.
    bad
        Those that cannot be predicted: file and frame, or id, and the reason.
    notes
        What was read in a way that the user should see, and in which files and frames.
    """

    samples: Samples
    bad: Sequence[tuple[str, str]] = ()
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def known_to(self, model: Pipeline) -> NewSamples:
        """Return them with those that a model cannot know among the bad ones."""
        assert model.domain is not None
        model.domain.require(self.samples)
        return self.without(model.refusals(self.samples))

    def without(self, refused: Mapping[int, str]) -> NewSamples:
        """Return them with some, by row and with the reason, among the bad ones."""
        if not refused:
            return self
        new = [(f"sample '{self.samples.ids[row]}'", refused[row]) for row in sorted(refused)]
        kept = np.delete(np.arange(len(self.samples)), list(refused))
        return replace(self, samples=self.samples[kept], bad=[*self.bad, *new])


class BadSamplesError(SampleError):
    """Samples cannot be predicted and were refused.

    Attributes
    ----------
    lines
        What is wrong with each.
    """

    def __init__(self, read: NewSamples) -> None:
        self.lines = [_told(*one).rstrip(".") for one in read.bad]
        first, total = self.lines[0], len(read.bad) + len(read.samples)
        if total == 1:
            super().__init__(f"{first}.")
        elif len(read.samples):
            super().__init__(
                f"{len(self.lines)} of {total} samples cannot be predicted, first {first}; repair "
                "them, or leave them out with --bad set-aside."
            )
        else:
            super().__init__(f"none of {total} samples can be predicted, first {first}.")


def _told(where: str, reason: str) -> str:
    return reason if reason.startswith(where) else f"{where}: {reason}"


def read_samples(
    path: Path, domain: Domain, absorber: str | None = None, *, every: bool = False
) -> NewSamples:
    """Read the samples that a model is to predict.

    Parameters
    ----------
    path
        Structures (:func:`xreg.core.readers.structures.read_frames`); for a model of parameters a
        CSV file whose header names them.
    domain
        What the model knows.
    absorber
        Index (from 0) of the absorbing atom in every structure, or an element: then each of its
        atoms is a sample of its own. Without it the structure's own ``absorber`` entry counts,
        else the one atom of an element that the model knows as absorber.
    every
        Whether, without an absorber, all atoms of such an element are samples.

    Raises
    ------
    DataError
        If the file cannot be read, or holds nothing of that kind.
    """
    if not path.is_file():
        raise DataError(f"there is no file '{path}'.")
    if domain.kind == "parameters":
        return NewSamples(_read_parameters(path, domain))
    wanted = int(absorber) if absorber is not None and absorber.isdecimal() else absorber
    found: list[tuple[Frame, int, str]] = []
    bad: list[tuple[str, str]] = []
    notes: dict[str, list[str]] = {}
    for frame in read_frames(path):
        for note in frame.notes:
            notes.setdefault(note, []).append(frame.where)
        name = str(frame.info.get("id", frame.place))
        try:
            sites = absorbing_sites(
                frame,
                wanted,
                every=every or isinstance(wanted, str),
                elements=domain.absorbers,
                how="say which with --absorber INDEX (from 0), or all of them with --sites all",
            )
        except DataError as error:
            bad.append((frame.where, str(error)))
            continue
        several = len(sites) > 1
        found += [
            (frame, site, f"{name}/{SYMBOLS[frame.numbers[site]]}{site}" if several else name)
            for site in sites
        ]
    ids = [name for _, _, name in found]
    if len(set(ids)) != len(ids):  # frames that carry one id: their place in the file tells them
        found = [(frame, site, f"{frame.place}:{name}") for frame, site, name in found]
    samples = Structures.of([frame.structure(name, site) for frame, site, name in found])
    return NewSamples(samples, bad, notes)


def _read_parameters(path: Path, domain: Domain) -> Parameters:
    try:
        lines = [line for line in lines_of(path.read_bytes()) if line.strip()]
        separator = next((mark for mark in ";\t" if lines and mark in lines[0]), ",")
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator)]
    except (DataError, csv.Error):
        raise DataError(f"'{path}' is no CSV file.") from None
    header, body = (rows[0], rows[1:]) if rows else ([], [])
    missing = [name for name in domain.parameters if name not in header]
    if missing or not body:
        what = f"lacks the column '{missing[0]}'" if missing else "has no rows"
        raise DataError(f"'{path}' {what}; the model needs {', '.join(domain.parameters)}.")
    columns = [header.index(name) for name in domain.parameters]
    values = np.empty((len(body), len(columns)))
    for number, row in enumerate(body):
        if len(row) != len(header):
            raise DataError(
                f"'{path}', row {number + 2}: {len(row)} cells under a header of {len(header)}."
            )
        cells = [row[column] for column in columns]
        # Where no comma stands between columns, decimals may follow one.
        found = [number_of(c if separator == "," else c.replace(",", ".")) for c in cells]
        values[number] = [np.nan if value is None else value for value in found]
        if not np.isfinite(values[number]).all():
            raise DataError(f"'{path}', row {number + 2}: a value is missing or no number.")
    names = header.index("id") if "id" in header else None
    ids = [str(n) if names is None else body[n][names] for n in range(len(body))]
    units = domain.units or ("",) * len(columns)
    return Parameters(ids, values, domain.parameters, units)


def check_plot(path: Path, target: Target) -> None:
    """Refuse a figure that could not be drawn, before anything is predicted or written."""
    check_output(path, (".png",))
    if target.energy is None:
        raise DataError("target features have no energies to plot; leave --plot out.")


def check_output(path: Path, endings: Sequence[str]) -> None:
    """Refuse a result file of an ending that is not known, or in a place that is not free."""
    if path.suffix not in endings:
        raise DataError(f"'{path}' must end in {' or '.join(endings)}.")
    require_free(path)


def write_prediction(path: Path, prediction: Prediction) -> None:
    """Write spectra as CSV (a row an energy, a column a sample) or Zarr (by sample id).

    Where the model can tell how far they may be trusted, that is in the Zarr group too, or in
    ``<name>.trust.csv`` beside the CSV file. What they are like stands in the attributes of the
    group, or in ``<name>.summary.json``.
    """
    check_output(path, (".csv", ".zarr"))
    path.parent.mkdir(parents=True, exist_ok=True)
    with disk_errors(f"'{path}'"):
        if path.suffix == ".zarr":
            with staging(path) as folder:
                group = folder / "group"
                write_predictions(
                    group,
                    prediction.ids,
                    prediction.target,
                    prediction.mean,
                    prediction.spread,
                    _assessed(prediction),
                    prediction.facts(),
                )
                flush(group)
                os.rename(group, path)
            return
        if prediction.assessment is not None:
            write_csv(trust_path(path), _trust_rows(prediction))
        write_text(summary_path(path), json.dumps(prediction.facts(), indent=1, ensure_ascii=False))
        write_csv(path, _spectra_rows(prediction))


def trust_path(path: Path) -> Path:
    """Return the CSV file with the trust in the spectra of a CSV file."""
    return path.with_suffix(".trust.csv")


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


def _spectra_rows(prediction: Prediction) -> Iterator[Sequence[Any]]:
    target = prediction.target
    first: Sequence[Any] = target.features if target.energy is None else target.energy.tolist()
    columns = {str(name): row for name, row in zip(prediction.ids, prediction.mean, strict=True)}
    if prediction.spread is not None:
        for name, row in zip(prediction.ids, prediction.spread, strict=True):
            columns[f"{name} std"] = row
    yield ["feature" if target.energy is None else "energy (eV)", *columns]
    for number, label in enumerate(first):
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
