"""Lines that a program computed, broadened to a spectrum; importers of such programs share it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from xreg.core.config import Config, setting
from xreg.core.errors import DataError
from xreg.core.readers.importing.settings import ChannelName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from xreg.core.readers.importing.curve import Curve

__all__ = ["LineSettings", "broadened"]

MOST_POINTS = 100_000


class LineSettings(Config):
    """How lines become a spectrum."""

    channel: ChannelName = setting("xas", description="Name for the channel.")
    profile: Literal["lorentzian", "gaussian"] = setting(
        "lorentzian", description="What each line is broadened by."
    )
    width: float = setting(
        1.0, unit="eV", gt=0, le=50, description="Full width of the lines at half their height."
    )
    step: float = setting(0.1, unit="eV", gt=0, le=10, description="Step of the energies.")
    margin: float = setting(
        10.0,
        unit="eV",
        gt=0,
        le=1000,
        description="Energies below the first and above the last line.",
    )
    shift: float = setting(
        0.0, unit="eV", ge=-10_000, le=10_000, description="What is added to the energies."
    )


def broadened(
    energy: NDArray[np.float64], strength: NDArray[np.float64], asked: LineSettings, unit: str
) -> Curve:
    """Return the sum of the broadened lines, on energies at whole multiples of the step.

    Parameters
    ----------
    energy, strength
        (s,) energies in eV, to which the shift is still to be added, and the area of each line.
    asked
        How they are broadened.
    unit
        Unit of the spectrum: that of the areas, per eV.

    Raises
    ------
    DataError
        If they are spread over more energies than a spectrum may have.
    """
    import numpy as np

    from xreg.core.readers.importing.curve import Curve

    energy = energy + asked.shift
    first = int(np.floor((energy.min() - asked.margin) / asked.step))
    last = int(np.ceil((energy.max() + asked.margin) / asked.step))
    if last - first >= MOST_POINTS:
        raise DataError(
            f"its lines from {energy.min():.6g} to {energy.max():.6g} eV need more than "
            f"{MOST_POINTS} energies; raise the step"
        )
    grid = np.arange(first, last + 1, dtype=np.float64) * asked.step
    out = np.zeros(len(grid))
    for place, area in zip(energy.tolist(), strength.tolist(), strict=True):
        x = (grid - place) / (asked.width / 2)
        if asked.profile == "lorentzian":
            out += area * 2 / (np.pi * asked.width) / (1 + x**2)
        else:
            out += area * 2 * np.sqrt(np.log(2) / np.pi) / asked.width * np.exp(-np.log(2) * x**2)
    return Curve(grid, out, unit)
