"""Groups of samples that are more alike than others, found from the samples themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import reduce
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.elements import SYMBOLS
from xreg.core.atoms.equivalent import space_group
from xreg.core.atoms.fingerprint import fingerprints
from xreg.core.data.samples import Samples, Structure, Structures
from xreg.core.errors import DataError

__all__ = ["CLUSTERS", "GROUPS", "computed_groups", "formula"]

CLUSTERS = 10
"""Number of clusters where nobody says another."""
SYMMETRY = 0.1  # Å, as the Materials Project finds space groups
FEWEST = 2


def formula(structure: Structure) -> str:
    """Return the reduced formula of a whole sample, elements in the order of the alphabet."""
    counts = _counts(structure)
    return "".join(f"{s}{n if n > 1 else ''}" for s, n in sorted(counts.items()))


def chemical_system(structure: Structure) -> str:
    """Return the elements of a sample, in the order of the alphabet: ``Cu-O``."""
    return "-".join(sorted(_counts(structure)))


def prototype(structure: Structure) -> str:
    """Return what crystals of one structure type share, whatever their elements: ``AB 225 2``.

    The formula without its elements (the rarest is A), the number of the space group that spglib
    finds within 0.1 Å, and the number of atoms in a primitive cell.

    Raises
    ------
    DataError
        For a sample that is no crystal, or whose symmetry is not found.
    MissingRequirementError
        Without spglib.
    """
    if not structure.pbc.all():
        raise DataError(
            f"sample '{structure.id}' is no crystal, and so has no prototype; group by formula, or "
            "by cluster."
        )
    found = space_group(structure.numbers, structure.positions, structure.cell, SYMMETRY)
    if found is None:
        raise DataError(
            f"sample '{structure.id}': spglib finds no space group; repair the structure, or group "
            "by formula."
        )
    counts = sorted(_counts(structure).values())
    anonymous = "".join(f"{chr(ord('A') + i)}{n if n > 1 else ''}" for i, n in enumerate(counts))
    primitive = len(set(found.mapping_to_primitive.tolist()))
    return f"{anonymous} {found.number} {primitive}"


def _counts(structure: Structure) -> dict[str, int]:
    counts = Counter(structure.numbers.tolist())
    unit = reduce(gcd, counts.values())
    return {SYMBOLS[z]: n // unit for z, n in counts.items()}


GROUPS: Mapping[str, str] = {
    "formula": "reduced formula of the whole sample",
    "chemical-system": "its elements",
    "prototype": "formula without elements, space group (spglib, 0.1 Å), atoms in a primitive cell",
    "cluster": "k-means of a fingerprint: elements of the sample and shells about the absorber, or "
    "the parameters",
}
"""What can be computed, and how."""

NAMERS: Mapping[str, Callable[[Structure], str]] = {
    "formula": formula,
    "chemical-system": chemical_system,
    "prototype": prototype,
}


def computed_groups(name: str, samples: Samples, clusters: int = CLUSTERS) -> NDArray[Any]:
    """Return the (n,) group of each sample.

    Parameters
    ----------
    name
        One of :data:`GROUPS`. ``cluster`` is k-means (Lloyd, IEEE Trans. Inf. Theory 28, 129
        (1982)) of :func:`~xreg.core.atoms.fingerprint.fingerprints`, always of the same seed, so
        that a cluster can be left out (Meredig et al., Mol. Syst. Des. Eng. 3, 819 (2018)).
    samples
        n samples.
    clusters
        Number of clusters.

    Raises
    ------
    DataError
        If the samples have no structure, or too few differ.
    """
    if name == "cluster":
        return _clusters(samples, clusters)
    if not isinstance(samples, Structures):
        raise DataError(
            f"{samples.kind} have no {name} to group by; group by a label, or by cluster."
        )
    seen: dict[bytes, str] = {}
    found = []
    for batch in samples.batches(1024):
        for one in batch:
            parts = (
                (one.numbers, one.positions, one.cell) if name == "prototype" else (one.numbers,)
            )
            key = b"".join(part.tobytes() for part in parts)
            if key not in seen:
                seen[key] = NAMERS[name](one)
            found.append(seen[key])
    return np.array(found)


def _clusters(samples: Samples, clusters: int) -> NDArray[Any]:
    from sklearn.cluster import KMeans

    table = fingerprints(samples)
    different = len(np.unique(table, axis=0))
    if different < max(clusters, FEWEST):
        raise DataError(
            f"{different} different samples make no {clusters} clusters; ask for fewer, or group "
            "by a label."
        )
    member = KMeans(clusters, n_init=4, random_state=0).fit_predict(table)
    width = len(str(clusters))
    return np.array([f"cluster {number + 1:0{width}d}" for number in member])
