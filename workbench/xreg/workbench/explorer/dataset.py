"""What an explorer shows of a dataset: principal components of its spectra."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.data.dataset import Dataset
from xreg.core.data.samples import Parameters, Samples
from xreg.core.errors import DataError
from xreg.core.text import counted
from xreg.workbench.explorer.view import Curves, Map, Quantity, View

__all__ = ["known_quantities", "principal_components", "view_of_dataset"]

MOST_COMPONENTS = 5
MOST_ROWS = 20_000


def view_of_dataset(dataset: Dataset, channel: str | None = None) -> View:
    """Return the explorer of a dataset; of very many samples, 20,000 evenly spaced are shown.

    Parameters
    ----------
    dataset
        What is shown.
    channel
        The one channel to show; all if not given.

    Raises
    ------
    DataError
        If the dataset has no samples.
    """
    if not len(dataset):
        raise DataError(f"dataset '{dataset.metadata.name}' has no samples to show.")
    names = list(dataset.spectra) if channel is None else [channel]
    channels = {name: dataset.spectra[name] for name in names}
    rows, remarks = np.arange(len(dataset)), []
    if len(rows) > MOST_ROWS:
        rows = np.linspace(0, len(rows) - 1, MOST_ROWS).astype(int)
        remarks.append(f"{MOST_ROWS:,} of the {len(dataset):,} samples are shown, evenly spaced.")
    curves, maps = [], []
    for name, found in channels.items():
        chosen = found[rows]
        values = np.asarray(chosen.intensity)
        curves.append(
            Curves(name, found.unit, values, energy=found.energy, features=found.features)
        )
        scaled = values if found.energy is not None else _standardised(values)
        maps.append(Map(f"principal components of {name}", principal_components(scaled), name))
    about = dataset.metadata
    kept = dataset.samples[rows]
    first = f"{about.name} {about.version}, {counted(len(dataset), 'sample')}"
    return View(
        title=about.title or about.name,
        about=[line for line in (first, about.description) if line],
        ids=kept.ids,
        maps=maps,
        curves=curves,
        quantities=known_quantities(dataset, rows, kept),
        samples=kept,
        remarks=remarks,
    )


def known_quantities(
    dataset: Dataset, rows: NDArray[np.intp], samples: Samples
) -> dict[str, Quantity]:
    """Return parameters and labels of some samples; the part of the default split among them."""
    found: dict[str, Quantity] = {}
    if isinstance(samples, Parameters):
        values = np.asarray(samples.values)
        for column, (name, unit) in enumerate(zip(samples.names, samples.units, strict=True)):
            found[name] = Quantity(values[:, column], unit, "parameter")
    for name, values in dataset.labels.items():
        unit = dataset.label_units.get(name, "")
        key = name if name not in found else f"{name} (label)"
        found[key] = Quantity(np.asarray(values)[rows], unit)
    return found


def principal_components(values: Array) -> Array:
    """Return the (n, k) scores of the first principal components; NaN where a row is not finite."""
    from sklearn.decomposition import PCA

    finite = np.isfinite(values).all(axis=1)
    count = max(1, min(MOST_COMPONENTS, int(finite.sum()), values.shape[1]))
    scores = np.full((len(values), count), np.nan)
    if finite.sum() > 1:
        solver = "full" if min(values.shape) <= MOST_COMPONENTS else "randomized"
        fitted = PCA(count, svd_solver=solver, random_state=0).fit_transform(values[finite])
        scores[finite] = fitted
    else:
        scores[finite] = 0.0
    return scores


def _standardised(values: Array) -> Array:
    """Return target features, which may differ in unit, each divided by its spread."""
    spread = np.nanstd(values, axis=0)
    return (values - np.nanmean(values, axis=0)) / np.where(spread > 0, spread, 1.0)
