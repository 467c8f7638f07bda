"""The picture of a fit: the spectrum, what is left of it, and where the searches ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis import style
from xreg.workbench.fit.problem import range_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from xreg.core.data.spectra import LineList
    from xreg.workbench.fit.profile import Interval
    from xreg.workbench.fit.refine import Fit
    from xreg.workbench.fit.search import Starts

__all__ = ["draw_fit"]

STARTS_SHOWN = 40


def draw_fit(
    fit: Fit,
    starts: Starts,
    intervals: Mapping[str, Sequence[Interval]],
    lines: LineList | None = None,
    channel: str = "",
) -> Figure:
    """Draw measured and fitted spectrum, residual, and the minima of all starts.

    Parameters
    ----------
    fit
        The best fit.
    starts
        Minima of the network, best first.
    intervals
        Intervals of each unknown that hold 68 % together; where there are none, standard
        deviations are drawn.
    lines
        Transitions of the best parameters, on the model's own energies.
    channel
        Channel whose strengths are drawn.
    """
    figure = style.new_figure(6.4)
    rows = figure.subplots(3, 1, height_ratios=(3.0, 1.0, 2.2))
    rows[1].sharex(rows[0])
    _spectrum(rows[0], fit, lines, channel)
    _residual(rows[1], fit)
    _minima(rows[2], fit, starts, intervals)
    style.panel_letters(rows)
    return figure


def _spectrum(axis: Axes, fit: Fit, lines: LineList | None, channel: str) -> None:
    measured = fit.problem.measured
    energy = measured.energy
    total = fit.spectrum + fit.background
    axis.plot(energy, measured.intensity, ".", ms=3, color=style.TRUE, label="measured")
    axis.plot(energy, total, color=style.PREDICTED, label="fit")
    if len(fit.best.heights):
        axis.plot(energy, fit.background, color=style.BIAS, lw=1, label="background")
    if lines is not None:
        at = lines.energy + fit.best.shift
        inside = (at > energy[0]) & (at < energy[-1])
        strength = lines.strength[channel][inside]
        tall = strength > 1e-3 * strength.max()
        floor, reach = float(total.min()), float(np.ptp(total)) / 3
        tops = floor - reach + 0.9 * reach * strength[tall] / strength.max()
        axis.vlines(at[inside][tall], floor - reach, tops, color=style.GUIDE, lw=0.6,
                    label="transitions")  # fmt: skip
    axis.set_title("measured spectrum and fit")
    axis.set_ylabel("intensity (as measured)")
    axis.set_xlim(energy[0], energy[-1])
    axis.tick_params(labelbottom=False)
    axis.legend()


def _residual(axis: Axes, fit: Fit) -> None:
    measured = fit.problem.measured
    noise = fit.noise / fit.problem.weight
    axis.fill_between(measured.energy, -2 * noise, 2 * noise, color=style.PREDICTED_FILL, alpha=0.4,
                      label="± 2σ of the noise")  # fmt: skip
    rest = measured.intensity - fit.spectrum - fit.background
    axis.axhline(0, color=style.GUIDE, lw=0.8)
    axis.plot(measured.energy, rest, color=style.TRUE, lw=0.7)
    axis.set_title("measured minus fit")
    axis.set_xlabel(style.energy_label(float(measured.energy[0]), float(measured.energy[-1])))
    axis.legend(loc="lower right", bbox_to_anchor=(1, 0.95))


def _minima(
    axis: Axes, fit: Fit, starts: Starts, intervals: Mapping[str, Sequence[Interval]]
) -> None:
    labels = fit.problem.labels
    places = np.arange(len(labels))
    shown = starts.x[:STARTS_SHOWN]
    for x, misfit in zip(shown[::-1], starts.misfit[: len(shown)][::-1], strict=True):
        near = _nearness(misfit, starts.misfit)
        axis.plot(places, x, color=style.TRUE_FILL, lw=0.7, alpha=0.15 + 0.6 * near)
    for number, minimum in enumerate(fit.equivalent):
        axis.plot(places, minimum.x, "s", ms=4, mfc="none", color=style.BIAS,
                  label=None if number else "as good as the best")  # fmt: skip
    for place, parts in zip(places, _reach(fit, intervals), strict=True):
        for low, high in parts:
            axis.plot([place, place], [low, high], "_-", ms=7, color=style.PREDICTED)
    axis.plot(places, fit.best.x, "o", ms=4, color=style.PREDICTED,
              label="best fit, 68 % intervals" if intervals else "best fit ± σ")  # fmt: skip
    names = [f"{label}\n{_ends(fit, i)}" for i, label in enumerate(labels)]
    axis.set_xticks(places, names, fontsize=7)
    axis.set_ylim(-0.05, 1.05)
    axis.set_ylabel("place in the range")
    axis.set_title("minima of the network (grey, darker is lower)")
    axis.legend(loc="lower right", bbox_to_anchor=(1, 0.97), ncols=2)


def _reach(
    fit: Fit, intervals: Mapping[str, Sequence[Interval]]
) -> list[list[tuple[float, float]]]:
    """Return the intervals of each coordinate between 0 and 1, or one of ± σ."""
    problem, x = fit.problem, fit.best.x
    if not intervals:
        std = fit.std / problem.widths
        low, high = np.clip(x - std, 0, 1), np.clip(x + std, 0, 1)
        return [[ends] for ends in zip(low.tolist(), high.tolist(), strict=True)]
    return [
        [((part.low - start) / width, (part.high - start) / width) for part in intervals[label]]
        for label, start, width in zip(
            problem.labels, problem.origin.tolist(), problem.widths.tolist(), strict=True
        )
    ]


def _nearness(misfit: float, every: NDArray[np.float64]) -> float:
    """Return 1 for the lowest misfit, falling to 0 where it is ten times that."""
    return float(np.clip(1 - np.log10(max(misfit, 1e-300) / max(every[0], 1e-300)), 0, 1))


def _ends(fit: Fit, i: int) -> str:
    low = float(fit.problem.origin[i])
    unit = fit.problem.label_units[i]
    span = range_text(low, low + float(fit.problem.widths[i]))
    return f"{span}\n{unit}"
