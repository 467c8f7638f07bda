"""A few numbers of each sample, of one kind for all methods: what is alike, whoever predicts it."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.elements import SYMBOLS
from xreg.core.atoms.neighbours import cosine_cutoff, neighbours
from xreg.core.atoms.periodic_table import ELECTRONEGATIVITY, group, period
from xreg.core.data.samples import Parameters, Samples, Structure, Structures

__all__ = ["fingerprints"]

REACH = 6.0  # Å
SHELLS = np.array([1.0, 1.5, 2.0, 2.5, 3.2, 4.0, 5.0])  # Å
WIDTH = 0.15  # of a shell, relative to its distance


def fingerprints(samples: Samples) -> NDArray[np.float64]:
    """Return (n, q) numbers, standardised over these samples; columns that do not vary are zero.

    Of structures: mean and spread of electronegativity, group, period and number of the elements
    of the whole sample, and the same sums over the atoms in seven Gaussian shells about the
    absorber, to 6 Å. Of parameters: the parameters. Of samples that have neither: nothing varies.

    Parameters
    ----------
    samples
        n samples, all read into memory in turn.
    """
    if isinstance(samples, Parameters):
        table = np.asarray(samples[:].values, np.float64)
    elif isinstance(samples, Structures):
        rows = [_structure(one) for batch in samples.batches(1024) for one in batch]
        table = np.array(rows).reshape(len(samples), -1)
    else:
        return np.zeros((len(samples), 1))
    spread = table.std(axis=0)
    still = spread <= 1e-9 * np.abs(table).max(axis=0, initial=0.0)
    return np.where(still, 0.0, (table - table.mean(axis=0)) / np.where(still, 1.0, spread))


def _structure(structure: Structure) -> NDArray[np.float64]:
    elements = _elements()
    own = elements[structure.numbers]
    near = neighbours(structure, REACH)
    r = near.distances[:, None]
    filters = np.exp(-0.5 * ((r - SHELLS) / (WIDTH * SHELLS)) ** 2) * cosine_cutoff(r, REACH)
    sent = np.column_stack([np.ones(len(r)), elements[near.numbers]])
    centre = elements[structure.numbers[structure.absorber]]
    return np.concatenate([centre, own.mean(axis=0), own.std(axis=0), (filters.T @ sent).ravel()])


@cache
def _elements() -> NDArray[np.float64]:
    """Return (119, 4) electronegativity, group, period and number of each element, about 0…1."""
    rows = [[0.0] * 4]
    rows += [
        [ELECTRONEGATIVITY.get(SYMBOLS[z], 0.0) / 4, group(z) / 18, period(z) / 7, z / 100]
        for z in range(1, len(SYMBOLS))
    ]
    return np.array(rows)
