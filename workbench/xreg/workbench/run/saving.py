"""Arrays of a run, on disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.context import AnalysisContext
from xreg.workbench.arrays import write_arrays, write_predictions
from xreg.workbench.report.report_data import ReportData

if TYPE_CHECKING:
    from xreg.workbench.run.preparation import Prepared


__all__ = ["save_arrays", "save_splits"]


def save_splits(ready: Prepared, folder: Path) -> None:
    """Write which samples were in which part, and which were set aside."""
    ids = ready.resolved.dataset.samples.ids
    splits: dict[str, Any] = {part: ids[rows] for part, rows in ready.rows.items()}
    splits["set_aside"] = np.array([entry["id"] for entry in ready.set_aside], dtype=ids.dtype)
    with (folder / "splits.npz").open("wb") as stream:
        np.savez_compressed(stream, **splits)


def save_arrays(context: AnalysisContext, report_data: ReportData, folder: Path) -> None:
    """Write predictions and decompositions into a folder."""
    results = report_data.parts.values()
    spreads = [result.spread for result in results if result.spread is not None]
    write_predictions(
        folder / "predictions.zarr",
        np.concatenate([result.ids for result in results]),
        context.target,
        np.concatenate([result.predicted for result in results]),
        np.concatenate(spreads) if len(spreads) == len(report_data.parts) else None,
        {
            "known": np.concatenate([result.known for result in results]),
            "part": np.repeat(list(report_data.parts), [len(result.ids) for result in results]),
        },
    )
    if not report_data.decompositions:
        return
    scaler = context.model.features.scaling.scaler
    arrays: dict[str, NDArray[Any]] = {
        "ids": report_data.decompositions[0].ids,
        "features/name": np.array([label.name for label in report_data.features]),
        "features/unit": np.array([label.unit for label in report_data.features]),
        "features/mean": scaler.mean,
        "features/scale": scaler.scale,
    }
    for found in report_data.decompositions:
        arrays[f"{found.label}/scores"] = found.scores
        if found.vectors is not None:
            arrays[f"{found.label}/vectors"] = found.vectors
        for part, values in found.covered.items():
            arrays[f"{found.label}/covered_variance/{part}"] = np.array(values)
    write_arrays(folder / "components.zarr", arrays)
