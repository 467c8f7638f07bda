"""Predicted spectra of sites made those of structures, or of a whole trajectory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.atoms.elements import SYMBOLS, formula
from xreg.core.data.dataset import Dataset
from xreg.core.data.samples import Structures
from xreg.core.data.specimens import Specimens
from xreg.core.data.spectra import Spectra
from xreg.core.errors import ConfigError, DataError
from xreg.core.interfaces.exporter import Exported
from xreg.workbench.exporting.exports import WriteOptions
from xreg.workbench.predict.predict import Prediction
from xreg.workbench.predict.samples import NewSamples

__all__ = ["Over", "averaged", "weighted_mean", "write_average"]

Over = Literal["structure", "all"]


def weighted_mean(values: Array, counts: NDArray[np.int_]) -> tuple[Array, Array]:
    """Return the mean and standard deviation (m,) of (n, m) values that stand for several each.

    Both are those of the sites written out, each as often as it counts; the deviation is of all
    sites, not of a sample of them, and zero for a single one.
    """
    mean = np.average(values, axis=0, weights=counts)
    return mean, np.sqrt(np.average((values - mean) ** 2, axis=0, weights=counts))


def averaged(prediction: Prediction, read: NewSamples, over: Over) -> Dataset:
    """Return the mean spectra of structures over their sites, or of all structures.

    Channels are ``<channel>``, the mean; ``<channel>_deviation``, how far sites (or the structures
    of ``all``, σ of a sample) are from it; ``<channel>_error``, of ``all`` with several structures,
    the deviation over the root of their number: the error of a trajectory's mean where its frames
    are independent; and ``<channel>_std``, the mean of the model's spreads, as its errors of like
    sites are alike and no mean makes them less.

    Parameters
    ----------
    prediction
        Spectra of sites.
    read
        The samples as they were read, which knows whose sites they are.
    over
        Whether each structure is a sample of its own, or all are one.

    Raises
    ------
    ConfigError, DataError
        If target features or parameters were predicted, or some site of a structure was not.
    """
    samples, target = prediction.samples, prediction.target
    if not isinstance(samples, Structures) or target.energy is None:
        raise ConfigError("sites have an average where spectra of structures are predicted.")
    sites = [read.sites[name] for name in samples.ids.tolist()]
    names = np.array([site.structure for site in sites])
    counts = np.array([site.multiplicity for site in sites])
    known = set(samples.ids.tolist())
    for name, site in read.sites.items():
        if name not in known and site.structure in names:
            raise DataError(
                f"'{name}' was not predicted, so that '{site.structure}' has no mean over all its "
                "sites."
            )
    rows = {name: np.flatnonzero(names == name) for name in dict.fromkeys(names.tolist())}
    found = {"": prediction.mean} | (
        {} if prediction.spread is None else {"_std": prediction.spread}
    )
    made: dict[str, Array] = {}
    for end, values in found.items():
        pairs = [weighted_mean(values[at], counts[at]) for at in rows.values()]
        made[end] = np.stack([mean for mean, _ in pairs])
        if not end:
            made["_deviation"] = np.stack([deviation for _, deviation in pairs])
    labels = {"sites": np.array([int(counts[at].sum()) for at in rows.values()])}
    firsts = [at[0] for at in rows.values()]
    composition = [formula(samples[row].numbers) for row in firsts]
    absorber = samples.absorbers()[firsts]
    if over == "all":
        made = _over_structures(made)
        labels = {"structures": np.array([len(rows)]), "sites": np.array([labels["sites"].sum()])}
        for what, held in (("composition", composition), ("absorber", absorber.tolist())):
            if len(set(held)) > 1:
                told = [SYMBOLS[v] if isinstance(v, int) else v for v in held]
                raise DataError(
                    f"the structures differ in {what} ({', '.join(dict.fromkeys(told))}), so that "
                    "they have no mean."
                )
        rows, composition, absorber = {"all": np.array([0])}, composition[:1], absorber[:1]
    whole = prediction.dataset()
    like = whole.spectra[target.channel]
    channels = {f"{target.channel}{e}": replace(like, intensity=v) for e, v in made.items()}
    specimens = Specimens(list(rows), composition, absorber)
    return replace(
        whole, samples=specimens, spectra=Spectra(channels), labels=labels, label_units={}
    )


def write_average(path: Path, dataset: Dataset, options: WriteOptions) -> Exported:
    """Write mean spectra as a store (.zarr), or as an exporter does."""
    if path.suffix == ".zarr" and options.to.name == "auto":
        from xreg.registry.stores.writer import write_store  # zarr is slow to import

        write_store(dataset, path)
        return Exported((path,))
    return options.exporter(path).write(dataset, path)


def _over_structures(made: Mapping[str, Array]) -> dict[str, Array]:
    each = made[""]
    found = {end: values.mean(axis=0)[None] for end, values in made.items()}
    if len(each) > 1:
        found["_deviation"] = each.std(axis=0, ddof=1)[None]
        found["_error"] = found["_deviation"] / np.sqrt(len(each))
    return found
