"""Message passing on the atoms about a site, as an emulator of spectra."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import chain
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xreg.core.arrays import Array
from xreg.core.data.samples import Samples, Structures
from xreg.core.emulators.registration import aligned, register
from xreg.core.emulators.surroundings import Surroundings, describe, unusable
from xreg.core.errors import ConfigError, SampleError
from xreg.core.interfaces import Emulator, State
from xreg.core.model.calibration import spread_factor
from xreg.core.model.scaling import Scaler
from xreg.core.nn import training
from xreg.core.nn.devices import training_device
from xreg.core.nn.starting import begin_with
from xreg.core.nn.weights import stored, taken
from xreg.plugins.graph.network import SiteNetwork, Sites
from xreg.plugins.graph.plugin import GraphConfig

__all__ = ["Graph"]

PREDICTION_SITES = 512
SCALERS = ("atoms_", "context_")


class Graph(Emulator[GraphConfig]):
    """Predicts the spectrum of a site from the structure itself.

    Attributes
    ----------
    networks_
        The trained modules, in evaluation mode.
    species_
        Atomic numbers that occurred in training, ascending.
    atoms_, context_
        How inputs are standardised.
    scale_
        Standard deviation of the targets, about the mean of each channel.
    best_epoch_
        (M,) epoch whose weights each network keeps.
    spread_factor_
        By what the standard deviation of the networks is scaled to be the spread.
    """

    name: ClassVar[str] = "graph"
    takes: ClassVar[Literal["features", "samples"]] = "samples"
    accepts: ClassVar[type] = Structures
    Config = GraphConfig
    architecture: ClassVar[frozenset[str]] = frozenset(
        {"cutoff", "radial", "l_max", "messages", "depth", "width", "registration", "ensemble"}
    )

    networks_: list[SiteNetwork]
    species_: NDArray[np.int64]
    atoms_: Scaler
    context_: Scaler
    scale_: float
    best_epoch_: NDArray[np.int64]
    spread_factor_: float

    def _fit(self, X: Structures, Y: Array, validation: tuple[Structures, Array] | None) -> None:
        known_y = Y
        held = X[:0] if validation is None else validation[0]
        if validation is not None:
            Y = np.concatenate([Y, validation[1]])
        rows, aside = torch.arange(len(X)), torch.arange(len(X), len(Y))
        if validation is None and self.config.early_stopping:
            rows, aside = training.hold_out(len(X), self.config.validation_share, self.config.seed)
        start = self.start
        if start is None:
            self.species_ = np.array(sorted({*X.species(), *held.species()}), dtype=np.int64)
        else:
            self.species_ = start.species_
        found = describe(chain(X, held), self.species_, self.config.cutoff)
        if start is None:
            self.atoms_ = Scaler.fit(found.atoms, "standard")
            self.context_ = Scaler.fit(found.context[: len(X)], "standard")
            self.scale_ = float(Scaler.fit(known_y, "global").scale[0])
        else:
            self.atoms_, self.context_, self.scale_ = start.atoms_, start.context_, start.scale_
        sites, targets = self._sites(found), self._targets(Y)
        self.networks_, best, self.spread_factor_ = [], [], 1.0
        for i in range(self.config.ensemble):
            draws = training.generators(self.config.seed + i, 1)
            network = self._build(found.atoms.shape[1], found.context.shape[1], Y.shape[1])
            if start is None:
                network.reset(draws, targets[rows].mean(0))
            else:
                begin_with(network, start.networks_[i], self.name)
            there = sites.to(training_device(self.config, network, len(rows)))
            history = training.train(
                network,
                partial(_loss, there),
                [rows, targets[rows]],
                self.config,
                draws=draws,
                validation=[aside, targets[aside]] if len(aside) else None,
                task="training" if self.config.ensemble == 1 else f"training network {i + 1}",
            )
            self.networks_.append(network)
            best.append(int(history.best_epoch[0]))
        self.best_epoch_ = np.array(best)
        if len(aside) and self.config.ensemble > 1 and self.config.calibrate:
            mean, std = self._spectra(sites, aside)
            self.spread_factor_ = spread_factor(Y[aside.numpy()] - mean, std)

    def unusable(self, samples: Samples) -> dict[int, SampleError]:
        """Return why sites cannot be described: alone, or with atoms too close to each other."""
        return unusable(samples, self.config.cutoff) if isinstance(samples, Structures) else {}

    def _predict(self, X: Structures) -> tuple[Array, Array | None]:
        nothing = np.empty((0, self.networks_[0].channels))
        means, spreads = [nothing], [nothing]
        with training.threads(self.config.threads):
            for part in X.batches(PREDICTION_SITES):
                sites = self._sites(describe(part, self.species_, self.config.cutoff))
                mean, std = self._spectra(sites, torch.arange(len(part)))
                means.append(mean)
                spreads.append(std)
        many = len(self.networks_) > 1
        return np.concatenate(means), np.concatenate(spreads) if many else None

    @torch.no_grad()
    def _spectra(self, sites: Sites, rows: Tensor) -> tuple[Array, Array]:
        """Return mean and scaled standard deviation of the networks; zero for one network."""
        every = torch.stack([network(sites, rows)[0].double() for network in self.networks_])
        std = every.std(0, correction=min(1, len(every) - 1)) * self.spread_factor_
        return every.mean(0).numpy() * self.scale_, std.numpy() * self.scale_

    def _sites(self, found: Surroundings) -> Sites:
        return Sites(found, self.atoms_, self.context_, self.config.l_max)

    def _targets(self, Y: Array) -> Tensor:
        """Return what each head of the network is to predict, in columns."""
        values, reach = Y / self.scale_, self.config.registration
        if reach:
            if np.abs(values.mean(axis=0)).max() < 1e-3:
                raise ConfigError(
                    "emulator graph: registration needs spectra as they are, but these have lost "
                    "their mean; ask for 'scaling: none' of the recipe's targets."
                )
            shifts = register(values, reach)
            step = SiteNetwork.shift_unit(reach)
            values = np.hstack([values, aligned(values, shifts, reach), shifts[:, None] / step])
        return torch.tensor(values, dtype=torch.float32)

    def _build(self, atom_width: int, context_width: int, channels: int) -> SiteNetwork:
        return SiteNetwork(atom_width, context_width, channels, self.config).eval()

    def state(self) -> State:
        """Return scalings and weights."""
        self.require_fitted()
        values = {"target_ndim_": self.target_ndim_, "scale_": self.scale_}
        values |= {"channels": self.networks_[0].channels, "spread_factor_": self.spread_factor_}
        arrays: dict[str, NDArray[Any]] = {
            "species_": self.species_,
            "best_epoch_": self.best_epoch_,
        }
        for name in SCALERS:
            scaler: Scaler = getattr(self, name)
            arrays |= scaler.arrays(name)
        for i, network in enumerate(self.networks_):
            arrays |= stored(network, str(i))
        return values, arrays

    def restore(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what :meth:`state` returned."""
        self.target_ndim_, self.scale_ = values["target_ndim_"], values["scale_"]
        self.spread_factor_ = values["spread_factor_"]
        self.species_, self.best_epoch_ = arrays["species_"], arrays["best_epoch_"]
        for name in SCALERS:
            setattr(self, name, Scaler.of(arrays, name))
        widths = len(self.atoms_.mean), len(self.context_.mean)
        self.networks_ = []
        for i in range(len(self.best_epoch_)):
            network = self._build(*widths, values["channels"])
            network.load_state_dict(taken(arrays, str(i))[0])
            self.networks_.append(network)


def _loss(sites: Sites, network: SiteNetwork, rows: Tensor, wanted: Tensor) -> Tensor:
    return network.loss(sites, rows, wanted)
