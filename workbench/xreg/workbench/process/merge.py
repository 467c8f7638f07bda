"""Scans of one specimen made one: their mean, and their spread as a channel of noise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xreg.core.config import Config, setting
from xreg.core.data.dataset import Dataset
from xreg.core.data.specimens import Specimens
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.errors import ConfigError, DataError
from xreg.core.text import counted

__all__ = ["MergeSection", "merge_scans"]

NOISE = "_noise"


class MergeSection(Config):
    """Which samples are scans of one specimen."""

    by: str = setting(
        min_length=1, description="Label that scans of one specimen share; its value names them."
    )
    noise: Literal["deviation", "error", "none"] = setting(
        "deviation",
        description="The channel <channel>_noise: standard deviation of the scans, that of their "
        "mean (error), or none.",
    )


def merge_scans(dataset: Dataset, section: MergeSection) -> Dataset:
    """Return a dataset with one sample for each value of a label.

    Spectra become their mean. Labels that all scans of a sample share are kept, ``scans`` counts
    them; what is left out, and which scans made which sample, stands in the provenance. Splits of
    scans are none of specimens, and go.

    Raises
    ------
    ConfigError, DataError, UnknownNameError
        If samples are no specimens, the label does not exist, scans of one sample differ in
        composition or absorber, or one has a single scan and a spread is asked for.
    """
    samples = dataset.samples
    if not isinstance(samples, Specimens):
        raise ConfigError(
            f"merge: scans are merged where samples are specimens; these are {samples.kind}, each "
            "a sample of its own."
        )
    values = dataset.label(section.by)
    names = np.asarray(values).astype(str)
    if empty := int((np.char.strip(names) == "").sum()):
        raise DataError(f"merge: the label '{section.by}' is empty for {counted(empty, 'sample')}.")
    groups = {
        name: np.flatnonzero(names == name) for name in dict.fromkeys(names.tolist())
    }  # in the order of their first scans
    _check(dataset, samples, groups, section)
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
        spectra=_spectra(dataset.spectra, groups, section),
        labels=labels,
        label_units={n: unit for n, unit in dataset.label_units.items() if n in labels},
        splits={},
        metadata=dataset.metadata.model_copy(update={"provenance": provenance}),
        hash="",
    )


def _check(
    dataset: Dataset, samples: Specimens, groups: dict[str, NDArray[np.intp]], section: MergeSection
) -> None:
    for name, rows in groups.items():
        for what in ("composition", "absorber"):
            found = np.unique(getattr(samples, what)[rows])
            if len(found) > 1:
                raise DataError(
                    f"merge: the scans of '{name}' differ in {what} ('{found[0]}', '{found[1]}')."
                )
        if len(rows) == 1 and section.noise != "none":
            raise DataError(
                f"merge: '{name}' has one scan ('{samples.ids[rows[0]]}') and so no spread; say "
                "noise: none."
            )
    for name, channel in dataset.spectra.items():
        if channel.energy is None:
            raise ConfigError(f"merge: channel '{name}' has target features, and is no spectrum.")


def _spectra(
    spectra: Spectra, groups: dict[str, NDArray[np.intp]], section: MergeSection
) -> Spectra:
    made: dict[str, Channel] = {}
    for name, channel in spectra.items():
        if name.endswith(NOISE) and name.removesuffix(NOISE) in spectra:
            if section.noise != "none":
                continue  # the spread of the scans says more, and stands in its place
            values = np.asarray(channel.intensity[:], np.float64)
            # Independent errors of a mean.
            means = [np.sqrt((values[r] ** 2).sum(axis=0)) / len(r) for r in groups.values()]
            made[name] = replace(channel, intensity=np.stack(means))
            continue
        values = np.asarray(channel.intensity[:], np.float64)
        means = [values[rows].mean(axis=0) for rows in groups.values()]
        made[name] = replace(channel, intensity=np.stack(means))
        if section.noise == "none":
            continue
        spread = [
            values[rows].std(axis=0, ddof=1)
            / (np.sqrt(len(rows)) if section.noise == "error" else 1.0)
            for rows in groups.values()
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
