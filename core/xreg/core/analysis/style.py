"""One look for all figures: sizes, fonts, and what each colour stands for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "BIAS",
    "DPI",
    "GUIDE",
    "PALETTE",
    "PREDICTED",
    "PREDICTED_FILL",
    "TRUE",
    "TRUE_FILL",
    "WIDTH",
    "count_axis",
    "energy_axis",
    "energy_label",
    "log_ticks",
    "new_figure",
    "panel_letters",
    "r2_text",
    "remove_unused_panels",
    "styled",
    "subscript",
]

TRUE = "#20262e"
TRUE_FILL = "#8f9bab"
PREDICTED = "#d4512d"
PREDICTED_FILL = "#f0a88f"
BIAS = "#2b6cb0"
GUIDE = "#a9b1bc"
# Told apart also by readers with impaired colour vision (after Okabe & Ito).
PALETTE = (
    "#2b6cb0",
    "#e08a00",
    "#1b8a6b",
    "#a8467f",
    "#5aa9d6",
    "#c0392b",
    "#7a6f9b",
    "#8a7a3b",
)
WIDTH = 7.2  # inches: two columns of a journal
DPI = 200

_STYLE: Any = {
    # The font that comes with matplotlib: figures look the same everywhere.
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "figure.titlesize": 10,
    "mathtext.fontset": "dejavusans",
    "axes.edgecolor": "#4a5460",
    "axes.labelcolor": "#20262e",
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 6,
    "axes.axisbelow": True,
    "xtick.color": "#4a5460",
    "ytick.color": "#4a5460",
    "xtick.labelcolor": "#20262e",
    "ytick.labelcolor": "#20262e",
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.direction": "out",
    "lines.linewidth": 1.4,
    "lines.solid_capstyle": "round",
    "patch.linewidth": 0.0,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.dpi": DPI,
    "image.cmap": "viridis",
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-4, 5),
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw everything inside the block in this style."""
    import matplotlib

    with matplotlib.rc_context(_STYLE):
        yield


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """Return an empty figure, sizes in inches, that lays itself out."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def log_ticks(*axes: Any) -> None:
    """Make x or y axes logarithmic, with plain numbers at 1, 2 and 5 times powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis in axes:
        (axis.axes.set_xscale if axis.axis_name == "x" else axis.axes.set_yscale)("log")
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def count_axis(axis: Any) -> None:
    """Label an x or y axis that counts something at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def energy_axis(axes: Any, energy: Any, *, most: int = 6, beside: bool = False) -> None:
    """Give panels their energy axis: limits, a label, and few, round ticks.

    Parameters
    ----------
    axes
        The panel.
    energy
        (m,) energies in eV.
    most
        Intervals between ticks, at most.
    beside
        Whether other panels stand on its left or right: a tick at the very end of the axis would
        run into theirs and is left out.
    """
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(energy[0], energy[-1])
    prune = "both" if beside else None
    axes.xaxis.set_major_locator(MaxNLocator(most, steps=[1, 2, 5, 10], prune=prune))
    axes.set_xlabel(energy_label(float(energy[0]), float(energy[-1])))


def energy_label(low: float, high: float) -> str:
    """Return the label of an energy axis in eV."""
    return "energy (eV)" if low >= 0 or high > 100 else "relative energy (eV)"


def panel_letters(axes: Sequence[Any]) -> None:
    """Put a, b, c … before the titles of panels."""
    for letter, axis in zip("abcdefghijklmnopqrstuvwxyz", axes, strict=False):
        axis.set_title(f"({letter}) {axis.get_title(loc='left')}".rstrip(), loc="left")


def r2_text(value: float) -> str:
    """Return a score with as many digits as it takes to tell it from one."""
    digits = 3 if value < 0.99 else 4 if value < 0.999 else 5
    return f"{value:.{digits}f}".replace("-", "−")


def remove_unused_panels(panels: Any, used: int, columns: int) -> None:
    """Remove the panels of a grid that are not used; label axes only where no panel follows."""
    for axis in panels[used:]:
        axis.remove()
    for index, axis in enumerate(panels[:used]):
        below = index + columns < used
        axis.tick_params(labelbottom=not below, labelleft=index % columns == 0)
        if below:
            axis.set_xlabel("")
        if index % columns:
            axis.set_ylabel("")


def subscript(number: int) -> str:
    """Return a number in subscript digits."""
    return "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(number))
