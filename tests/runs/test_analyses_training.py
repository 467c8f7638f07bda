"""Filters and the analyses that train anew, through a whole run."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from xreg.registry.models import load_model
from xreg.registry.recipe import load_recipe
from xreg.registry.runs import execute
from xreg.registry.stores import open_store


def run(store: Path, out: Path, **changes: Any) -> Path:
    content = {"dataset": str(store), "descriptor": "wacsf", "emulator": "ridge"}
    return execute(load_recipe(None, content | changes), out)


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_filters_are_recorded_by_label_and_saved_with_the_model(
    water_store: Path, tmp_path: Path
) -> None:
    folder = run(
        water_store,
        tmp_path / "run",
        features={"variance": 1e-12, "correlation": 0.99},
        decomposers=["pca"],
    )
    told = read(folder / "features.json")
    dropped = told["dropped_by_variance"] + [e["feature"] for e in told["dropped_by_correlation"]]
    assert told["described"] == 97 == len(told["kept"]) + len(dropped)
    assert set(told["constant"]) <= set(told["dropped_by_variance"])
    assert told["dropped_by_correlation"]
    assert read(folder / "summary.json")["samples"]["features"] == len(told["kept"])
    found = read(folder / "metrics.json")["analyses"]["feature-filter"]
    assert found["kept"] == len(told["kept"])
    with (folder / "analyses" / "feature-filter" / "dropped.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert sorted(row["feature"] for row in rows) == sorted(dropped)

    components = zarr.open_group(folder / "components.zarr", mode="r")
    assert components["features/name"][...].tolist() == told["kept"]
    assert components["pca/vectors"].shape[1] == len(told["kept"])

    model, samples = load_model(folder), open_store(water_store).samples
    assert [label.name for label in model.feature_labels] == told["kept"]
    raw = model.descriptor.transform(samples[np.isin(samples.ids, splits(folder)["train"])])
    names = [label.name for label in model.descriptor.feature_labels]
    kept = raw[:, [names.index(name) for name in told["kept"]]]
    assert kept.var(axis=0).min() > 1e-12
    assert (np.abs(np.corrcoef(kept.T)) - np.eye(len(kept.T))).max() <= 0.99
    assert kept.shape[1] == len(told["kept"]) < 97


def splits(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "splits.npz") as stored:
        return dict(stored)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"correlation": 1.0}, "features.correlation"),
        ({"variance": -1}, "features.variance"),
        ({"correlaton": 0.9}, "did you mean 'correlation'"),
    ],
)
def test_bad_thresholds_are_named(water_store: Path, bad: dict[str, Any], reason: str) -> None:
    from xreg.core.errors import ConfigError

    with pytest.raises(ConfigError, match=reason):
        load_recipe(None, {"dataset": str(water_store), "emulator": "ridge", "features": bad})
