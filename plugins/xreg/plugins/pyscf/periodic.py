"""The charges of a periodic liquid around a cluster, as a few hundred that stand near it."""

from __future__ import annotations

import itertools

import numpy as np

from xreg.core.arrays import Array
from xreg.core.errors import SampleError

__all__ = ["around_a_cluster"]

# Cells on either side that are summed. With two the potential is within 0.02 V of many.
_CELLS = 2
# Charges nearer to the cluster than this, in Å, stand where they are; those beyond act through
# charges on a sphere so much wider than what they enclose.
_NEAR, _WIDER = 4.0, 1.6
_ON_SPHERE = 72
# Most that the sphere may be off, root mean square, in V.
_TOLERANCE = 0.02
_COULOMB = 14.399645  # V Å


def around_a_cluster(
    cluster: Array, inside: Array, places: Array, charges: Array, cell: Array, name: str
) -> tuple[Array, Array]:
    """Return places and charges that act on a cluster as a periodic liquid does.

    The images of the cluster's own atoms belong to the liquid, the atoms themselves do not. Sums
    over cells end at a surface, whose dipoles make a uniform field that a liquid without a surface
    does not have; it is taken away (de Leeuw, Perram and Smith, Proc. R. Soc. A 373, 27 (1980)). An
    additive constant of the potential is left open: it moves no line.

    Parameters
    ----------
    cluster, inside
        (a, 3) positions of the cluster's atoms in Å, about the origin, and their (a,) charges.
    places, charges
        (q, 3) positions and (q,) charges of the other atoms of the cell.
    cell : (3, 3) array
        A cube, in Å.
    name
        The sample, for messages.

    Raises
    ------
    SampleError
        If the cell is no cube, or charges on a sphere cannot stand for the liquid far away.
    """
    edge = float(cell[0, 0])
    if np.abs(cell - edge * np.eye(3)).max() > 1e-6 * edge:
        raise SampleError(
            f"{name} has a cell that is no cube along x, y and z, as charges of a periodic liquid "
            "need it; leave charges out ('cut.charges: false')."
        )
    shifts = np.array(list(itertools.product(range(-_CELLS, _CELLS + 1), repeat=3))) @ cell
    home = np.flatnonzero((shifts == 0).all(axis=1))[0]
    every = np.vstack([cluster, places])
    all_places = (every + shifts[:, None]).reshape(-1, 3)
    all_charges = np.tile(np.concatenate([inside, charges]), len(shifts))
    own = np.zeros(len(all_charges), dtype=bool)
    own[home * len(every) : home * len(every) + len(cluster)] = True
    reach = np.linalg.norm(cluster, axis=1).max() + _NEAR
    near = ~own & (np.linalg.norm(all_places, axis=1) < reach)
    far = ~own & ~near
    around = np.vstack([np.zeros(3), np.eye(3), -np.eye(3)])
    points = (cluster[:, None] + around).reshape(-1, 3)
    polarisation = np.concatenate([inside, charges]) @ every / abs(np.linalg.det(cell))
    wanted = _potential(points, all_places[far], all_charges[far])
    wanted -= 4 * np.pi / 3 * points @ polarisation
    sphere = _WIDER * reach * _directions(_ON_SPHERE)
    act = 1 / np.linalg.norm(points[:, None] - sphere, axis=2)
    # No constant of the potential is asked for, and none of the charges is large without need.
    centred = act - act.mean(axis=0)
    fitted = np.linalg.lstsq(centred, wanted - wanted.mean(), rcond=1e-4)[0]
    off = _COULOMB * float(np.std(act @ fitted - wanted))
    if off > _TOLERANCE:
        raise SampleError(
            f"{name}: the liquid beyond {reach:.1f} Å cannot be put into charges (off by {off:.3f} "
            "V); set a smaller 'cut.radius'."
        )
    return np.vstack([all_places[near], sphere]), np.concatenate([all_charges[near], fitted])


def _potential(points: Array, places: Array, charges: Array) -> Array:
    found = np.zeros(len(points))
    for start in range(0, len(places), 4096):
        part = slice(start, start + 4096)
        found += (1 / np.linalg.norm(points[:, None] - places[part], axis=2)) @ charges[part]
    return found


def _directions(count: int) -> Array:
    """Return unit vectors that cover a sphere evenly, on a spiral."""
    height = 1 - (2 * np.arange(count) + 1) / count
    turn = np.pi * (1 + np.sqrt(5)) * np.arange(count)
    width = np.sqrt(1 - height**2)
    return np.stack([width * np.cos(turn), width * np.sin(turn), height], axis=1)
