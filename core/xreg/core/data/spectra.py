"""Spectra of many samples on common grids, and the spectrum of one sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xreg.core.arrays import Array
from xreg.core.errors import DataError, UnknownNameError, did_you_mean

__all__ = ["ARBITRARY", "NOISE", "Channel", "LineList", "Spectra", "Spectrum"]

ARBITRARY = "arb. u."
"""Unit of intensities where nothing says which."""

NOISE = "_noise"
"""What the name of a channel ends in that holds the standard deviations of another."""


@dataclass(frozen=True, eq=False)
class Channel:
    """One kind of spectrum (or of target features) of n samples.

    Attributes
    ----------
    intensity
        (n, m) intensities, or values of target features; may be lazy.
    energy
        (m,) strictly increasing energies in eV; None for target features.
    features
        Names of the m target features (such as spectral moments); empty for a spectrum.
    unit
        Unit of the intensity.
    """

    intensity: Any
    energy: Array | None = None
    features: tuple[str, ...] = ()
    unit: str = ARBITRARY

    def __post_init__(self) -> None:
        if (self.energy is None) == (not self.features):
            raise DataError("a channel has either an energy grid or named target features.")
        width = len(self.features) if self.energy is None else len(self.energy)
        if len(self.intensity.shape) != 2 or self.intensity.shape[1] != width:
            raise DataError(
                f"a channel of {width} points has intensities of shape {self.intensity.shape}."
            )
        if self.energy is not None and not np.all(np.diff(self.energy) > 0):
            raise DataError("the energies of a channel must increase strictly.")

    @property
    def grid(self) -> Array:
        """The (m,) energies of spectra; `DataError` for target features, which have none."""
        if self.energy is None:
            raise DataError("target features have no energies.")
        return self.energy

    def __len__(self) -> int:
        return int(self.intensity.shape[0])

    def __getitem__(self, key: Any) -> Channel:
        """Return the channel of a subset of the samples, in memory."""
        rows = np.atleast_1d(np.arange(len(self))[key])
        low, high = (int(rows.min()), int(rows.max()) + 1) if rows.size else (0, 0)
        block = np.asarray(self.intensity[low:high])[rows - low]
        return Channel(block, self.energy, self.features, self.unit)

    def window(self, low: float, high: float) -> Channel:
        """Return the part of the spectra with ``low <= energy <= high`` (eV)."""
        if self.energy is None:
            raise DataError("target features have no energy window.")
        inside = np.flatnonzero((self.energy >= low) & (self.energy <= high))
        if inside.size < 2:
            raise DataError(
                f"the window {low:g}…{high:g} eV holds {inside.size} of the channel's points, "
                f"which span {self.energy[0]:g}…{self.energy[-1]:g} eV."
            )
        part = slice(int(inside[0]), int(inside[-1]) + 1)
        return Channel(np.asarray(self.intensity[:, part]), self.energy[part], (), self.unit)


class Spectra(Mapping[str, Channel]):
    """Named channels of the same samples."""

    def __init__(self, channels: Mapping[str, Channel]) -> None:
        lengths = {name: len(channel) for name, channel in channels.items()}
        if len(set(lengths.values())) > 1:
            raise DataError(f"channels of one dataset differ in length: {lengths}.")
        self._channels = dict(channels)

    def __getitem__(self, name: str) -> Channel:
        try:
            return self._channels[name]
        except KeyError:
            raise UnknownNameError(
                f"no channel '{name}'{did_you_mean(name, self._channels)}."
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._channels)

    def __len__(self) -> int:
        return len(self._channels)

    def select(self, key: Any) -> Spectra:
        """Return the spectra of a subset of the samples, in memory."""
        return Spectra({name: channel[key] for name, channel in self.items()})


@dataclass(frozen=True, eq=False)
class Spectrum:
    """What a generator returns for one sample.

    Attributes
    ----------
    channels
        Intensities of each channel on the grid that the generator declared, (m,) each.
    labels
        Numbers that come with the spectrum (an ionisation energy, a line's position).
    """

    channels: Mapping[str, Array]
    labels: Mapping[str, float] = field(default_factory=dict)

    @staticmethod
    def stack(
        spectra: Sequence[Spectrum],
        grids: Mapping[str, Array],
        units: Mapping[str, str] | None = None,
    ) -> Spectra:
        """Join single spectra on declared grids, in declared units, into :class:`Spectra`."""
        units = units or {}
        return Spectra(
            {
                name: Channel(
                    np.array([s.channels[name] for s in spectra]),
                    np.asarray(grid),
                    (),
                    units.get(name, ARBITRARY),
                )
                for name, grid in grids.items()
            }
        )


@dataclass(frozen=True, eq=False)
class LineList:
    """The transitions behind one spectrum, before any broadening.

    Attributes
    ----------
    energy
        (s,) energies in eV, ascending.
    strength
        (s,) strength of each in each channel: its area in the spectrum.
    """

    energy: Array
    strength: Mapping[str, Array]
