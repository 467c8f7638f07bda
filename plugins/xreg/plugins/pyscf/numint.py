"""Numerical integration that remembers the basis functions on the grid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from pyscf.dft.numint import NumInt

# Values and first derivatives: what the energy and potential of a GGA need.
_DERIV = 1
_COMPONENTS = 4
# Beyond this many bytes the values are computed again in each cycle, as PySCF does.
_MAX_BYTES = 2 << 30


class CachedNumInt(NumInt):  # type: ignore[misc]
    """PySCF's ``NumInt`` for one molecule whose grid fits into memory.

    Stock ``NumInt`` evaluates every basis function on every grid point again in each SCF
    cycle: a third of the time of a small molecule. Here values and gradients are computed
    once for a grid and kept: 32 bytes × points × basis functions, up to 2 GiB.
    """

    def __init__(self) -> None:
        super().__init__()
        self._coords: Any = None
        self._blocks: list[tuple[Any, ...]] = []

    def block_loop(
        self,
        mol: Any,
        grids: Any,
        nao: int | None = None,
        deriv: int = 0,
        *args: Any,
        **kwargs: Any,
    ) -> Iterator[tuple[Any, ...]]:
        """Blocks ``(ao, mask, weight, coords)`` as in PySCF, from memory after the first time."""
        if grids.coords is None:
            grids.build(with_non0tab=True)
        size = 8 * _COMPONENTS * len(grids.coords) * mol.nao
        if deriv > _DERIV or size > _MAX_BYTES:
            yield from super().block_loop(mol, grids, nao, deriv, *args, **kwargs)
            return
        # A rebuilt grid is a new array; holding the old one keeps its identity from being
        # given to another.
        if self._coords is not grids.coords:
            self._blocks = [
                (np.array(ao, order="K"), mask, weight, coords)
                for ao, mask, weight, coords in super().block_loop(mol, grids, nao, _DERIV)
            ]
            self._coords = grids.coords
        for ao, mask, weight, coords in self._blocks:
            yield (ao[0] if deriv == 0 else ao), mask, weight, coords
