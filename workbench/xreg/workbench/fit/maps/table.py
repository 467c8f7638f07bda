"""Where descents begin: the nearest of many spectra that the network has predicted."""

from __future__ import annotations

import numpy as np
from scipy.stats import qmc

from xreg.core.arrays import Array
from xreg.workbench.fit.maps.rendering import Renderer
from xreg.workbench.fit.minima import distinct
from xreg.workbench.fit.problem import Problem

__all__ = ["Table"]

BLOCK = 512
SHIFT_STEP = 0.25  # eV
MOST_SHIFTS = 9
COMPONENTS = 32
NEAR = 96  # rows of the table among which starts that differ are taken
APART = 0.12  # coordinates closer than that lead to one minimum


class Table:
    """Predicted spectra of a Sobol sequence of parameters at several shifts.

    Spectra are kept without what the background can describe, of length one, as their leading
    principal components, so that thousands of measured ones are compared with all in seconds. Their
    number is a power of two.
    """

    def __init__(self, problem: Problem, renderer: Renderer, count: int, seed: int) -> None:
        d = len(problem.labels)
        points = qmc.Sobol(d, scramble=True, seed=seed).random(count)
        if renderer.shift is not None:
            width = problem.widths[renderer.shift]
            copies = int(np.clip(np.ceil(width / SHIFT_STEP), 1, MOST_SHIFTS))
            points = np.repeat(points, copies, axis=0)
            middle = (np.arange(copies) + 0.5) / copies
            points[:, renderer.shift] = np.tile(middle, count)
        self.points = points
        self.basis = np.linalg.qr(problem.curves)[0]
        rows = [self._bare(renderer.spectra(points[i : i + BLOCK])).astype(np.float32)
                for i in range(0, len(points), BLOCK)]  # fmt: skip
        spectra = np.concatenate(rows)
        spread, axes = np.linalg.eigh(spectra.T @ spectra)
        self.axes = axes[:, np.argsort(-spread)[:COMPONENTS]].astype(np.float32)
        self.scores = spectra @ self.axes

    def _bare(self, spectra: Array) -> Array:
        bare = spectra - (spectra @ self.basis) @ self.basis.T
        return np.asarray(bare / np.maximum(np.linalg.norm(bare, axis=1), 1e-30)[:, None])

    def starts(self, spectra: Array, count: int) -> tuple[list[Array], Array]:
        """Return of each of (n, k) spectra up to ``count`` starts, each (s, d), the best first.

        Beside them (n, 2) the cosines of the most and the least similar row of the table.
        """
        scores = self._bare(spectra).astype(np.float32) @ self.axes
        likeness = scores @ self.scores.T
        near = min(NEAR, likeness.shape[1] - 1)
        rows = np.argpartition(-likeness, near, axis=1)[:, :near]
        found = []
        for own, row in zip(likeness, rows, strict=True):
            order = row[np.argsort(-own[row])]
            points = self.points[order]
            found.append(points[distinct(list(points), count, APART)])
        ends = np.stack([likeness.max(axis=1), likeness.min(axis=1)], axis=1)
        return found, ends.astype(np.float64)
