"""A dataset: samples, spectra, labels, splits and where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from xreg.core.config import Exact
from xreg.core.data.samples import Samples
from xreg.core.data.spectra import Spectra
from xreg.core.data.splits import Split
from xreg.core.errors import DataError, UnknownNameError, did_you_mean
from xreg.core.text import counted

__all__ = ["Dataset", "Metadata"]

NAME_PATTERN = r"^[a-z0-9][a-z0-9-]*$"
VERSION_PATTERN = r"^[0-9]{1,18}\.[0-9]{1,18}\.[0-9]{1,18}$"


class Metadata(Exact):
    """Who made a dataset, how, and under which terms it may be used."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=NAME_PATTERN)
    version: str = Field(pattern=VERSION_PATTERN)
    title: str = ""
    description: str = ""
    licence: str = ""
    citation: str = ""
    provenance: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples with their spectra and everything known about them.

    Large arrays may be lazy (opened from a store); ``select`` reads a subset into memory.

    Attributes
    ----------
    samples
        The n samples, which carry the labels.
    spectra
        Channels of n spectra each.
    labels
        Per-sample labels, (n,) numbers or strings each.
    label_units
        Unit of each numeric label, where it has one.
    splits
        Named splits.
    metadata
        Name, version, licence, provenance.
    hash
        Content hash of the store that the dataset was opened from; empty for one made in memory.
    """

    samples: Samples
    spectra: Spectra
    metadata: Metadata
    labels: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    label_units: Mapping[str, str] = field(default_factory=dict)
    splits: Mapping[str, Split] = field(default_factory=dict)
    hash: str = ""

    def __post_init__(self) -> None:
        n = len(self.samples)
        for kind, lengths in (
            ("channel", {name: len(c) for name, c in self.spectra.items()}),
            ("label", {name: len(v) for name, v in self.labels.items()}),
        ):
            for name, length in lengths.items():
                if length != n:
                    raise DataError(f"{kind} '{name}' has {length} entries for {n} samples.")
        if self.labels:
            object.__setattr__(self, "samples", self.samples.with_labels(self.labels))

    def __len__(self) -> int:
        return len(self.samples)

    def label(self, name: str) -> NDArray[Any]:
        """Return the label of that name, or say which there are."""
        if name not in self.labels:
            raise UnknownNameError(
                f"dataset '{self.metadata.name}' has no label '{name}'"
                f"{did_you_mean(name, self.labels)}."
            )
        return np.asarray(self.labels[name])

    def to_xarray(self) -> Any:
        """Return spectra, labels and splits as an ``xarray.Dataset``, in memory.

        Each channel is a variable over ``sample`` and ``energy_<channel>`` in eV (target features:
        ``feature_<channel>``); ``label_<name>``, ``parameter_<name>``, ``split_<name>`` and
        ``absorber`` (its atomic number) are coordinates of the samples; units stand in the
        attribute ``units``. Positions of atoms, ragged as they are, are left out.

        Raises
        ------
        MissingRequirementError
            Without xarray (``pip install "xreg[xarray]"``).
        """
        from xreg.core.data.labelled import to_xarray

        return to_xarray(self)

    def _repr_html_(self) -> str:
        channels = "".join(
            f"<li>{escape(name)} [{escape(c.unit)}]: "
            + (
                f"{len(c.energy)} energies, {c.energy[0]:g} … {c.energy[-1]:g} eV</li>"
                if c.energy is not None
                else f"{escape(', '.join(c.features))}</li>"
            )
            for name, c in self.spectra.items()
        )
        listed = "".join(
            f"<li>{what}: {escape(', '.join(names))}</li>"
            for what, names in (("labels", self.labels), ("splits", self.splits))
            if names
        )
        about = self.metadata
        head = f"<h4>{escape(about.name)} {escape(about.version)}</h4><p>{escape(about.title)}</p>"
        count = f"<li>{len(self):,} samples ({self.samples.kind})</li>"
        return f"{head}<ul>{count}{channels}{listed}</ul>"

    def select(self, key: Any) -> Dataset:
        """Return a subset in memory; splits keep the samples that remain."""
        samples = self.samples[np.atleast_1d(np.arange(len(self))[key])]
        kept = set(samples.ids.tolist())

        def kept_ids(ids: NDArray[np.str_]) -> NDArray[np.str_]:
            return ids[[i in kept for i in ids.tolist()]] if len(ids) else ids

        return Dataset(
            samples=samples,
            spectra=self.spectra.select(key),
            metadata=self.metadata,
            labels={name: np.asarray(values)[key] for name, values in self.labels.items()},
            label_units=self.label_units,
            splits={
                name: Split(kept_ids(s.train), kept_ids(s.validation), kept_ids(s.test))
                for name, s in self.splits.items()
            },
        )


def finite_rows(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which rows of an (n, m) array are finite throughout."""
    return np.isfinite(np.asarray(values)).all(axis=1)


def require_finite(
    values: NDArray[Any],
    ids: Sequence[str] | NDArray[np.str_],
    what: str,
    remedy: str = "leave them out of the store",
) -> None:
    """Raise a :class:`DataError` that names the first of (n, …) values with a NaN or infinity."""
    bad = np.flatnonzero(~finite_rows(values))
    if bad.size:
        raise DataError(
            f"{what}: values of {counted(bad.size, 'sample')} are not finite, first "
            f"'{ids[bad[0]]}'; repair them or {remedy}."
        )
