"""Known spectra of a dataset on the energies of a model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.data.grids import coarsen
from xreg.core.data.spectra import Channel
from xreg.core.errors import DataError
from xreg.core.model.domain import Target

__all__ = ["on_grid"]

# Energies closer than this (eV) are the same: grids went through text files of five digits.
SAME = 1e-4


def on_grid(
    channel: Channel, rows: NDArray[np.intp], target: Target, what: str, interpolate: bool
) -> tuple[Array, str]:
    """Return (n, m) known targets on the grid of a model, and a remark where they were changed.

    Parameters
    ----------
    channel
        Of the dataset; may be lazy.
    rows
        (n,) rows to read.
    target
        What the model predicts.
    what
        The channel in words, for messages.
    interpolate
        Whether a spectrum may be interpolated linearly where the model's energies are no points of
        the channel's grid.

    Raises
    ------
    DataError
        If the grids do not match; the message says how they differ.
    """
    known = channel[rows]
    if target.energy is None or channel.energy is None:
        if target.features != channel.features:
            raise DataError(
                f"the model predicts {_words(target.energy, target.features)}, but {what} has "
                f"{_words(channel.energy, channel.features)}; give a channel that holds those, or "
                "take the scores that the model's run left in its metrics.json."
            )
        return np.asarray(known.intensity, dtype=np.float64), ""
    wanted, grid = target.energy, channel.energy
    intensity = np.asarray(known.intensity, dtype=np.float64)
    nearest = np.abs(grid[:, None] - wanted).argmin(axis=0)
    if np.abs(grid[nearest] - wanted).max() <= SAME:
        return intensity[:, nearest], ""
    if (averaged := _coarsened(known, grid, wanted)) is not None:
        return averaged, ""
    if wanted[0] < grid[0] - SAME or wanted[-1] > grid[-1] + SAME:
        raise DataError(
            f"the model predicts {_words(wanted)}, but {what} has only {_words(grid)}; no model "
            "can be judged where nothing is known."
        )
    if not interpolate:
        raise DataError(
            f"the model predicts {_words(wanted)}, but {what} has {_words(grid)}; allow known "
            "spectra to be interpolated onto the model's energies with --interpolate."
        )
    moved = np.array([np.interp(wanted, grid, row) for row in intensity])
    return moved, (
        f"Known spectra were interpolated from {len(grid)} points onto the model's {len(wanted)}."
    )


def _coarsened(known: Channel, grid: Array, wanted: Array) -> Array | None:
    """Return averages over equal bins where the model's energies are the centres of such bins.

    That is what ``target.points`` of a recipe does; the edges follow from the centres.
    """
    width = (wanted[-1] - wanted[0]) / (len(wanted) - 1)
    low, high = wanted[0] - width / 2, wanted[-1] + width / 2
    ends = np.abs(grid[:, None] - [low, high]).min(axis=0)
    steps = np.diff(wanted)
    if ends.max() > SAME or np.abs(steps - width).max() > SAME:
        return None
    inside = known.window(low - SAME, high + SAME)
    if len(wanted) > inside.intensity.shape[1]:
        return None
    return np.asarray(coarsen(inside, len(wanted)).intensity)


def _words(energy: Array | None, features: tuple[str, ...] = ()) -> str:
    if energy is None:
        return f"the target features {', '.join(features)}"
    return f"{len(energy)} energies from {energy[0]:g} to {energy[-1]:g} eV"
