"""What a model was trained for: what it predicts, and of which samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.elements import SYMBOLS, symbols
from xreg.core.data.samples import Parameters, Samples, Structures
from xreg.core.data.spectra import ARBITRARY
from xreg.core.errors import DataError

__all__ = ["Domain", "Target", "require_same_target"]


@dataclass(frozen=True, eq=False)
class Target:
    """What the model predicts.

    Attributes
    ----------
    channel
        Name of the channel.
    energy
        (m,) energies in eV; None for target features.
    features
        Names of target features; empty for spectra.
    unit
        Unit of the intensity; empty where target features differ in unit: their names state it.
    """

    channel: str
    energy: NDArray[np.float64] | None = None
    features: tuple[str, ...] = ()
    unit: str = ARBITRARY

    @property
    def grid(self) -> NDArray[np.float64]:
        """The (m,) energies of spectra.

        Raises
        ------
        DataError
            If target features are predicted, which have none.
        """
        if self.energy is None:
            raise DataError(f"channel '{self.channel}' is of target features, without energies.")
        return self.energy

    @property
    def one_unit(self) -> bool:
        """Whether all columns share a unit, so that their errors may be added as they are."""
        return self.energy is not None or bool(self.unit)


@dataclass(frozen=True)
class Domain:
    """What the training samples were, so that a model can refuse what it cannot know.

    Attributes
    ----------
    kind
        ``structures`` or ``parameters``.
    elements, absorbers
        Atomic numbers of all atoms and of the absorbing ones.
    parameters, units
        Name and unit of each parameter.
    ranges
        Smallest and largest value of each parameter.
    """

    kind: str
    elements: tuple[int, ...] = ()
    absorbers: tuple[int, ...] = ()
    parameters: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    ranges: tuple[tuple[float, float], ...] = ()

    @classmethod
    def of(cls, samples: Samples) -> Self:
        """Read the domain off training samples."""
        if isinstance(samples, Structures):
            absorbers = tuple(np.unique(samples.absorbers()).tolist())
            return cls("structures", samples.species(), absorbers)
        if isinstance(samples, Parameters):
            parts = list(samples.batches(65_536))
            low = np.min([part.values.min(axis=0) for part in parts], axis=0) if parts else ()
            high = np.max([part.values.max(axis=0) for part in parts], axis=0) if parts else ()
            ranges = tuple((float(a), float(b)) for a, b in zip(low, high, strict=True))
            return cls("parameters", (), (), samples.names, samples.units, ranges)
        return cls(samples.kind)

    def require(self, samples: Samples) -> None:
        """Refuse samples of another kind, or with other parameters, than those of training."""
        if samples.kind != self.kind:
            raise DataError(f"the model was trained on {self.kind}, not on {samples.in_words}.")
        if isinstance(samples, Parameters) and samples.names != self.parameters:
            raise DataError(
                f"the model needs the parameters {', '.join(self.parameters)}, in this order; "
                f"got {', '.join(samples.names)}."
            )

    def outside_domain(self, samples: Samples) -> dict[int, str]:
        """Return why a structure holds what no training sample did, by its row.

        An element that never occurred, or an absorber of another element.
        """
        found: dict[int, str] = {}
        if not isinstance(samples, Structures):
            return found
        start = 0
        for block in samples.batches(4096):
            strange = ~np.isin(block.numbers, self.elements)
            sites = block.absorbers()
            owner = np.repeat(np.arange(len(block)), block.sizes)
            for row in np.unique(owner[strange]).tolist():
                unknown = symbols(set(block.numbers[strange & (owner == row)].tolist()))
                found[start + row] = (
                    f"sample '{block.ids[row]}' contains {unknown}, which the model never saw; it "
                    f"knows {symbols(self.elements)}."
                )
            for row in np.flatnonzero(~np.isin(sites, self.absorbers)).tolist():
                found.setdefault(
                    start + row,
                    f"sample '{block.ids[row]}' has {SYMBOLS[sites[row]]} as absorber; the model "
                    f"was trained on {symbols(self.absorbers)} sites.",
                )
            start += len(block)
        return found


def require_same_target(own: Target, target: Target) -> None:
    """Refuse spectra on other energies, or of another channel, than the model to start from has.

    Raises
    ------
    DataError
        In one sentence with both.
    """
    if own.channel != target.channel:
        raise DataError(
            f"the model to start from predicts channel '{own.channel}', and these data have "
            f"'{target.channel}'; choose that one, or a model of this."
        )
    if (own.energy is None) != (target.energy is None) or own.features != target.features:
        raise DataError(
            f"the model to start from predicts {_in_words(own)}, and these data have "
            f"{_in_words(target)}."
        )
    if own.unit != target.unit:
        raise DataError(
            f"the model to start from predicts intensities in '{own.unit or 'no unit'}', and these "
            f"data have '{target.unit or 'no unit'}'; normalise them alike."
        )
    if own.energy is None or target.energy is None:
        return
    same = own.energy.shape == target.energy.shape
    if not same or not np.allclose(own.energy, target.energy, rtol=1e-9, atol=1e-6):
        raise DataError(
            f"the model to start from predicts {_in_words(own)}, and these data have "
            f"{_in_words(target)}; bring them on its energies by `xreg data process` (resample), "
            "or by the target's window."
        )


def _in_words(target: Target) -> str:
    if target.energy is None:
        return f"the features {', '.join(target.features)}"
    low, high = target.energy[[0, -1]]
    return f"{len(target.energy)} energies of {low:g} … {high:g} eV"
