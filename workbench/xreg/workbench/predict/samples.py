"""New samples that a model is to predict: read, and those that it cannot know named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.elements import SYMBOLS
from xreg.core.data.samples import Parameters, Samples, Structures
from xreg.core.errors import DataError, SampleError
from xreg.core.files import read_file
from xreg.core.model.domain import Domain
from xreg.core.model.model import Model
from xreg.core.readers.numbers import number_of
from xreg.core.readers.sheet import read_sheet
from xreg.core.readers.structures import Frame, absorbing_sites, read_frames

__all__ = ["BadSamplesError", "NewSamples", "Site", "Sites", "as_column", "read_samples"]

Sites = Literal["one", "all", "distinct"]


class Site(NamedTuple):
    """Of which structure a sample is a site, and for how many it stands."""

    structure: str
    multiplicity: int


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
    sites
        What each structure's sample is a site of, by its id.
    """

    samples: Samples
    bad: Sequence[tuple[str, str]] = ()
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sites: Mapping[str, Site] = field(default_factory=dict)

    def known_to(self, model: Model) -> NewSamples:
        """Return them with those that a model cannot know among the bad ones."""
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
        self.lines = [_with_place(*one).rstrip(".") for one in read.bad]
        first, total = self.lines[0], len(read.bad) + len(read.samples)
        if total == 1:
            super().__init__(first if first.endswith("?") else f"{first}.")
        elif len(read.samples):
            super().__init__(
                f"{len(self.lines)} of {total} samples cannot be predicted, first {first}; repair "
                "them, or leave them out with --bad set-aside."
            )
        else:
            super().__init__(f"none of {total} samples can be predicted, first {first}.")


def _with_place(where: str, reason: str) -> str:
    return reason if reason.startswith(where) else f"{where}: {reason}"


def read_samples(
    path: Path,
    domain: Domain,
    absorber: str | None = None,
    *,
    sites: Sites = "one",
    labels: Sequence[str] = (),
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
    sites
        Whether, without an absorber, all atoms of such an element are samples (``all``), or those
        that a crystal's symmetry tells apart (``distinct``).
    labels
        What else the model needs to know of each (``Model.needs_labels``): fields of a frame's
        comment line, or columns of the CSV file.

    Raises
    ------
    DataError
        If the file cannot be read, or holds nothing of that kind.
    """
    if not path.is_file():
        is_folder = path.is_dir()
        raise DataError(f"'{path}' is a folder." if is_folder else f"there is no file '{path}'.")
    if domain.kind == "parameters":
        return _read_parameters(path, domain, labels)
    wanted = int(absorber) if absorber is not None and absorber.isdecimal() else absorber
    found: list[tuple[Frame, int, str, Site]] = []
    bad: list[tuple[str, str]] = []
    notes: dict[str, list[str]] = {}
    for frame in read_frames(path):
        for note in frame.notes:
            notes.setdefault(note, []).append(frame.where)
        name = str(frame.info.get("id", frame.place))
        try:
            absorbing = absorbing_sites(
                frame,
                wanted,
                every=sites != "one" or isinstance(wanted, str),
                elements=domain.absorbers,
                how="say which with --absorber INDEX (from 0), or all of them with --sites all",
            )
            stands_for = dict.fromkeys(absorbing, 1)
            if sites == "distinct":
                stands_for = frame.distinct(absorbing)
        except DataError as error:
            bad.append((frame.where, str(error)))
            continue
        for atom, multiplicity in stands_for.items():
            own = f"{name}/{SYMBOLS[frame.numbers[atom]]}{atom}" if len(stands_for) > 1 else name
            found.append((frame, atom, own, Site(name, multiplicity)))
    ids = [own for _, _, own, _ in found]
    if len(set(ids)) != len(ids):  # frames that carry one id: their place in the file tells them
        found = [
            (frame, atom, f"{frame.place}:{own}", Site(f"{frame.place}:{of}", n))
            for frame, atom, own, (of, n) in found
        ]
    samples = Structures.of([frame.structure(own, atom) for frame, atom, own, _ in found])
    told = {name: as_column([frame.info.get(name) for frame, *_ in found]) for name in labels}
    samples = samples.with_labels(told)
    return NewSamples(samples, bad, notes, {own: site for _, _, own, site in found})


def as_column(values: Sequence[Any]) -> NDArray[np.object_]:
    """Return values of any kind as an array of one axis."""
    found = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        found[i] = value
    return found


def _read_parameters(path: Path, domain: Domain, labels: Sequence[str]) -> NewSamples:
    try:
        header, body = read_sheet(read_file(path))
    except DataError as error:
        raise DataError(f"'{path}': {str(error).rstrip('.')}.") from None
    missing = [name for name in domain.parameters if name not in header]
    if missing or not body:
        what = f"lacks the column '{missing[0]}'" if missing else "has no rows"
        raise DataError(f"'{path}' {what}; the model needs {', '.join(domain.parameters)}.")
    columns = [header.index(name) for name in domain.parameters]
    values = np.empty((len(body), len(columns)))
    for number, row in enumerate(body):
        for i, (name, column) in enumerate(zip(domain.parameters, columns, strict=True)):
            value = number_of(row[column])
            if value is None or not np.isfinite(value):
                what = f"'{row[column][:40]}' is no number" if row[column] else "it is empty"
                raise DataError(f"'{path}', row {number + 2}, column '{name}': {what}.")
            values[number, i] = value
    named = header.index("id") if "id" in header else None
    ids = [str(n) if named is None else body[n][named] for n in range(len(body))]
    if "" in ids:
        raise DataError(f"'{path}', row {ids.index('') + 2}, column 'id': it is empty.")
    units = domain.units or ("",) * len(columns)
    told = {
        name: as_column([row[header.index(name)] for row in body])
        for name in labels
        if name in header
    }
    rest = [name for name in header if name not in ("", "id", *domain.parameters, *told)]
    more = f" and {len(rest) - 8} more" if len(rest) > 8 else ""
    said = f"columns that the model does not need are not read: {', '.join(rest[:8])}{more}"
    notes = {said: [str(path)]} if rest else {}
    samples = Parameters(ids, values, domain.parameters, units).with_labels(told)
    return NewSamples(samples, notes=notes)
