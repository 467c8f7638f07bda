"""Features of sites by a graph network that was trained on energies, forces and magnetic moments.

CHGNet 0.3.0 (Deng et al., Nat. Mach. Intell. 5, 1031 (2023)); its weights are part of chgnet's
wheel, so that nothing is fetched.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.elements import SYMBOLS
from xreg.core.data.samples import Samples, Structure, Structures
from xreg.core.errors import SampleError
from xreg.core.interfaces import Descriptor, FeatureLabel
from xreg_chgnet import CHGNetConfig

__all__ = ["CHGNetDescriptor"]

WIDTH = 64
"""Features of an atom in each layer."""
HEAVIEST = 94
REACH = 6.0
"""Å: how far a convolution looks."""
VACUUM = 2 * REACH + 1.0
"""Å between a molecule and its images, which no two steps of convolution bridge."""
LEAST_DISTANCE = 0.4
VERSION = "0.3.0"


class CHGNetDescriptor(Descriptor[CHGNetConfig]):
    """What CHGNet makes of the absorber, layer by layer, and of its crystal in the mean.

    A molecule, or what is periodic in some directions only, is put into a box of vacuum. Crystals
    are described one at a time, since batches are no faster on a processor; sites of one crystal
    share it. Features are of single precision.
    """

    name: ClassVar[str] = "chgnet"
    Config = CHGNetConfig

    def transform(self, samples: Samples) -> NDArray[np.float64]:
        """Return the (n, 64 l) or (n, 128 l) features of n samples by l layers.

        Raises
        ------
        SampleError
            For an element beyond plutonium, an absorber without neighbours within 6 Å, and atoms
            too close to each other; it names the sample.
        """
        self.require_fitted()
        assert isinstance(samples, Structures)
        width = len(self.feature_labels)
        rows = np.empty((len(samples), width))
        last: tuple[bytes, NDArray[np.float64]] | None = None
        for row, structure in enumerate(samples):
            key = _key(structure)
            if last is None or last[0] != key:  # sites of one crystal stand together
                last = key, _atoms(structure)
            layers = last[1][[layer - 1 for layer in self.config.layers]]
            parts = [layers[:, structure.absorber]]
            parts += [layers.mean(axis=1)] if self.config.crystal else []
            rows[row] = np.concatenate(parts, axis=None)
            _require_neighbours(structure)
        return rows

    @property
    def feature_labels(self) -> Sequence[FeatureLabel]:
        """What each column means: which layer of whom. No feature has a meaning of its own."""
        who = ("absorber", *(["mean of all atoms"] if self.config.crystal else []))
        return [
            FeatureLabel(
                f"learned feature {i + 1} of layer {layer}, {one}", "", f"{one}, layer {layer}"
            )
            for one in who
            for layer in self.config.layers
            for i in range(WIDTH)
        ]


def _key(structure: Structure) -> bytes:
    parts = (structure.numbers, structure.positions, structure.cell, structure.pbc)
    return b"".join(part.tobytes() for part in parts)


@cache
def _network() -> Any:
    """Return CHGNet, without the steps that lead from features to an energy."""
    from chgnet.model import CHGNet

    with warnings.catch_warnings(), redirect_stdout(StringIO()):  # it greets
        warnings.simplefilter("ignore")
        network = CHGNet.load(model_name=VERSION, use_device="cpu", verbose=False)
    network.graph_converter.set_isolated_atom_response("ignore")
    return network.eval()


def _atoms(structure: Structure) -> NDArray[np.float64]:
    """Return the (4, a, 64) features of all atoms after each convolution."""
    import torch
    from chgnet.model.model import BatchedGraph

    if (heavy := structure.numbers.max()) > HEAVIEST:
        raise SampleError(
            f"sample '{structure.id}' contains {SYMBOLS[heavy]}, and CHGNet knows the elements up "
            f"to {SYMBOLS[HEAVIEST]}; set the sample aside."
        )
    network = _network()
    found: list[Any] = []
    hooks = [
        layer.register_forward_hook(lambda _, __, out: found.append(out))
        for layer in network.atom_conv_layers
    ]
    try:
        with torch.no_grad():
            graph = network.graph_converter(_crystal(structure))
            if not len(graph.atom_graph):
                raise SampleError(_alone(structure))
            batch = BatchedGraph.from_graphs(
                [graph],
                bond_basis_expansion=network.bond_basis_expansion,
                angle_basis_expansion=network.angle_basis_expansion,
            )
            network._compute(batch)  # the energy of a network's own composition is not asked for
    finally:
        for hook in hooks:
            hook.remove()
    return np.array([layer.numpy() for layer in found], dtype=np.float64)


def _crystal(structure: Structure) -> Any:
    """Return a structure for pymatgen, in a box of vacuum where it is not periodic."""
    from pymatgen.core import Structure as Crystal

    cell, places = np.array(structure.cell, np.float64), structure.positions
    if not np.isfinite(places).all():
        raise SampleError(f"sample '{structure.id}' has positions that are not finite.")
    open_axes = np.flatnonzero(~structure.pbc)
    if len(open_axes):
        # An orthonormal frame whose first vectors span the periodic directions.
        periodic = cell[structure.pbc]
        frame = np.linalg.svd(np.vstack([periodic, np.zeros((1, 3))]))[2]
        for axis, direction in zip(open_axes, frame[len(periodic) :], strict=True):
            cell[axis] = direction * (np.ptp(places @ direction) + VACUUM)
    return Crystal(cell, structure.numbers, places, coords_are_cartesian=True)


def _require_neighbours(structure: Structure) -> None:
    from xreg.core.atoms.neighbours import neighbours

    near = neighbours(structure, REACH)
    if not len(near.distances):
        raise SampleError(_alone(structure))
    if near.distances[0] < LEAST_DISTANCE:
        raise SampleError(
            f"sample '{structure.id}': an atom stands {near.distances[0]:.2f} Å from the absorber, "
            f"less than {LEAST_DISTANCE:g} Å; repair it or set it aside."
        )


def _alone(structure: Structure) -> str:
    return f"sample '{structure.id}' has no atom within {REACH:g} Å of its absorber; set it aside."
