"""Spectra of new samples: read, checked against what the model knows, predicted, written."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.subject import predict_with_spread
from xreg.core.data.summary import Summary, summarise
from xreg.core.domain import Domain, Target
from xreg.core.elements import SYMBOLS, symbols
from xreg.core.errors import DataError, SampleError
from xreg.core.pipeline import Pipeline
from xreg.core.samples import Parameters, Samples, Structures
from xreg.core.spectra import Channel, Spectra
from xreg.core.trust import Assessment, outside_ranges
from xreg.registry.arrays import write_predictions
from xreg.registry.files import disk_errors, flush, require_free, staging, write_csv, write_text

if TYPE_CHECKING:
    from ase import Atoms

__all__ = [
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

# Formats of ASE's that are text or plain numbers; some of the others are read by unpickling.
FORMATS = ("cif", "extxyz", "gen", "proteindatabank", "sdf", "vasp", "vasp-xdatcar", "xyz")


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
    """

    ids: NDArray[np.str_]
    target: Target
    mean: NDArray[np.float64]
    spread: NDArray[np.float64] | None
    assessment: Assessment | None = None
    remarks: tuple[str, ...] = ()
    summary: Summary | None = None

    def facts(self) -> dict[str, Any]:
        """Return, as JSON values, what is written beside the spectra."""
        summary = None if self.summary is None else self.summary.plain()
        return {"remarks": list(self.remarks), "summary": summary}


def predict(model: Pipeline, samples: Samples) -> Prediction:
    """Predict the spectra of samples.

    Raises
    ------
    SampleError
        If a sample lies outside what the model was trained on; it says which and why.
    """
    assert model.domain is not None
    assert model.target is not None
    model.domain.require(samples)
    inputs = model.inputs(samples)
    mean, spread = predict_with_spread(model, inputs)
    assessment = None
    if model.trust_ is not None:
        outside = outside_ranges(model.domain, samples)
        assessment = model.trust_.assess(inputs, mean, spread, outside)
    target = model.target
    made = Channel(mean, target.energy, target.features, target.unit)
    return Prediction(
        samples.ids,
        target,
        mean,
        spread,
        assessment,
        tuple(model.changes()),
        summarise(samples, Spectra({target.channel: made})),
    )


def read_samples(path: Path, domain: Domain, absorber: str | None = None) -> Samples:
    """Read the samples that a model is to predict.

    Parameters
    ----------
    path
        Structures in a file that ASE reads (extxyz, xyz, cif, POSCAR, …); for a model of
        parameters a CSV file whose header names them.
    domain
        What the model knows.
    absorber
        Index (from 0) of the absorbing atom in every structure, or an element: then each of its
        atoms is a sample of its own. Without it the structure's own ``absorber`` entry counts,
        else the one atom of an element that the model knows as absorber.

    Raises
    ------
    DataError
        If the file cannot be read.
    SampleError
        If a structure's absorber is missing or not clear.
    """
    if not path.is_file():
        raise DataError(f"there is no file '{path}'.")
    if domain.kind == "parameters":
        return _read_parameters(path, domain)
    frames = _read_frames(path)
    parts: list[Atoms] = []
    sites: list[int] = []
    ids: list[str] = []
    for number, frame in enumerate(frames):
        name = str(frame.info.get("id", number))
        chosen = _sites(frame, name, domain, absorber)
        parts += [frame] * len(chosen)
        sites += chosen
        several = len(chosen) > 1
        ids += [f"{name}/{frame.symbols[site]}{site}" if several else name for site in chosen]
    if len(set(ids)) != len(ids):  # frames that carry one id: their place in the file tells them
        ids = [f"{number}:{name}" for number, name in enumerate(ids)]
    return Structures.from_atoms(parts, sites, ids)


