"""Neural network component analysis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from xreg.core.arrays import Array
from xreg.core.decomposers.linear import LinearDecomposer, embedded
from xreg.core.interfaces import Emulator, State, TorchView
from xreg.core.nn import training
from xreg.core.nn.bottleneck import Bottleneck, Orthonormal, fit_bottleneck
from xreg.core.nn.layers import MLP
from xreg.core.nn.weights import stored, taken
from xreg.plugins.nnca.plugin import NNCAConfig

__all__ = ["NNCA"]


class NNCA(LinearDecomposer[NNCAConfig]):
    r"""Directions of feature space and the network that predicts spectra from them alone.

    Passilahti, Vladyka & Niskanen, arXiv:2406.14044 (2024): the encoder is one linear map
    :math:`t = V x` with orthonormal rows, without bias or activation, trained jointly with a
    perceptron from the k scores to the spectrum; of several random starts the best is kept. This
    fixes the space that the vectors span, not the vectors. A second training therefore turns the
    basis within it: orthonormal directions of the k scores, of which the first 1, 2, … k - 1 feed a
    decoder each, so that the first vector covers as much of the spectra as one can, and so on. Each
    rank has its own decoder.

    Attributes
    ----------
    start_r2_
        (starts,) R² of each start with all k scores, by which one was chosen.
    decoders_
        The networks for the first 1…k scores.
    """

    name: ClassVar[str] = "nnca"
    Config = NNCAConfig
    needs_emulator: ClassVar[bool] = False
    start_r2_: Array
    decoders_: nn.ModuleList

    def fit(self, X: ArrayLike, Y: ArrayLike, emulator: Emulator | None = None) -> Self:
        """Find the vectors for (n, d) standardised features and (n, m) scaled targets.

        Raises
        ------
        DataError
            If there are fewer features than vectors, or the targets do not vary.
        RunError
            If training diverges.
        """
        x, y = self._clean(X, Y)
        varying = self._varying(x)
        moved = x[:, varying]
        whole, self.start_r2_ = self._train(moved, y, [self.config.rank], "NNCA")
        axes = _axes(whole)
        decoders, seen = [whole.decoders[0]], [axes]
        basis = axes
        if self.config.rank > 1:
            lower = range(1, self.config.rank)
            inner, _ = self._train(moved @ axes, y, lower, "NNCA order")
            turn = _axes(inner)
            decoders = [*inner.decoders, *decoders]
            seen = [*(axes @ turn[:, :j] for j in lower), *seen]
            # The complete QR adds the one direction of the space that all others leave.
            basis = axes @ np.linalg.qr(turn, mode="complete")[0]
        self.emulator = emulator
        self._keep(embedded(basis.T, varying), np.where(varying, 0.0, x[0]), x)
        for j, (decoder, old) in enumerate(zip(decoders, seen, strict=True), 1):
            # Scores on the axes of training are linear in those on the finished ones.
            assert isinstance(decoder, MLP)
            weight = decoder.first.weight
            weight.copy_(torch.tensor(self.components_[:j, varying] @ old) @ weight)
        self.decoders_ = nn.ModuleList(decoders)
        return self

    def _train(self, x: Array, y: Array, ranks: Any, task: str) -> tuple[Bottleneck, Array]:
        """Return orthonormal axes of (n, d) features, as many as the highest rank, and decoders."""

        def build(models: int) -> Bottleneck:
            encoder = Orthonormal(models, x.shape[1], max(ranks))
            return Bottleneck(encoder, [self._build(j, y.shape[1], models) for j in ranks])

        return fit_bottleneck(build, x, y, self.config, task)

    def _build(self, n_in: int, n_out: int, models: int = 1) -> MLP:
        widths = self.config.decoder(n_out)
        return MLP(n_in, widths, n_out, models=models, activation=self.config.activation)

    @torch.no_grad()
    def decode(self, t: ArrayLike) -> Array:
        """Return the (n, m) spectra of the first j scores (n, j), by the network of that rank."""
        self.require_fitted()
        scores = torch.tensor(self._scores(t))
        with training.threads(self.config.threads):
            return np.asarray(self.decoders_[scores.shape[1] - 1](scores)[0])

    def _torch_decode(self) -> TorchView:
        decoder = self.decoders_[-1]
        return lambda t: decoder(t)[0]

    def state(self) -> State:
        """Return basis and weights."""
        self.require_fitted()
        values, arrays = super().state()
        decoders = values.pop("decoders_")
        values["n_targets"] = decoders[-1].n_out
        return values, arrays | stored(decoders, "decoders")

    def restore(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what :meth:`state` returned."""
        weights, others = taken(arrays, "decoders")
        super().restore({}, others)
        self.decoders_ = nn.ModuleList(
            self._build(j, values["n_targets"]) for j in range(1, self.rank + 1)
        )
        self.decoders_.load_state_dict(weights, assign=True)
        self.decoders_.requires_grad_(False).eval()


def _axes(network: Bottleneck) -> Array:
    """Return the (d, k) orthonormal axes of an encoder."""
    assert isinstance(network.encoder, Orthonormal)
    return np.asarray(network.encoder.weight[0])
