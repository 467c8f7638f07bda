"""How deep a network can be inverted: largest errors, layer by layer, for several thresholds.

The two panels of Figs. 6 and 7 of Passilahti, Vladyka & Niskanen, arXiv:2406.14044 (2024),
supplement: on the way back from the predicted spectrum, and at the features after going forward to
each layer and back from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xreg.core.arrays import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DepthErrors", "depth_errors", "draw_depths"]

Undo = Callable[[int, Array, float], Array]
FLOOR = 1e-16


@dataclass(frozen=True, eq=False)
class DepthErrors:
    """Largest absolute errors for one threshold, at the input of each of l layers.

    Attributes
    ----------
    from_output
        (l,) at what each layer takes in, on the way back from the network's own output.
    with_noise
        (l,) the same from an output with noise added.
    to_depth
        (l,) at the network's features, after going forward through so many layers (the first, the
        first two, …) and back.
    """

    from_output: Array
    with_noise: Array
    to_depth: Array


def depth_errors(
    inputs: Sequence[Array], outputs: Sequence[Array], undo: Undo, threshold: float, noisy: Array
) -> DepthErrors:
    """Go back through a network from each of its layers.

    Parameters
    ----------
    inputs, outputs
        (n, i) and (n, o) of each layer on the way forward, its activation included.
    undo
        Gives the input of layer number i for an output, by the pseudo-inverse with a threshold:
        singular values below that share of the largest count as zero.
    threshold
        The threshold.
    noisy
        (n, m) output with noise.
    """

    def back(value: Array, start: int) -> list[Array]:
        found = []
        for i in range(start, -1, -1):
            value = undo(i, value, threshold)
            found.append(value)
        return found[::-1]

    last = len(inputs) - 1
    own, shaken = back(outputs[last], last), back(noisy, last)
    deep = [back(outputs[i], i)[0] for i in range(len(inputs))]
    return DepthErrors(
        np.array([_largest(a, b) for a, b in zip(own, inputs, strict=True)]),
        np.array([_largest(a, b) for a, b in zip(shaken, inputs, strict=True)]),
        np.array([_largest(found, inputs[0]) for found in deep]),
    )


def _largest(found: Array, true: Array) -> float:
    return float(np.abs(found - true).max())


def draw_depths(
    names: Sequence[str], bottleneck: int, found: Mapping[float, DepthErrors]
) -> Figure:
    """Draw both panels, a curve for each threshold; ``bottleneck`` is the layer after it."""
    from xreg.core.analysis import style

    figure = style.new_figure(3.2)
    left, right = figure.subplots(1, 2)
    place = np.arange(len(names))
    for i, (threshold, errors) in enumerate(found.items()):
        colour = style.PALETTE[i % len(style.PALETTE)]
        label = f"th = {threshold:.0e}"
        left.plot(place, np.maximum(errors.from_output, FLOOR), ".-", color=colour, label=label)
        left.plot(place, np.maximum(errors.with_noise, FLOOR), ":", color=colour)
        right.plot(place, np.maximum(errors.to_depth, FLOOR), ".-", color=colour)
    for axis in (left, right):
        axis.axvline(bottleneck, color=style.GUIDE, ls="--", lw=0.9)
        axis.set_yscale("log")
        axis.set_xticks(place, names, rotation=90)
    left.set_ylabel("largest error of the layer's input")
    right.set_ylabel("largest error of the features")
    left.set_title("back from the prediction")
    right.set_title("to this layer and back")
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper right", ncols=4)
    style.panel_letters((left, right))
    return figure
