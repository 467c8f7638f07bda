"""Multilayer perceptrons as emulators of spectra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xreg.core.arrays import Array
from xreg.core.interfaces import Emulator, State
from xreg.core.model.calibration import spread_factor
from xreg.core.nn import layers, training
from xreg.core.nn.losses import regression_loss
from xreg.core.nn.starting import begin_with
from xreg.core.nn.training_data import single, with_validation
from xreg.core.nn.view import AffineView, Copies
from xreg.core.nn.weights import stored, taken
from xreg.plugins.mlp.plugin import MLPConfig

__all__ = ["MLP"]

PREDICTION_ROWS = 4096


class MLP(Emulator[MLPConfig]):
    """One perceptron, or an ensemble of them trained together.

    The networks of the liquid studies (Niskanen et al., R. Soc. Open Sci. 9, 220093 (2022): ELU,
    Adam, loss 1 - R², early stopping, weight decay) and of XANESNET (Rankine & Penfold, J. Chem.
    Phys. 156, 164102 (2022): ReLU, batch normalisation, dropout, MSE) are both settings of it; its
    README gives them. Network i of an ensemble is the very network that seed + i trains alone.

    Attributes
    ----------
    network_
        The trained module, in evaluation mode.
    history_
        (c, 1 + 2M) record of training: epoch, training loss of each network, validation losses.
    best_epoch_
        (M,) epoch whose weights each network keeps.
    spread_factor_
        By what the standard deviation of the networks is scaled to be the spread.
    """

    network_: layers.MLP
    history_: NDArray[np.float32]
    best_epoch_: NDArray[np.int64]
    spread_factor_: float
    name: ClassVar[str] = "mlp"
    Config = MLPConfig
    fits_together: ClassVar[frozenset[str]] = frozenset({"learning_rate", "weight_decay", "seed"})
    architecture: ClassVar[frozenset[str]] = frozenset(
        {"depth", "width", "widths", "activation", "batch_norm", "ensemble"}
    )

    def _fit(self, X: Array, Y: Array, validation: tuple[Array, Array] | None) -> None:
        self._fit_many([self], X, Y, validation)

    @classmethod
    def _fit_many(
        cls, emulators: Sequence[MLP], X: Array, Y: Array, validation: tuple[Array, Array] | None
    ) -> None:
        """Train emulators that differ in learning rate, weight decay and seed alone as one."""
        alike: dict[tuple[str, int], list[MLP]] = {}
        for emulator in emulators:
            apart = set(cls.fits_together)
            if validation is None and emulator.config.early_stopping:
                apart.remove("seed")  # it divides the data
            settings = emulator.config.model_dump_json(exclude=apart)
            alike.setdefault((settings, id(emulator.start)), []).append(emulator)
        data = single(X, Y)
        held = None if validation is None else single(*validation)
        for group in alike.values():
            _train_together(group, data, held)

    def _build(self, n_in: int, n_out: int, models: int) -> layers.MLP:
        widths = (
            (self.config.width,) * self.config.depth
            if self.config.widths is None
            else self.config.widths
        )
        return layers.MLP(
            n_in,
            widths,
            n_out,
            models=models,
            activation=self.config.activation,
            batch_norm=self.config.batch_norm,
            dropout=self.config.dropout,
        ).eval()

    @torch.no_grad()
    def _predict(self, X: Array) -> tuple[Array, Array | None]:
        many = self.config.ensemble > 1
        means, spreads = [], []
        with training.threads(self.config.threads):
            for start in range(0, max(len(X), 1), PREDICTION_ROWS):
                (part,) = single(X[start : start + PREDICTION_ROWS])
                every = self.network_(part).double()
                means.append(every.mean(0))
                if many:
                    spreads.append(every.std(0) * self.spread_factor_)
        return torch.cat(means).numpy(), torch.cat(spreads).numpy() if many else None

    def torch_view(self) -> AffineView:
        """Return the mean of the networks as a differentiable function, in the precision of x."""
        self.require_fitted()
        return self._view

    @cached_property
    def _view(self) -> AffineView:
        first = self.network_.first
        weight, bias = layers.side_by_side(first.weight).detach(), first.bias.detach()
        return AffineView(weight, bias.flatten(), _LaterLayers(self.network_), any_device=True)

    def state(self) -> State:
        """Return widths and weights."""
        self.require_fitted()
        values, arrays = super().state()
        network = values.pop("network_")
        return values | {"n_targets": network.n_out}, arrays | stored(network, "network")

    def restore(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what :meth:`state` returned."""
        weights, others = taken(arrays, "network")
        learned = dict(values)
        learned.setdefault("spread_factor_", 1.0)  # earlier models have none
        n_out = learned.pop("n_targets")
        super().restore(learned, others)
        self.network_ = self._build(self.n_features_in_, n_out, self.config.ensemble)
        self.network_.load_state_dict(weights)


def _train_together(
    emulators: Sequence[MLP], data: list[Tensor], held: list[Tensor] | None
) -> None:
    """Train all networks of emulators of one architecture at once, and hand them out."""
    config: MLPConfig = emulators[0].config
    data, held = with_validation(data, held, config)
    size = config.ensemble
    draws = [g for e in emulators for g in training.generators(e.config.seed, size)]
    network = emulators[0]._build(data[0].shape[1], data[1].shape[1], len(draws))
    network.reset(config.init, draws)
    if (start := emulators[0].start) is not None:
        begin_with(network, start.network_, emulators[0].name, copies=len(emulators))

    def each(name: str) -> Tensor | None:
        values = [getattr(e.config, name) for e in emulators for _ in range(size)]
        return torch.tensor(values) if len(set(values)) > 1 else None

    with training.quick_products():
        history = training.train(
            network,
            regression_loss(config.loss, data[1]),
            data,
            config,
            models=len(draws),
            draws=draws,
            validation=held,
            rates=each("learning_rate"),
            decays=each("weight_decay"),
        )
    for i, emulator in enumerate(emulators):
        own = slice(i * size, (i + 1) * size)
        emulator.network_ = emulator._build(network.n_in, network.n_out, size)
        state = {key: value[own] for key, value in network.state_dict().items()}
        emulator.network_.load_state_dict(state)
        emulator.history_ = history.table(own)
        emulator.best_epoch_ = history.best_epoch[own].numpy()
        emulator.spread_factor_ = 1.0
        if held is not None and size > 1 and emulator.config.calibrate:
            mean, std = emulator._predict(held[0].numpy())
            if std is not None:
                emulator.spread_factor_ = spread_factor(held[1].numpy() - mean, std)


class _LaterLayers(Copies):
    """Everything after the first linear map, averaged over the networks."""

    def __call__(self, z: Tensor) -> Tensor:
        network: layers.MLP = self.like(z)
        per_model = z.reshape(-1, network.models, z.shape[-1] // network.models).transpose(0, 1)
        every = network.after_first(per_model)
        mean = every[0] if network.models == 1 else every.mean(0)
        return mean.reshape(*z.shape[:-1], network.n_out)
