"""A dataset as labelled arrays of xarray."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from xreg.core.data.samples import Parameters, Structures
from xreg.core.data.specimens import Specimens
from xreg.core.errors import MissingRequirementError

if TYPE_CHECKING:
    from xreg.core.data.dataset import Dataset

__all__ = ["to_xarray"]

ABOUT = ("name", "version", "title", "licence", "citation")


def to_xarray(dataset: Dataset) -> Any:
    """Return the spectra, labels and splits of a dataset as an ``xarray.Dataset``.

    See :meth:`xreg.core.data.dataset.Dataset.to_xarray`.
    """
    try:
        import xarray
    except ImportError:
        raise MissingRequirementError(
            'to_xarray needs xarray: pip install "xreg[xarray]".'
        ) from None
    variables: dict[str, Any] = {}
    coordinates: dict[str, Any] = {"sample": ("sample", dataset.samples.ids.astype(object))}
    for name, channel in dataset.spectra.items():
        if channel.energy is not None:
            axis, values, units = f"energy_{name}", channel.energy, _units("eV")
        else:
            axis, values, units = f"feature_{name}", np.array(channel.features, object), {}
        coordinates[axis] = (axis, values, units)
        intensity = np.asarray(channel.intensity[:])
        variables[name] = (("sample", axis), intensity, _units(channel.unit))
    for name, label in dataset.labels.items():
        units = _units(dataset.label_units.get(name, ""))
        coordinates[f"label_{name}"] = ("sample", _plain(label), units)
    for name, split in dataset.splits.items():
        parts = np.full(len(dataset), "", dtype=object)
        for part, rows in split.indices(dataset.samples.ids).items():
            parts[rows] = part
        coordinates[f"split_{name}"] = ("sample", parts)
    samples = dataset.samples
    if isinstance(samples, Parameters):
        table = np.asarray(samples.values[:], np.float64)
        for i, (name, unit) in enumerate(zip(samples.names, samples.units, strict=True)):
            coordinates[f"parameter_{name}"] = ("sample", table[:, i], _units(unit))
    elif isinstance(samples, Structures | Specimens):
        coordinates["absorber"] = ("sample", samples.absorbers(), {"long_name": "atomic number"})
    about = dataset.metadata.model_dump(include=set(ABOUT))
    about["hash"] = dataset.hash
    return xarray.Dataset(variables, coordinates, {k: text for k, text in about.items() if text})


def _units(unit: str) -> dict[str, str]:
    return {"units": unit} if unit else {}


def _plain(values: Any) -> Any:
    found = np.asarray(values)
    return found.astype(object) if found.dtype.kind in "US" else found
