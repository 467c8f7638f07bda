"""What a few measured spectra teach of the difference to computed ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.data.splits import require_groups
from xreg.core.errors import DataError
from xreg.core.model.transfer.alignment import misalignment
from xreg.core.model.transfer.correction import Correction
from xreg.core.model.transfer.instrument import Instrument

__all__ = [
    "FEWEST_GROUPS",
    "FEWEST_TO_CORRECT",
    "Calibration",
    "Held",
    "calibrate",
    "grouped_folds",
]

FEWEST = 3
"""Fewer spectra calibrate nothing."""
FEWEST_TO_CORRECT, FEWEST_GROUPS = 8, 4
"""From so many spectra, of so many groups, on a correction is tried."""
FOLDS = 5
COUNTS, RIDGES = (0, 1, 2, 4, 6, 10), (1e-3, 1e-2, 1e-1)
SURE = 1.0
"""A correction has to lower the error of held-out groups by so many standard errors."""


@dataclass(frozen=True, eq=False)
class Held:
    """Errors of spectra in folds whose groups the calibration had not seen.

    Attributes
    ----------
    shift_before, shift_after
        (n,) how much higher in energy each predicted spectrum stands, in eV.
    rms_before, rms_after
        (n,) root mean square difference of each spectrum, in the unit of the measured ones.
    """

    shift_before: Array
    shift_after: Array
    rms_before: Array
    rms_after: Array

    @classmethod
    def of(cls, energy: Array, predicted: Array, made: Array, known: Array, reach: float) -> Self:
        """Return the errors of (n, m) spectra as predicted, and as made of these in folds."""
        return cls(
            misalignment(energy, predicted, known, reach),
            misalignment(energy, made, known, reach),
            np.sqrt(np.square(predicted - known).mean(axis=1)),
            np.sqrt(np.square(made - known).mean(axis=1)),
        )

    def by_group(self, groups: NDArray[Any]) -> float:
        """Return the mean squared error after, in which every group counts the same."""
        return float(_by_group(np.square(self.rms_after), groups).mean())

    def summary(self) -> dict[str, float]:
        """Return means over all spectra, of the size of shifts."""
        return {
            "shift_before": float(np.abs(self.shift_before).mean()),
            "shift_after": float(np.abs(self.shift_after).mean()),
            "rms_before": float(self.rms_before.mean()),
            "rms_after": float(self.rms_after.mean()),
        }


@dataclass(frozen=True, eq=False)
class Calibration:
    """From predicted to measured spectra.

    Attributes
    ----------
    instrument
        Shift, broadening and scale.
    correction
        What else was learned; None where nothing was.
    facts
        What it was learned from, as JSON values.
    """

    instrument: Instrument
    correction: Correction | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fine_tuned_from(self) -> str:
        """Name and hash of the model whose network was trained on; empty where none was."""
        told = _mapping(self.facts.get("fine_tuned"))
        start = _mapping(told.get("start"))
        return f"{start.get('model')} ({start.get('hash')})" if told.get("kept") else ""

    @property
    def learned_from(self) -> str:
        """How many spectra of which dataset it was learned from, in words."""
        data = _mapping(self.facts.get("dataset"))
        named = f"{data.get('name', 'a dataset')} {data.get('version', '')}".strip()
        return f"{self.facts.get('samples', 'some')} spectra of {named}"

    def affine(self, energy: Array) -> tuple[Array, Array]:
        """Return the (m, m) matrix and (m,) constant that map spectra on these energies (eV)."""
        matrix = self.instrument.matrix(energy)
        if self.correction is None:
            return matrix, np.zeros(len(energy))
        return self.correction.matrix @ matrix, self.correction.constant

    def apply(self, energy: Array, spectra: Array) -> Array:
        """Return the (n, m) spectra as they would be measured."""
        matrix, constant = self.affine(energy)
        return spectra @ matrix.T + constant

    def in_words(self) -> str:
        """Return what it does, for people."""
        one = self.instrument
        words = (
            f"shift {one.shift:+.2f} eV, broadening {one.broadening:.2f} eV, scale {one.scale:.4g}"
        )
        if self.fine_tuned_from:
            return f"{words}, behind the network fine-tuned on these spectra"
        if self.correction is None:
            return words
        count = len(self.correction.components)
        return f"{words}, and a linear correction along {count} components"


def calibrate(
    energy: Array, predicted: Array, known: Array, groups: NDArray[Any], reach: float,
    seed: int = 0, correct: bool = True,
) -> tuple[Calibration, Held]:  # fmt: skip
    """Learn what lays predicted spectra on measured ones.

    Shift, broadening and scale are always learned; a correction is added if it lowers the error of
    groups that it has not seen.

    Parameters
    ----------
    energy
        (m,) energies in eV.
    predicted, known
        (n, m) predicted and measured spectra.
    groups
        (n,) what may not be divided between learning and judging.
    reach
        Largest shift and broadening that are looked for, in eV.
    seed
        Of the folds.
    correct
        Whether a correction is tried.

    Returns
    -------
    calibration, held
        And its errors on held-out groups, in folds that also make the choice.

    Raises
    ------
    DataError
        If the spectra are too few, of one group alone, or too short, or a group is not known.
    """
    require_groups(groups)
    if len(known) < FEWEST or len(np.unique(groups)) < 2:
        raise DataError(
            f"{len(known)} spectra of {len(np.unique(groups))} group(s) are too few to calibrate; "
            f"{FEWEST} of two groups are needed, 10 to 50 are good."
        )
    folds = list(grouped_folds(groups, seed))
    enough = len(known) >= FEWEST_TO_CORRECT and len(np.unique(groups)) >= FEWEST_GROUPS
    settings: list[tuple[int, float] | None] = [None]
    if correct and enough:
        settings += [(k, r) for k in COUNTS for r in (RIDGES if k else RIDGES[:1])]
    made = {setting: np.empty_like(known) for setting in settings}
    for held in folds:
        seen = ~held
        instrument = Instrument.fit(energy, predicted[seen], known[seen], reach)
        plain = predicted @ instrument.matrix(energy).T
        for setting in settings:
            found = Calibration(Instrument())
            if setting is not None:
                found = Calibration(
                    Instrument(), Correction.fit(plain[seen], known[seen], *setting)
                )
            made[setting][held] = found.apply(energy, plain[held])
    errors = {s: np.square(m - known).mean(axis=1) for s, m in made.items()}
    best = min(settings, key=lambda setting: float(_by_group(errors[setting], groups).mean()))
    gain = _by_group(errors[None], groups) - _by_group(errors[best], groups)
    if not gain.mean() > SURE * gain.std(ddof=1) / np.sqrt(len(gain)):
        best = None
    instrument = Instrument.fit(energy, predicted, known, reach)
    correction = None
    if best is not None:
        plain = predicted @ instrument.matrix(energy).T
        correction = Correction.fit(plain, known, *best)
    held_out = Held.of(energy, predicted, made[best], known, reach)
    return Calibration(instrument, correction), held_out


def _mapping(value: Any) -> Mapping[str, Any]:
    """Return a mapping of facts, empty where a model of somebody else has something else there."""
    return value if isinstance(value, Mapping) else {}


def _by_group(values: Array, groups: NDArray[Any]) -> Array:
    """Return the mean of each group."""
    return np.array([values[groups == name].mean() for name in np.unique(groups)])


def grouped_folds(groups: NDArray[Any], seed: int) -> Iterator[NDArray[np.bool_]]:
    """Yield which spectra are held out, no group in part."""
    names = np.random.default_rng(seed).permutation(np.unique(groups))
    for part in np.array_split(names, min(FOLDS, len(names))):
        yield np.isin(groups, part)
