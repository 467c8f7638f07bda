"""Small samples for checks: seeded, so that a failure can be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.data.samples import Parameters, Structures
from xreg.core.data.spaces import Parameter

__all__ = [
    "Lazy",
    "clusters",
    "crystals",
    "moved",
    "parameters",
    "replaced",
    "rotation",
    "tetrahedra",
    "waters",
    "within",
]

H, O, NA, S, CL, FE = 1, 8, 11, 16, 17, 26  # noqa: E741


def clusters(n: int = 8, seed: int = 0) -> Structures:
    """Return n molecules-like clusters of different size: one S (the absorber), O and H atoms.

    No two atoms are nearer than 0.9 Å; the absorber stands anywhere in the list of atoms.
    """
    rng = np.random.default_rng(seed)
    numbers, positions, absorber = [], [], []
    for _ in range(n):
        z = [S] + [O] * int(rng.integers(3, 6)) + [H] * int(rng.integers(4, 8))
        points = [np.zeros(3)]
        while len(points) < len(z):
            trial = rng.uniform(-2.6, 2.6, 3)
            if min(np.linalg.norm(trial - p) for p in points) > 0.9:
                points.append(trial)
        order = rng.permutation(len(z))
        numbers.append(np.array(z)[order])
        positions.append(np.array(points)[order] + rng.uniform(-1, 1, 3))
        absorber.append(int(np.flatnonzero(order == 0)[0]))
    return _join("cluster", numbers, positions, absorber)


def tetrahedra(n: int = 2) -> Structures:
    """Return n FeO4 tetrahedra, each 0.1 Å wider than the one before; the iron is the absorber."""
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 3**0.5
    positions = [np.vstack([np.zeros(3), (1.85 + 0.1 * i) * corners]) for i in range(n)]
    return _join("feo4", [np.array([FE, O, O, O, O])] * n, positions, [0] * n)


def waters(n: int = 8, seed: int = 0) -> Structures:
    """Return n distorted, randomly turned water molecules; the oxygen (atom 0) is the absorber."""
    rng = np.random.default_rng(seed)
    positions = []
    for _ in range(n):
        first, second = rng.normal(0.97, 0.06, 2)
        angle = np.radians(rng.normal(104.5, 8))
        molecule = [
            np.zeros(3),
            np.array([first, 0, 0]),
            second * np.array([np.cos(angle), np.sin(angle), 0]),
        ]
        positions.append(np.array(molecule) @ rotation(rng).T + rng.uniform(-2, 2, 3))
    return _join("water", [np.array([O, H, H])] * n, positions, [0] * n)


def crystals(n: int = 4, seed: int = 0) -> Structures:
    """Return n strained, rattled rock-salt cells (8 atoms, periodic); a sodium absorbs."""
    rng = np.random.default_rng(seed)
    ideal = np.array(
        [[i, j, k] for i in (0, 0.5) for j in (0, 0.5) for k in (0, 0.5)], dtype=np.float64
    )
    z = np.where((2 * ideal.sum(axis=1)) % 2 == 0, NA, CL)
    cells = 5.64 * (np.eye(3) + rng.normal(0, 0.02, (n, 3, 3)))
    positions = [ideal @ cell + rng.normal(0, 0.08, (8, 3)) for cell in cells]
    sites = rng.choice(np.flatnonzero(z == NA), n).tolist()
    return _join("crystal", [z] * n, positions, sites, cells)


def parameters(n: int = 8, seed: int = 0) -> Parameters:
    """Return n rows of crystal-field-like parameters."""
    rng = np.random.default_rng(seed)
    values = rng.uniform([0.5, -0.3, 0.6], [2.5, 0.3, 1.0], (n, 3))
    return Parameters(
        [f"row-{i}" for i in range(n)], values, ("10Dq", "Ds", "S1"), ("eV", "eV", "")
    )


def within(known: Mapping[str, Parameter], n: int = 2, seed: int = 0) -> Parameters:
    """Return n rows of parameters, each inside of its bounds; where there is none, within 1."""
    rng = np.random.default_rng(seed)
    low = np.array([one.low for one in known.values()])
    high = np.array([one.high for one in known.values()])
    low, high = (
        np.where(np.isfinite(low), low, np.where(np.isfinite(high), high - 1, -1)),
        np.where(np.isfinite(high), high, np.where(np.isfinite(low), low + 1, 1)),
    )
    values = low + rng.uniform(0.2, 0.8, (n, len(known))) * (high - low)
    units = tuple(one.unit for one in known.values())
    return Parameters([f"row-{i}" for i in range(n)], values, tuple(known), units)


def rotation(rng: np.random.Generator) -> Array:
    """Return a random proper rotation, (3, 3)."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return np.asarray(q if np.linalg.det(q) > 0 else -q)


@dataclass
class Lazy:
    """An array that must be read: it has a shape and gives NumPy blocks, as a Zarr array does."""

    block: NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.block.shape

    def __getitem__(self, key: Any) -> NDArray[Any]:
        return np.array(self.block[key])


def replaced(samples: Structures, **arrays: Any) -> Structures:
    """Return the samples with some arrays replaced."""
    old = {
        key: getattr(samples, key)
        for key in ("ids", "numbers", "positions", "offsets", "absorber", "cell", "pbc")
    }
    return Structures(**{**old, **arrays}).with_labels(samples.labels)


def moved(
    samples: Structures,
    turns: list[Array] | None = None,
    shifts: Array | None = None,
    orders: list[NDArray[np.intp]] | None = None,
) -> Structures:
    """Return the samples turned, shifted or with their atoms in another order."""
    numbers, positions, absorber, cell = [], [], [], []
    for i, structure in enumerate(samples):
        order = np.arange(len(structure.numbers)) if orders is None else orders[i]
        turn = np.eye(3) if turns is None else turns[i]
        shift = np.zeros(3) if shifts is None else shifts[i]
        numbers.append(structure.numbers[order])
        positions.append((structure.positions @ turn.T + shift)[order])
        absorber.append(int(np.flatnonzero(order == structure.absorber)[0]))
        cell.append(structure.cell @ turn.T)
    return replaced(
        samples,
        numbers=np.concatenate(numbers),
        positions=np.concatenate(positions),
        absorber=absorber,
        cell=np.array(cell),
    )


def _join(
    name: str,
    numbers: list[NDArray[Any]],
    positions: list[Array],
    absorber: list[int],
    cell: Array | None = None,
) -> Structures:
    n = len(numbers)
    return Structures(
        ids=[f"{name}-{i}" for i in range(n)],
        numbers=np.concatenate(numbers).astype(np.int32),
        positions=np.concatenate(positions),
        offsets=np.concatenate([[0], np.cumsum([len(z) for z in numbers])]),
        absorber=absorber,
        cell=cell,
        pbc=None if cell is None else np.ones((n, 3), dtype=bool),
    )
