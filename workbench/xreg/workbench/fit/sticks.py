"""The transitions behind a computed spectrum, from the generator that its dataset names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xreg.core.errors import DataError, UnknownNameError, did_you_mean
from xreg.core.files import disk_errors, write_csv
from xreg.registry.consent import component_code, require_consent
from xreg.registry.datasets import open_dataset
from xreg.registry.plugins import host

if TYPE_CHECKING:
    from xreg.core.data.spectra import LineList
    from xreg.core.interfaces import SpectrumGenerator

__all__ = ["origin", "sticks_of", "write_sticks"]


def origin(provenance: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Return ``name`` and ``settings`` of the generator that made a dataset.

    Raises
    ------
    DataError
        If none did.
    """
    found = provenance.get("generator")
    if not isinstance(found, Mapping) or "name" not in found:
        raise DataError(f"dataset '{what}' was not made by a generator.")
    name, settings = found["name"], found.get("settings", {})
    if not isinstance(name, str) or not isinstance(settings, Mapping):
        raise DataError(f"dataset '{what}' does not tell its generator by name and settings.")
    return {"name": name, "settings": dict(settings)}


def sticks_of(
    name: str, sample: str, registry: str | Path | None = None, *, allow_code: bool = False
) -> LineList:
    """Compute the transitions of one sample of a dataset.

    Parameters
    ----------
    name
        ``name``, ``name@version``, or the path of a store.
    sample
        Id of the sample.
    registry
        Where to look for the dataset.
    allow_code
        Whether the user agrees to code that came with the dataset (a template, input lines).

    Raises
    ------
    ConsentError
        If the dataset brings code that the user has not agreed to.
    UnknownNameError
        If the dataset has no such sample.
    DataError
        If no generator made the dataset, or it knows no transitions.
    """
    dataset = open_dataset(name, registry=registry)
    known = origin(dataset.metadata.provenance, name)
    rows = np.flatnonzero(dataset.samples.ids == sample)
    if not rows.size:
        near = did_you_mean(sample, dataset.samples.ids.tolist())
        raise UnknownNameError(f"dataset '{name}' has no sample '{sample}'{near}.")
    require_consent(
        component_code("generator", known["name"], known["settings"]),
        f"dataset '{name}'",
        allow=allow_code,
        read=f"xreg data show {name}",
    )
    generator: SpectrumGenerator = host().build("generator", known["name"], known["settings"])
    lines = generator.sticks(dataset.samples[int(rows[0])])
    if lines is None:
        raise DataError(f"generator '{generator.name}' does not tell its transitions.")
    return lines


def write_sticks(path: Path, lines: LineList, shift: float = 0.0) -> None:
    """Write transitions as CSV: energy (eV) and strength in each channel, a row each."""
    columns = [lines.energy + shift, *lines.strength.values()]
    heads = ["energy (eV)", *(f"strength {name}" for name in lines.strength)]
    with disk_errors(f"'{path}'"):
        write_csv(path, [heads, *np.stack(columns, axis=1).tolist()])
