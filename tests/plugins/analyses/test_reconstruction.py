"""Structure back from spectra: what is compared with what, and what is shown."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from xreg.core.analysis.style import styled
from xreg.core.errors import DataError
from xreg.core.interfaces import FeatureLabel
from xreg.plugins.decomposition.reconstruction import (
    Reconstruction,
    ReconstructionAnalysis,
    _draw,
    _shown,
    ensembles,
)


class Half:
    """Finds the one feature exactly where it is negative, and nothing where it is not."""

    def transform(self, X: np.ndarray) -> np.ndarray:
        return X

    def reconstruct(self, Y: np.ndarray) -> np.ndarray:
        return Y

    def inverse_transform(self, t: np.ndarray) -> np.ndarray:
        if (t >= 0).any():
            raise DataError("no features with these scores.")
        return t


def context_of(x: np.ndarray, **labels: np.ndarray) -> Any:
    """Return samples with one feature, whose spectrum is that feature."""
    kept = SimpleNamespace(columns=[0], described=1)
    told = [FeatureLabel("x", "Å")]
    features = SimpleNamespace(
        scaling=SimpleNamespace(kept=kept, inverse_transform=lambda v: v),
        descriptor=SimpleNamespace(readable=lambda v: (v, told)),
    )
    return SimpleNamespace(
        model=SimpleNamespace(
            decomposers={"half": Half()},
            target_scaler=SimpleNamespace(transform=lambda v: v),
            features=features,
        ),
        known=x,
        rows={"test": np.arange(len(x))},
        judged="test",
        seed=0,
        inputs=lambda rows: x[rows],
        label=lambda name, rows: labels[name][rows],
        label_units={},
    )


def test_known_and_reconstructed_means_are_over_the_same_samples() -> None:
    x = np.array([[-3.0], [-1.0], [5.0], [-4.0], [2.0], [6.0]])
    kind = np.array(["a", "a", "a", "b", "b", "b"])
    findings = ReconstructionAnalysis(label="kind").analyse(context_of(x, kind=kind))
    assert findings.tables[0].rows == [
        ["kind a", 3, 2, "x (Å)", -2.0, -2.0, 0.0],
        ["kind b", 3, 1, "x (Å)", -4.0, -4.0, 0.0],
    ]
    assert "3 of 6 spectra could not be inverted" in findings.text
    assert "3 of 6 test samples" in findings.drawings[0].caption
    figure = findings.drawings[0].draw()
    assert [axis.get_title(loc="left") or axis.get_title() for axis in figure.axes] == [
        "kind a: 2 of 3 samples",
        "kind b: 1 of 3 samples",
    ]


@pytest.mark.parametrize(
    ("values", "unit", "names"),
    [
        (np.linspace(-2079.9, -2078.1, 31), "eV",
         ["E < −2079.3 eV", "−2079.3 ≤ E < −2078.7 eV", "E ≥ −2078.7 eV"]),
        (np.linspace(1386, 7582, 31), "K", ["E < 3451 K", "3451 ≤ E < 5517 K", "E ≥ 5517 K"]),
        (np.linspace(0, 1, 31), "", ["E < 0.333", "0.333 ≤ E < 0.667", "E ≥ 0.667"]),
        (np.linspace(1e-9, 4e-9, 31), "", ["E < 2e−09", "2e−09 ≤ E < 3e−09", "E ≥ 3e−09"]),
        (np.linspace(-1e4, 5e3, 31), "", ["E < −5000", "−5000 ≤ E < 0", "E ≥ 0"]),
        (np.array([*[0.0] * 25, 1, 2, 3, 4, 5, 6, 7]), "", ["E ≥ 0"]),
    ],
)  # fmt: skip
def test_bounds_of_thirds_are_told_apart(values: np.ndarray, unit: str, names: list[str]) -> None:
    told = context_of(np.zeros((len(values), 1)), E=values)
    told.label_units = {"E": unit} if unit else {}
    found = ensembles(told, "E", np.arange(len(values)), values)
    assert list(found) == names


def test_what_the_spectra_tell_best_is_drawn_not_what_never_varies() -> None:
    axes = dict.fromkeys("abcde", "distance (Å)") | dict.fromkeys("fg", "angle (°)")
    labels = [FeatureLabel(f"{n} {r}", "", n, axes[n], r) for n in axes for r in (1.0, 2.0)]
    rng = np.random.default_rng(0)
    known = rng.normal(size=(50, 14))
    known[:, :2] = 0.0
    noise = np.repeat([5.0, 0.9, 0.1, 0.3, 0.2, 2.0, 1.0], 2)
    found = known + noise * rng.normal(size=known.shape)
    scores = np.zeros((50, 1))
    shown = _shown(Reconstruction(scores, scores, known, found, labels, np.full(50, True)))
    assert [block.name for block in shown] == ["c", "e", "f", "g"]


def test_blocks_that_never_fill_are_left_out_and_labels_do_not_overlap() -> None:
    blocks = {"r(X–X)": "distance (Å)", "r(X–H)": "distance (Å)", "angle(H–X–H)": "angle (°)"}
    labels = [FeatureLabel(f"{n} {r}", "", n, blocks[n], r) for n in blocks for r in (1.0, 2.0)]
    rng = np.random.default_rng(0)
    known = np.hstack([np.full((40, 2), 0.1), rng.random((40, 4))])
    known[1::2, :2] += 1e-16  # rounding
    found = known + 1e-17
    scores = np.zeros((40, 1))
    told = Reconstruction(scores, scores, known, found, labels, np.full(40, True))
    shown = _shown(told)
    assert [block.name for block in shown] == ["r(X–H)", "angle(H–X–H)"]
    groups = {f"a label with a long name, third {i}": np.arange(40) for i in range(3)}
    with styled():
        figure = _draw(told, np.full(6, 0.01), groups, shown)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    words = [text for axis in figure.axes for text in (axis.yaxis.label, axis._left_title)]
    boxes = [text.get_window_extent() for text in words if text.get_text().strip()]
    assert len(boxes) >= 3
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
