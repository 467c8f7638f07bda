"""Figures that lay several results over each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xreg.core.analysis.style import styled
from xreg.workbench.runs.overlays.overlays import overlays
from xreg.workbench.runs.record import RunRecord


def result(name: str, seed: int, **without: bool) -> RunRecord:
    """Return an evaluation as it lies on disk, with numbers at random."""
    rng = np.random.default_rng(seed)
    counts = ["below 3 %", "below 4 %", "below 5 %", "below 6 %", "below 7 %", "below 10 %",
              "10 % and more"]  # fmt: skip
    share = dict(zip(counts, rng.multinomial(1500, [0.9, *[0.1 / 6] * 6]).tolist(), strict=True))
    at = np.linspace(-0.2, 0, 5).tolist()
    analyses: dict[str, Any] = {
        "misfit": {
            "r_mepd": float(rng.uniform(0.8, 4)),
            "branching_ratio": float(rng.uniform(0.8, 3)),
            "channels": {
                what: dict(zip(("mean", "std"), rng.uniform(0.2, 1, 2).tolist(), strict=True))
                for what in ("mean absolute difference", "largest KST", "number of KSTs")
            },
        },
        "spectrum-error": {"largest": float(rng.uniform(8, 30)), "outliers": int(rng.integers(60))},
        "error-along": {"parameter": "Dq", "unit": "eV", "share_under_limit": 30.0,
                        "curve": {"at": at, "error": rng.uniform(1, 40, 5).tolist()}},
    }  # fmt: skip
    test = {"r2": 0.9, "spectrum_error": {"counts": share}}
    metrics: dict[str, Any] = {"test": test, "analyses": analyses}
    metrics["decomposers"] = {"eca": {"test": np.sort(rng.uniform(0.3, 0.9, 4)).tolist()}}
    for key in without:
        metrics["analyses"].pop(key.replace("_", "-"))
    return RunRecord(Path(name), {}, {}, metrics)


def test_each_figure_is_drawn_from_the_numbers_of_all() -> None:
    names = ["ni2", "co2", "ti2"]
    found = overlays([result(name, i) for i, name in enumerate(names)], names)
    with styled():
        figures = {one.name: one.draw() for one in found}
    assert list(figures) == ["covered-variance", "spectrum-error", "misfit-ratio",
                             "channel-correlations", "outliers", "error-along"]  # fmt: skip
    lines = figures["covered-variance"].axes[0].lines
    assert [line.get_label() for line in lines if len(line.get_xdata()) == 4] == names
    bars = figures["misfit-ratio"].axes[0].patches
    want = [result(name, i).metrics["analyses"]["misfit"]["r_mepd"] for i, name in enumerate(names)]
    np.testing.assert_allclose([bar.get_height() for bar in bars], want)
    rows = [result(name, i).metrics["analyses"]["misfit"]["channels"]["largest KST"]["mean"]
            for i, name in enumerate(names)]  # fmt: skip
    caption = {one.name: one.caption for one in found}["channel-correlations"]
    assert f"{np.mean(rows):.2f} with μ" in caption


def test_what_only_one_result_has_is_not_laid_over_anything() -> None:
    found = overlays([result("a", 0), result("b", 1, misfit=True, error_along=True)], ["a", "b"])
    assert [one.name for one in found] == ["covered-variance", "spectrum-error", "outliers"]


@pytest.mark.parametrize("change", [{"parameter": "Ds"}, {"unit": "meV"}])
def test_errors_along_different_parameters_are_not_laid_over_each_other(change: Any) -> None:
    one, other = result("a", 0), result("b", 1)
    other.metrics["analyses"]["error-along"].update(change)
    assert "error-along" not in {found.name for found in overlays([one, other], ["a", "b"])}


def test_performance_in_cross_validation_is_relative_to_the_least_error() -> None:
    named = {}
    for name, r2 in (
        ("shifted", [[0.9, 0.8], [0.85, 0.85]]),
        ("centred", [[0.7, 0.7], [0.6, 0.8]]),
    ):
        record = result(name, 0)
        found = {"held_out": {"r2": {"values": r2, "mean": float(np.mean(r2))}}}
        record.metrics["analyses"]["cross-validation"] = found
        named[name] = record
    (overlay,) = [
        one for one in overlays(list(named.values()), list(named)) if one.name == "cross-validation"
    ]
    bars = overlay.draw().axes[0].patches
    assert [bar.get_height() for bar in bars] == pytest.approx([0, -100 * (0.3 / 0.15 - 1)])


def test_score_against_epochs_and_seconds() -> None:
    runs = []
    for i, epochs in enumerate((16, 64, 256)):
        run = result(f"{epochs}", i)
        run.recipe["emulator"] = {"name": "mlp", "epochs": epochs}
        run.summary["seconds"] = {"features": 9.0, "emulator mlp": epochs / 10}
        runs.append(run)
    (overlay,) = [one for one in overlays(runs, ["a", "b", "c"]) if one.name == "training-time"]
    left, right = overlay.draw().axes
    assert left.lines[0].get_xdata().tolist() == [16, 64, 256]
    assert right.lines[0].get_xdata().tolist() == pytest.approx([1.6, 6.4, 25.6])


def test_one_repeat_shows_the_spread_over_its_folds() -> None:
    named = {}
    for i, (name, values) in enumerate({"a": [0.9, 0.8], "b": [0.8, 0.6]}.items()):
        named[name] = result(name, i)
        found = {"held_out": {"r2": {"values": [values]}}}
        named[name].metrics["analyses"]["cross-validation"] = found
    (overlay,) = [
        one for one in overlays(list(named.values()), list(named)) if one.name == "cross-validation"
    ]
    (bars,) = overlay.draw().axes[0].collections
    lengths = [np.ptp(segment[:, 1]) for segment in bars.get_segments()]
    assert lengths == pytest.approx([2 * 100 * 0.05 / 0.15, 2 * 100 * 0.1 / 0.15])
    assert "over the folds" in overlay.caption


def test_epochs_are_judged_by_folds_where_all_have_them() -> None:
    runs = []
    for i, epochs in enumerate((16, 64, 256)):
        run = result(f"{epochs}", i)
        run.recipe["emulator"] = {"name": "mlp", "epochs": epochs}
        run.summary["seconds"] = {"emulator mlp": epochs / 10}
        found = {"held_out": {"r2": {"mean": i / 4, "values": [[i / 4]]}}}
        run.metrics["analyses"]["cross-validation"] = found
        runs.append(run)
    (overlay,) = [one for one in overlays(runs, ["a", "b", "c"]) if one.name == "training-time"]
    left, _ = overlay.draw().axes
    assert left.lines[0].get_ydata().tolist() == [0, 0.25, 0.5]
    assert left.get_ylabel() == "R² of held-out folds"
