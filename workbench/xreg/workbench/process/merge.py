"""Scans of one specimen, or sites of one structure, made one: their mean, and their spread."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.elements import formula
from xreg.core.config import Config, setting
from xreg.core.data.dataset import Dataset
from xreg.core.data.samples import Samples, Structures
from xreg.core.data.specimens import Specimens
from xreg.core.data.spectra import NOISE, Channel, Spectra
from xreg.core.data.splits import unlabelled
from xreg.core.errors import ConfigError, DataError
from xreg.core.text import counted

__all__ = ["MergeSection", "merge_scans"]


class MergeSection(Config):
    """Which samples are scans of one specimen, or sites of one structure."""

    by: str = setting(
        min_length=1,
        description="Label that scans of one specimen share, or sites of one structure "
        "(structure); its value names them.",
    )
    weight: str = setting(
        "",
        description="Label that says for how many each stands (multiplicity); one each if empty.",
    )
    noise: Literal["deviation", "error", "none"] = setting(
        "deviation",
        description="The channel <channel>_noise: standard deviation of the scans, that of their "
        "mean (error), or none.",
    )


def merge_scans(dataset: Dataset, section: MergeSection) -> Dataset:
    """Return a dataset with one sample for each value of a label.

    Spectra become their mean, in which each sample counts as often as its weight says; a standard
    deviation is that of all that the samples stand for. Labels that all scans of a sample share are
    kept, ``scans`` counts them; what is left out, and which scans made which sample, stands in the
    provenance. Splits of scans are none of specimens, and go.

    Raises
    ------
    ConfigError, DataError, UnknownNameError
        If samples are parameters, a label does not exist, scans of one sample differ in
        composition or absorber, a weight is no whole number of 1 at least, or one has a single
        scan and a spread is asked for.
    """
    samples = _specimens(dataset.samples)
    values = np.asarray(dataset.label(section.by))
    names = values.astype(str)
    if empty := int(unlabelled(values).sum()):
        raise DataError(f"merge: the label '{section.by}' is empty for {counted(empty, 'sample')}.")
    groups = {
        name: np.flatnonzero(names == name) for name in dict.fromkeys(names.tolist())
    }  # in the order of their first scans
    weights = _weights(dataset, section.weight)
    _check(dataset, samples, groups, section, weights)
    firsts = np.array([rows[0] for rows in groups.values()])
    merged = Specimens(list(groups), samples.composition[firsts], samples.absorber[firsts])
    labels, left_out = _labels(dataset, groups)
    scans = {name: samples.ids[rows].tolist() for name, rows in groups.items()}
    record: dict[str, Any] = {
        **section.model_dump(mode="json"),
        "scans": scans,
        "labels_left_out": left_out,
        "splits_left_out": sorted(dataset.splits),
    }
    provenance = {**dataset.metadata.provenance, "merged": record}
    return replace(
        dataset,
        samples=merged,
        spectra=_spectra(dataset.spectra, groups, section, weights),
        labels=labels,
        label_units={n: unit for n, unit in dataset.label_units.items() if n in labels},
        splits={},
        metadata=dataset.metadata.model_copy(update={"provenance": provenance}),
        hash="",
    )


def _specimens(samples: Samples) -> Specimens:
    """Return samples as specimens, which is what a mean over sites or scans is."""
    if isinstance(samples, Structures):
        formulas = [
            formula(one.numbers)
            for batch in samples.batches(1024)
            for one in (batch[i] for i in range(len(batch)))
        ]
        return Specimens(samples.ids, formulas, samples.absorbers())
    if not isinstance(samples, Specimens):
        raise ConfigError(
            f"merge: scans of specimens are merged, and sites of structures; these are "
            f"{samples.kind}, each a sample of its own."
        )
    return samples


def _weights(dataset: Dataset, label: str) -> NDArray[np.int_]:
    """Return for how many each sample stands."""
    if not label:
        return np.ones(len(dataset), dtype=np.int_)
    values = np.asarray(dataset.label(label))
    if values.dtype.kind not in "iuf" or not ((values >= 1) & (values == np.rint(values))).all():
        raise DataError(
            f"merge: the weight '{label}' must be a whole number of 1 at least for every sample."
        )
    return values.astype(np.int_)


def _check(
    dataset: Dataset,
    samples: Specimens,
    groups: dict[str, NDArray[np.intp]],
    section: MergeSection,
    weights: NDArray[np.int_],
) -> None:
    for name, rows in groups.items():
        for what in ("composition", "absorber"):
            found = np.unique(getattr(samples, what)[rows])
            if len(found) > 1:
                raise DataError(
                    f"merge: the scans of '{name}' differ in {what} ('{found[0]}', '{found[1]}')."
                )
        if weights[rows].sum() == 1 and section.noise != "none":
            raise DataError(
                f"merge: '{name}' has one scan ('{samples.ids[rows[0]]}') and so no spread; say "
                "noise: none."
            )
    for name, channel in dataset.spectra.items():
        if channel.energy is None:
            raise ConfigError(f"merge: channel '{name}' has target features, and is no spectrum.")


def _spectra(
    spectra: Spectra,
    groups: dict[str, NDArray[np.intp]],
    section: MergeSection,
    weights: NDArray[np.int_],
) -> Spectra:
    made: dict[str, Channel] = {}
    each = [(rows, weights[rows], weights[rows].sum()) for rows in groups.values()]
    for name, channel in spectra.items():
        values = np.asarray(channel.intensity[:], np.float64)
        if name.endswith(NOISE) and name.removesuffix(NOISE) in spectra:
            if section.noise != "none":
                continue  # the spread of the scans says more, and stands in its place
            # Independent errors of a mean.
            means = [np.sqrt((w**2) @ values[rows] ** 2) / all_ for rows, w, all_ in each]
            made[name] = replace(channel, intensity=np.stack(means))
            continue
        means = [np.average(values[rows], axis=0, weights=w) for rows, w, _ in each]
        made[name] = replace(channel, intensity=np.stack(means))
        if section.noise == "none":
            continue
        spread = [
            np.sqrt(w @ (values[rows] - mean) ** 2 / (all_ - 1))
            / (np.sqrt(all_) if section.noise == "error" else 1.0)
            for (rows, w, all_), mean in zip(each, means, strict=True)
        ]
        made[f"{name}{NOISE}"] = replace(channel, intensity=np.stack(spread))
    return Spectra(made)


def _labels(
    dataset: Dataset, groups: dict[str, NDArray[np.intp]]
) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Return the labels that scans share, and the names of those that they do not."""
    kept: dict[str, NDArray[Any]] = {}
    left_out = []
    for name, values in dataset.labels.items():
        array = np.asarray(values)
        shared = all(
            (array[rows] == array[rows[0]]).all()
            or (array.dtype.kind == "f" and np.isnan(array[rows]).all())
            for rows in groups.values()
        )
        if shared:
            kept[name] = np.array([array[rows[0]] for rows in groups.values()])
        else:
            left_out.append(name)
    kept["scans"] = np.array([len(rows) for rows in groups.values()])
    return kept, sorted(set(left_out) - {"scans"})
