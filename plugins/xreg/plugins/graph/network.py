"""The network of ``graph``: messages from the neighbours, products of them, a readout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xreg.core.model.scaling import Scaler
from xreg.core.nn.layers import MLP, BatchNorm, Linear

if TYPE_CHECKING:
    from xreg.core.emulators.surroundings import Surroundings
    from xreg.plugins.graph.plugin import GraphConfig

__all__ = ["SiteNetwork", "Sites", "harmonics"]

NEAREST, RELATIVE_WIDTH = 1.6, 0.13  # first radial function (Å), widths relative to the radius
ATOM_WIDTH = 64
CLIP = 5.0
"""Standardised inputs end here: what one sample in a thousand has is no signal of 30 σ."""

HEAD_WEIGHT, SHIFT_WEIGHT = 0.5, 0.3
"""What the heads of a network with registration count in its loss, beside the spectrum."""


class Sites:
    """Surroundings as tensors, standardised, of which a batch takes rows."""

    def __init__(self, found: Surroundings, atoms: Scaler, context: Scaler, l_max: int) -> None:
        def standard(scaler: Scaler, values: NDArray[np.float32]) -> Tensor:
            scaled = np.clip(scaler.transform(values), -CLIP, CLIP)
            return torch.tensor(scaled, dtype=torch.float32)

        self.atoms = standard(atoms, found.atoms)
        self.context = standard(context, found.context)
        self.absorber = torch.from_numpy(found.absorber)
        self.neighbours = torch.from_numpy(found.neighbours)
        self.distances = torch.from_numpy(found.distances)
        self.harmonics = torch.from_numpy(harmonics(found.directions, l_max))
        self.counts = torch.isfinite(self.distances).sum(1)

    def to(self, device: torch.device) -> Sites:
        """Return the same on a device."""
        there = copy(self)
        vars(there).update({name: tensor.to(device) for name, tensor in vars(self).items()})
        return there


class SiteNetwork(nn.Module):
    r"""One equivariant interaction about the absorber.

    Every neighbour j sends numbers :math:`h_{jc}`, learned from what it is and what stands around
    it. The absorber collects :math:`A_{cnlm} = \sum_j h_{jc} R_n(r_j) Y_{lm}(\hat r_j)` (Drautz,
    Phys. Rev. B 99, 014104 (2019)) and forms the invariants :math:`\sum_m A_{cnlm} A_{cn'lm}`: the
    power spectrum of SOAP with learned species (Willatt, Musil & Ceriotti, Phys. Chem. Chem. Phys.
    20, 29661 (2018)). A perceptron reads them, what stands around the absorber, and what the
    sample is made of.
    """

    centres: Tensor
    pairs: Tensor

    def __init__(
        self, atom_width: int, context_width: int, channels: int, config: GraphConfig
    ) -> None:
        super().__init__()
        self.channels, self.reach = channels, config.registration
        self.l_max, self.cutoff = config.l_max, config.cutoff
        farthest = config.cutoff / (1 + 2 * RELATIVE_WIDTH)
        nearest = min(NEAREST, farthest / 2)
        centres = torch.logspace(math.log10(nearest), math.log10(farthest), config.radial)
        self.register_buffer("centres", centres)
        pairs = torch.triu_indices(config.radial, config.radial)
        self.register_buffer("pairs", pairs[0] * config.radial + pairs[1])
        self.atom = MLP(atom_width, (ATOM_WIDTH,), config.messages, activation="silu")
        sums = config.messages * (config.radial + (config.l_max + 1) * pairs.shape[1])
        chemistry = atom_width + context_width
        self.norm = BatchNorm(1, sums + chemistry)
        # Geometry and chemistry speak equally loud at first, however many columns each has.
        self.loudness = torch.ones(sums + chemistry)
        self.loudness[sums:] = math.sqrt(sums / chemistry)
        heads = channels + (channels + 2 * self.reach + 1 if self.reach else 0)
        self.readout = MLP(
            sums + chemistry,
            (config.width,) * config.depth,
            heads,
            activation="silu",
            batch_norm=True,
            dropout=config.dropout,
        )

    @staticmethod
    def shift_unit(reach: int) -> float:
        """Return the unit of the predicted shift in channels, so that usual shifts are about 1."""
        return reach / 3

    @torch.no_grad()
    def reset(self, draws: Sequence[torch.Generator], means: Tensor) -> None:
        """Draw all weights from the one generator; the heads begin at the means of the targets."""
        for part in (self.atom, self.readout):
            part.reset("he-uniform", draws)
        self.norm.gain.copy_(self.loudness)
        last = self.readout.rest[-1] if len(self.readout.rest) else self.readout.first
        assert isinstance(last, Linear)
        last.bias.copy_(means.view_as(last.bias))

    def forward(self, sites: Sites, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return (b, m) spectra, and all heads in columns.

        The heads are the spectrum; with registration also the (b, m + 2 reach) spectrum freed of
        its shift, and the shift. The spectrum is then the mean of both ways to it.
        """
        heads = self.readout(self.norm(self._collect(sites, rows)[None]))[0]
        if not self.reach:
            return heads, heads
        wide = heads[:, self.channels : -1]
        shifts = heads[:, -1:] * self.shift_unit(self.reach)
        return (heads[:, : self.channels] + _moved(wide, shifts, self.reach)) / 2, heads

    def loss(self, sites: Sites, rows: Tensor, wanted: Tensor) -> Tensor:
        """Return the mean squared error of the spectra, and a share of that of each head."""
        spectra, heads = self(sites, rows)
        total: Tensor = (spectra - wanted[:, : self.channels]).square().mean()
        if self.reach:
            error = (heads - wanted).square()
            total = total + HEAD_WEIGHT * error[:, :-1].mean() + SHIFT_WEIGHT * error[:, -1].mean()
        return total

    def _collect(self, sites: Sites, rows: Tensor) -> Tensor:
        most = int(sites.counts[rows].max())
        r = sites.distances[rows, :most]
        place = sites.neighbours[rows, :most]
        sent = self.atom(sites.atoms[place].flatten(0, 1))[0].view(*place.shape, -1)
        weights = sent[..., None] * self._radial(r)[..., None, :]
        sums = weights.flatten(2).mT @ sites.harmonics[rows, :most]
        sums = sums.unflatten(1, weights.shape[2:])  # (b, c, n, lm)
        read = [sums[..., 0].flatten(1)]
        for degree in range(self.l_max + 1):
            part = sums[..., degree**2 : (degree + 1) ** 2]
            power = (part @ part.mT).flatten(2)[..., self.pairs].flatten(1)
            # The square root, with its sign, tames the large values of near neighbours.
            read.append(power / (power.square() + 1e-4).pow(0.25))
        read += [sites.atoms[sites.absorber[rows]], sites.context[rows]]
        return torch.cat(read, dim=1)

    def _radial(self, r: Tensor) -> Tensor:
        inside = r.clamp_max(self.cutoff)
        smooth = 0.5 * (torch.cos(torch.pi * inside / self.cutoff) + 1)
        waves = torch.exp(
            -0.5 * ((inside[..., None] - self.centres) / (RELATIVE_WIDTH * self.centres)) ** 2
        )
        # Far shells hold more atoms: each counts less.
        return waves * smooth[..., None] * (NEAREST / self.centres)


