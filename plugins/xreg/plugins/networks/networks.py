"""Networks for 2p absorption spectra of 3d ions, after Lüder (2021)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xreg.core.arrays import Array
from xreg.core.errors import ConfigError, DataError
from xreg.core.interfaces import Emulator, State, TorchView
from xreg.core.nn import training
from xreg.core.nn.layers import Linear
from xreg.core.nn.losses import regression_loss
from xreg.core.nn.sequences import Convolution, LocallyConnected, TransposedConvolution
from xreg.core.nn.starting import begin_with
from xreg.core.nn.training_data import single, with_validation
from xreg.core.nn.view import Copies
from xreg.core.nn.weights import stored, taken
from xreg.plugins.networks.architecture import Network, Row, dense_row, sequence_row
from xreg.plugins.networks.plugin import (
    DenseConfig,
    SequenceConfig,
    SplitDenseConfig,
    SplitSequenceConfig,
)

__all__ = ["CNN", "DNN", "LCNN", "SCNN", "SDNN", "SLCNN", "STCNN", "TCNN", "NetworkEmulator"]

PREDICTION_ROWS = 2048


class NetworkEmulator(Emulator):
    """What the eight networks share.

    The networks of J. Lüder, arXiv:2107.13149 (2021): dense layers of 260 and 160 neurons
    on polynomial features, then up to seven *characteristic* layers (dense, convolutional,
    transposed convolutional or locally connected), ReLU, linear output, RMSprop; in the split forms
    each of the L3 and L2 parts has characteristic layers of its own. From the text at hand three
    things are inferred: that both subnetworks share the dense layers, that the neurons of the last
    dense layer are the sequence along which the others work, and that a dense linear map leads from
    the last layer to the channels. The README says which defaults are ours, and why.

    An ensemble is trained as one batch; network i is the one that seed + i trains alone.

    Attributes
    ----------
    network_
        The trained module, in evaluation mode.
    parts_
        Channels of each part of the spectrum: one number, or those of L3 and of L2.
    history_
        (c, 1 + 2M) record of training: epoch, training loss of each network, validation losses.
    best_epoch_
        (M,) epoch whose weights each network keeps.
    """

    network_: Network
    parts_: list[int]
    architecture: ClassVar[frozenset[str]] = frozenset(
        {"dense", "layers", "activation", "residual", "non_negative", "ensemble", "neurons",
         "positions", "filters", "kernel", "border"}
    )  # fmt: skip

    def _fit(self, X: Array, Y: Array, validation: tuple[Array, Array] | None) -> None:
        data = single(X, Y)
        held = None if validation is None else single(*validation)
        zero = self._zero(Y)
        parts = self._parts(Y) if self.start is None else self.start.parts_
        if sum(parts) != Y.shape[1]:
            raise DataError(
                f"emulator '{self.name}' is to start from one of {sum(parts)} channels and got "
                f"{Y.shape[1]}."
            )
        data, held = with_validation(data, held, self.config)
        draws = training.generators(self.config.seed, self.config.ensemble)
        network = self._build(X.shape[1], parts)
        if self.start is None:
            network.reset(self.config.init, draws, data[1], zero)
        else:
            begin_with(network, self.start.network_, self.name)
        history = training.train(
            network,
            regression_loss(self.config.loss, data[1]),
            data,
            self.config,
            models=self.config.ensemble,
            draws=draws,
            validation=held,
        )
        self.network_, self.parts_ = network, parts
        self.history_ = history.table()
        self.best_epoch_ = history.best_epoch.numpy()

    def size(self, features: int, targets: int) -> tuple[int, int]:
        """Return the number of weights of all networks, and of products for a sample."""
        border = getattr(self.config, "border", None) or targets // 2
        halves = [border, targets - border] if hasattr(self.config, "border") else [targets]
        with torch.device("meta"):  # which takes no memory
            network = self._build(features, halves)
        products = 0
        for module in network.modules():
            if isinstance(module, Linear | LocallyConnected):
                products += module.get_parameter("weight").numel()
            elif isinstance(module, Convolution | TransposedConvolution):
                # They take their weights to every position; those of the second lengthen.
                products += module.get_parameter("weight").numel() * self.config.positions
        return sum(p.numel() for p in network.parameters()), products

    def _row(self) -> Row:
        """Return the maker of characteristic layers."""
        raise NotImplementedError

    def _parts(self, Y: Array) -> list[int]:
        """Return the channels of each part of the spectrum."""
        return [Y.shape[1]]

    def _zero(self, Y: Array) -> Tensor:
        """Return the (m,) targets that stand for zero intensity."""
        zero = np.zeros(Y.shape[1]) if self.zero_intensity is None else self.zero_intensity
        if self.config.non_negative:
            below = np.argwhere(Y - zero < -1e-6 * np.abs(Y).max())
            if below.size:
                i, j = below[0]
                raise DataError(
                    f"emulator '{self.name}' is to be non-negative, but target {i} is below zero "
                    f"intensity in channel {j}; set non_negative to false."
                )
        (tensor,) = single(np.asarray(zero, dtype=np.float64))
        return tensor

    def _build(self, n_in: int, parts: list[int]) -> Network:
        return Network(
            n_in,
            parts,
            self.config.dense,
            self._row(),
            models=self.config.ensemble,
            activation=self.config.activation,
            non_negative=self.config.non_negative,
            bfloat16=self.config.precision == "bfloat16",
        ).eval()

    @torch.no_grad()
    def _predict(self, X: Array) -> tuple[Array, Array | None]:
        count = self.config.ensemble
        means = np.empty((len(X), sum(self.parts_)))
        spreads = np.empty_like(means) if count > 1 else None
        with training.threads(self.config.threads), training.quick_products():
            for start in range(0, len(X), PREDICTION_ROWS):
                part = slice(start, start + PREDICTION_ROWS)
                every = self.network_(single(X[part])[0])
                mean = every.mean(0)
                means[part] = mean
                if spreads is not None:  # torch's own std takes longer than the network
                    spreads[part] = (every - mean).square().sum(0).div(count - 1).sqrt()
        return means, spreads

    def torch_view(self) -> TorchView:
        """Return the mean of the networks as a differentiable function, in the precision of x."""
        self.require_fitted()
        return self._view

    @cached_property
    def _view(self) -> TorchView:
        return _Mean(self.network_)

    def state(self) -> State:
        """Return widths and weights."""
        self.require_fitted()
        values, arrays = super().state()
        return values, arrays | stored(values.pop("network_"), "network")

    def restore(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what :meth:`state` returned."""
        weights, others = taken(arrays, "network")
        super().restore(values, others)
        self.network_ = self._build(self.n_features_in_, self.parts_)
        self.network_.load_state_dict(weights)


