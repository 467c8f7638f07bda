"""The samples of a generation recipe: structures, a parameter table, or drawn from a space."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.samples import Parameters, Samples, Structure, Structures
from xreg.core.errors import ConfigError, DataError, SampleError, did_you_mean
from xreg.core.files import read_file, readable
from xreg.core.interfaces import SpectrumGenerator
from xreg.core.readers.numbers import number_of
from xreg.core.readers.sheet import read_sheet
from xreg.registry.stores.layout import round_mantissa, stored_dtype
from xreg.workbench.generate.draw import draw_samples
from xreg.workbench.generate.recipe import LabelSection, SamplesSection
from xreg.workbench.recipes.sections import frames_slice

__all__ = ["SampleTable", "read_samples", "sample_keys", "with_needed_labels"]

ABSORBER = "give 'absorber', an index (from 0) or an element, or 'sites: all' for a sample each"
SITE_LABELS = {"structure", "multiplicity"}
FROM_FILE = {"file", "frames", "id", "absorber", "parameters", "labels"}


@dataclass(frozen=True, eq=False)
class SampleTable:
    """Samples and what is known of each before any spectrum.

    Attributes
    ----------
    samples
        The n samples.
    origin
        Where they came from, for the provenance.
    labels, label_units
        (n,) values and the unit of each label.
    unfit
        Why a sample cannot be computed, by its row: nothing in it is the absorber. Its first atom
        stands in for that.
    bad
        Why a frame is no structure, by the id it would have had; it is none of the samples.
    notes
        What was read in a way that the user should see.
    """

    samples: Samples
    origin: Mapping[str, Any]
    labels: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    label_units: Mapping[str, str] = field(default_factory=dict)
    unfit: Mapping[int, str] = field(default_factory=dict)
    bad: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


@dataclass(eq=False)
class _Read:
    """Structures of a file as they are read."""

    samples: list[Structure] = field(default_factory=list)
    known: list[dict[str, Any]] = field(default_factory=list)
    unfit: dict[int, str] = field(default_factory=dict)
    bad: dict[str, str] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    sites: list[tuple[str, int]] = field(default_factory=list)  # structure, multiplicity


def read_samples(
    section: SamplesSection,
    base: Path,
    precision: Mapping[str, int] | None = None,
    generator: SpectrumGenerator | None = None,
) -> SampleTable:
    """Read the samples that a recipe names, or draw them.

    Parameters
    ----------
    section
        The recipe's ``samples``.
    base
        Folder that a relative file name is meant from.
    precision
        Mantissa bits of ``positions`` or ``parameters`` that will be stored: samples are rounded
        to them here, so that spectra belong exactly to the samples beside them.
    generator
        Offers parameter spaces by name, and knows the bounds of its parameters.

    Raises
    ------
    DataError
        If the file is missing or malformed, selects nothing, or lacks a label or id; the message
        names the file and the frame.
    """
    if not section.file:
        drawn, origin, sets = draw_samples(section, generator)
        _round(drawn, precision or {})
        return SampleTable(drawn, origin, sets)
    path = base / section.file
    with readable(f"samples '{path}'"):
        sha256 = hashlib.sha256(read_file(path)).hexdigest()
    samples: Samples
    found = _Read()
    if path.suffix == ".csv":
        samples, known = _table(path, section)
    elif path.suffix in (".xyz", ".extxyz"):
        found = _structures(path, section)
        samples, known = Structures.of(found.samples), found.known
    else:
        raise DataError(f"samples '{path}' must end in .extxyz, .xyz or .csv.")
    _round(samples, precision or {})
    labels = {
        name: _label(path, name, label, known, samples) for name, label in section.labels.items()
    }
    if found.sites:
        if both := sorted(SITE_LABELS & set(labels)):
            raise ConfigError(f"sites: {section.sites} gives the label '{both[0]}'; rename yours.")
        names, counts = zip(*found.sites, strict=True)
        labels |= {"structure": np.array(names), "multiplicity": np.array(counts)}
    units = {name: label.unit for name, label in section.labels.items() if label.unit}
    asked = section.model_dump(mode="json", include=FROM_FILE)
    origin = {**asked, "file": path.name, "sha256": sha256}
    if section.sites != "one":
        origin["sites"] = section.sites
    notes = {note: (len(files), files[0]) for note, files in found.notes.items()}
    told = [f"{first if n == 1 else f'{n} frames'}: {note}" for note, (n, first) in notes.items()]
    if told:
        origin["notes"] = told
    return SampleTable(samples, origin, labels, units, found.unfit, found.bad, told)


def _round(samples: Samples, precision: Mapping[str, int]) -> None:
    name, what = (
        ("values", "parameters") if isinstance(samples, Parameters) else ("positions", "positions")
    )
    if (bits := precision.get(what)) is not None:
        rounded = round_mantissa(getattr(samples, name), stored_dtype("float64", bits), bits)
        setattr(samples, name, rounded.astype(np.float64))


def with_needed_labels(
    samples: Samples, labels: Mapping[str, Any], generator: SpectrumGenerator
) -> Samples:
    """Return samples with those of their labels that a generator reads.

    Raises
    ------
    ConfigError
        If there is no such label.
    """
    for name in generator.needs_labels:
        if name not in labels:
            raise ConfigError(
                f"generator '{generator.name}' reads the label '{name}', which the samples have "
                f"not{did_you_mean(name, labels)}; name it under 'samples.labels'."
            )
    return samples.with_labels({name: labels[name] for name in generator.needs_labels})


def sample_keys(samples: Samples, unfit: Mapping[int, str] | None = None) -> list[str]:
    """Return for each sample a hash of all that a generator sees of it."""
    if isinstance(samples, Parameters):
        return _parameter_keys(samples)
    keys = [_key(batch[i]) for batch in samples.batches(1024) for i in range(len(batch))]
    for name in sorted(samples.labels):  # those that the generator reads
        values = samples.labels[name].tolist()
        keys = [
            _hash(key.encode(), name.encode(), _spelt(value).encode())
            for key, value in zip(keys, values, strict=True)
        ]
    for row, reason in (unfit or {}).items():  # another sample than with that atom as its absorber
        keys[row] = _hash(keys[row].encode(), reason.encode())
    return keys


def _spelt(value: Any) -> str:
    """Write a label as text, a number the same way whether it was read as 1 or as 1.0."""
    number = _number(value)
    return str(value) if number is None else repr(float(number))


def _parameter_keys(samples: Parameters) -> list[str]:
    order = np.argsort(samples.names)  # the order of the columns means nothing
    head = "\0".join(samples.names[i] for i in order).encode()
    keys = []
    for batch in samples.batches(65_536):
        rows = np.ascontiguousarray(np.asarray(batch.values, "<f8")[:, order])
        keys += [
            _hash(name.encode(), head, row.tobytes())
            for name, row in zip(batch.ids.tolist(), rows, strict=True)
        ]
    return keys


def _key(sample: Structure) -> str:
    return _hash(
        sample.id.encode(),
        np.asarray(sample.numbers, "<i4").tobytes(),
        np.asarray(sample.positions, "<f8").tobytes(),
        np.asarray(sample.cell, "<f8").tobytes(),
        np.asarray(sample.pbc, bool).tobytes(),
        str(int(sample.absorber)).encode(),
    )


def _hash(*content: bytes) -> str:
    return hashlib.sha256(b"\0".join(content)).hexdigest()[:32]


def _chosen(path: Path, what: str, total: int, section: SamplesSection) -> range:
    chosen = range(total)[frames_slice(section.frames)]
    if not chosen:
        raise DataError(f"'{path}' has {total} {what}; frames '{section.frames}' selects none.")
    return chosen


def _ids(
    path: Path, rows: Sequence[int], key: str, known: Sequence[Mapping[str, Any]]
) -> list[str]:
    if key:
        return [str(_value(path, key, known[i], row)) for i, row in enumerate(rows)]
    return [f"{path.stem}-{row}" for row in rows]


def _value(path: Path, key: str, known: Mapping[str, Any], row: int) -> Any:
    try:
        return known[key]
    except KeyError:
        what = "row" if path.suffix == ".csv" else "frame"
        raise DataError(f"'{path}', {what} {row}: no '{key}'{did_you_mean(key, known)}.") from None


def _structures(path: Path, section: SamplesSection) -> _Read:
    from xreg.core.readers.structures import absorbing_sites, read_frames, same_first_atoms

    if section.parameters:
        raise DataError(f"'{path}' holds structures; 'parameters' goes with a .csv table.")
    every = list(read_frames(path))
    rows = _chosen(path, "frames", len(every), section)
    found = _Read()
    assumed: dict[str, int] = {}
    twins: list[str] = []
    for row in rows:
        frame, where = every[row], f"'{path}', frame {row}"
        if frame.problem:
            found.bad[f"{path.stem}-{row}"] = f"{where}: {frame.problem}"
            continue
        for note in frame.notes:
            found.notes.setdefault(note, []).append(f"{path.name}, frame {row}")
        (name,) = _ids(path, [row], section.id, [frame.info])
        try:
            sites = absorbing_sites(
                frame, section.absorber, every=section.sites != "one", how=ABSORBER
            )
            stands_for = dict.fromkeys(sites, 1)
            if section.sites == "distinct" and sites:
                stands_for = frame.distinct(sites)
        except SampleError as error:
            found.unfit[len(found.samples)] = f"{where}: {error}"
            sites, stands_for = [0], {0: 1}
        if not sites:
            sites, stands_for = [0], {0: 1}
            assumed[name] = int(frame.numbers[0])
            if (frame.numbers == frame.numbers[0]).sum() > 1:
                twins.append(name)
        several = len(stands_for) > 1
        for site, multiplicity in stands_for.items():
            found.samples.append(frame.structure(f"{name}-{site}" if several else name, site))
            found.known.append(dict(frame.info))
            if section.sites != "one":
                found.sites.append((name, multiplicity))
    for note in same_first_atoms(assumed, twins, ABSORBER):
        found.notes[note] = [path.name]
    if not found.samples:
        reason = next(iter(found.bad.values()))
        raise DataError(f"none of {len(rows)} structures can be read, first {reason}.")
    return found


def _table(path: Path, section: SamplesSection) -> tuple[Parameters, list[dict[str, Any]]]:
    if not section.parameters:
        raise DataError(f"'{path}' is a table: 'parameters' must name its columns and their units.")
    try:
        header, body = read_sheet(read_file(path))
    except DataError as error:
        raise DataError(f"'{path}': {str(error).rstrip('.')}.") from None
    every = [dict(zip(header, row, strict=True)) for row in body]
    rows = _chosen(path, "rows", len(every), section)
    known = [every[row] for row in rows]
    values = np.empty((len(rows), len(section.parameters)))
    for i, row in enumerate(rows):
        for j, name in enumerate(section.parameters):
            text = _value(path, name, known[i], row)
            if (number := number_of(str(text))) is None:
                raise DataError(f"'{path}', row {row}: '{name}' is {text!r}, no number.")
            values[i, j] = number
    bad = np.argwhere(~np.isfinite(values))
    if bad.size:
        name = list(section.parameters)[bad[0, 1]]
        raise DataError(f"'{path}', row {rows[int(bad[0, 0])]}: '{name}' is not finite.")
    ids = _ids(path, rows, section.id, known)
    units = [section.parameters[name] for name in section.parameters]
    return Parameters(ids, values, list(section.parameters), units), known


def _label(
    path: Path,
    name: str,
    label: LabelSection,
    known: Sequence[Mapping[str, Any]],
    samples: Samples,
) -> NDArray[Any]:
    """Return one label of all samples: numbers where all are numbers, else text."""
    key = label.key or name
    values = [_value(path, key, row, i) for i, row in enumerate(known)]
    numbers = np.array([_number(v) for v in values], dtype=object)
    if any(v is None for v in numbers):
        if label.unit:
            raise DataError(f"'{path}': label '{name}' has the unit {label.unit} but holds text.")
        return np.array([str(v) for v in values])
    array = np.array(numbers.tolist())
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise DataError(f"'{path}': label '{name}' of '{samples.ids[bad[0]]}' is not finite.")
    return array


def _number(value: Any) -> int | float | None:
    """Return a number as it is or as a table's text spells it, None for anything else."""
    if isinstance(value, bool | np.bool_):
        return int(value)
    if isinstance(value, int | float | np.number):
        return value.item() if isinstance(value, np.number) else value
    try:
        return int(value)
    except (TypeError, ValueError):
        pass
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
