"""Basis vectors whose columns belong to pairs of atoms, in the shape of that matrix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis import style
from xreg.core.interfaces import FeatureLabel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["PairMatrix", "pair_matrix", "vector_matrices"]

PAIR = re.compile(r"(\w+)\(([A-Z][a-z]?\d+)–([A-Z][a-z]?\d+)\)")
MOST_NAMES = 40
PairMatrix = tuple[list[str], NDArray[np.intp]]
"""Names of a matrix' rows, and (d, 2) row and column of each feature."""


def pair_matrix(labels: Sequence[FeatureLabel]) -> PairMatrix | None:
    """Return where features stand in a matrix of atoms, None if they are no pairs of such.

    Features that a filter took leave their places empty.
    """
    found = [PAIR.fullmatch(label.name) for label in labels]
    pairs = [match for match in found if match is not None]
    if not pairs or len(pairs) < len(found) or len({match[1] for match in pairs}) != 1:
        return None
    names = sorted({name for match in pairs for name in match.groups()[1:]}, key=_place)
    row = {name: i for i, name in enumerate(names)}
    return names, np.array([(row[match[2]], row[match[3]]) for match in pairs])


def _place(name: str) -> tuple[str, int]:
    element = name.rstrip("0123456789")
    return element, int(name[len(element) :])


def vector_matrices(vectors: NDArray[np.float64], found: PairMatrix) -> Figure:
    """Draw (k, d) basis vectors, each as the symmetric matrix whose entries its features are."""
    names, places = found
    figure = style.new_figure(3.4)
    axes = figure.subplots(1, len(vectors), squeeze=False)[0]
    reach = float(np.abs(vectors).max()) or 1.0
    images = []
    for index, (axis, vector) in enumerate(zip(axes, vectors, strict=True)):
        matrix = np.full((len(names), len(names)), np.nan)
        matrix[places[:, 0], places[:, 1]] = matrix[places[:, 1], places[:, 0]] = vector
        images.append(axis.imshow(matrix, cmap="RdBu_r", vmin=-reach, vmax=reach))
        if len(names) <= MOST_NAMES:
            axis.set_xticks(range(len(names)), names, rotation=90, fontsize=5)
            axis.set_yticks(range(len(names)), names, fontsize=5)
        axis.tick_params(length=0)
        axis.set_title(f"v{style.subscript(index + 1)}")
    figure.colorbar(images[0], ax=list(axes), label="weight", shrink=0.8)
    return figure