def _moved(spectra: Tensor, shifts: Tensor, reach: int) -> Tensor:
    """Return (b, m) spectra put back by (b, 1) shifts, linearly between channels."""
    n = spectra.shape[1] - 2 * reach
    at = (torch.arange(n, device=shifts.device) + reach - shifts).clamp(0, spectra.shape[1] - 1.001)
    below = at.floor()
    share = at - below
    index = below.long()
    return spectra.gather(1, index) * (1 - share) + spectra.gather(1, index + 1) * share


def harmonics(directions: NDArray[np.float32], l_max: int) -> NDArray[np.float32]:
    """Return real spherical harmonics, (…, (l_max + 1)²) by l and m; zero without a direction."""
    from scipy.special import sph_harm_y

    x, y, z = np.moveaxis(directions.astype(np.float64), -1, 0)
    theta, phi = np.arctan2(np.hypot(x, y), z), np.arctan2(y, x)
    out = np.empty((*directions.shape[:-1], (l_max + 1) ** 2), dtype=np.float32)
    for degree in range(l_max + 1):
        for m in range(degree + 1):
            value = sph_harm_y(degree, m, theta, phi) * np.sqrt(4 * np.pi)
            middle = degree * degree + degree
            out[..., middle + m] = value.real * (np.sqrt(2) if m else 1)
            if m:
                out[..., middle - m] = value.imag * np.sqrt(2)
    out[~directions.any(axis=-1)] = 0
    return out
