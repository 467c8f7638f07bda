"""Numerical integration that remembers the basis functions on the grid, and where they are zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyscf.dft.numint import NumInt

from xreg.core.arrays import Array

# Values, and gradients for a GGA: components of the basis functions, and of the density.
_COMPONENTS = {"LDA": 1, "GGA": 4}
# Points whose functions are kept together: fewer see fewer functions, more make better products.
_POINTS = 512
# A function counts at some points if a component of it reaches this, times the root of the weight.
_NEGLIGIBLE = 1e-9
# Beyond this many bytes the values are computed again in each cycle, as PySCF does.
_MAX_BYTES = 2 << 30


@dataclass(frozen=True, eq=False)
class _Block:
    """Some points: which (f,) functions are not zero there, and their (c, f, g) values."""

    points: slice
    functions: NDArray[np.intp]
    values: Array


class CachedNumInt(NumInt):
    """PySCF's ``NumInt`` for one molecule whose grid fits into memory.

    Stock ``NumInt`` evaluates every basis function on every grid point again in each SCF cycle, a
    third of the time of a small molecule, and multiplies them all. Here values and gradients are
    computed once for a grid and kept, block by block, for the functions that reach the block: half
    of them in a cluster of 40 atoms, so that densities and potentials cost a third. Grids beyond
    2 GiB and functionals of the kinetic energy density go to PySCF.
    """

    def __init__(self) -> None:
        super().__init__()
        self._coords: Any = None
        self._known: dict[int, list[_Block]] = {}

    def nr_rks(
        self, mol: Any, grids: Any, xc_code: str, dms: Any, *args: Any, **kwargs: Any
    ) -> tuple[Any, Any, Any]:
        """Return electrons, energy and (m, m) potential of a closed shell's density."""
        if self._fits(mol, grids, xc_code, np.ndim(dms) == 2):
            electrons, energy, potential = self._integrate(mol, grids, xc_code, np.array([dms]))
            return electrons[0], energy, potential[0]
        return super().nr_rks(mol, grids, xc_code, dms, *args, **kwargs)

    def nr_uks(
        self, mol: Any, grids: Any, xc_code: str, dms: Any, *args: Any, **kwargs: Any
    ) -> tuple[Any, Any, Any]:
        """Return electrons (2,), energy and (2, m, m) potentials of the densities of both spins."""
        if self._fits(mol, grids, xc_code, np.ndim(dms) == 3 and len(dms) == 2):
            return self._integrate(mol, grids, xc_code, np.asarray(dms))
        return super().nr_uks(mol, grids, xc_code, dms, *args, **kwargs)

    def _fits(self, mol: Any, grids: Any, xc_code: str, one: bool) -> bool:
        if grids.coords is None:
            grids.build(with_non0tab=True)
        components = _COMPONENTS.get(self._xc_type(xc_code))
        size = 8 * (components or 0) * len(grids.coords) * mol.nao
        return one and components is not None and size <= _MAX_BYTES

    def _integrate(
        self, mol: Any, grids: Any, xc_code: str, densities: Array
    ) -> tuple[Array, float, Array]:
        """Integrate (s, m, m) symmetric densities of one spin-free or two spin channels."""
        kind = self._xc_type(xc_code)
        components, spins = _COMPONENTS[kind], len(densities)
        blocks = self._blocks(mol, grids, components)
        weights = grids.weights
        rho = np.empty((spins, components, len(weights)))
        for block in blocks:
            functions = np.ix_(block.functions, block.functions)
            for found, density in zip(rho[:, :, block.points], densities, strict=True):
                half = density[functions] @ block.values[0]
                found[0] = np.einsum("fg,fg->g", half, block.values[0])
                if components > 1:
                    found[1:] = 2 * np.einsum("fg,cfg->cg", half, block.values[1:])
        asked = rho[:, 0] if kind == "LDA" else rho
        energy, potential = self.eval_xc_eff(
            xc_code, asked if spins == 2 else asked[0], deriv=1, xctype=kind, spin=spins - 1
        )[:2]
        shares = weights * np.reshape(potential, rho.shape)
        shares[:, 0] *= 0.5  # the other half comes with the transposed matrix
        matrix = np.zeros_like(densities)
        for block in blocks:
            functions = np.ix_(block.functions, block.functions)
            for found, share in zip(matrix, shares[:, :, block.points], strict=True):
                scaled = np.einsum("cfg,cg->fg", block.values, share)
                found[functions] += block.values[0] @ scaled.T
        electrons = rho[:, 0] @ weights
        return (
            electrons,
            float(rho[:, 0].sum(axis=0) * weights @ energy),
            (matrix + matrix.transpose(0, 2, 1)),
        )

    def _blocks(self, mol: Any, grids: Any, components: int) -> list[_Block]:
        """Return the blocks of a grid, from memory after the first time."""
        # A rebuilt grid is a new array; holding the old one keeps its identity from being
        # given to another.
        if self._coords is not grids.coords:
            self._coords, self._known = grids.coords, {}
        if components not in self._known:
            blocks, start = [], 0
            derivatives = int(components > 1)
            for ao, _, weights, _ in self.block_loop(mol, grids, mol.nao, derivatives):
                values = np.reshape(ao, (components, *ao.shape[-2:])).transpose(0, 2, 1)
                size = np.abs(values).max(axis=0) * np.sqrt(np.abs(weights))
                for first in range(0, len(weights), _POINTS):
                    points = slice(first, min(first + _POINTS, len(weights)))
                    functions = np.flatnonzero(size[:, points].max(axis=1) > _NEGLIGIBLE)
                    place = slice(start + points.start, start + points.stop)
                    kept = np.ascontiguousarray(values[:, functions, points])
                    blocks.append(_Block(place, functions, kept))
                start += len(weights)
            self._known[components] = blocks
        return self._known[components]
