"""The step that scales spectra."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xreg.core.errors import DataError
from xreg.core.interfaces import Step
from xreg.core.interfaces.step import Curves
from xreg.plugins.processing.plugin import NormaliseConfig

__all__ = ["Normalise"]


class Normalise(Step[NormaliseConfig]):
    """Intensities scaled to one."""

    name = "normalise"
    Config = NormaliseConfig

    def unit(self, before: str) -> str:
        """Return what the spectra are counted in: what of them has become one."""
        words = {"edge-jump": "edge jump", "maximum": "maximum", "area": "mean", "box": "range"}
        return words[self.config.by]

    def apply(self, curves: Curves) -> Curves:
        """Return the curves after the step."""
        values = curves.intensity
        if self.config.pre is not None:
            values = values - curves.window_means(values, self.config.pre)[:, None]
        if self.config.by == "box":
            lowest = values.min(axis=1)
            values = values - (lowest if self.config.each else lowest.mean(keepdims=True))[:, None]
        if self.config.post is not None:  # by the edge jump
            scale = curves.window_means(values, self.config.post)
        elif self.config.by in ("maximum", "box"):
            scale = values.max(axis=1)
        else:
            scale = np.asarray(np.trapezoid(values, curves.grid, axis=1) / np.ptp(curves.grid))
        if not self.config.each:
            scale = np.full_like(scale, scale.mean())
        if (bad := np.flatnonzero(scale <= 0)).size:
            raise DataError(
                f"sample '{curves.ids[bad[0]]}' has a {self.config.by} of {scale[bad[0]]:.3g}."
            )
        return replace(curves, intensity=values / scale[:, None])
