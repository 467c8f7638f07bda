"""What an explorer shows of a run or an evaluation: true and predicted spectra, decompositions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core import storage
from xreg.core.data.dataset import Dataset
from xreg.core.data.splits import PARTS
from xreg.core.errors import CorruptError, DataError, XregError
from xreg.core.files import readable
from xreg.core.metrics import sample_r2, spectrum_error
from xreg.core.text import counted
from xreg.registry.datasets import open_dataset
from xreg.workbench.arrays import read_predictions
from xreg.workbench.explorer.dataset import known_quantities, principal_components
from xreg.workbench.explorer.view import Curves, Map, Quantity, View

__all__ = ["is_result", "view_of_result"]

PREDICTIONS = "predictions.zarr"
COMPONENTS = "components.zarr"


def is_result(folder: Path) -> bool:
    """Whether a folder is that of a run or of an evaluation."""
    return (folder / PREDICTIONS).is_dir() and (folder / "summary.json").is_file()


def view_of_result(
    folder: Path,
    dataset: Dataset | None = None,
    told: Mapping[str, Any] | None = None,
    registry: str | Path | None = None,
) -> View:
    """Return the explorer of a run or an evaluation.

    Parameters
    ----------
    folder
        Its folder.
    dataset
        The dataset, if it is open; otherwise that which the summary names. Where it cannot be had,
        structures and labels are left out, and the page says why.
    told
        Its summary, while that is not written yet.
    registry
        Where to look for the dataset.

    Raises
    ------
    DataError
        If the folder holds no predictions whose true spectra are known.
    """
    summary = _summary(folder) if told is None else told
    data = summary.get("dataset") or {}
    try:
        arrays = read_predictions(folder / PREDICTIONS)
    except Exception as error:  # Zarr raises whatever its parsers meet
        raise CorruptError(f"'{folder / PREDICTIONS}' cannot be read ({error}).") from None
    if not {"ids", "known", "predicted", "part"} <= arrays.keys():
        raise DataError(f"'{folder}' holds no predictions whose true spectra are known.")
    ids, part = arrays["ids"], arrays["part"]
    channel = str(data.get("channel") or "target")
    curves = Curves(
        channel,
        _unit(folder),
        arrays["known"],
        arrays["predicted"],
        arrays.get("std"),
        arrays.get("energy"),
        [str(name) for name in arrays.get("features", ())],
    )
    remarks = [str(remark) for remark in summary.get("remarks", ())]
    quantities = {"part": Quantity(part, role="score"), **_scores(curves)}
    samples = None
    try:
        opened = dataset if dataset is not None else _dataset(data, registry)
        rows = _rows(opened, ids)
        samples = opened.samples[rows]
        for name, known in known_quantities(opened, rows, samples).items():
            quantities[name if name not in quantities else f"{name} (label)"] = known
    except XregError as error:
        remarks.append(f"Without structures and labels: {error}")
    name = str(summary.get("name") or folder.name)
    counts = {p: int((part == p).sum()) for p in (*PARTS, "all")}
    parts = ", ".join(f"{counted(n, 'sample')} of {p}" for p, n in counts.items() if n)
    return View(
        title=name,
        about=[f"{data.get('name', '')} {data.get('version', '')}, channel {channel}; {parts}"],
        ids=ids,
        maps=[*_decompositions(folder, ids, channel), _plain_map(curves)],
        curves=[curves],
        quantities=quantities,
        samples=samples,
        remarks=remarks,
    )


def _summary(folder: Path) -> dict[str, Any]:
    path = folder / "summary.json"
    content = _json(path)
    if not isinstance(content.get("dataset"), dict | None):
        raise CorruptError(f"'{path}': 'dataset' is no mapping; the file is damaged.")
    if not isinstance(content.get("remarks", []), list):
        raise CorruptError(f"'{path}': 'remarks' is no list; the file is damaged.")
    return content


def _json(path: Path) -> dict[str, Any]:
    with readable(f"'{path}'"):
        return storage.parse_json(path.read_bytes(), str(path))


def _dataset(told: Mapping[str, Any], registry: str | Path | None) -> Dataset:
    """Return the dataset that a summary names, if it still is the one."""
    if told.get("path"):
        found = open_dataset(str(told["path"]))
    elif told.get("name"):
        place = registry or told.get("registry")
        found = open_dataset(str(told["name"]), told.get("version") or None, place)
    else:
        raise DataError("the summary names no dataset.")
    if told.get("hash") and found.hash != told["hash"]:
        raise DataError(f"the dataset '{told.get('name')}' is not the one of this result.")
    return found


def _rows(dataset: Dataset, ids: NDArray[np.str_]) -> NDArray[np.intp]:
    """Return where the samples of a result stand in the dataset."""
    order = np.argsort(dataset.samples.ids)
    there = dataset.samples.ids[order]
    at = np.minimum(np.searchsorted(there, ids), len(there) - 1)
    if np.any(lost := there[at] != ids):
        raise DataError(f"the dataset has no sample '{ids[lost][0]}'.")
    return order[at]


def _scores(curves: Curves) -> dict[str, Quantity]:
    """Return how well each sample is predicted."""
    known, predicted = curves.true, curves.predicted
    if predicted is None:
        return {}
    found = {}
    if curves.energy is not None:
        error = 100 * spectrum_error(known, predicted)
        found["spectrum error"] = Quantity(error, "%", "score")
        found["R² of the spectrum"] = Quantity(sample_r2(known, predicted), role="score")
        rmse = np.sqrt(np.mean((predicted - known) ** 2, axis=1))
        found["RMSE"] = Quantity(rmse, curves.unit, "score")
    else:
        scale = known.std(axis=0)
        scaled = (predicted - known) / np.where(scale > 0, scale, 1.0)
        rmse = np.sqrt(np.mean(scaled**2, axis=1))
        found["RMSE in standard deviations"] = Quantity(rmse, role="score")
    return found


def _decompositions(folder: Path, ids: NDArray[np.str_], channel: str) -> list[Map]:
    """Return the scores of each decomposition, in the order of the predictions."""
    import zarr

    path = folder / COMPONENTS
    if not path.is_dir():
        return []
    found = {}
    try:
        root: Any = zarr.open_group(path, mode="r")
        theirs = np.array(np.asarray(root["ids"][...]).tolist(), dtype=np.str_)
        place = {name: row for row, name in enumerate(theirs.tolist())}
        for label, group in root.groups():
            if "scores" in group:
                scores = np.asarray(group["scores"][...], dtype=np.float64)
                chosen = np.full((len(ids), scores.shape[1]), np.nan)
                rows = [(i, place[name]) for i, name in enumerate(ids.tolist()) if name in place]
                at, there = np.array(rows, dtype=int).reshape(-1, 2).T
                chosen[at] = scores[there]
                found[str(label)] = Map(str(label), chosen, channel)
    except Exception as error:  # Zarr raises whatever its parsers meet
        raise CorruptError(f"'{path}' cannot be read ({error}).") from None
    # Principal components of the features come last: they are there for comparison.
    return sorted(found.values(), key=lambda shown: (shown.name == "pca", shown.name))


def _plain_map(curves: Curves) -> Map:
    values = curves.true
    if curves.energy is None:
        spread = values.std(axis=0)
        values = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    name = f"principal components of the true {curves.name}"
    return Map(name, principal_components(values), curves.name)


def _unit(folder: Path) -> str:
    import zarr

    try:
        array = zarr.open_array(folder / PREDICTIONS / "known", mode="r")
        return str(array.attrs.get("unit", ""))
    except Exception as error:  # as above
        raise CorruptError(f"'{folder / PREDICTIONS}' cannot be read ({error}).") from None