class Split(NetworkEmulator):
    """Divides the spectrum at the border between L3 and L2; fewer than four channels stay whole."""

    def _parts(self, Y: Array) -> list[int]:
        m, border = Y.shape[1], self.config.border
        if border is None:
            if m < 4:
                return [m]
            spread = Y.std(axis=0)[m // 4 : m - m // 4]
            border = m // 4 + int(spread.argmin())
        if border >= m:
            raise ConfigError(
                f"emulator '{self.name}': border {border} leaves no channel of {m} to L2; lower it."
            )
        return [border, m - border]


class DNN(NetworkEmulator):
    """Dense characteristic layers."""

    name: ClassVar[str] = "dnn"
    Config = DenseConfig

    def _row(self) -> Row:
        return dense_row(
            self.config.layers, self.config.neurons, self.config.activation, self.config.residual
        )


class _OnSequences(NetworkEmulator):
    layer: ClassVar[str]

    def _row(self) -> Row:
        if self.config.dense[-1] % self.config.positions:
            raise ConfigError(
                f"emulator '{self.name}': {self.config.positions} positions do not divide the "
                f"{self.config.dense[-1]} neurons of the last dense layer evenly."
            )
        return sequence_row(
            self.layer,
            self.config.layers,
            self.config.positions,
            self.config.filters,
            self.config.kernel,
            self.config.activation,
            self.config.residual,
        )


class CNN(_OnSequences):
    """Convolutional characteristic layers, which keep the length of the sequence."""

    name: ClassVar[str] = "cnn"
    Config = SequenceConfig
    layer = "cnn"


class TCNN(_OnSequences):
    """Transposed convolutional characteristic layers; each adds ``kernel`` - 1 positions."""

    name: ClassVar[str] = "tcnn"
    Config = SequenceConfig
    layer = "tcnn"

    def _row(self) -> Row:
        if self.config.residual:
            raise ConfigError(
                f"emulator '{self.name}': layers that lengthen the sequence cannot add to their "
                "input; set residual to false."
            )
        return super()._row()


class LCNN(_OnSequences):
    """Locally connected characteristic layers, which keep the length of the sequence."""

    name: ClassVar[str] = "lcnn"
    Config = SequenceConfig
    layer = "lcnn"


class SDNN(Split, DNN):
    """Dense characteristic layers, one row of them for L3 and one for L2."""

    name: ClassVar[str] = "sdnn"
    Config = SplitDenseConfig


class SCNN(Split, CNN):
    """Convolutional characteristic layers, one row of them for L3 and one for L2."""

    name: ClassVar[str] = "scnn"
    Config = SplitSequenceConfig


class STCNN(Split, TCNN):
    """Transposed convolutional characteristic layers, one row of them for L3 and one for L2."""

    name: ClassVar[str] = "stcnn"
    Config = SplitSequenceConfig


class SLCNN(Split, LCNN):
    """Locally connected characteristic layers, one row of them for L3 and one for L2."""

    name: ClassVar[str] = "slcnn"
    Config = SplitSequenceConfig


class _Mean(Copies):
    """The mean of the networks."""

    def __call__(self, x: Tensor) -> Tensor:
        mean: Tensor = self.like(x)(x).mean(0)
        return mean
