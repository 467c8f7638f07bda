"""The picture of an explanation: the spectrum beside its nearest, and what it tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xreg.core.analysis import style
from xreg.core.text import with_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from xreg.workbench.explain.explain import Explained

__all__ = ["draw_spectrum"]

MOST = 8  # quantities drawn


def draw_spectrum(done: Explained, i: int, name: str) -> Figure:
    """Draw spectrum i of those that are not dead: it and its nearest, and each quantity told.

    Quantities stand in the range of the model's data: a bar for 95 %, a thick one for 68 %.
    """
    told = [j for j, one in enumerate(done.explainer.judged) if one.known][:MOST]
    told = told if bool(done.resembles[i]) else []
    height = 2.6 + 0.34 * len(told)
    figure = style.new_figure(height)
    rows = figure.subplots(2 if told else 1, 1, height_ratios=(2.2, 0.34 * len(told) + 0.3) if told
                           else (1,), squeeze=False).ravel()  # fmt: skip
    comparison = done.explainer.comparison
    inside = comparison.inside
    energy, y = done.stack.energy[inside], done.stack.intensity[done.rows[i]][inside]
    row = int(np.flatnonzero(comparison.library.ids == done.nearest[i])[0])
    curve = comparison.references_at(np.array([row]), float(done.shift[i]), 0.0)[0]
    gain, offset = np.polyfit(curve, y, 1)
    rows[0].plot(energy, y, color=style.TRUE, label=name)
    rows[0].plot(
        energy, gain * curve + offset, color=style.PREDICTED, lw=1,
        label=f"nearest: {done.nearest[i]}",
    )  # fmt: skip
    rows[0].set_title("measured spectrum and the nearest of the model's data")
    rows[0].legend()
    style.energy_axis(rows[0], energy)
    if told:
        axis = rows[1]
        for place, j in enumerate(told):
            one, answer = done.explainer.quantities[j], done.answers[j]
            low, width = one.values.min(), np.ptp(one.values)

            def at(value: float, low: float = low, width: float = width) -> float:
                return float(np.clip((value - low) / width, 0, 1))

            for level, thick in ((1, 1.5), (0, 5)):
                ends = at(answer.low[level, i]), at(answer.high[level, i])
                axis.plot(ends, [place, place], lw=thick, color=style.BIAS, solid_capstyle="butt")
            axis.plot(at(answer.value[i]), place, "o", ms=4, color=style.PREDICTED)
            for value, share in answer.others[i] if len(answer.others[i]) > 1 else ():
                axis.plot(at(value), place, "d", ms=3 + 4 * share, color=style.PALETTE[1], zorder=4)
        units = [done.explainer.quantities[j] for j in told]
        axis.set_yticks(range(len(told)), [with_unit(one.name, one.unit) for one in units])
        axis.set_xlim(-0.02, 1.02)
        axis.set_ylim(len(told) - 0.5, -0.5)
        axis.set_xlabel("in the range of the model's data")
        axis.set_title("what it tells: 68 and 95 %")
        style.panel_letters(list(rows))
    return figure
