"""Results as small Zarr groups: named arrays with units, and what they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.model.domain import Target

__all__ = ["read_predictions", "write_arrays", "write_predictions"]


def write_arrays(
    path: Path,
    arrays: Mapping[str, NDArray[Any]],
    attributes: Mapping[str, Any] | None = None,
    units: Mapping[str, str] | None = None,
) -> None:
    """Write arrays of numbers or strings into a new Zarr group, by their path below it."""
    import zarr

    from xreg.registry.stores.layout import ArraySpec

    root = zarr.create_group(path, attributes=dict(attributes or {}))
    for name, values in arrays.items():
        text = values.dtype.kind not in "biuf"
        unit = (units or {}).get(name)
        spec = ArraySpec(
            name,
            values.shape,
            "string" if text else values.dtype.name,
            attributes={"unit": unit} if unit else {},
        )
        spec.create(root)[...] = values.astype(object) if text else values


def write_predictions(
    path: Path,
    ids: NDArray[np.str_],
    target: Target,
    predicted: NDArray[np.float64],
    spread: NDArray[np.float64] | None = None,
    more: Mapping[str, NDArray[Any]] | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Write predicted spectra by sample id, with their energies.

    Parameters
    ----------
    path
        The new Zarr group.
    ids
        (n,) sample ids.
    target
        What is predicted: energies or names of target features.
    predicted, spread
        (n, m) predictions, and their standard deviation where there is one.
    more
        Further arrays, such as the part that each sample belongs to.
    attributes
        What is known about all of them: JSON values.
    """
    arrays: dict[str, NDArray[Any]] = {"ids": ids, **(more or {})}
    if target.energy is not None:
        arrays["energy"] = target.energy
    else:
        arrays["features"] = np.array(target.features)
    arrays["predicted"] = predicted
    if spread is not None:
        arrays["std"] = spread
    units = {name: target.unit for name in ("predicted", "known", "std")} | {"energy": "eV"}
    write_arrays(path, arrays, {"channel": target.channel, **(attributes or {})}, units)


def read_predictions(path: Path) -> dict[str, NDArray[Any]]:
    """Return all arrays that :func:`write_predictions` wrote, by name."""
    import zarr

    root = zarr.open_group(path, mode="r")
    found = {}
    for name, array in root.arrays():
        values = np.asarray(array[...])
        found[name] = values if values.dtype.kind in "biuf" else np.array(values.tolist())
    return found