def _read_frames(path: Path) -> list[Atoms]:
    from ase.io import read
    from ase.io.formats import UnknownFileTypeError, filetype

    if path.is_file() and not path.stat().st_size:
        raise DataError(f"'{path}' is empty; give a file of structures.")
    try:
        kind = filetype(str(path))
    except (UnknownFileTypeError, OSError, UnicodeDecodeError):
        kind = "unknown"
    if kind not in FORMATS:
        raise DataError(
            f"'{path}' is of format '{kind}', which is not read here; give one of "
            f"{', '.join(FORMATS)}."
        )
    try:
        frames = read(str(path), index=":", format=kind)
    except Exception as error:  # whatever a parser meets in a bad file
        text = str(error).partition("\n")[0]
        raise DataError(f"'{path}' cannot be read as {kind} ({text}).") from None
    if not frames:
        raise DataError(f"'{path}' holds no structures.")
    return list(frames)


def _sites(frame: Atoms, name: str, domain: Domain, absorber: str | None) -> list[int]:
    """Return the absorbing atoms of a structure."""
    size, known = len(frame), symbols(domain.absorbers)
    if absorber is None and "absorber" in frame.info:
        absorber = str(frame.info["absorber"])
    if absorber is None:
        found = np.flatnonzero(np.isin(frame.numbers, domain.absorbers)).tolist()
        if len(found) != 1:
            has = f"{len(found)} atoms" if found else "no atom"
            raise SampleError(
                f"structure '{name}' has {has} of {known}, the model's absorber"
                + (
                    "; say which with --absorber INDEX, or all with --absorber ELEMENT."
                    if found
                    else ": the model cannot know its spectrum."
                )
            )
        return [int(found[0])]
    if absorber.isdigit():
        if int(absorber) >= size:
            raise SampleError(
                f"structure '{name}' has {size} atoms, so there is no absorber {absorber}; indices "
                "count from 0."
            )
        return [int(absorber)]
    if absorber not in SYMBOLS[1:]:
        raise DataError(f"absorber '{absorber}' is neither an index nor the symbol of an element.")
    found = np.flatnonzero(frame.numbers == SYMBOLS.index(absorber)).tolist()
    if not found:
        raise SampleError(f"structure '{name}' has no {absorber} atom to be the absorber.")
    return [int(site) for site in found]


def _read_parameters(path: Path, domain: Domain) -> Parameters:
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = [row for row in csv.reader(stream) if row]
    except (UnicodeDecodeError, csv.Error):
        raise DataError(f"'{path}' is no CSV file.") from None
    header, body = (rows[0], rows[1:]) if rows else ([], [])
    missing = [name for name in domain.parameters if name not in header]
    if missing or not body:
        what = f"lacks the column '{missing[0]}'" if missing else "has no rows"
        raise DataError(f"'{path}' {what}; the model needs {', '.join(domain.parameters)}.")
    columns = [header.index(name) for name in domain.parameters]
    values = np.empty((len(body), len(columns)))
    for number, row in enumerate(body):
        try:
            values[number] = [float(row[column]) for column in columns]
        except (ValueError, IndexError):
            raise DataError(
                f"'{path}', row {number + 2}: a value is missing or no number."
            ) from None
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
    }


def _trust_rows(prediction: Prediction) -> Iterator[Sequence[Any]]:
    yield ["id", "trust", "level", "expected spectrum error (%)", "outside training"]
    for name, trust, level, expected, outside in zip(
        prediction.ids, *_assessed(prediction).values(), strict=True
    ):
        yield [name, f"{trust:.4f}", level, f"{expected:.3f}", "yes" if outside else "no"]


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
    from xreg.core.report.draw import save_figure
    from xreg.core.report.spectra import predicted_spectra
    from xreg.core.report.style import styled

    check_plot(path, prediction.target)
    with disk_errors(f"'{path}'"), styled():
        figure = predicted_spectra(
            prediction.ids, prediction.mean, prediction.target, prediction.spread
        )
        save_figure(figure, path)
